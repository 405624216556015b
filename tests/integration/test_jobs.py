"""The job table as a queue: who gets a row, who may write to it, and when it comes back."""

import os
import signal
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection

import pytest
from sqlalchemy import select

from service import jobs
from service.database import Database
from service.errors import LeaseLost
from service.jobs import Claim
from service.states import PhotographState
from service.tables import Photograph

RECEIVED, DONE = PhotographState.RECEIVED, PhotographState.DEIDENTIFIED
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LEASE = timedelta(seconds=60)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


SOON = at(1)


def add(database: Database, count: int = 1, not_before: datetime = NOW) -> list[str]:
    photographs = [
        Photograph(
            sop_class_uid="1.2", sop_instance_uid=f"1.2.{number}", transfer_syntax_uid="1.2", calling_ae="CAMERA",
            called_ae="VERAGATE", peer="127.0.0.1", blob="a", digest=os.urandom(8).hex(), size=1,
            not_before=not_before + timedelta(seconds=number) / 1000,
        )
        for number in range(count)
    ]  # fmt: skip
    with database.transaction() as session:
        session.add_all(photographs)
    return [photograph.id for photograph in photographs]


def claim(database: Database, when: datetime = SOON, limit: int = 10, max_attempts: int | None = None) -> list[Claim]:
    with database.transaction() as session:
        return jobs.claim(session, Photograph, RECEIVED, limit, LEASE, now=when, max_attempts=max_attempts)


def finish(database: Database, claimed: Claim, **values: str) -> None:
    with database.transaction() as session:
        jobs.finish(session, Photograph, claimed, **values)


def row(database: Database, row_id: str) -> Photograph:
    with database.read() as session:
        return session.scalars(select(Photograph).where(Photograph.id == row_id)).one()


def test_a_due_row_is_claimed_once(database: Database) -> None:
    """A claimed row is nobody else's while the lease runs, and its attempt counts from the claim on."""
    (photograph,) = add(database)
    (claimed,) = claim(database)
    assert (claimed.id, claimed.attempt) == (photograph, 1)
    assert claim(database, at(30)) == []
    assert row(database, photograph).attempts == 1


def test_a_row_that_is_not_due_waits(database: Database) -> None:
    """A row is left alone until its time has come."""
    add(database, not_before=at(10))
    assert claim(database, at(9)) == []
    assert len(claim(database, at(10))) == 1


def test_only_the_wanted_state_is_claimed(database: Database) -> None:
    """Rows in another state are not touched."""
    add(database)
    (claimed,) = claim(database)
    finish(database, claimed, state=DONE)
    assert claim(database, at(1000)) == []


def test_the_longest_waiting_come_first(database: Database) -> None:
    """A claim of two takes the two rows that have been due for longest, and no more."""
    ids = [row_id for seconds in (4, 2, 3, 0, 1) for row_id in add(database, not_before=at(seconds))]
    assert {claimed.id for claimed in claim(database, at(9), limit=2)} == {ids[3], ids[4]}
    assert {claimed.id for claimed in claim(database, at(9), limit=2)} == {ids[1], ids[2]}


def test_further_conditions_narrow_a_claim(database: Database) -> None:
    """A caller's own condition decides among the due rows."""
    ids = add(database, 3)
    with database.transaction() as session:
        claimed = jobs.claim(session, Photograph, RECEIVED, 9, LEASE, now=at(1), where=(Photograph.id == ids[1],))
    assert [c.id for c in claimed] == [ids[1]]


def test_finish_writes_and_lets_go(database: Database) -> None:
    """Finishing writes the given values, ends the lease, and loaded objects of the session follow."""
    (photograph,) = add(database)
    (claimed,) = claim(database)
    with database.transaction() as session:
        loaded = session.get_one(Photograph, photograph)
        jobs.finish(session, Photograph, claimed, state=DONE, view="EV19")
        assert (loaded.state, loaded.lease_token) == (DONE, None)
    stored = row(database, photograph)
    assert (stored.state, stored.view, stored.lease_token, stored.lease_until) == (DONE, "EV19", None, None)


def test_a_failed_row_comes_back_later(database: Database) -> None:
    """A failed row stays in its state and is due again after the delay, with its next attempt."""
    add(database)
    (claimed,) = claim(database)
    with database.transaction() as session:
        jobs.fail(session, Photograph, claimed, timedelta(seconds=20), now=at(5))
    assert claim(database, at(24)) == []
    (again,) = claim(database, at(25))
    assert again.attempt == 2


def test_an_expired_lease_is_taken_over_and_the_late_worker_is_shut_out(database: Database) -> None:
    """After the lease another worker gets the row; the first can neither finish, fail nor renew it."""
    (photograph,) = add(database)
    (late,) = claim(database, at(0))
    (heir,) = claim(database, at(60))
    assert heir.attempt == 2
    with pytest.raises(LeaseLost):
        finish(database, late, state=DONE)
    with pytest.raises(LeaseLost), database.transaction() as session:
        jobs.fail(session, Photograph, late, timedelta())
    with pytest.raises(LeaseLost), database.transaction() as session:
        jobs.renew(session, Photograph, late, LEASE)
    assert row(database, photograph).state == RECEIVED
    finish(database, heir, state=DONE)


