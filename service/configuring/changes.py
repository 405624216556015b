"""A person changes the configuration in the console: checked as a whole, on record, and never taken back silently.

review(gateway, content)                              # problems and warnings, nothing saved
save(gateway, base_version, content, person, reason)  # NotSaved, Outdated
restore(gateway, base_version, version, person, reason)
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Executable, func, select
from sqlalchemy.orm import Session

from service import audit
from service.audit import Action
from service.configuration import Content, Live, content_of, merge, newest_version
from service.configuring.checks import problems_of, read_content, warnings_of
from service.configuring.differences import Change, differences
from service.database import Database, insert_if_absent
from service.errors import ConfigurationError, VeraGateError
from service.settings import Settings
from service.states import DeliveryState, PhotographState
from service.tables import Configuration, Delivery, HeldResult, Photograph, utc_now

LONGEST_REASON: Final = 500


class NotSaved(VeraGateError):
    """The person mends what `problems` name, one sentence each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class Outdated(VeraGateError):
    """Somebody else saved a version in between; look at it and change again."""


@dataclass(frozen=True)
class Review:
    """What stands against a configuration, and what its author should know; one sentence each."""

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Version:
    """One entry of the history; `changes` lead from the version before to this one."""

    number: int
    person: str
    reason: str
    created_at: datetime
    changes: tuple[Change, ...]


def review(live: Live, database: Database, values: dict[str, Any]) -> Review:
    """Everything about `values` (senders, destinations, routes as in the file) that saving them would say."""
    live.refresh()
    with database.read() as session:
        return _review(session, live, values)


def save(live: Live, database: Database, base: int, values: dict[str, Any], person: str, reason: str) -> Review:
    """Make `values` the newest version, after the version `base` that the person looked at.

    Raises NotSaved with everything that stands against it, Outdated when `base` is not the newest version any more.
    """
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise NotSaved((f"A change needs a reason of at most {LONGEST_REASON} characters.",))
    live.refresh()
    with database.transaction() as session:
        found = _review(session, live, values)
        if found.problems:
            raise NotSaved(found.problems)
        _append(session, base, read_content(values)[0], person, reason.strip())
    live.refresh()
    return found


def restore(live: Live, database: Database, base: int, version: int, person: str, reason: str) -> Review:
    """Make what an older version holds the newest one."""
    with database.read() as session:
        content = content_of(session, version)
    return save(live, database, base, content.stored(), person, reason)


def history(session: Session, limit: int = 50) -> list[Version]:
    """The newest versions first."""
    query = select(Configuration).order_by(Configuration.version.desc()).limit(limit + 1)
    rows = list(session.scalars(query))
    before = [row.content for row in rows[1:]] + ([Content().stored()] if len(rows) <= limit else [])
    return [
        Version(row.version, row.person, row.reason, row.created_at, differences(older, row.content))
        for row, older in zip(rows, before, strict=False)
    ]


def stranded(session: Session, settings: Settings) -> dict[str, int]:
    """Deliveries that wait for a destination which is configured nowhere, by its name."""
    configured = [destination.name for destination in settings.destinations]
    query = select(Delivery.destination, func.count()).where(
        Delivery.state == DeliveryState.PENDING, Delivery.destination.not_in(configured)
    )
    return _counts(session, query.group_by(Delivery.destination))


def _review(session: Session, live: Live, values: dict[str, Any]) -> Review:
    content, problems = read_content(values)
    if not problems:
        problems = problems_of(live.file, content)
    if problems:
        return Review(tuple(problems))
    try:
        after = merge(live.file, content)
    except ConfigurationError as error:
        return Review((str(error),))
    before = live.current()
    return Review(tuple(_in_use(session, before, after)), (*warnings_of(after), *_left_behind(session, before, after)))


def _in_use(session: Session, before: Settings, after: Settings) -> list[str]:
    """A destination that something is on its way to stays until it has arrived."""
    waiting = _deliveries(session, DeliveryState.PENDING)
    return [
        f"The destination '{name}' cannot be removed while {_count(waiting[name], 'delivery', 'deliveries')} to it "
        f"{'waits' if waiting[name] == 1 else 'wait'}."
        for name in _gone(before.destinations, after.destinations)
        if name in waiting
    ]


def _left_behind(session: Session, before: Settings, after: Settings) -> list[str]:
    """What waits for a person and would have nowhere to go."""
    parked = _deliveries(session, DeliveryState.PARKED)
    found = [
        f"{_count(parked[name], 'parked delivery', 'parked deliveries')} to '{name}' cannot be tried again without it."
        for name in _gone(before.destinations, after.destinations)
        if name in parked
    ]
    held = select(Photograph.route, func.count()).join(HeldResult, HeldResult.photograph_id == Photograph.id)
    query = held.where(Photograph.state == PhotographState.QUARANTINED).group_by(Photograph.route)
    by_route = _counts(session, query)
    return found + [
        f"{_count(by_route[name], 'held photograph', 'held photographs')} took the route '{name}' and cannot be "
        "released without it; a retry finds another route."
        for name in _gone(before.routes, after.routes)
        if name in by_route
    ]


def _deliveries(session: Session, state: DeliveryState) -> dict[str, int]:
    query = select(Delivery.destination, func.count()).where(Delivery.state == state).group_by(Delivery.destination)
    return _counts(session, query)


def _counts(session: Session, query: Executable) -> dict[str, int]:
    return dict(row._tuple() for row in session.execute(query))


def _gone(before: tuple[Any, ...], after: tuple[Any, ...]) -> list[str]:
    kept = {entry.name for entry in after}
    return [entry.name for entry in before if entry.name not in kept]


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _append(session: Session, base: int, content: Content, person: str, reason: str) -> None:
    newest = newest_version(session)
    if newest != base:
        raise Outdated(_outdated(session, newest))
    before, after = content_of(session, base).stored(), content.stored()
    changes = differences(before, after)
    if not changes:
        raise NotSaved(("Nothing was changed.",))
    values = {"version": base + 1, "content": after, "person": person, "reason": reason, "created_at": utc_now()}
    if not insert_if_absent(session, Configuration, ("version",), values):
        raise Outdated(_outdated(session, base + 1))
    details = {"version": base + 1, "reason": reason, "changes": [str(change) for change in changes]}
    audit.record(session, Action.CONFIGURATION_CHANGED, actor=person, details=details)


def _outdated(session: Session, version: int) -> str:
    row = session.get(Configuration, version)
    who = f" by {row.person}" if row is not None else ""
    return f"Version {version} was saved{who} in the meantime; look at it and make your change again."
