"""An inquiry as conditions on entries."""

from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, literal, or_, select, tuple_, union
from sqlalchemy.orm import InstrumentedAttribute

from service.inquiries.asking import Inquiry
from service.tables import AuditEntry, DetailText, Patient, Photograph, Release, UtcDateTime

Condition = ColumnElement[bool]
Key = tuple[datetime, str]  # an entry's place in time: when it occurred, and its id
COMBINED: Final = (AuditEntry.actor, AuditEntry.action, AuditEntry.outcome)
AE_DETAILS: Final = ("called_ae", "calling_ae", "destination")


class Source(NamedTuple):
    """Conditions that an index begins with, and the columns that it goes on with until the time."""

    fixed: list[Condition]
    columns: tuple[InstrumentedAttribute[str], ...]


def all_of(inquiry: Inquiry) -> list[Condition]:
    """Everything that an entry must fulfil."""
    conditions = beside_photographs(inquiry)
    if alternatives := about(inquiry):
        ids = union(*(select(AuditEntry.id).where(condition) for condition in alternatives))
        conditions.append(AuditEntry.id.in_(ids))
    return conditions


def beside_photographs(inquiry: Inquiry, before: Key | None = None) -> list[Condition]:
    """Everything but which photographs it is about."""
    conditions = [*equal(inquiry), *span(inquiry, before)]
    if inquiry.ae is not None:
        conditions.append(or_(*_with_ae(inquiry)))
    return conditions


def about(inquiry: Inquiry) -> list[Condition]:
    """Conditions one of which holds for entries about the photographs meant, or the patient as such; none, if none."""
    asked = (inquiry.patient, inquiry.study, inquiry.sop_instance)
    if inquiry.photograph is not None:
        meant = AuditEntry.photograph_id == inquiry.photograph
        return [meant if asked == (None, None, None) else meant & AuditEntry.photograph_id.in_(_photographs(inquiry))]
    if asked == (None, None, None):
        return []
    of_photographs = AuditEntry.photograph_id.in_(_photographs(inquiry))
    if inquiry.study is not None or inquiry.sop_instance is not None:
        return [of_photographs]
    return [of_photographs, DetailText("pseudonym") == inquiry.patient]


def sources(inquiry: Inquiry) -> list[Source]:
    """Where indexes hold the answer: every entry of it is in one of these, as an AE title stands in several places."""
    actor = [] if inquiry.actor is None else [AuditEntry.actor == inquiry.actor]
    if inquiry.ae is None:
        return [Source(actor, COMBINED[1:])]
    by_actor, *by_detail = _with_ae(inquiry)
    rest = COMBINED[1:] if actor else COMBINED
    return [Source([by_actor, *actor], COMBINED[1:]), *(Source([detail, *actor], rest) for detail in by_detail)]


def _with_ae(inquiry: Inquiry) -> list[Condition]:
    return [AuditEntry.actor == inquiry.ae, *(DetailText(key) == inquiry.ae for key in AE_DETAILS)]


def equal(inquiry: Inquiry) -> list[Condition]:
    asked = [(column, getattr(inquiry, column.key)) for column in COMBINED]
    return [column == value for column, value in asked if value is not None]


def span(inquiry: Inquiry, before: Key | None) -> list[Condition]:
    """Of the two ends that a page may have only the earlier one: an index begins its walk at one of them."""
    conditions: list[Condition] = []
    if inquiry.since is not None:
        conditions.append(AuditEntry.occurred_at >= inquiry.since)
    if before is not None and (inquiry.until is None or before[0] < inquiry.until):
        place = tuple_(literal(before[0], UtcDateTime()), literal(before[1]))
        conditions.append(tuple_(AuditEntry.occurred_at, AuditEntry.id) < place)
    elif inquiry.until is not None:
        conditions.append(AuditEntry.occurred_at < inquiry.until)
    return conditions


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
