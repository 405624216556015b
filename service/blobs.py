"""The store of photographs as whole files under keys, on a local folder or any fsspec store.

On a local folder a blob is there completely or not at all, and once `put` or `adopt` returns it
survives a power failure: file fsync, rename, folder fsync. Other stores answer for that themselves.
"""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import file_digest
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import BinaryIO, cast
from uuid import uuid4

import fsspec

from service.durability import sync

_KEY = re.compile(r"[0-9A-Za-z_-][0-9A-Za-z._-]*(/[0-9A-Za-z_-][0-9A-Za-z._-]*)*", re.ASCII)

_SEGMENTATION = ".seg.dcm"

_lasting: set[Path] = set()  # folders whose entry this process has seen reach the disk


def shard(name: str, suffix: str = ".dcm") -> str:
    """The key "ab/cd/abcd....dcm" for a random or hashed name: no folder grows without end."""
    return f"{name[:2]}/{name[2:4]}/{name}{suffix}"


def map_key(blob: str) -> str:
    """Where the map of a cleaned object lies in the store of maps: under the object's own key, as a PNG."""
    return f"{blob.removesuffix('.dcm')}.png"


def segmentation_key(blob: str) -> str:
    """Where the Segmentation of a cleaned object lies, in the same store."""
    return f"{blob.removesuffix('.dcm')}{_SEGMENTATION}"


def photograph_key(key: str) -> str:
    """The cleaned object that a blob belongs to: itself, or the one whose Segmentation it is."""
    return f"{key.removesuffix(_SEGMENTATION)}.dcm" if key.endswith(_SEGMENTATION) else key


class Blobs:
    """One store; `root` is a local folder or an fsspec URL such as s3://bucket/prefix."""

    def __init__(self, root: Path | str) -> None:
        self._files, path = fsspec.core.url_to_fs(str(root))
        self._root = str(path).rstrip("/")
        self._local = "file" in self._protocols()
        if self._local:
            Path(self._root).mkdir(mode=0o700, parents=True, exist_ok=True)

    def _protocols(self) -> tuple[str, ...]:
        protocol = self._files.protocol
        return (protocol,) if isinstance(protocol, str) else tuple(protocol)

    def _address(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise ValueError("a blob's key is a relative path of plain names")
        return f"{self._root}/{key}"

    def put(self, data: bytes | Path, key: str) -> None:
        """Store bytes or a copy of a file under `key`, over whatever was there."""
        address = self._address(key)
        with BytesIO(data) if isinstance(data, bytes) else data.open("rb") as source:
            if self._local:
                _write_durably(source, Path(address))
            else:
                with self._files.open(address, "wb") as target:
                    shutil.copyfileobj(source, target)

    def adopt(self, path: Path, key: str) -> None:
        """Make a local file the blob `key`; it is moved, without a copy when it lies on the same file system."""
        address = self._address(key)
        if not (self._local and _moved_durably(path, Path(address))):
            self.put(path, key)
            path.unlink()

    def open(self, key: str) -> BufferedReader:
        """The blob for reading; FileNotFoundError when there is none."""
        return cast(BufferedReader, self._files.open(self._address(key), "rb"))

    def read(self, key: str) -> bytes:
        with self.open(key) as file:
            return file.read()

    @contextmanager
    def path(self, key: str) -> Iterator[Path]:
        """A local file with the blob's content, to read and not to change, for as long as the context lasts."""
        if self._local:
            address = Path(self._address(key))
            address.stat()
            yield address
            return
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "blob"
            with self.open(key) as source, copy.open("wb") as target:
                shutil.copyfileobj(source, target)
            yield copy

    def exists(self, key: str) -> bool:
        return bool(self._files.exists(self._address(key)))

    def delete(self, key: str) -> None:
        """Remove the blob; that it is not there is no error."""
        address = self._address(key)
        if self._local:
            Path(address).unlink(missing_ok=True)
        elif self._files.exists(address):
            self._files.rm_file(address)

    def older_than(self, age: timedelta) -> Iterator[str]:
        """Keys of the blobs that were written longer than `age` ago; drafts of that age are removed on the way."""
        newest = datetime.now(UTC) - age
        for address in self._files.find(self._root):
            if self._files.modified(address) > newest:
                continue
            key = str(address).removeprefix(f"{self._root}/")
            if _KEY.fullmatch(key):
                yield key
            else:
                self._files.rm_file(address)

    def digest(self, key: str) -> str:
        """SHA-256 of the blob, 64 hex digits."""
        with self.open(key) as file:
            return file_digest(file, "sha256").hexdigest()


def _write_durably(source: BinaryIO, target: Path) -> None:
    _make_folder(target.parent)
    draft = target.with_name(f".{uuid4().hex}.part")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
        _moved_durably(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def _moved_durably(path: Path, target: Path) -> bool:
    """Move a file so that the move lasts; False when the target lies on another file system."""
    _make_folder(target.parent)
    sync(path)
    try:
        path.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return False
    sync(target.parent)
    return True


def _make_folder(folder: Path) -> None:
    """Make a folder and its parents, each entry on disk before anything is put into it.

    A folder that is there may come from a process that has not synced it yet, so each process syncs it once.
    """
    if folder in _lasting and folder.is_dir():
        return
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    sync(folder.parent)
    _lasting.add(folder)
