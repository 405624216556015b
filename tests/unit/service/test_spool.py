"""The spool as pynetdicom uses it: capped, watched, hashed, and never in the way of the association."""

import gc
import hashlib
from pathlib import Path
from uuid import UUID

import pytest

from service import spool as module
from service.errors import Rejected
from service.spool import Spool


def test_what_is_written_is_handed_over_with_its_size_and_digest(tmp_path: Path) -> None:
    """The file holds every byte in order, and its digest was made on the way."""
    spool = Spool(tmp_path, 1, 0)
    file = spool.create(delete=False)
    parts = [bytes([n]) * 70_000 for n in range(5)]
    for part in parts:
        assert file.write(part) == len(part)
        file.file.flush()

    received = spool.finish(Path(file.name))

    assert received.path.read_bytes() == b"".join(parts)
    assert (received.size, received.digest) == (350_000, hashlib.sha256(b"".join(parts)).hexdigest())


def test_past_the_cap_the_rest_is_swallowed(tmp_path: Path) -> None:
    """An object over the cap is refused at its end, and what came after the cap was not written."""
    spool = Spool(tmp_path, 1, 0)
    file = spool.create()
    for _ in range(40):
        file.write(bytes(100_000))

    with pytest.raises(Rejected, match="max_object_megabytes") as refusal:
        spool.finish(Path(file.name))

    assert refusal.value.status == 0xA700
    assert Path(file.name).stat().st_size <= 1 << 20


def test_a_full_disk_is_out_of_resources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that the disk refuses ends no thread; the store is refused as out of resources."""
    name = UUID(int=7)
    (tmp_path / f"{name.hex}.part").symlink_to("/dev/full")
    monkeypatch.setattr(module, "uuid4", lambda: name)
    spool = Spool(tmp_path, 10, 0)
    file = spool.create()

    for _ in range(30):
        file.write(bytes(100_000))
        file.flush()

    with pytest.raises(Rejected, match="No space left") as refusal:
        spool.finish(Path(file.name))
    assert refusal.value.status == 0xA700


def test_a_file_that_nobody_holds_any_more_is_gone(tmp_path: Path) -> None:
    """When the association ends half-way the part file ends with it."""
    spool = Spool(tmp_path, 1, 0)
    file = spool.create()
    file.write(b"half")
    assert len(list(tmp_path.iterdir())) == 1

    del file
    gc.collect()

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_moved_away_survives_its_close(tmp_path: Path) -> None:
    """Closing after the hand-over removes nothing."""
    spool = Spool(tmp_path / "spool", 1, 0)
    file = spool.create()
    file.write(b"kept")
    spool.finish(Path(file.name)).path.rename(tmp_path / "kept")

    file.close()

    assert (tmp_path / "kept").read_bytes() == b"kept"
