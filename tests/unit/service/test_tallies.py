"""Counts by the hour."""

from datetime import timedelta

from service import tallies
from service.database import Database
from service.tables import Tally, utc_now


def test_counts_of_one_hour_add_up(database: Database) -> None:
    """Counting twice makes one row with both counts and both totals."""
    for seconds in (0.5, 0.25):
        with database.transaction() as session:
            tallies.count(session, tallies.FACE, n=2, total=seconds)

    with database.read() as session:
        assert tallies.sums(session) == {(tallies.FACE, ""): tallies.Sum(4, 0.75)}
        assert session.query(Tally).count() == 1


def test_what_another_process_counted_is_added(database: Database) -> None:
    """Readers see the sum over all processes that count."""
    hour = utc_now().replace(minute=0, second=0, microsecond=0)
    with database.transaction() as session:
        session.add(Tally(hour=hour, name=tallies.RELEASED, label="all", owner="elsewhere:1", count=5))
        tallies.count(session, tallies.RELEASED, "all")

    with database.read() as session:
        assert tallies.by_hour(session, tallies.RELEASED, 2) == [0, 6]


def test_the_day_is_told_from_what_came_before(database: Database) -> None:
    """Sums since a moment leave out earlier hours, and the hours in between are zeros."""
    hour = utc_now().replace(minute=0, second=0, microsecond=0)
    with database.transaction() as session:
        for age, count in ((0, 1), (3, 4), (30, 9)):
            at = hour - timedelta(hours=age)
            session.add(Tally(hour=at, name=tallies.RECEIVED, label="CAMERA", owner="x", count=count))

    with database.read() as session:
        assert tallies.by_hour(session, tallies.RECEIVED, 4) == [4, 0, 0, 1]
        assert tallies.sums(session, utc_now() - timedelta(hours=24)) == {(tallies.RECEIVED, "CAMERA"): (5, 0.0)}
