"""Verification of the sealed audit: recompute everything, and name the first entry that does not fit."""

import hmac
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from service import merkle
from service.checkpoints import last_batch, read_lines
from service.database import Database
from service.errors import VeraGateError
from service.sealing import GENESIS, chain_hash, entry_bytes, leaf_mac, signed_bytes, signing_key
from service.secrets import Keys, Label
from service.tables import AuditCheckpoint, AuditEntry, AuditLeaf, AuditPending

_CHUNK = 1000
_Row = tuple[AuditLeaf, AuditEntry | None]


@dataclass(frozen=True)
class Verification:
    """What `verify` found; `problem` is one sentence that names the first entry edited, removed or cut off.

    `note` is a sentence about what could not be looked at, such as a copy on a machine that does not answer.
    """

    ok: bool
    entries: int
    sealed: int
    unsealed: int
    problem: str | None
    note: str | None = None


class _TamperingError(VeraGateError):
    """The first thing in the log that does not fit."""


def verify(database: Database, keys: Keys, checkpoint_file: Path, copy: Path | None = None) -> Verification:
    """Check every entry, leaf and checkpoint against the keys, the checkpoint file, and a copy of that elsewhere.

    Fit for a running gateway: it reads one snapshot, and the parts of the files that were there before it.
    The file may lack the newest batch and no more, since a crash can fall between the commit and the file;
    the copy is made now and then and may lack more.
    """
    witnesses = [_Witness(path, name) for path, name in ((checkpoint_file, "file"), (copy, "copy")) if path]
    problem = None
    with database.read() as session:
        entries, sealed, unsealed = (_count(session, table) for table in (AuditEntry, AuditLeaf, AuditPending))
        try:
            _Walk(session, keys).check(witnesses, checkpoint_file)
        except VeraGateError as error:
            problem = str(error)
    return Verification(problem is None, entries, sealed, unsealed, problem, witnesses[-1].silent)


class _Witness:
    """A file of checkpoints beside the database, as long as it was before the database was looked at."""

    def __init__(self, path: Path, kind: str) -> None:
        self.name = "checkpoint file" if kind == "file" else "copy of the checkpoint file"
        self.silent: str | None = None  # why a copy that cannot be read says nothing
        self._path, self._is_copy = path, kind == "copy"
        self._lines: Iterator[AuditCheckpoint | None] = iter(())
        with self._readable():
            if self._is_copy and not path.is_file():
                self.silent = f"There is no copy of the checkpoints in {path.parent}."
            else:
                self._lines = read_lines(path, path.stat().st_size if path.exists() else 0)

    def agrees(self, checkpoint: AuditCheckpoint) -> bool:
        """Whether the next line says the same; a file that is too short is not at odds with anything."""
        line: AuditCheckpoint | None = checkpoint
        with self._readable():
            line = next(self._lines, checkpoint)
        return line is not None and signed_bytes(line) == signed_bytes(checkpoint)

    def goes_on(self) -> bool:
        with self._readable():
            return any(True for _ in self._lines)
        return False

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """A copy may lie on a machine that is away; the file itself may not."""
        try:
            yield
        except OSError as error:
            if not self._is_copy:
                raise
            self._lines = iter(())
            self.silent = f"The copy of the checkpoints in {self._path.parent} cannot be read: {error.strerror}."


def _count(session: Session, table: type[AuditEntry] | type[AuditLeaf] | type[AuditPending]) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


@contextmanager
def _readable(what: str) -> Iterator[None]:
    """Values of a type that was never written there mean an edit, not a fault of ours."""
    try:
        yield
    except (ValueError, TypeError, OverflowError, AttributeError) as error:
        raise _TamperingError(f"{what} was edited: it cannot be read any more.") from error


