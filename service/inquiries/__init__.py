"""Questions to the audit: who did what to which photograph, when, and how it ended; the newest entries first."""

from service.inquiries.asking import Inquiry
from service.inquiries.conditions import all_of
from service.inquiries.paging import MOST, Page, search

__all__ = ["MOST", "Inquiry", "Page", "all_of", "search"]
