"""Counts by the hour of what happened, written in the transaction of what they count.

    count(session, "delivered", destination)
    count(session, "face", total=seconds)

Each process has rows of its own, so that none waits for another's; readers add them up. They hold words of the
configuration and causes, never anything of a patient.
"""

import os
import socket
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from service.tables import Tally, utc_now

RECEIVED: Final = "received"  # by calling AE title
RELEASED: Final = "released"  # by route
QUARANTINED: Final = "quarantined"  # by cause
REJECTED: Final = "rejected"
FAILED: Final = "failed"
DELIVERED: Final = "delivered"  # by destination
GATE_PASSED: Final = "gate-passed"  # by gate
GATE_CLOSED: Final = "gate-closed"  # by gate
FACE: Final = "face"  # total: seconds


class Sum(NamedTuple):
    times: int
    total: float


def count(session: Session, name: str, label: str = "", n: int = 1, total: float = 0.0) -> None:
    """Add to this hour's row of this process."""
    dialect = session.connection().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    where = {"hour": _hour(utc_now()), "name": name, "label": label[:64], "owner": _owner()}
    fresh = insert(Tally).values(**where, count=n, total=total)
    more = {"count": Tally.count + fresh.excluded["count"], "total": Tally.total + fresh.excluded["total"]}
    session.execute(fresh.on_conflict_do_update(index_elements=[*where], set_=more))


def sums(session: Session, since: datetime | None = None, until: datetime | None = None) -> dict[tuple[str, str], Sum]:
    """Everything counted, or from a moment's hour on, or before one, by (name, label)."""
    query = select(Tally.name, Tally.label, func.sum(Tally.count), func.sum(Tally.total))
    if since is not None:
        query = query.where(Tally.hour >= _hour(since))
    if until is not None:
        query = query.where(Tally.hour < _hour(until))
    rows = session.execute(query.group_by(Tally.name, Tally.label))
    return {(name, label): Sum(int(n), float(total)) for name, label, n, total in rows}


def by_hour(session: Session, name: str, hours: int) -> list[int]:
    """The counts of the last `hours` hours, the oldest first, this hour last."""
    newest = _hour(utc_now())
    oldest = newest - timedelta(hours=hours - 1)
    query = select(Tally.hour, func.sum(Tally.count)).where(Tally.hour >= oldest, Tally.name == name)
    found: dict[datetime, int] = defaultdict(int)
    found |= {hour: int(n) for hour, n in session.execute(query.group_by(Tally.hour))}
    return [found[oldest + timedelta(hours=step)] for step in range(hours)]


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _owner() -> str:
    return f"{socket.gethostname()[:50]}:{os.getpid()}"
