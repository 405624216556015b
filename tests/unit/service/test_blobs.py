import hashlib
import os
import stat
from pathlib import Path
from uuid import uuid4

import pytest

from service.blobs import Blobs, shard

KEY = shard("abcdef", ".dcm")


@pytest.fixture(params=["folder", "remote"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    """A local folder, and a store without files of its own (fsspec's memory store stands for S3)."""
    return Blobs(tmp_path / "originals" if request.param == "folder" else f"memory://{uuid4().hex}/originals")


def test_keys_are_sharded() -> None:
    """The first letters of a name make two levels of folders."""
    assert KEY == "ab/cd/abcdef.dcm"


def test_bytes_come_back(blobs: Blobs) -> None:
    """What was put is there, reads back the same, and has the digest of its content."""
    blobs.put(b"photograph", KEY)
    assert blobs.exists(KEY)
    assert blobs.read(KEY) == b"photograph"
    assert blobs.digest(KEY) == hashlib.sha256(b"photograph").hexdigest()
    with blobs.open(KEY) as file:
        assert file.read(5) == b"photo"


def test_a_file_is_copied(blobs: Blobs, tmp_path: Path) -> None:
    """Putting a file leaves the file where it is."""
    source = tmp_path / "source"
    source.write_bytes(b"x" * 3_000_000)
    blobs.put(source, KEY)
    assert blobs.read(KEY) == source.read_bytes()


def test_a_file_is_adopted(blobs: Blobs, tmp_path: Path) -> None:
    """Adopting a file moves it into the store."""
    source = tmp_path / "source"
    source.write_bytes(b"photograph")
    blobs.adopt(source, KEY)
    assert blobs.read(KEY) == b"photograph"
    assert not source.exists()


def test_adoption_on_one_file_system_copies_nothing(tmp_path: Path) -> None:
    """A file on the same file system keeps its inode when adopted."""
    source = tmp_path / "source"
    source.write_bytes(b"photograph")
    inode = source.stat().st_ino
    Blobs(tmp_path / "originals").adopt(source, KEY)
    assert (tmp_path / "originals" / KEY).stat().st_ino == inode


def test_adoption_across_file_systems(tmp_path: Path) -> None:
    """A file from another file system is adopted as well, and is gone from there."""
    other = Path("/dev/shm") / f"veragate-{uuid4().hex}"
    if not other.parent.is_dir() or other.parent.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system here")
    other.write_bytes(b"photograph")
    try:
        blobs = Blobs(tmp_path)
        blobs.adopt(other, KEY)
        assert blobs.read(KEY) == b"photograph"
        assert not other.exists()
    finally:
        other.unlink(missing_ok=True)


def test_putting_again_replaces(blobs: Blobs) -> None:
    """The same key put twice holds what was put last."""
    blobs.put(b"first", KEY)
    blobs.put(b"second", KEY)
    assert blobs.read(KEY) == b"second"


def test_a_path_for_tools_that_need_one(blobs: Blobs) -> None:
    """Any store lends a local file with the blob's content."""
    blobs.put(b"photograph", KEY)
    with blobs.path(KEY) as path:
        assert path.read_bytes() == b"photograph"


def test_a_lent_copy_does_not_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The local copy of a remote blob is gone after its use."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    blobs = Blobs(f"memory://{uuid4().hex}")
    blobs.put(b"photograph", KEY)
    with blobs.path(KEY):
        assert any(path.is_file() for path in tmp_path.rglob("*"))
    assert list(tmp_path.iterdir()) == []


def test_delete_is_final_and_repeatable(blobs: Blobs) -> None:
    """A deleted blob is gone, and deleting it again is no error."""
    blobs.put(b"photograph", KEY)
    blobs.delete(KEY)
    blobs.delete(KEY)
    assert not blobs.exists(KEY)


def test_a_missing_blob_is_named_as_missing(blobs: Blobs) -> None:
    """Reading or lending what is not there raises FileNotFoundError."""
    with pytest.raises(FileNotFoundError):
        blobs.read(KEY)
    with pytest.raises(FileNotFoundError), blobs.path(KEY):
        pass


@pytest.mark.parametrize("key", ["../outside", "/etc/passwd", "a/../../b", "a//b", "", ".", "a/.hidden", "a\0b", "a\n"])
def test_keys_cannot_leave_the_store(blobs: Blobs, key: str) -> None:
    """A key that is no plain relative path is refused, for reading as for writing."""
    with pytest.raises(ValueError, match="key"):
        blobs.put(b"x", key)
    with pytest.raises(ValueError, match="key"):
        blobs.read(key)


def test_only_the_owner_can_read(tmp_path: Path) -> None:
    """Folders and files of a local store are closed to group and world."""
    Blobs(tmp_path / "originals").put(b"photograph", KEY)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "originals").rglob("*")}
    assert modes == {0o700, 0o600}


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk fills up in the middle, neither the blob nor a draft remains."""
    blobs = Blobs(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    blobs.put(b"other", shard("abcdxx"))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        blobs.put(b"photograph", KEY)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["abcdxx.dcm"]


def test_file_and_folders_are_synced_before_put_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The content is on disk before it gets its name, and every new folder entry after it."""
    order: list[str] = []
    sync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        order.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        sync(descriptor)

    def replaced(self: Path, target: Path) -> Path:
        order.append("rename")
        return replace(self, target)

    blobs = Blobs(tmp_path / "originals")
    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    blobs.put(b"photograph", KEY)
    assert order.index("originals") < order.index("ab") < order.index("rename")
    assert order[order.index("rename") - 1].endswith(".part")
    assert order[-1] == "cd"
