"""The overview of the gateway."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from service import audit
from service.audit import Action, Outcome
from service.database import Database
from service.overview import overview
from service.presence import SILENT, on_record
from service.settings import Settings
from service.states import DeliveryState, PhotographState
from service.tables import AuditPending, Delivery, Photograph, Process, utc_now
from tests.support.catalogued import add_release, photograph_row
from tests.support.gateways import rows, settings_for


@pytest.fixture(name="settings")
def _settings(tmp_path: Path, database_url: str) -> Iterator[Settings]:
    yield settings_for(tmp_path, ("archive", 104, "ARCHIVE"), database_url=database_url)


def photograph(number: int, state: PhotographState, minutes: float = 1) -> Photograph:
    received_at = utc_now() - timedelta(minutes=minutes)
    return photograph_row(id=f"{number:032x}", state=state, received_at=received_at)


def test_an_empty_gateway_has_nothing_that_waits(database: Database, settings: Settings) -> None:
    """Without photographs every figure is zero and nothing is old."""
    with database.read() as session:
        seen = overview(session, settings)

    assert (seen.waiting.count, seen.waiting.oldest, seen.desk, seen.troubles) == (0, None, 0, [])
    assert [place.name for place in seen.places] == ["archive"]
    assert not seen.seal_stalled


def test_what_was_acknowledged_and_not_released_comes_first(database: Database, settings: Settings) -> None:
    """The waiting count and the age of the oldest are of RECEIVED photographs alone; held and failed are the desk's."""
    states = [PhotographState.RECEIVED, PhotographState.RECEIVED, PhotographState.QUARANTINED, PhotographState.FAILED]
    with database.transaction() as session:
        session.add_all(photograph(n, state, minutes=10 * (n + 1)) for n, state in enumerate(states))
        session.add(photograph(9, PhotographState.FORWARDED, minutes=600))

    with database.read() as session:
        seen = overview(session, settings)

    assert seen.waiting.count == 2
    assert seen.waiting.oldest is not None
    assert 20 * 60 <= (utc_now() - seen.waiting.oldest).total_seconds() < 21 * 60
    assert seen.desk == 2


def test_a_destination_tells_what_it_refused(database: Database, settings: Settings) -> None:
    """Parked and waiting deliveries are counted for their destination, with the newest reason."""
    with database.transaction() as session:
        for number, state in enumerate((DeliveryState.PENDING, DeliveryState.PARKED, DeliveryState.DELIVERED)):
            row = photograph(number, PhotographState.DEIDENTIFIED)
            session.add(row)
            release = add_release(session, row)
            error = "the destination refused with 0x0122" if state == DeliveryState.PARKED else None
            session.add(Delivery(release_id=release.id, destination="archive", state=state, last_error=error))

    with database.read() as session:
        (place,) = overview(session, settings).places

    assert (place.pending, place.parked, place.problem) == (1, 1, "the destination refused with 0x0122")


def test_the_last_troubles_are_the_newest_of_all_kinds(database: Database, settings: Settings) -> None:
    """Failures of several kinds come newest first, and successes are none of them."""
    with database.transaction() as session:
        audit.record(session, Action.PHOTOGRAPH_RECEIVED, actor="CAMERA")
        for number in range(9):
            action = Action.ASSOCIATION_REFUSED if number % 2 else Action.DELIVERY_PARKED
            audit.record(session, action, actor=f"A{number}", outcome=Outcome.REFUSED, details={"reason": "r"})

    with database.read() as session:
        troubles = overview(session, settings).troubles

    assert len(troubles) == 8
    assert [t.at for t in troubles] == sorted((t.at for t in troubles), reverse=True)
    assert "A8" in {t.actor for t in troubles}


def test_a_sealer_that_stands_still_is_an_alarm(database: Database, settings: Settings) -> None:
    """An entry that waits longer for its seal than allowed raises the alarm."""
    impatient = settings.model_copy(update={"audit": settings.audit.model_copy(update={"stalled_seconds": 1e-9})})
    with database.transaction() as session:
        audit.record(session, Action.PHOTOGRAPH_RECEIVED, actor="CAMERA")

    assert rows(database, AuditPending)
    with database.read() as session:
        assert overview(session, impatient).seal_stalled
        assert not overview(session, settings).seal_stalled


def test_a_process_that_was_killed_falls_silent(database: Database, settings: Settings) -> None:
    """A process on record lives; one without a sign of life for too long is named; an orderly end leaves nothing."""
    with on_record(settings, "worker", "cpu"):
        with database.read() as session:
            seen = overview(session, settings)
        assert [(process.role, process.device) for process in seen.processes] == [("worker", "cpu")]

        with database.transaction() as session:
            session.execute(update(Process).values(seen_at=utc_now() - 2 * SILENT))
        with database.read() as session:
            assert [process.role for process in overview(session, settings).silent] == ["worker"]

    assert rows(database, Process) == []
