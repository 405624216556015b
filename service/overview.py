"""How the gateway is doing, in one snapshot: what waits and for how long, what failed, what it runs on.

Nothing in it is patient data. It is read often and by many, so it counts only what is unfinished; how much was
done comes from the tallies.
"""

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service import tallies
from service.audit import Action
from service.errors import VeraGateError
from service.presence import SILENT
from service.settings import Settings
from service.states import DeliveryState, PhotographState
from service.tables import AuditCheckpoint, AuditEntry, AuditPending, Delivery, Photograph, Process, utc_now

HOURS: Final = 24
UNFINISHED: Final = (
    PhotographState.RECEIVED,
    PhotographState.DEIDENTIFIED,
    PhotographState.QUARANTINED,
    PhotographState.FAILED,
)
_TROUBLE: Final = (
    Action.PHOTOGRAPH_QUARANTINED,
    Action.PHOTOGRAPH_FAILED,
    Action.DELIVERY_PARKED,
    Action.DELIVERY_RETRIED,
    Action.ASSOCIATION_REFUSED,
    Action.REPOSITORY_UNREACHABLE,
)
_TROUBLES: Final = 8


@dataclass(frozen=True)
class Stage:
    """Photographs in one unfinished state; `oldest` is when the one that waits longest was received."""

    state: str
    count: int
    oldest: datetime | None


@dataclass(frozen=True)
class Place:
    """A destination: what is on its way there, what it refused, what arrived in the last day."""

    name: str
    pending: int
    parked: int
    delivered: int
    oldest: datetime | None
    problem: str | None


@dataclass(frozen=True)
class Trouble:
    """Something that went wrong, from the audit."""

    at: datetime
    action: str
    photograph_id: str | None
    actor: str
    cause: str | None
    reason: str | None
    destination: str | None


@dataclass(frozen=True)
class Overview:
    made_at: datetime
    stages: dict[str, Stage]
    received: list[int]  # by the hour, the oldest first
    released: list[int]
    held: list[int]
    delivered: list[int]
    places: list[Place]
    troubles: list[Trouble]
    processes: list[Process]
    silent: list[Process]
    disk_free: int
    disk_total: int
    disk_low: bool
    unsealed: int
    seal_age: float | None  # seconds that the oldest unsealed entry waits, None when everything is sealed
    seal_stalled: bool
    sealed_at: datetime | None

    @property
    def waiting(self) -> Stage:
        """What was acknowledged and not released yet: the first figure to look at."""
        return self.stages[PhotographState.RECEIVED]

    @property
    def desk(self) -> int:
        return sum(self.stages[state].count for state in (PhotographState.QUARANTINED, PhotographState.FAILED))


def overview(session: Session, settings: Settings) -> Overview:
    """Read the snapshot; costs milliseconds however many photographs are finished."""
    now = utc_now()
    processes = session.scalars(select(Process).order_by(Process.role, Process.host, Process.pid)).all()
    alive = [process for process in processes if process.seen_at > now - SILENT]
    free, total = _disk(settings)
    waiting, sealed_at = _unsealed(session), _sealed_at(session)
    seal_age = None if waiting[1] is None else (now - waiting[1]).total_seconds()
    return Overview(
        made_at=now,
        stages={state: _stage(session, state) for state in UNFINISHED},
        received=tallies.by_hour(session, tallies.RECEIVED, HOURS),
        released=tallies.by_hour(session, tallies.RELEASED, HOURS),
        held=tallies.by_hour(session, tallies.QUARANTINED, HOURS),
        delivered=tallies.by_hour(session, tallies.DELIVERED, HOURS),
        places=_places(session, settings),
        troubles=_troubles(session),
        processes=alive,
        silent=[process for process in processes if process not in alive],
        disk_free=free,
        disk_total=total,
        disk_low=free < settings.limits.min_free_disk_megabytes << 20,
        unsealed=waiting[0],
        seal_age=seal_age,
        seal_stalled=seal_age is not None and seal_age > settings.audit.stalled_seconds,
        sealed_at=sealed_at,
    )


def _stage(session: Session, state: PhotographState) -> Stage:
    query = select(func.count(), func.min(Photograph.received_at)).where(Photograph.state == state)
    count, oldest = session.execute(query).one()
    return Stage(state, count, oldest)


def _places(session: Session, settings: Settings) -> list[Place]:
    done = tallies.sums(session, utc_now() - timedelta(hours=HOURS))
    return [
        _place(session, destination.name, done.get((tallies.DELIVERED, destination.name), tallies.Sum(0, 0)).times)
        for destination in settings.destinations
    ]


def _place(session: Session, name: str, delivered: int) -> Place:
    def waiting(state: DeliveryState) -> tuple[int, datetime | None]:
        query = select(func.count(), func.min(Delivery.changed_at))
        count, oldest = session.execute(query.where(Delivery.destination == name, Delivery.state == state)).one()
        return count, oldest

    pending, oldest = waiting(DeliveryState.PENDING)
    parked, _ = waiting(DeliveryState.PARKED)
    problem = None
    if pending or parked:
        unfinished = (DeliveryState.PENDING, DeliveryState.PARKED)
        query = select(Delivery.last_error).where(Delivery.destination == name, Delivery.state.in_(unfinished))
        newest = query.where(Delivery.last_error.is_not(None)).order_by(Delivery.changed_at.desc()).limit(1)
        problem = session.scalar(newest)
    return Place(name, pending, parked, delivered, oldest, problem)


def _troubles(session: Session) -> list[Trouble]:
    """The newest of each kind from its index, then the newest of all."""
    found: list[AuditEntry] = []
    for action in _TROUBLE:
        newest = select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.occurred_at.desc())
        found += session.scalars(newest.limit(_TROUBLES))
    found.sort(key=lambda entry: entry.occurred_at, reverse=True)
    return [_trouble(entry) for entry in found[:_TROUBLES]]


def _trouble(entry: AuditEntry) -> Trouble:
    details = entry.details
    return Trouble(
        at=entry.occurred_at,
        action=entry.action,
        photograph_id=entry.photograph_id,
        actor=entry.actor,
        cause=details.get("cause"),
        reason=details.get("reason"),
        destination=details.get("destination"),
    )


def _disk(settings: Settings) -> tuple[int, int]:
    """(free, total) bytes where photographs are kept."""
    try:
        usage = shutil.disk_usage(settings.data_folder)
    except OSError as error:
        raise VeraGateError("The data folder cannot be reached.") from error
    return usage.free, usage.total


def _unsealed(session: Session) -> tuple[int, datetime | None]:
    query = select(func.count(), func.min(AuditEntry.occurred_at)).select_from(AuditPending)
    count, oldest = session.execute(query.join(AuditEntry, AuditEntry.id == AuditPending.entry_id)).one()
    return count, oldest


def _sealed_at(session: Session) -> datetime | None:
    query = select(AuditCheckpoint.sealed_at).order_by(AuditCheckpoint.batch.desc()).limit(1)
    return session.scalar(query)
