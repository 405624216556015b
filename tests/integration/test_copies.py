"""Copies of the checkpoints elsewhere: made beside the sealing, missed aloud and once, compared by verification."""

import shutil
import threading
from pathlib import Path

import pytest
from sqlalchemy import delete, text

from service import audit, copies
from service.audit import Action
from service.copies import Copier
from service.database import Database
from service.gateway import Gateway
from service.sealing import seal, seal_age, seal_all
from service.sweeping import Sweeper
from service.tables import AuditCheckpoint, AuditEntry, AuditLeaf, AuditPending
from tests.support.gateways import rows, settings_for, wait_for


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where copies go."""
    path = tmp_path / "elsewhere"
    path.mkdir()
    return path


@pytest.fixture
def gateway(database_url: str, tmp_path: Path, folder: Path) -> Gateway:
    audits = {"copy_folder": str(folder), "copy_minutes": 0.0001}
    return Gateway.open(settings_for(tmp_path / "data", database_url=database_url, audit=audits))


def _seal(gateway: Gateway, batches: int = 1) -> None:
    for _ in range(batches):
        with gateway.database.transaction() as session:
            audit.record(session, Action.DELIVERY_SENT, actor="sender")
        seal(gateway.database, gateway.keys, gateway.settings.checkpoints)


def _verify(gateway: Gateway) -> audit.Verification:
    settings = gateway.settings
    return audit.verify(gateway.database, gateway.keys, settings.checkpoints, settings.checkpoint_copy)


def _told(database: Database) -> list[tuple[str, dict[str, object]]]:
    found = [entry for entry in rows(database, AuditEntry) if entry.action == "checkpoint.copied"]
    return [(entry.outcome, entry.details) for entry in sorted(found, key=lambda entry: entry.occurred_at)]


def test_the_sweeper_keeps_the_copy_up_to_date(gateway: Gateway, folder: Path) -> None:
    """What the sweeper seals stands in the second folder soon after, the same to the byte."""
    copy = folder / gateway.settings.checkpoints.name
    sweeper = Sweeper(gateway)
    for _ in range(2):
        _seal(gateway)
        wait_for(lambda: (sweeper.seal(), copy.exists() and copy.read_bytes())[1] == _file(gateway))
    assert _verify(gateway).ok


def _file(gateway: Gateway) -> bytes:
    return gateway.settings.checkpoints.read_bytes()


def test_a_folder_that_is_away_is_told_once(gateway: Gateway, folder: Path) -> None:
    """While the folder is away nothing is made in its place, and the audit says so once, and once that it is back."""
    copier = Copier(gateway)
    _seal(gateway)
    folder.rmdir()
    for _ in range(3):
        copier.copy()
    assert not folder.exists()
    folder.mkdir()
    for _ in range(3):
        copier.copy()
    assert _told(gateway.database) == [("failure", {"reason": "the folder is not there"}), ("success", {})]
    assert len((folder / gateway.settings.checkpoints.name).read_text().splitlines()) == 1


def test_a_folder_that_hangs_does_not_keep_the_sealer(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sealing goes on while a copy is stuck, and no second one is started meanwhile."""
    stuck, started = threading.Event(), []
    monkeypatch.setattr(copies, "append_missing", lambda *_: (started.append(1), stuck.wait(30)))
    sweeper = Sweeper(gateway)
    for _ in range(3):
        with gateway.database.transaction() as session:
            audit.record(session, Action.DELIVERY_SENT, actor="sender")
        sweeper.seal()
    assert len(rows(gateway.database, AuditLeaf)) == 3
    stuck.set()
    wait_for(lambda: _told(gateway.database))
    assert len(started) == 1


def test_the_copy_vouches_for_what_was_cut_everywhere_else(gateway: Gateway) -> None:
    """Entries cut off the database and the checkpoint file alike are missed by the copy."""
    _seal(gateway, 3)
    Copier(gateway).copy()
    seal_all(gateway.database, gateway.keys, gateway.settings.checkpoints)
    with gateway.database.transaction() as session:
        for table in ("audit_entries", "audit_leaves", "audit_checkpoints"):
            if gateway.database.dialect == "postgresql":
                session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
            else:
                session.execute(text(f"DROP TRIGGER {table}_no_delete"))
        cut = [row.entry_id for row in rows(gateway.database, AuditLeaf) if row.batch]
        for column, values in ((AuditEntry.id, cut), (AuditLeaf.entry_id, cut), (AuditPending.entry_id, cut)):
            session.execute(delete(column.class_).where(column.in_(values)))
        session.execute(delete(AuditCheckpoint).where(AuditCheckpoint.batch > 0))
    gateway.settings.checkpoints.write_bytes(_file(gateway).splitlines(keepends=True)[0])
    assert audit.verify(gateway.database, gateway.keys, gateway.settings.checkpoints).ok
    found = _verify(gateway)
    assert not found.ok and "the copy of the checkpoint file goes on with batch 1" in str(found.problem)


def test_an_edited_copy_is_named_as_such(gateway: Gateway, folder: Path) -> None:
    """Where the copy and the database differ, the sentence says that it is the copy."""
    _seal(gateway, 2)
    (folder / gateway.settings.checkpoints.name).write_bytes(b"{}\n")
    assert "the copy of the checkpoint file was edited" in str(_verify(gateway).problem)


@pytest.mark.parametrize("missing", ["the folder", "the file"])
def test_a_copy_that_cannot_be_read_is_a_note(gateway: Gateway, folder: Path, missing: str) -> None:
    """A copy on a machine that is away makes the audit neither whole nor broken: verification says it is missing."""
    _seal(gateway)
    if missing == "the folder":
        shutil.rmtree(folder)
    found = _verify(gateway)
    assert found.ok and "no copy of the checkpoints" in str(found.note)


def test_a_short_copy_is_no_problem(gateway: Gateway, folder: Path) -> None:
    """The copy may lack what was sealed since it was made."""
    _seal(gateway)
    Copier(gateway).copy()
    _seal(gateway, 3)
    assert _verify(gateway) == audit.Verification(True, 5, 5, 0, None, None)


def test_the_oldest_entry_tells_how_long_the_sealer_stands_still(gateway: Gateway) -> None:
    """The age of the seal is that of the oldest entry that waits, and nothing when none does."""
    with gateway.database.read() as session:
        assert seal_age(session) is None
    for _ in range(2):
        with gateway.database.transaction() as session:
            audit.record(session, Action.DELIVERY_SENT, actor="sender")
    with gateway.database.read() as session:
        first, second = seal_age(session), seal_age(session)
    assert first is not None and second is not None and 0 <= first <= second < 3600
    _seal(gateway)
    with gateway.database.read() as session:
        assert seal_age(session) is None
