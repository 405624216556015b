"""The job table: claim, finish, fail, renew. Nobody else writes attempts, not_before and the lease.

A row is due when it is in the wanted state, its not_before has come, and nobody holds a lease on it.
A claim gives a token; every later write of the job must show it. When the lease ran out and
another worker claimed the row, the token differs, the late worker gets LeaseLost and writes nothing.
Attempts count before the work starts, so work that kills its process is counted too.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, Update, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from service.errors import LeaseLost
from service.tables import Delivery, Photograph, utc_now

Job = type[Photograph] | type[Delivery]
Conditions = Sequence[ColumnElement[bool]]

FIRST_DELAY = timedelta(seconds=5)
LONGEST_DELAY = timedelta(minutes=15)


@dataclass(frozen=True)
class Claim:
    """The right to work on one row until the lease ends; `attempt` counts from 1."""

    id: str
    token: str
    attempt: int


def claim(
    session: Session,
    table: Job,
    state: str,
    limit: int,
    lease: timedelta,
    now: datetime | None = None,
    where: Conditions = (),
    max_attempts: int | None = None,
) -> list[Claim]:
    """Take up to `limit` due rows, those that waited longest first; rows that a rival is taking are skipped.

    Rows that were tried `max_attempts` times are left for `exhausted`; without it a row is tried for ever.
    """
    now = now or utc_now()
    conditions = [table.state == state, table.not_before <= now, _free(table, now), *where]
    if max_attempts is not None:
        conditions.append(table.attempts < max_attempts)
    return _take(session, table, conditions, limit, now + lease, count=1)


def exhausted(
    session: Session,
    table: Job,
    state: str,
    max_attempts: int,
    lease: timedelta = timedelta(minutes=1),
    now: datetime | None = None,
    limit: int = 100,
) -> list[Claim]:
    """Take up to `limit` rows whose attempts are used up and that nobody holds, to move them on with `finish`.

    The new token shuts out a worker of the last attempt that still runs after its lease.
    """
    now = now or utc_now()
    conditions = [table.state == state, table.attempts >= max_attempts, _free(table, now)]
    return _take(session, table, conditions, limit, now + lease, count=0)


def finish(session: Session, table: Job, claim: Claim, **values: Any) -> None:
    """Give the row back with `values` written, such as its next state; LeaseLost when it is no longer ours."""
    _write(session, table, claim, {"lease_until": None, "lease_token": None, **values})


def fail(
    session: Session, table: Job, claim: Claim, delay: timedelta, now: datetime | None = None, **values: Any
) -> None:
    """Give the row back in the state it is in, due again after `delay`; LeaseLost when it is no longer ours."""
    finish(session, table, claim, not_before=(now or utc_now()) + delay, **values)


def renew(session: Session, table: Job, claim: Claim, lease: timedelta, now: datetime | None = None) -> None:
    """Hold the row for `lease` from now; LeaseLost when it is no longer ours."""
    _write(session, table, claim, {"lease_until": (now or utc_now()) + lease})


def requeue(
    session: Session, table: Job, row_id: str, from_state: str, now: datetime | None = None, **values: Any
) -> bool:
    """Start a row over for a person's decision: attempts from 0, due now, `values` written.

    False, and nothing written, when the row is not in `from_state` (any more) or a worker holds it.
    """
    now = now or utc_now()
    fresh = {"attempts": 0, "not_before": now, "lease_until": None, "lease_token": None}
    statement = update(table).where(table.id == row_id, table.state == from_state, _free(table, now))
    return _rows(session, statement.values(**fresh, **values)) == 1


def backoff(attempt: int) -> timedelta:
    """How long to wait after a failed attempt (from 1): 5 s doubling to 15 min, less up to half at random.

    The chance keeps many rows that failed together from coming back together.
    """
    doublings = min(max(attempt, 1) - 1, 20)
    longest = min(FIRST_DELAY * (1 << doublings), LONGEST_DELAY)
    return longest * secrets.SystemRandom().uniform(0.5, 1.0)


def _free(table: Job, now: datetime) -> ColumnElement[bool]:
    return or_(table.lease_until.is_(None), table.lease_until <= now)


def _take(
    session: Session, table: Job, conditions: Conditions, limit: int, lease_until: datetime, count: int
) -> list[Claim]:
    token = secrets.token_hex(16)
    # A materialised CTE, since PostgreSQL may run a plain subquery with LIMIT more than once and take too many.
    due = select(table.id).where(*conditions).order_by(table.not_before).limit(limit).with_for_update(skip_locked=True)
    statement = (
        update(table)
        .where(table.id.in_(select(due.cte("due").c.id)))
        .values(attempts=table.attempts + count, lease_until=lease_until, lease_token=token)
        .returning(table.id, table.attempts)
    )
    rows = session.execute(statement, execution_options={"synchronize_session": False})
    return [Claim(row_id, token, attempts) for row_id, attempts in rows]


def _write(session: Session, table: Job, claim: Claim, values: dict[str, Any]) -> None:
    statement = update(table).where(table.id == claim.id, table.lease_token == claim.token)
    if _rows(session, statement.values(**values)) != 1:
        raise LeaseLost(f"The lease on {table.__tablename__} {claim.id} was lost.")


def _rows(session: Session, statement: Update) -> int:
    """Run an update that loaded objects of the session follow; the number of rows it met."""
    result = session.execute(statement, execution_options={"synchronize_session": "fetch"})
    return cast(CursorResult[Any], result).rowcount
