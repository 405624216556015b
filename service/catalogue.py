"""Photographs found again: by what stands for the patient, by study, by where they came from and went, by state.

    page = search(session, Query(source="CAMERA", state="QUARANTINED"), limit=50)
    page = search(session, query, after=page.after)       # the next 50, however many came in between
    history(session, photograph_id)                       # one photograph from reception to delivery

A study and an object can be asked for under their UIDs of either side; what is given out never holds an original one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, exists, select, tuple_
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from service.cursors import cursor, parse_cursor
from service.decisions import get_photograph
from service.states import DeliveryState, PhotographState
from service.tables import AuditEntry, Delivery, HeldResult, Patient, Photograph, Proposal, Release

MOST: Final = 500
_FEW: Final = 20_000  # deliveries
_MOST_OF_ONE: Final = 5000  # photographs of one study or under one UID


@dataclass(frozen=True)
class Query:
    """What every photograph found has in common; None asks for nothing."""

    pseudonym: str | None = None
    study: str | None = None  # Study Instance UID, of either side
    instance: str | None = None  # SOP Instance UID, of either side
    source: str | None = None  # calling AE title
    destination: str | None = None
    state: str | None = None  # PARKED: a destination refused it for good
    cause: str | None = None
    view: str | None = None  # as `service.views.describe` says it
    since: datetime | None = None
    until: datetime | None = None  # exclusive


@dataclass(frozen=True)
class Line:
    """One photograph in a list; `places` are destinations and how far each delivery is."""

    id: str
    state: str
    cause: str | None
    view: str | None
    route: str | None
    source: str
    received_at: datetime
    pseudonym: str | None
    study_alias: str | None
    places: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Page:
    """The newest photographs that were asked for; `after` asks for those before them, None when these were the last."""

    lines: Sequence[Line]
    after: str | None


@dataclass(frozen=True)
class History:
    """Everything on record about one photograph, the audit's entries in their order."""

    photograph: Photograph
    pseudonym: str | None
    finished: Release | HeldResult | None
    proposal: Proposal | None
    deliveries: Sequence[Delivery]
    entries: Sequence[AuditEntry]

    @property
    def released(self) -> Release | None:
        return self.finished if isinstance(self.finished, Release) else None


def search(session: Session, query: Query, after: str | None = None, limit: int = 50) -> Page:
    """One page, the newest first. Raises VeraGateError for a cursor that no page gave out."""
    limit = min(max(limit, 1), MOST)
    conditions = _conditions(session, query)
    if after is not None:
        conditions.append(tuple_(Photograph.received_at, Photograph.id) < parse_cursor(after))
    newest = _lines().where(*conditions).order_by(Photograph.received_at.desc(), Photograph.id.desc())
    found = [Line(*row) for row in session.execute(newest.limit(limit + 1))]
    lines = _with_places(session, found[:limit])
    more = len(found) > limit
    return Page(lines, cursor((lines[-1].received_at, lines[-1].id)) if more else None)


def history(session: Session, photograph_id: str) -> History:
    """Raises VeraGateError when there is no such photograph."""
    photograph = get_photograph(session, photograph_id)
    patient = session.get(Patient, photograph.patient_id) if photograph.patient_id else None
    deliveries = select(Delivery).join(Release).where(Release.photograph_id == photograph_id)
    entries = select(AuditEntry).where(AuditEntry.photograph_id == photograph_id)
    return History(
        photograph=photograph,
        pseudonym=patient.pseudonym if patient else None,
        finished=finished_of(session, photograph_id),
        proposal=session.get(Proposal, photograph_id),
        deliveries=session.scalars(deliveries.order_by(Delivery.destination)).all(),
        entries=session.scalars(entries.order_by(AuditEntry.occurred_at, AuditEntry.id)).all(),
    )


def finished_of(session: Session, photograph_id: str) -> Release | HeldResult | None:
    """Its cleaned object: released, or held back."""
    release = session.scalar(select(Release).where(Release.photograph_id == photograph_id))
    return release or session.scalar(select(HeldResult).where(HeldResult.photograph_id == photograph_id))


