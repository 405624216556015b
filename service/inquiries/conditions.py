"""An inquiry as conditions on entries."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, literal, or_, select, tuple_, union

from service.inquiries.asking import Inquiry
from service.tables import AuditEntry, DetailText, Patient, Photograph, Release, UtcDateTime

Condition = ColumnElement[bool]
Key = tuple[datetime, str]  # an entry's place in time: when it occurred, and its id
COMBINED: Final = (AuditEntry.actor, AuditEntry.action, AuditEntry.outcome)
AE_DETAILS: Final = ("called_ae", "calling_ae", "destination")


def all_of(inquiry: Inquiry, before: Key | None = None) -> list[Condition]:
    """Everything that an entry must fulfil, and that it comes before a place in time."""
    conditions = [*equal(inquiry), *span(inquiry, before)]
    if inquiry.ae is not None:
        conditions.append(or_(*(source for source in sources(inquiry) if source is not None)))
    if concerns_photographs(inquiry):
        conditions.append(AuditEntry.id.in_(_about(inquiry)))
    return conditions


def concerns_photographs(inquiry: Inquiry) -> bool:
    asked = (inquiry.patient, inquiry.study, inquiry.sop_instance, inquiry.photograph)
    return any(value is not None for value in asked)


def sources(inquiry: Inquiry) -> list[Condition | None]:
    """Conditions that an index begins with, one of which holds: an AE title may stand in several places of an entry."""
    if inquiry.ae is None:
        return [None]
    return [AuditEntry.actor == inquiry.ae, *(DetailText(key) == inquiry.ae for key in AE_DETAILS)]


def equal(inquiry: Inquiry) -> list[Condition]:
    asked = [(column, getattr(inquiry, column.key)) for column in COMBINED]
    return [column == value for column, value in asked if value is not None]


def span(inquiry: Inquiry, before: Key | None) -> list[Condition]:
    conditions: list[Condition] = []
    if inquiry.since is not None:
        conditions.append(AuditEntry.occurred_at >= inquiry.since)
    if inquiry.until is not None:
        conditions.append(AuditEntry.occurred_at < inquiry.until)
    if before is not None:
        place = tuple_(literal(before[0], UtcDateTime()), literal(before[1]))
        conditions.append(tuple_(AuditEntry.occurred_at, AuditEntry.id) < place)
    return conditions


def _about(inquiry: Inquiry) -> Any:
    """The ids of entries about the photographs that are meant, and about the patient as such."""
    if inquiry.photograph is not None:
        about = select(AuditEntry.id).where(AuditEntry.photograph_id == inquiry.photograph)
        alone = (inquiry.patient, inquiry.study, inquiry.sop_instance) == (None, None, None)
        return about if alone else about.where(AuditEntry.photograph_id.in_(_photographs(inquiry)))
    about = select(AuditEntry.id).where(AuditEntry.photograph_id.in_(_photographs(inquiry)))
    if inquiry.study is not None or inquiry.sop_instance is not None:
        return about
    return union(about, select(AuditEntry.id).where(DetailText("pseudonym") == inquiry.patient))


def _photographs(inquiry: Inquiry) -> Select[Any]:
    query = select(Photograph.id)
    if inquiry.patient is not None:
        patients = select(Patient.id).where(Patient.pseudonym == inquiry.patient)
        query = query.where(Photograph.patient_id.in_(patients))
    if (study := inquiry.study) is not None:
        query = query.where(or_(Photograph.study_instance_uid == study, Photograph.study_alias == study))
    if (uid := inquiry.sop_instance) is not None:
        received = select(Photograph.id).where(Photograph.sop_instance_uid == uid)
        released = select(Release.photograph_id).where(Release.sop_instance_uid == uid)
        query = query.where(Photograph.id.in_(union(received, released)))
    return query
