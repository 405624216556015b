"""The checkpoint file: one JSON line per sealed batch, line n for batch n, only ever appended to."""

import fcntl
import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import select

from service.database import Database
from service.durability import sync
from service.errors import VeraGateError
from service.tables import AuditCheckpoint

_LONGEST_LINE = 4096


def append_missing(database: Database, path: Path) -> None:
    """Append the checkpoints that the file does not have yet, and wait until they are on the disk.

    Half a line at the end, left by a crash, is overwritten. Raises VeraGateError when the last whole line
    is damaged: appending to it would hide that.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        last, end = _last_batch(file, path)
        with database.read() as session:
            newer = select(AuditCheckpoint).where(AuditCheckpoint.batch > last).order_by(AuditCheckpoint.batch)
            missing = b"".join(line(checkpoint) for checkpoint in session.scalars(newer))
        if missing:
            file.seek(end)
            file.truncate()
            file.write(missing)
            file.flush()
            os.fsync(descriptor)
            sync(path.parent)


def read_lines(path: Path, stop: int) -> Iterator[AuditCheckpoint | None]:
    """The checkpoints in the file's first `stop` bytes, None for a damaged line; half a line at the end is no line."""
    if not path.exists():
        return
    with path.open("rb") as file:
        while (line := file.readline()).endswith(b"\n") and file.tell() <= stop:
            yield _parse(line)


def last_batch(path: Path) -> int:
    """The batch of the file's last whole line, -1 when there is none; raises VeraGateError when it is damaged."""
    if not path.exists():
        return -1
    with path.open("rb") as file:
        return _last_batch(file, path)[0]


def _last_batch(file: BinaryIO, path: Path) -> tuple[int, int]:
    """(batch of the last whole line or -1, offset of its end)."""
    start = max(0, file.seek(0, os.SEEK_END) - 2 * _LONGEST_LINE)
    file.seek(start)
    tail = file.read()
    end = tail.rfind(b"\n") + 1
    if end == 0:
        if start > 0:
            raise VeraGateError(f"The checkpoint file {path} is damaged at its end.")
        return -1, 0
    checkpoint = _parse(tail[tail.rfind(b"\n", 0, end - 1) + 1 : end])
    if checkpoint is None:
        raise VeraGateError(f"The last line of the checkpoint file {path} is damaged.")
    return checkpoint.batch, start + end


def line(checkpoint: AuditCheckpoint) -> bytes:
    """The checkpoint as it stands in the file, with its signature and the newline at its end."""
    return json.dumps(fields(checkpoint)).encode() + b"\n"


def fields(checkpoint: AuditCheckpoint) -> dict[str, Any]:
    """What a checkpoint says, in JSON's types."""
    return {
        "batch": checkpoint.batch,
        "first_position": checkpoint.first_position,
        "size": checkpoint.size,
        "root": checkpoint.root,
        "chain": checkpoint.chain,
        "sealed_at": checkpoint.sealed_at.isoformat(timespec="microseconds"),
        "signature": checkpoint.signature,
    }


def _parse(line: bytes) -> AuditCheckpoint | None:
    try:
        values = json.loads(line)
        return AuditCheckpoint(**values | {"sealed_at": datetime.fromisoformat(values["sealed_at"])})
    except (ValueError, TypeError, KeyError):
        return None
