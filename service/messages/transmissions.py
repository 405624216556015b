"""How far the audit was sent to each repository: one leased row each, so that two processes never both send.

A lease that is left behind after a failure is the pause before the next try, also over a restart. What happens
between two outcomes is on record once: the first failure, and the first success after it.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from service import audit
from service.audit import Action, Outcome
from service.database import Database, insert_if_absent
from service.errors import LeaseLost
from service.tables import AuditLeaf, AuditTransmission, utc_now

ACTOR: Final = "reporter"
LEASE: Final = timedelta(minutes=5)  # longer than a batch can take
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=1)
_LENGTH: Final = 500  # of last_error


@dataclass(frozen=True)
class Turn:
    """The right to send to one repository, from `position` on, until the lease ends."""

    repository: str
    token: str
    position: int


def take(database: Database, repository: str, now: datetime | None = None) -> Turn | None:
    """Begin to send; None when nothing waits, while somebody else sends, or while a pause after a failure lasts."""
    now, token = now or utc_now(), secrets.token_hex(16)
    row = AuditTransmission
    with database.read() as session:
        if backlog(session, repository) == 0:
            return None
    with database.transaction() as session:
        insert_if_absent(session, row, ("repository",), {"repository": repository})
        free = or_(row.lease_until.is_(None), row.lease_until <= now)
        statement = update(row).where(row.repository == repository, free)
        position = session.scalar(statement.values(lease_until=now + LEASE, lease_token=token).returning(row.position))
    return None if position is None else Turn(repository, token, position)


def backlog(session: Session, repository: str) -> int:
    """How many sealed entries the repository does not have yet."""
    last = session.scalar(select(func.max(AuditLeaf.position)))
    position = session.scalar(select(AuditTransmission.position).where(AuditTransmission.repository == repository))
    return 0 if last is None else last + 1 - (position or 0)


def succeed(database: Database, turn: Turn, position: int, spoken: bool, now: datetime | None = None) -> None:
    """Give the turn back with everything before `position` sent; `spoken` when the repository took part."""
    now = now or utc_now()
    with database.transaction() as session:
        row = _held(session, turn)
        row.position = position
        row.lease_until = row.lease_token = None
        if spoken:
            if row.failing_since is not None:
                _record(session, Action.REPOSITORY_REACHABLE, Outcome.SUCCESS, turn, {"duration_ms": _ms(row, now)})
            row.sent_at, row.failing_since, row.last_error = now, None, None


def fail(database: Database, turn: Turn, problem: str, now: datetime | None = None) -> timedelta:
    """Give the turn back unchanged; the pause until the next try, as long as it has failed for, within bounds."""
    now = now or utc_now()
    with database.transaction() as session:
        row = _held(session, turn)
        if row.failing_since is None:
            row.failing_since = now
            _record(session, Action.REPOSITORY_UNREACHABLE, Outcome.FAILURE, turn, {"error": problem})
        pause = min(max(now - row.failing_since, SHORTEST_PAUSE), LONGEST_PAUSE)
        row.last_error = problem[:_LENGTH]
        row.lease_until, row.lease_token = now + pause, None
    return pause


def _held(session: Session, turn: Turn) -> AuditTransmission:
    """The row, locked; LeaseLost when another process has taken over."""
    query = select(AuditTransmission).where(AuditTransmission.repository == turn.repository).with_for_update()
    row = session.scalars(query).one()
    if row.lease_token != turn.token:
        raise LeaseLost(f"The audit repository {turn.repository} is being sent to by another process.")
    return row


def _ms(row: AuditTransmission, now: datetime) -> int:
    return 0 if row.failing_since is None else int((now - row.failing_since).total_seconds() * 1000)


def _record(session: Session, action: Action, outcome: Outcome, turn: Turn, details: dict[str, object]) -> None:
    audit.record(session, action, actor=ACTOR, outcome=outcome, details={"repository": turn.repository, **details})