def test_what_a_late_worker_wrote_beside_is_undone(database: Database) -> None:
    """Losing the lease rolls back the whole transaction in which the late worker wanted to finish."""
    (photograph,) = add(database)
    (late,) = claim(database, at(0))
    claim(database, at(60))
    with pytest.raises(LeaseLost), database.transaction() as session:
        session.get_one(Photograph, photograph).view = "EV19"
        jobs.finish(session, Photograph, late, state=DONE)
    assert row(database, photograph).view is None


def test_nobody_finishes_twice(database: Database) -> None:
    """A claim is used up by finishing."""
    add(database)
    (claimed,) = claim(database)
    finish(database, claimed, state=DONE)
    with pytest.raises(LeaseLost):
        finish(database, claimed, state=DONE)


def test_a_renewed_lease_holds_longer(database: Database) -> None:
    """A worker that renews keeps its row past the first lease."""
    add(database)
    (claimed,) = claim(database, at(0))
    with database.transaction() as session:
        jobs.renew(session, Photograph, claimed, LEASE, now=at(50))
    assert claim(database, at(100)) == []
    assert len(claim(database, at(110))) == 1


def test_used_up_rows_are_left_for_the_sweep(database: Database) -> None:
    """After the last attempt a row is claimed no more; the sweep gets it once the lease is gone, and only once."""
    (photograph,) = add(database)
    for number in range(3):
        claim(database, at(100 * number), max_attempts=3)
    assert claim(database, at(300), max_attempts=3) == []

    def swept(when: datetime) -> list[Claim]:
        with database.transaction() as session:
            return jobs.exhausted(session, Photograph, RECEIVED, 3, LEASE, now=when)

    assert swept(at(259)) == []
    (claimed,) = swept(at(260))
    assert (claimed.id, claimed.attempt) == (photograph, 3)
    assert swept(at(261)) == []
    finish(database, claimed, state=PhotographState.FAILED)
    assert row(database, photograph).state == PhotographState.FAILED


def test_the_sweep_shuts_out_the_last_attempt(database: Database) -> None:
    """A worker that still runs its last attempt after the sweep took the row cannot finish it any more."""
    add(database)
    (late,) = claim(database, at(0), max_attempts=1)
    with database.transaction() as session:
        jobs.exhausted(session, Photograph, RECEIVED, 1, LEASE, now=at(60))
    with pytest.raises(LeaseLost):
        finish(database, late, state=DONE)


def test_a_person_starts_a_row_over(database: Database) -> None:
    """A requeued row is due at once, with its attempts from the start and the state that was asked for."""
    (photograph,) = add(database)
    (claimed,) = claim(database)
    finish(database, claimed, state=PhotographState.QUARANTINED, cause="no-face-found")
    with database.transaction() as session:
        assert jobs.requeue(
            session, Photograph, photograph, PhotographState.QUARANTINED, now=at(2), state=RECEIVED, cause=None
        )
    assert row(database, photograph).cause is None
    (again,) = claim(database, at(2))
    assert again.attempt == 1


def test_a_row_that_moved_on_is_not_started_over(database: Database) -> None:
    """A row that left the state the person saw, or that a worker holds, is not requeued."""
    (photograph,) = add(database)
    with database.transaction() as session:
        assert not jobs.requeue(session, Photograph, photograph, PhotographState.QUARANTINED, now=at(0))
    claim(database, at(0))
    with database.transaction() as session:
        assert not jobs.requeue(session, Photograph, photograph, RECEIVED, now=at(1))
        assert jobs.requeue(session, Photograph, photograph, RECEIVED, now=at(60))


def claim_until_empty(url: str) -> list[str]:
    database, mine = Database(url), []
    while claims := claim(database, limit=7):
        mine += [claimed.id for claimed in claims]
    database.close()
    return mine


def test_rivals_share_the_rows_without_overlap(database_url: str) -> None:
    """Four processes that claim in batches at once take every row exactly once."""
    database = Database(database_url)
    ids = add(database, 200)
    with get_context("spawn").Pool(4) as pool:
        taken = [row_id for mine in pool.map(claim_until_empty, [database_url] * 4) for row_id in mine]
    assert sorted(taken) == sorted(ids)
    database.close()


@pytest.mark.integration
@pytest.mark.needs("postgresql")
def test_a_claim_does_not_wait_for_a_rival(postgresql_url: str) -> None:
    """On PostgreSQL a claim skips the rows that an unfinished transaction is taking, and takes no more than asked."""
    database = Database(postgresql_url)
    ids = add(database, 6)
    with database.transaction() as rival:
        first = jobs.claim(rival, Photograph, RECEIVED, 2, LEASE, now=at(1))
        second = claim(database, limit=3)
        assert {c.id for c in first} == set(ids[:2])
        assert {c.id for c in second} == set(ids[2:5])
    database.close()


def claim_and_hang(url: str, claimed: Connection) -> None:
    (mine,) = claim(Database(url), at(0))
    claimed.send(mine.id)
    signal.pause()


def test_a_killed_worker_loses_nothing_but_time(database_url: str) -> None:
    """The row of a worker that was killed with SIGKILL comes back after its lease, with the attempt counted."""
    database = Database(database_url)
    (photograph,) = add(database)
    context = get_context("spawn")
    here, there = context.Pipe()
    worker = context.Process(target=claim_and_hang, args=(database_url, there))
    worker.start()
    assert here.poll(60) and here.recv() == photograph
    worker.kill()
    worker.join()
    assert claim(database, at(59)) == []
    (again,) = claim(database, at(60))
    assert (again.id, again.attempt) == (photograph, 2)
    database.close()
