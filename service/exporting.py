"""The answer to an inquiry as a file that proves itself: each entry with its path to a signed checkpoint.

Entries come in the order of the log, read through a cursor of the database and written as they come, so that
memory stays flat. `service.verify_export` defines the lines and checks them; a copy of it works alone.
"""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from service import audit
from service.audit import Action
from service.checkpoints import fields
from service.errors import VeraGateError
from service.gateway import Gateway
from service.inquiries import Inquiry, all_of
from service.proofs import Batch
from service.sealing import (
    entry_fields,
    last_checkpoint,
    public_key,
    seal_all,
    signing_key,
)
from service.secrets import Keys
from service.tables import AuditEntry, AuditLeaf, utc_now
from service.verify_export import FORMAT, FORMATS, Record, signed_end

MEDIA_TYPES: Final = {"csv": "text/csv", "jsonl": "application/jsonl", "html": "text/html"}
_ROWS: Final = 500
_BLOCK: Final = 1 << 16


def export(gateway: Gateway, inquiry: Inquiry, person: str, form: str) -> Iterator[bytes]:
    """Put the export on record, seal what waits, and give the file's blocks; `form` is csv, jsonl or html.

    Raises VeraGateError for another form or no person before anything is on record, and while reading when
    the log itself does not fit: what was written until then lacks its signed end and is no export.
    """
    if form not in FORMATS:
        raise VeraGateError(f"There is no export as {form}; there are {', '.join(FORMATS)}.")
    if not person.strip():
        raise VeraGateError("An export needs the name of the person who makes it.")
    with gateway.database.transaction() as session:
        details = {"format": form, "query": sorted(inquiry.asked())}
        audit.record(session, Action.AUDIT_EXPORTED, actor=person.strip(), details=details)
    seal_all(gateway.database, gateway.keys, gateway.settings.checkpoints)
    return _blocks(_lines(gateway, inquiry, person.strip(), form))


def _blocks(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Fewer and larger pieces: a network or a file wants no hundred bytes at a time."""
    block = bytearray()
    for line in lines:
        block += line
        if len(block) >= _BLOCK:
            yield bytes(block)
            block.clear()
    yield bytes(block)


def _lines(gateway: Gateway, inquiry: Inquiry, person: str, form: str) -> Iterator[bytes]:
    shape = FORMATS[form]
    digest = sha256(shape.head)
    yield shape.head
    number = entries = 0
    head = ""
    with gateway.database.read() as session:
        for number, record in enumerate(_records(session, gateway.keys, inquiry, person)):
            line = shape.line(record | {"number": number})
            digest.update(line)
            head = head or digest.hexdigest()
            entries += record["record"] == "entry"
            yield line
    end: Record = {"number": number + 1, "entries": entries, "head": head, "digest": digest.hexdigest()}
    signature = signing_key(gateway.keys).sign(signed_end(end)).hex()
    yield shape.line(end | {"record": "end", "signature": signature})
    yield shape.tail


def _records(session: Session, keys: Keys, inquiry: Inquiry, person: str) -> Iterator[Record]:
    last = last_checkpoint(session)
    yield {
        "record": "export",
        "format": FORMAT,
        "query": inquiry.asked(),
        "person": person,
        "made_at": utc_now().isoformat(timespec="microseconds"),
        "public_key": public_key(keys),
        "log_size": last.size if last else 0,
    }
    batch: Batch | None = None
    for row in _sealed(session, inquiry):
        if batch is None or batch.checkpoint.batch != row.batch:
            batch = Batch(session, keys, row.batch)
            yield {"record": "checkpoint", **fields(batch.checkpoint)}
        path = [sibling.hex() for sibling in batch.path(row, row.position)]
        place = {"position": row.position, "batch": row.batch}
        yield {"record": "entry", **place, "entry": entry_fields(row), "path": path}


def _sealed(session: Session, inquiry: Inquiry) -> Iterator[Row[Any]]:
    """Sealed entries with their places, by position, a few hundred in memory at a time."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL cursor_tuple_fraction = 1"))  # all rows are wanted, not the first ones soon
    query = (
        select(AuditLeaf.position, AuditLeaf.batch, *AuditEntry.__table__.columns)
        .join(AuditEntry, AuditEntry.id == AuditLeaf.entry_id)
        .where(*all_of(inquiry))
        .order_by(AuditLeaf.position)
    )
    yield from session.execute(query.execution_options(yield_per=_ROWS))
