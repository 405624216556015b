"""Whoever can write to the database, without the master secret, cannot change the audit unnoticed (invariant I5).

The log under attack has 15 sealed entries in batches of 5, 4 and 6 and two entries that wait. Not found, by
design: an unsealed entry removed together with its note, and the newest batches cut off the database and
every copy of the checkpoint file alike.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session, make_transient

from service import merkle
from service.audit import Action, record, seal, verify
from service.checkpoints import append_missing
from service.database import Database
from service.sealing import GENESIS, chain_hash, entry_bytes, leaf_mac, signed_bytes
from service.secrets import Keys, Label
from service.tables import INDEXED_DETAILS, AuditCheckpoint, AuditEntry, AuditLeaf, AuditPending

KEYS = Keys(b"k" * 32)
BATCHES = (5, 4, 6)
SEALED = sum(BATCHES)
AUDIT_TABLES = ("audit_entries", "audit_leaves", "audit_checkpoints")


@dataclass
class Log:
    """A sealed log, its checkpoint file, and the ids of its entries by position; those that wait come last."""

    database: Database
    file: Path
    ids: list[str]

    def attack(self, *changes: Callable[[Session], object]) -> None:
        """Change rows as an administrator of the database can: the triggers are out of the way first."""
        with self.database.transaction() as session:
            for table in AUDIT_TABLES:
                if self.database.dialect == "postgresql":
                    session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
                else:
                    for verb in ("update", "delete"):
                        session.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_{verb}"))
            for key in INDEXED_DETAILS:  # they would refuse what is no JSON
                session.execute(text(f"DROP INDEX IF EXISTS ix_audit_{key}"))
            for change in changes:
                change(session)

    def problem(self) -> str:
        verification = verify(self.database, KEYS, self.file)
        assert not verification.ok and verification.problem is not None
        return verification.problem

    def names(self, position: int) -> bool:
        """Whether verification names the entry at a position as the first that does not fit."""
        return f"Entry {self.ids[position]} at position {position} " in self.problem()


def grow(database: Database, count: int) -> None:
    with database.transaction() as session:
        for number in range(count):
            record(session, Action.DELIVERY_SENT, actor="sender", photograph_id="p", details={"attempt": number})


def build(database: Database, file: Path) -> Log:
    for size in BATCHES:
        grow(database, size)
        seal(database, KEYS, file)
    grow(database, 2)
    with database.read() as session:
        ids = list(session.scalars(select(AuditLeaf.entry_id).order_by(AuditLeaf.position)))
        ids += session.scalars(select(AuditPending.entry_id))
    assert verify(database, KEYS, file).ok and len(ids) == SEALED + 2
    return Log(database, file, ids)


@pytest.fixture
def log(database: Database, tmp_path: Path) -> Log:
    return build(database, tmp_path / "audit.jsonl")


@pytest.fixture
def sqlite_log(sqlite_url: str, tmp_path: Path) -> Iterator[Log]:
    """A log in SQLite only, which takes any value in any column."""
    database = Database(sqlite_url)
    yield build(database, tmp_path / "audit.jsonl")
    database.close()


def edited(entry_id: str, **values: object) -> Callable[[Session], object]:
    return lambda session: session.execute(update(AuditEntry).where(AuditEntry.id == entry_id).values(**values))


def without_entries(*ids: str) -> Callable[[Session], object]:
    return lambda session: session.execute(delete(AuditEntry).where(AuditEntry.id.in_(ids)))


def without_leaves(*positions: int) -> Callable[[Session], object]:
    return lambda session: session.execute(delete(AuditLeaf).where(AuditLeaf.position.in_(positions)))


def without_checkpoints(*batches: int) -> Callable[[Session], object]:
    return lambda session: session.execute(delete(AuditCheckpoint).where(AuditCheckpoint.batch.in_(batches)))


def raw(statement: str, **values: object) -> Callable[[Session], object]:
    return lambda session: session.execute(text(statement), values)


def test_an_edit_is_found_wherever_it_is(log: Log) -> None:
    """The first edited entry is named, at each position, even when everything after it was edited too."""
    for position in reversed(range(SEALED)):
        log.attack(edited(log.ids[position], actor="nobody"))
        assert log.names(position)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor", "nobody"),
        ("action", "photograph.received"),
        ("outcome", "failure"),
        ("photograph_id", None),
        ("details", {"attempt": 7}),
        ("details", {}),
    ],
    ids=str,
)
def test_every_column_counts(log: Log, column: str, value: object) -> None:
    """An edit of any column is an edit."""
    log.attack(edited(log.ids[6], **{column: value}))
    assert log.names(6)


def test_a_microsecond_counts(log: Log) -> None:
    """An entry whose time was moved by the least that the database can hold is named."""
    with log.database.read() as session:
        when = session.get_one(AuditEntry, log.ids[6]).occurred_at
    log.attack(edited(log.ids[6], occurred_at=when.replace(microsecond=(when.microsecond + 1) % 1_000_000)))
    assert log.names(6)


@pytest.mark.parametrize("position", [0, 4, 5, 14])
def test_a_removed_entry_is_named(log: Log, position: int) -> None:
    """An entry that was deleted is named from the leaf that it left."""
    log.attack(without_entries(log.ids[position]))
    assert log.names(position)


@pytest.mark.parametrize("position", [0, 4, 5, 8, 14])
def test_an_entry_removed_with_its_leaf_is_named(log: Log, position: int) -> None:
    """An entry that was deleted with its leaf is named by its position and its neighbour."""
    log.attack(without_entries(log.ids[position]), without_leaves(position))
    neighbour = f"entry {log.ids[position - 1]}" if position else "the beginning"
    assert f"The entry at position {position}, after {neighbour}," in log.problem()


def test_moving_the_rest_up_does_not_close_the_gap(log: Log) -> None:
    """When the leaves after a removed entry are moved up by one place, the first of them is named."""
    move = "UPDATE audit_leaves SET position = position {} WHERE position > 5"
    log.attack(without_entries(log.ids[5]), without_leaves(5), raw(move.format("+ 1000")), raw(move.format("- 1001")))
    assert f"Entry {log.ids[6]} at position 5 " in log.problem()


@pytest.mark.parametrize("batch", [0, 1, 2])
def test_a_removed_checkpoint_is_found(log: Log, batch: int) -> None:
    """A checkpoint that was deleted is found, with the position of the first entry that it sealed."""
    log.attack(without_checkpoints(batch))
    assert f"position {sum(BATCHES[:batch])}" in log.problem()


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_cut_of_whole_batches_is_found(log: Log, kept: int) -> None:
    """When the last batches are gone without a trace in the database, the checkpoint file still vouches for them."""
    first = sum(BATCHES[:kept])
    log.attack(
        without_entries(*log.ids[first:]),
        without_leaves(*range(first, SEALED)),
        without_checkpoints(*range(kept, 3)),
        lambda session: session.execute(delete(AuditPending)),
    )
    assert f"The entries from position {first} on, " in log.problem()
    assert "cut off" in log.problem()


def test_a_cut_stays_visible_when_the_gateway_goes_on(log: Log) -> None:
    """After a cut the sealer fills the place with new batches, and verification still names the first lost position."""
    log.attack(without_entries(*log.ids[5:SEALED]), without_leaves(*range(5, SEALED)), without_checkpoints(1, 2))
    for _ in range(4):
        grow(log.database, 1)
        seal(log.database, KEYS, log.file)
    assert f"From position 5 on, after entry {log.ids[4]}, entries were replaced" in log.problem()


def test_two_entries_that_changed_places_are_found(log: Log) -> None:
    """When two leaves swap their positions the first of the two places is named."""
    log.attack(
        raw("UPDATE audit_leaves SET position = 999 WHERE position = 6"),
        raw("UPDATE audit_leaves SET position = 6 WHERE position = 7"),
        raw("UPDATE audit_leaves SET position = 7 WHERE position = 999"),
    )
    assert f"Entry {log.ids[7]} at position 6 " in log.problem()


def test_a_leaf_that_points_elsewhere_is_found(log: Log) -> None:
    """A leaf that was made to stand for another entry is named with that entry."""
    log.attack(raw("UPDATE audit_leaves SET entry_id = :id WHERE position = 6", id=log.ids[-1]))
    assert f"Entry {log.ids[-1]} at position 6 " in log.problem()


@pytest.mark.parametrize("column", ["leaf_hash", "mac"])
def test_an_edited_leaf_is_found(log: Log, column: str) -> None:
    """A leaf whose hash or keyed hash was changed is named with its entry."""
    log.attack(raw(f"UPDATE audit_leaves SET {column} = '00' WHERE position = 6"))
    assert log.names(6)


def test_a_leaf_in_another_batch_is_found(log: Log) -> None:
    """A leaf that was moved to another batch is named."""
    log.attack(raw("UPDATE audit_leaves SET batch = 0 WHERE position = 6"))
    assert log.names(6)


def forge(keys: Keys, change: Callable[[AuditEntry], None]) -> Callable[[Session], None]:
    """Edit the entry at position 6 and recompute everything after it, as who knows the code but not the secret can."""

    def attack(session: Session) -> None:
        rows = [(leaf, session.get_one(AuditEntry, leaf.entry_id)) for leaf in session.scalars(
            select(AuditLeaf).order_by(AuditLeaf.position))]  # fmt: skip
        change(rows[6][1])
        for leaf, entry in rows:
            digest = merkle.leaf_hash(entry_bytes(entry))
            leaf.leaf_hash = digest.hex()
            leaf.mac = leaf_mac(keys.derive(Label.AUDIT_LEAF), leaf.position, leaf.batch, digest)
        chain = GENESIS
        for checkpoint in session.scalars(select(AuditCheckpoint).order_by(AuditCheckpoint.batch)):
            numbers = (checkpoint.batch, checkpoint.first_position, checkpoint.size)
            hashes = [bytes.fromhex(leaf.leaf_hash) for leaf, _ in rows[numbers[1] : numbers[2]]]
            checkpoint.root = merkle.root(hashes).hex()
            checkpoint.chain = chain = chain_hash(chain, *numbers, checkpoint.root)
            signer = Ed25519PrivateKey.from_private_bytes(keys.derive(Label.AUDIT_CHECKPOINT))
            checkpoint.signature = signer.sign(signed_bytes(checkpoint)).hex()

    return attack


def as_nobody(entry: AuditEntry) -> None:
    entry.actor = "nobody"


def test_an_edit_with_all_hashes_recomputed_is_found(log: Log) -> None:
    """Recomputed leaves, roots, chain and signatures under another key are not taken for ours."""
    log.attack(forge(Keys(b"x" * 32), as_nobody))
    assert "from position 0 on" in log.problem()


def test_an_edit_with_its_leaf_recomputed_is_named(log: Log) -> None:
    """An entry whose leaf hash was made to fit again is still named, not only its batch."""

    def attack(session: Session) -> None:
        entry = session.get_one(AuditEntry, log.ids[6])
        as_nobody(entry)
        session.get_one(AuditLeaf, 6).leaf_hash = merkle.leaf_hash(entry_bytes(entry)).hex()

    log.attack(attack)
    assert log.names(6)


def test_even_the_secret_does_not_change_what_the_file_holds(log: Log) -> None:
    """Who has the master secret as well can rewrite the database, and the checkpoint file contradicts it."""
    log.attack(forge(KEYS, as_nobody))
    assert "From position 5 on" in log.problem()


@pytest.mark.parametrize(
    "column",
    ["first_position", "size", "root", "chain", "signature", "batch"],
)
def test_an_edited_checkpoint_is_found(log: Log, column: str) -> None:
    """An edit of any column of a checkpoint is found."""
    value = "batch + 100" if column == "batch" else f"{column} + 1" if column in ("first_position", "size") else "'00'"
    log.attack(raw(f"UPDATE audit_checkpoints SET {column} = {value} WHERE batch = 1"))
    assert "of batch 1" in log.problem()
    assert "from position 5 on" in log.problem()


def test_an_entry_slipped_in_beside_the_log_is_named(log: Log) -> None:
    """An entry that nobody sealed and that does not wait for it was not written by the gateway."""
    values = {"id": "f" * 32, "action": "delivery.sent", "outcome": "success", "actor": "x", "details": {}}
    log.attack(lambda session: session.execute(insert(AuditEntry).values(**values)))
    assert "f" * 32 in log.problem()


def test_an_entry_slipped_in_with_a_leaf_is_named(log: Log) -> None:
    """An entry with a forged leaf at the end of the log has no checkpoint and is named."""
    values = {"id": "f" * 32, "action": "delivery.sent", "outcome": "success", "actor": "x", "details": {}}
    leaf = {"position": SEALED, "entry_id": "f" * 32, "leaf_hash": "0" * 64, "mac": "0" * 64, "batch": 2}
    log.attack(
        lambda session: session.execute(insert(AuditEntry).values(**values)),
        lambda session: session.execute(insert(AuditLeaf).values(**leaf)),
    )
    assert f"Entry {'f' * 32} at position {SEALED} " in log.problem()


def test_a_leaf_before_the_beginning_is_found(log: Log) -> None:
    """A leaf at a position that does not exist is found."""
    leaf = {"position": -1, "entry_id": "f" * 32, "leaf_hash": "0" * 64, "mac": "0" * 64, "batch": 0}
    log.attack(lambda session: session.execute(insert(AuditLeaf).values(**leaf)))
    assert "at position -1 " in log.problem()


def test_an_unsealed_entry_that_was_removed_is_named(log: Log) -> None:
    """An entry that still waited to be sealed is missed by the note that waits for it."""
    log.attack(without_entries(log.ids[-1]))
    assert log.problem() == f"Entry {log.ids[-1]} was removed before it was sealed."


@pytest.mark.parametrize(("column", "garbage"), [("occurred_at", "yesterday"), ("details", "{not json")])
def test_garbage_in_an_entry_is_named(sqlite_log: Log, column: str, garbage: str) -> None:
    """Values that no gateway ever wrote, which SQLite takes in any column, are named and do not stop the check."""
    log = sqlite_log
    log.attack(raw(f"UPDATE audit_entries SET {column} = :garbage WHERE id = :id", garbage=garbage, id=log.ids[6]))
    assert f"The entry at position 6, after entry {log.ids[5]}, was edited" in log.problem()


@pytest.mark.parametrize("column", ["size", "root", "chain", "signature", "sealed_at"])
def test_garbage_in_a_checkpoint_is_found(sqlite_log: Log, column: str) -> None:
    """A checkpoint with a value of another kind is found and does not stop the check."""
    log = sqlite_log
    log.attack(raw(f"UPDATE audit_checkpoints SET {column} = 'garbage' WHERE batch = 1"))
    assert "batch" in log.problem()


def lines(log: Log) -> list[bytes]:
    return log.file.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("kept", [0, 1])
def test_a_checkpoint_file_that_was_cut_is_found(log: Log, kept: int) -> None:
    """A file that lacks more than the newest checkpoint was cut."""
    log.file.write_bytes(b"".join(lines(log)[:kept]))
    assert "cut off after batch" in log.problem()


def test_a_missing_checkpoint_file_is_found(log: Log) -> None:
    """Without its checkpoint file a log is not taken for whole."""
    log.file.unlink()
    assert "cut off" in log.problem()


@pytest.mark.parametrize("line", [0, 1, 2])
def test_an_edited_line_is_found(log: Log, line: int) -> None:
    """A line of the checkpoint file that differs from the database is named by its batch."""
    changed = lines(log)
    changed[line] = json.dumps(json.loads(changed[line]) | {"root": "0" * 64}).encode() + b"\n"
    log.file.write_bytes(b"".join(changed))
    assert f"batch {line} differs" in log.problem()


@pytest.mark.parametrize("garbage", [b"garbage\n", b"[]\n", b"{}\n", b"\n", b"\xff\xfe\n", b'{"batch": 1}\n'])
@pytest.mark.parametrize("line", [1, 2])
def test_a_garbled_line_is_found(log: Log, line: int, garbage: bytes) -> None:
    """A line that is no checkpoint is found, in the middle and at the end."""
    changed = lines(log)
    changed[line] = garbage
    log.file.write_bytes(b"".join(changed))
    assert f"batch {line} differs" in log.problem()


def test_lines_in_another_order_are_found(log: Log) -> None:
    """Lines that changed places are found."""
    first, second, third = lines(log)
    log.file.write_bytes(first + third + second)
    assert "batch 1 differs" in log.problem()


def rewrite_history(log: Log) -> list[object]:
    """Cut all but the first batch, also in the file, and let the gateway seal as many other entries in their place.

    Gives back the rows of the two batches that were cut, all of them made by the gateway itself.
    """
    batch = AuditLeaf.batch.in_((1, 2))
    with log.database.read() as session:
        of_batch = session.scalars(select(AuditEntry).join(AuditLeaf, AuditLeaf.entry_id == AuditEntry.id).where(batch))
        old = [*of_batch, *session.scalars(select(AuditLeaf).where(batch))]
        old += session.scalars(select(AuditCheckpoint).where(AuditCheckpoint.batch > 0))
    for row in old:
        make_transient(row)
    log.attack(
        without_entries(*log.ids[5:]), without_leaves(*range(5, SEALED)), without_checkpoints(1, 2),
        lambda session: session.execute(delete(AuditPending)),
    )  # fmt: skip
    log.file.write_bytes(lines(log)[0])
    for size in BATCHES[1:]:
        grow(log.database, size)
        seal(log.database, KEYS, log.file)
    assert verify(log.database, KEYS, log.file).ok
    return old


def test_a_genuine_batch_of_another_history_does_not_fit(log: Log) -> None:
    """A batch that the gateway once sealed in that place cannot be put back after the batches before it changed."""
    old = rewrite_history(log)
    log.attack(
        without_leaves(*range(9, SEALED)), without_checkpoints(2),
        lambda session: session.add_all(row for row in old if getattr(row, "batch", 2) == 2),
    )  # fmt: skip
    log.file.unlink()
    append_missing(log.database, log.file)
    assert "The checkpoint of batch 2" in log.problem()


def test_a_genuine_entry_of_another_history_does_not_fit(log: Log) -> None:
    """An entry that once had the same place in the same batch cannot be put back with its genuine leaf."""
    old = rewrite_history(log)
    leaf = next(row for row in old if isinstance(row, AuditLeaf) and row.position == 6)
    entry = next(row for row in old if isinstance(row, AuditEntry) and row.id == leaf.entry_id)
    with log.database.read() as session:
        replaced = session.get_one(AuditLeaf, 6).entry_id
    log.attack(without_leaves(6), without_entries(replaced), lambda session: session.add_all([leaf, entry]))
    assert "The entries of batch 1, from position 5 on, were replaced" in log.problem()


def test_another_secret_verifies_nothing(log: Log) -> None:
    """Under another master secret the first checkpoint is already not ours."""
    verification = verify(log.database, Keys(b"l" * 32), log.file)
    assert not verification.ok and "another master secret" in str(verification.problem)
