"""Objects while they are being received: written to disk as they come, hashed on the way, never decoded.

With STORE_RECV_CHUNKED_DATASET, pynetdicom writes each C-STORE data set through `NamedTemporaryFile`. `Spool`
stands in for it, because a plain temporary file would know neither the size cap nor the disk watermark, and a
full disk would end the association's thread instead of answering "out of resources".
"""

import hashlib
import shutil
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from pynetdicom import _config, dimse_messages

from service.errors import Rejected

OUT_OF_RESOURCES: Final = 0xA700
_MEGABYTE: Final = 1 << 20
_BUFFER: Final = 1 << 17
_CHECK_EVERY: Final = 16 * _MEGABYTE


@dataclass(frozen=True)
class Received:
    """One complete object in the spool as the peer sent it (PS3.10 file); `Blobs.adopt` makes it durable."""

    path: Path
    size: int
    digest: str  # SHA-256 of the file, hex


class Spool:
    """A folder of files that are being received, with a size cap and a free-space watermark in megabytes."""

    def __init__(self, folder: Path, max_megabytes: int, min_free_megabytes: int) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self.max_bytes = max_megabytes * _MEGABYTE
        self.min_free_bytes = min_free_megabytes * _MEGABYTE
        self._open: weakref.WeakValueDictionary[str, SpoolFile] = weakref.WeakValueDictionary()

    def install(self) -> None:
        """Make pynetdicom receive into this spool; once per process."""
        _config.STORE_RECV_CHUNKED_DATASET = True
        setattr(dimse_messages, "NamedTemporaryFile", self.create)  # noqa: B010 - the name is not exported

    def create(self, **_: Any) -> "SpoolFile":
        file = SpoolFile(self)
        self._open[file.name] = file
        return file

    def finish(self, path: Path) -> Received:
        """Hand a received file over; the caller moves it out of the spool.

        Raises Rejected with 0xA700 when it was larger than the cap or did not fit on the disk.
        """
        return self._open[str(path)].finish()

    def has_room(self) -> bool:
        return shutil.disk_usage(self.folder).free >= self.min_free_bytes


class SpoolFile:
    """What pynetdicom writes one data set to; after a problem it swallows the rest of it.

    The file is removed by `close`, which the listener calls when a peer breaks off, or with the last reference.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self.name = str(spool.folder / f"{uuid4().hex}.part")
        self.size = 0
        self._hash = hashlib.sha256()
        self._problem: str | None = None
        self._next_check = 0
        self._file = Path(self.name).open("wb", buffering=_BUFFER)  # noqa: SIM115 - closed by `close`
        self._discard = weakref.finalize(self, _remove, self._file, Path(self.name))

    @property
    def file(self) -> "SpoolFile":
        return self

    def write(self, data: bytes) -> int:
        if self._problem is None:
            self._attempt(lambda: self._write(data))
        return len(data)

    def flush(self) -> None:
        if self._problem is None:
            self._attempt(self._file.flush)

    def close(self) -> None:
        self._discard()

    def finish(self) -> Received:
        self.flush()
        if self._problem is not None:
            raise Rejected(OUT_OF_RESOURCES, self._problem)
        return Received(Path(self.name), self.size, self._hash.hexdigest())

    def _attempt(self, step: Callable[[], None]) -> None:
        try:
            step()
        except OSError as error:
            self._problem = f"the spool cannot be written: {error.strerror}"

    def _write(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > self._spool.max_bytes:
            self._problem = "the object is larger than limits.max_object_megabytes"
        elif self.size > self._next_check and not self._spool.has_room():
            self._problem = "less disk is free than limits.min_free_disk_megabytes"
        else:
            if self.size > self._next_check:
                self._next_check = self.size + _CHECK_EVERY
            self._hash.update(data)
            self._file.write(data)


def _remove(file: Any, path: Path) -> None:
    """Close and remove what is left; nothing is left after a successful hand-over."""
    with suppress(OSError):  # what could not be flushed is removed anyway
        file.close()
    path.unlink(missing_ok=True)


def remove_older(folder: Path, age: timedelta) -> int:
    """Remove part files that nobody wrote to for `age`; what a killed listener left was never acknowledged."""
    oldest = time.time() - age.total_seconds()
    leftovers = [path for path in folder.glob("*.part") if path.stat().st_mtime < oldest]
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)
