"""Everything that was ever counted, for counters that only grow."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from service import tallies
from service.tables import utc_now
from service.tallies import Sum

Sums = dict[tuple[str, str], Sum]


class Totals:
    """Hours that nobody writes to any more are added up once and remembered: a scrape costs the last two."""

    def __init__(self) -> None:
        self._settled: Sums = {}
        self._until: datetime | None = None

    def read(self, session: Session) -> Sums:
        until = utc_now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
        if until != self._until:
            self._settled = _added(self._settled, tallies.sums(session, self._until, until))
            self._until = until
        return _added(self._settled, tallies.sums(session, until))


def _added(one: Sums, other: Sums) -> Sums:
    none = Sum(0, 0.0)
    pairs = {key: (one.get(key, none), other.get(key, none)) for key in one.keys() | other.keys()}
    return {key: Sum(a.times + b.times, a.total + b.total) for key, (a, b) in pairs.items()}