class _Walk:
    """One pass over the log from position 0, a batch in memory at a time."""

    def __init__(self, session: Session, keys: Keys) -> None:
        self._session = session
        self._leaf_key = keys.derive(Label.AUDIT_LEAF)
        self._public_key = signing_key(keys).public_key()
        self._rows = self._all_rows()
        self._chain, self._size, self._batches = GENESIS, 0, 0
        self._before = "the beginning"

    def check(self, witnesses: Sequence[_Witness], file: Path) -> None:
        """Raise at the first position that does not fit."""
        for checkpoint in self._checkpoints():
            with _readable(f"The checkpoint of batch {self._batches}"):
                self._check_checkpoint(checkpoint)
            for witness in witnesses:
                self._hear(witness, checkpoint)
            self._check_entries(checkpoint)
            self._chain, self._size, self._batches = checkpoint.chain, checkpoint.size, self._batches + 1
        self._check_nothing_was_cut_off(witnesses)
        self._check_file_is_whole(file)
        self._check_unsealed()

    def _hear(self, witness: _Witness, checkpoint: AuditCheckpoint) -> None:
        if not witness.agrees(checkpoint):
            raise _TamperingError(
                f"From position {self._size} on, after {self._before}, entries were replaced or the {witness.name} "
                f"was edited: batch {checkpoint.batch} differs between the two."
            )

    def _checkpoints(self) -> Iterator[AuditCheckpoint]:
        ordered = select(AuditCheckpoint).order_by(AuditCheckpoint.batch).execution_options(yield_per=_CHUNK)
        with _readable(f"A checkpoint from batch {self._batches} on"):
            yield from self._session.scalars(ordered)

    def _check_checkpoint(self, checkpoint: AuditCheckpoint) -> None:
        """It follows on the one before, and we signed it."""
        if checkpoint.batch != self._batches or checkpoint.first_position != self._size:
            raise _TamperingError(
                f"The checkpoint of batch {self._batches} was removed; it sealed the entries from position "
                f"{self._size} on, after {self._before}."
            )
        numbers = (checkpoint.batch, checkpoint.first_position, checkpoint.size)
        fits = checkpoint.chain == chain_hash(self._chain, *numbers, checkpoint.root)
        try:
            self._public_key.verify(bytes.fromhex(checkpoint.signature), signed_bytes(checkpoint))
        except InvalidSignature:
            fits = False
        if not fits:
            raise _TamperingError(
                f"The checkpoint of batch {checkpoint.batch}, over the entries from position {self._size} on, was "
                "edited, forged, or signed under another master secret."
            )

    def _check_entries(self, checkpoint: AuditCheckpoint) -> None:
        hashes = [self._check_entry(position, checkpoint.batch) for position in range(self._size, checkpoint.size)]
        if merkle.root(hashes).hex() != checkpoint.root:
            raise _TamperingError(
                f"The entries of batch {checkpoint.batch}, from position {self._size} on, were replaced."
            )

    def _check_entry(self, position: int, batch: int) -> bytes:
        leaf, entry = next(self._rows, (None, None))
        if leaf is None or leaf.position != position:
            raise _TamperingError(f"The entry at position {position}, after {self._before}, was removed from the log.")
        if entry is None:
            raise _TamperingError(f"Entry {leaf.entry_id} at position {position} was removed.")
        with _readable(f"Entry {entry.id} at position {position}"):
            digest = merkle.leaf_hash(entry_bytes(entry))
            expected = leaf_mac(self._leaf_key, position, batch, digest)
        if leaf.leaf_hash != digest.hex() or leaf.batch != batch or not hmac.compare_digest(leaf.mac, expected):
            raise _TamperingError(f"Entry {entry.id} at position {position} was edited, moved or forged.")
        self._before = f"entry {entry.id}"
        return digest

    def _check_nothing_was_cut_off(self, witnesses: Sequence[_Witness]) -> None:
        outside = or_(AuditLeaf.position >= self._size, AuditLeaf.position < 0)
        leaf = self._session.scalars(select(AuditLeaf).where(outside).order_by(AuditLeaf.position).limit(1)).first()
        if leaf is not None:
            raise _TamperingError(
                f"Entry {leaf.entry_id} at position {leaf.position} lost the checkpoint that sealed it."
            )
        for witness in witnesses:
            if witness.goes_on():
                raise _TamperingError(
                    f"The entries from position {self._size} on, after {self._before}, were cut off: the "
                    f"{witness.name} goes on with batch {self._batches}."
                )

    def _check_file_is_whole(self, file: Path) -> None:
        held = last_batch(file)
        if held < self._batches - 2:
            raise _TamperingError(
                f"The checkpoint file was cut off after batch {held}; the log has {self._batches} batches."
            )

    def _check_unsealed(self) -> None:
        """Every entry without a leaf waits for one, and everything that waits is there."""
        query = (
            select(AuditEntry.id)
            .outerjoin(AuditLeaf, AuditLeaf.entry_id == AuditEntry.id)
            .outerjoin(AuditPending, AuditPending.entry_id == AuditEntry.id)
            .where(AuditLeaf.entry_id.is_(None), AuditPending.entry_id.is_(None))
            .order_by(AuditEntry.occurred_at)
        )
        if (slipped_in := self._session.scalar(query.limit(1))) is not None:
            raise _TamperingError(
                f"Entry {slipped_in} is neither sealed nor waiting to be: it was put in past the gateway."
            )
        orphans = select(AuditPending.entry_id).outerjoin(AuditEntry, AuditEntry.id == AuditPending.entry_id)
        if (removed := self._session.scalar(orphans.where(AuditEntry.id.is_(None)).limit(1))) is not None:
            raise _TamperingError(f"Entry {removed} was removed before it was sealed.")

    def _all_rows(self) -> Iterator[_Row]:
        """Leaves from position 0 on with their entries, by chunks; singly where a chunk cannot be read."""
        position = 0
        while rows := self._some_rows(position):
            yield from rows
            position = rows[-1][0].position + 1

    def _some_rows(self, position: int) -> Sequence[_Row]:
        try:
            return self._fetch(position, _CHUNK)
        except (ValueError, TypeError):
            with _readable(f"The entry at position {position}, after {self._before},"):
                return self._fetch(position, 1)

    def _fetch(self, position: int, count: int) -> Sequence[_Row]:
        query = (
            select(AuditLeaf, AuditEntry)
            .outerjoin(AuditEntry, AuditEntry.id == AuditLeaf.entry_id)
            .where(AuditLeaf.position >= position)
            .order_by(AuditLeaf.position)
        )
        return [(leaf, entry) for leaf, entry in self._session.execute(query.limit(count))]
