"""The audit in ordinary life: it grows with the business, is sealed in batches, and verifies.

What happens to it in the hands of somebody who edits it stands in test_audit_tampering.py.
"""

import fcntl
import os
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from sqlalchemy import func, select

from service import checkpoints, sealing
from service.audit import Action, Outcome, check_keys, record, seal, verify
from service.database import Database
from service.errors import ConfigurationError, VeraGateError
from service.secrets import Keys
from service.tables import AuditCheckpoint, AuditEntry, AuditLeaf, AuditPending

KEYS = Keys(b"k" * 32)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints" / "audit.jsonl"


def write(database: Database, count: int = 1) -> None:
    for number in range(count):
        with database.transaction() as session:
            record(session, Action.DELIVERY_SENT, actor="sender", photograph_id="p", details={"attempt": number})


def entries(database: Database) -> list[AuditEntry]:
    with database.read() as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.occurred_at)))


def test_an_entry_says_who_did_what_to_which_photograph(database: Database) -> None:
    """What was recorded is there to be read, on both databases the same."""
    with database.transaction() as session:
        record(
            session,
            Action.STORE_REFUSED,
            actor="CAMERA",
            outcome=Outcome.REFUSED,
            photograph_id="p1",
            details={"gates": [{"name": "faces", "passed": False}], "distance": 0.1, "status": None},
        )
    (entry,) = entries(database)
    assert (entry.action, entry.outcome, entry.actor) == ("store.refused", "refused", "CAMERA")
    assert entry.photograph_id == "p1"
    assert entry.details["gates"] == [{"name": "faces", "passed": False}]
    assert entry.details["distance"] == 0.1


def test_entry_and_change_stand_or_fall_together(database: Database) -> None:
    """When the caller's transaction fails there is no entry, and nothing waits to be sealed."""
    with pytest.raises(RuntimeError), database.transaction() as session:
        record(session, Action.PHOTOGRAPH_RECEIVED, actor="listener")
        session.flush()
        raise RuntimeError
    assert entries(database) == []
    with database.read() as session:
        assert session.scalars(select(AuditPending)).all() == []


@pytest.mark.parametrize("details", [{"patient_name": "Doe"}, {"gates": [{"PatientID": "1"}]}, {1: "x"}])
def test_details_outside_the_list_are_refused(database: Database, details: dict[str, object]) -> None:
    """A key that is not on the list stops the transaction, at whatever depth it stands."""
    with pytest.raises(ValueError, match="may not hold"), database.transaction() as session:
        record(session, Action.PHOTOGRAPH_RECEIVED, actor="listener", details=details)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", object()])
def test_details_that_json_cannot_hold_are_refused(database: Database, value: object) -> None:
    """A value that would not come back from the database as it went in is refused."""
    with pytest.raises(ValueError, match="cannot hold"), database.transaction() as session:
        record(session, Action.PHOTOGRAPH_RECEIVED, actor="listener", details={"reason": value})


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "ä" * 600, "日本 🦷", "\u2028'\"\\ \n"])
def test_any_text_survives_sealing(database: Database, file: Path, text: str) -> None:
    """Texts of all kinds, also those that a database would refuse, are stored so that they verify."""
    with database.transaction() as session:
        record(session, Action.PHOTOGRAPH_REJECTED, actor=text, details={"reason": text})
    assert seal(database, KEYS, file)
    assert verify(database, KEYS, file).ok


@pytest.mark.parametrize(
    "value", [0.1 + 0.2, 1e300, -0.0, 5e-324, 2**63, -1, True, None, [], {}, ("a", "b"), {"mouth"}]
)
def test_any_value_survives_sealing(database: Database, file: Path, value: object) -> None:
    """Numbers keep every digit on the way through the database, and collections become lists."""
    with database.transaction() as session:
        record(session, Action.PHOTOGRAPH_DEIDENTIFIED, actor="worker", details={"preserve": value})
    assert seal(database, KEYS, file)
    assert verify(database, KEYS, file).ok


def test_an_empty_log_verifies(database: Database, file: Path) -> None:
    """A gateway that has done nothing has nothing to seal and nothing wrong."""
    assert seal(database, KEYS, file) is None
    assert verify(database, KEYS, file).ok


def test_sealing_takes_all_that_waits(database: Database, file: Path) -> None:
    """A batch holds what came since the last one, and the counts say what is sealed."""
    write(database, 3)
    first = seal(database, KEYS, file)
    write(database, 2)
    before = verify(database, KEYS, file)
    second = seal(database, KEYS, file)
    after = verify(database, KEYS, file)
    assert first and second and seal(database, KEYS, file) is None
    assert [(c.batch, c.first_position, c.size) for c in (first, second)] == [(0, 0, 3), (1, 3, 5)]
    assert (before.ok, before.entries, before.sealed, before.unsealed) == (True, 5, 3, 2)
    assert (after.ok, after.entries, after.sealed, after.unsealed) == (True, 5, 5, 0)
    assert len(file.read_text().splitlines()) == 2


def test_a_large_backlog_is_sealed_by_batches(database: Database, file: Path) -> None:
    """More entries than one batch may hold take several."""
    write(database, 10)
    assert [bool(seal(database, KEYS, file, limit=4)) for _ in range(4)] == [True, True, True, False]
    assert verify(database, KEYS, file).ok


def test_notes_without_an_entry_hold_nothing_up(database: Database, file: Path) -> None:
    """More notes whose entries were removed than fit into a batch do not keep the other entries from their seal."""
    with database.transaction() as session:
        session.add_all(AuditPending(entry_id=f"{number:032x}") for number in range(9))
    write(database, 6)
    assert [bool(seal(database, KEYS, file, limit=4)) for _ in range(3)] == [True, True, False]
    assert "was removed before it was sealed" in str(verify(database, KEYS, file).problem)