def of_study(session: Session, photograph: Photograph) -> Sequence[Line]:
    """The photographs of the study that this one belongs to, as they arrived; only itself where it names none."""
    same = Photograph.id == photograph.id
    if photograph.study_instance_uid is not None:
        same = Photograph.study_instance_uid == photograph.study_instance_uid
    rows = session.execute(_lines().where(same).order_by(Photograph.received_at, Photograph.id).limit(_MOST_OF_ONE))
    return _with_places(session, [Line(*row) for row in rows])


def _lines() -> Select[*tuple[Any, ...]]:
    columns = (Photograph.view, Photograph.route, Photograph.calling_ae, Photograph.received_at)
    return select(
        Photograph.id, Photograph.state, Photograph.cause, *columns, Patient.pseudonym, Photograph.study_alias
    ).join(Patient, Patient.id == Photograph.patient_id, isouter=True)


def _conditions(session: Session, query: Query) -> list[ColumnElement[bool]]:
    same = {
        Photograph.calling_ae: query.source,
        Photograph.view: query.view,
    }
    conditions = [column == value for column, value in same.items() if value is not None]
    if query.cause is not None:  # only what is held has one
        conditions += [Photograph.state == PhotographState.QUARANTINED, Photograph.cause == query.cause]
    if query.state == DeliveryState.PARKED:
        parked = select(Release.photograph_id).join(Delivery).where(Delivery.state == DeliveryState.PARKED)
        conditions.append(Photograph.id.in_(parked))
    elif query.state is not None:
        conditions.append(Photograph.state == query.state)
    if query.since is not None:
        conditions.append(Photograph.received_at >= query.since)
    if query.until is not None:
        conditions.append(Photograph.received_at < query.until)
    if query.destination is not None:
        conditions.append(_went_to(session, query.destination))
    # What names few photographs is looked up first: a planner that cannot tell would read the newest million.
    if query.pseudonym is not None:
        patient_id = session.scalar(select(Patient.id).where(Patient.pseudonym == query.pseudonym))
        conditions.append(Photograph.patient_id == (patient_id or ""))
    for uid, ids in ((query.study, _ids_of_study), (query.instance, _ids_of_instance)):
        if uid is not None:
            conditions.append(Photograph.id.in_(ids(session, uid)))
    return conditions


def _ids_of_study(session: Session, uid: str) -> list[str]:
    return [
        row
        for column in (Photograph.study_alias, Photograph.study_instance_uid)
        for row in session.scalars(select(Photograph.id).where(column == uid).limit(_MOST_OF_ONE))
    ]


def _ids_of_instance(session: Session, uid: str) -> list[str]:
    inside = select(Photograph.id).where(Photograph.sop_instance_uid == uid).limit(_MOST_OF_ONE)
    outside = (select(table.photograph_id).where(table.sop_instance_uid == uid) for table in (Release, HeldResult))
    return [row for each in (inside, *outside) for row in session.scalars(each)]


def _went_to(session: Session, destination: str) -> ColumnElement[bool]:
    """From its deliveries where they are few; where they are many, the newest photographs are soon among them."""
    there = select(Release.photograph_id).join(Delivery).where(Delivery.destination == destination)
    few = select(Delivery.id).where(Delivery.destination == destination).limit(_FEW + 1)
    if len(session.scalars(few).all()) <= _FEW:
        return Photograph.id.in_(there)
    return exists(there.where(Release.photograph_id == Photograph.id))


def _with_places(session: Session, lines: Sequence[Line]) -> list[Line]:
    query = select(Release.photograph_id, Delivery.destination, Delivery.state).join(Delivery)
    places: dict[str, list[tuple[str, str]]] = {}
    for photograph_id, *place in session.execute(query.where(Release.photograph_id.in_([line.id for line in lines]))):
        places.setdefault(photograph_id, []).append((place[0], place[1]))
    return [replace(line, places=tuple(sorted(places.get(line.id, [])))) for line in lines]