@pytest.mark.integration
@pytest.mark.needs("postgresql")
def test_an_entry_that_commits_late_is_sealed_later(postgresql_url: str, file: Path) -> None:
    """A transaction that began before a batch was closed and committed after it is in the next batch."""
    database = Database(postgresql_url)
    with database.transaction() as slow:
        record(slow, Action.PHOTOGRAPH_RECEIVED, actor="listener")
        slow.flush()
        write(database, 2)
        assert seal(database, KEYS, file)
    second = seal(database, KEYS, file)
    assert second and (second.first_position, second.size) == (2, 3)
    assert verify(database, KEYS, file).ok
    database.close()


def test_writers_sealers_and_verification_side_by_side(database: Database, file: Path) -> None:
    """While threads write, and two sealers seal, each verification in between finds nothing wrong."""
    done = threading.Event()

    def seal_on() -> None:
        while not done.is_set():
            seal(database, KEYS, file)

    with ThreadPoolExecutor(5) as pool:
        writers = [pool.submit(write, database, 40) for _ in range(3)]
        sealers = [pool.submit(seal_on) for _ in range(2)]
        try:
            verifications = [verify(database, KEYS, file) for _ in range(10)]
            wait(writers)
        finally:
            done.set()
    for worker in writers + sealers:
        worker.result()
    seal(database, KEYS, file)
    assert [v.problem for v in verifications] == [None] * 10
    last = verify(database, KEYS, file)
    assert (last.ok, last.entries, last.sealed, last.unsealed) == (True, 120, 120, 0)
    with database.read() as session:
        batches = session.scalar(select(func.count()).select_from(AuditCheckpoint))
    assert len(file.read_text().splitlines()) == batches


def test_a_crash_before_the_checkpoint_file_is_mended(
    database: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the process dies between the commit and the file, the log verifies, and the next seal adds the line."""
    write(database)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(sealing, "append_missing", interrupted)
        seal(database, KEYS, file)
    assert verify(database, KEYS, file).ok
    write(database)
    seal(database, KEYS, file)
    assert len(file.read_text().splitlines()) == 2
    assert verify(database, KEYS, file).ok


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_half_a_line_is_mended(database: Database, file: Path) -> None:
    """A line that a crash cut in the middle counts as absent and is written again."""
    write(database)
    seal(database, KEYS, file)
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    assert verify(database, KEYS, file).ok
    seal(database, KEYS, file)
    assert file.read_bytes() == whole


def test_no_rest_of_a_broken_write_stays(database: Database, file: Path) -> None:
    """Whatever stands after the last whole line is overwritten in full."""
    write(database)
    seal(database, KEYS, file)
    with file.open("ab") as broken:
        broken.write(b"x" * 2000)
    write(database)
    seal(database, KEYS, file)
    assert b"xx" not in file.read_bytes()
    assert verify(database, KEYS, file).ok


def test_processes_that_share_a_checkpoint_file_take_turns(database: Database, file: Path, tmp_path: Path) -> None:
    """Who appends waits until another has finished, and then adds only what is still missing."""
    write(database)
    seal(database, KEYS, tmp_path / "whole.jsonl")
    file.parent.mkdir()
    with file.open("wb") as rival:
        fcntl.flock(rival, fcntl.LOCK_EX)
        waiting = threading.Thread(target=checkpoints.append_missing, args=(database, file))
        waiting.start()
        waiting.join(0.3)
        rival.seek(0, os.SEEK_END)
        rival.write((tmp_path / "whole.jsonl").read_bytes())
    waiting.join()
    assert file.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_verification_looks_at_no_line_that_is_newer_than_its_snapshot(database: Database, file: Path) -> None:
    """Of a file that grows, only the lines that were there before are compared."""
    sizes = []
    for _ in range(3):
        write(database)
        seal(database, KEYS, file)
        sizes.append(file.stat().st_size)
    found = list(checkpoints.read_lines(file, sizes[1]))
    assert [checkpoint.batch for checkpoint in found if checkpoint] == [0, 1]


def test_a_second_machine_gets_a_whole_copy(database: Database, file: Path, tmp_path: Path) -> None:
    """A sealer that starts with an empty file writes all checkpoints that there are."""
    for _ in range(3):
        write(database)
        seal(database, KEYS, file)
    seal(database, KEYS, tmp_path / "copy.jsonl")
    assert (tmp_path / "copy.jsonl").read_bytes() == file.read_bytes()


def test_a_damaged_last_line_stops_the_file_and_not_the_log(database: Database, file: Path) -> None:
    """The sealer complains about a damaged checkpoint file, does not touch it, and still seals in the database."""
    write(database)
    seal(database, KEYS, file)
    file.write_bytes(b"garbage\n")
    write(database)
    with pytest.raises(VeraGateError, match="damaged"):
        seal(database, KEYS, file)
    assert file.read_bytes() == b"garbage\n"
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(AuditLeaf)) == 2


def test_a_very_long_file_is_read_from_its_end(database: Database, file: Path) -> None:
    """Appending looks at the end of the file only, whatever its length."""
    for _ in range(40):
        write(database)
        seal(database, KEYS, file)
    assert file.stat().st_size > 2 * checkpoints._LONGEST_LINE
    assert verify(database, KEYS, file).ok


def test_another_master_secret_is_noticed_at_the_start(database: Database, file: Path) -> None:
    """Keys that this database was not made with are refused before every patient becomes somebody new."""
    check_keys(database, Keys(b"l" * 32))
    write(database)
    seal(database, KEYS, file)
    check_keys(database, KEYS)
    with pytest.raises(ConfigurationError, match="master secret"):
        check_keys(database, Keys(b"l" * 32))
