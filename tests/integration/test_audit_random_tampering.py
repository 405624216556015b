"""Hundreds of changes made at random in the database, with its triggers out of the way: each is found and named.

test_audit_tampering.py asks what kinds of attack there are; here a seeded attacker tries each of them at many places,
alone and several at once. The same for exported files stands in test_exporting.py.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session

from service.audit import Action, Outcome, record, seal, verify
from service.database import Database
from service.secrets import Keys
from service.tables import INDEXED_DETAILS, AuditCheckpoint, AuditEntry, AuditLeaf, new_id

KEYS = Keys(b"k" * 32)
BATCHES = (4, 1, 7, 3, 5, 2, 6, 4)
SEALED = sum(BATCHES)
TABLES = ("audit_entries", "audit_leaves", "audit_checkpoints", "audit_pending")
ROUNDS = {"sqlite": 304, "postgresql": 40}


@dataclass
class Log:
    database: Database
    file: Path
    ids: list[str]

    def restore(self) -> None:
        with self.database.transaction() as session:
            for table in TABLES:
                session.execute(text(f"DELETE FROM {table}"))
                session.execute(text(f"INSERT INTO {table} SELECT * FROM saved_{table}"))

    def problem(self) -> str:
        return str(verify(self.database, KEYS, self.file).problem)


@pytest.fixture
def log(database: Database, tmp_path: Path) -> Iterator[Log]:
    """A sealed log without its triggers, with a copy of each table to go back to."""
    file = tmp_path / "audit.jsonl"
    for size in BATCHES:
        with database.transaction() as session:
            for number in range(size):
                details = {"attempt": number, "destination": "ARCHIVE"}
                record(session, Action.DELIVERY_SENT, actor="sender", photograph_id="p", details=details)
        seal(database, KEYS, file)
    with database.transaction() as session:
        for table in TABLES[:3]:
            for verb in ("update", "delete"):
                if database.dialect == "postgresql":
                    session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
                else:
                    session.execute(text(f"DROP TRIGGER {table}_no_{verb}"))
        for key in INDEXED_DETAILS:
            session.execute(text(f"DROP INDEX ix_audit_{key}"))
        for table in TABLES:
            session.execute(text(f"CREATE TABLE saved_{table} AS SELECT * FROM {table}"))
        ids = list(session.scalars(select(AuditLeaf.entry_id).order_by(AuditLeaf.position)))
    assert verify(database, KEYS, file).ok and len(ids) == SEALED
    yield Log(database, file, ids)


Attack = Callable[[Random, Session, Log], int]  # gives back the first position that does not fit any more


def edit(random: Random, session: Session, log: Log) -> int:
    at = random.randrange(SEALED)
    column, values = random.choice(
        [
            ("actor", ["nobody", "", "sendeR", "sender "]),
            ("action", [Action.PHOTOGRAPH_RELEASED.value, "delivery.Sent"]),
            ("outcome", [Outcome.FAILURE.value, Outcome.REFUSED.value]),
            ("photograph_id", [None, "q", "P"]),
            ("details", [{}, {"attempt": 99, "destination": "ARCHIVE"}, {"destination": "archive"}]),
        ]
    )
    session.execute(update(AuditEntry).where(AuditEntry.id == log.ids[at]).values({column: random.choice(values)}))
    return at


def back_date(random: Random, session: Session, log: Log) -> int:
    """One entry or a run of them, by a microsecond up to years, forward too."""
    at = random.randrange(SEALED)
    by = random.choice([timedelta(microseconds=1), timedelta(hours=1), timedelta(days=900)]) * random.choice([1, -1])
    for entry_id in log.ids[at : at + random.randrange(1, 4)]:
        entry = session.get_one(AuditEntry, entry_id)
        entry.occurred_at -= by
    return at


def remove(random: Random, session: Session, log: Log) -> int:
    """Entries, with or without what the seal keeps of them."""
    chosen = sorted(random.sample(range(SEALED), random.randrange(1, 4)))
    session.execute(delete(AuditEntry).where(AuditEntry.id.in_([log.ids[at] for at in chosen])))
    if random.random() < 0.5:
        session.execute(delete(AuditLeaf).where(AuditLeaf.position.in_(chosen)))
    return chosen[0]


def swap(random: Random, session: Session, log: Log) -> int:
    """Two entries change places, and sometimes take their keyed hashes along."""
    first, second = sorted(random.sample(range(SEALED), 2))
    leaves = [session.get_one(AuditLeaf, at) for at in (first, second)]
    names = ["entry_id", "leaf_hash", "mac"][: random.randrange(1, 4)]
    old = [{name: getattr(leaf, name) for name in names} for leaf in leaves]
    session.execute(update(AuditLeaf).where(AuditLeaf.position == second).values(entry_id="-"))
    for leaf, values in zip(leaves, reversed(old), strict=True):
        session.execute(update(AuditLeaf).where(AuditLeaf.position == leaf.position).values(values))
    return first


def truncate(random: Random, session: Session, log: Log) -> int:
    """The end of the log, with every trace of it in the database."""
    at = random.randrange(SEALED)
    session.execute(delete(AuditEntry).where(AuditEntry.id.in_(log.ids[at:])))
    session.execute(delete(AuditLeaf).where(AuditLeaf.position >= at))
    session.execute(delete(AuditCheckpoint).where(AuditCheckpoint.first_position >= at))
    return at


def replace(random: Random, session: Session, log: Log) -> int:
    """Another entry in the place of one, under another id."""
    at, other = random.randrange(SEALED), new_id()
    old = session.get_one(AuditEntry, log.ids[at])
    values: dict[str, Any] = {column.key: getattr(old, column.key) for column in AuditEntry.__table__.columns}
    session.execute(insert(AuditEntry).values(values | {"id": other}))
    session.execute(delete(AuditEntry).where(AuditEntry.id == log.ids[at]))
    session.execute(update(AuditLeaf).where(AuditLeaf.position == at).values(entry_id=other))
    return at


def edit_leaf(random: Random, session: Session, log: Log) -> int:
    at = random.randrange(SEALED)
    leaf = session.get_one(AuditLeaf, at)
    choices = [{"leaf_hash": "0" * 64}, {"mac": "f" * 64}, {"batch": leaf.batch + 1}, {"leaf_hash": leaf.mac}]
    session.execute(update(AuditLeaf).where(AuditLeaf.position == at).values(random.choice(choices)))
    return at


def edit_checkpoint(random: Random, session: Session, log: Log) -> int:
    batch = random.randrange(len(BATCHES))
    sealed = session.get_one(AuditCheckpoint, batch)
    at = sealed.first_position
    choices = [{"root": "0" * 64}, {"chain": "0" * 64}, {"signature": "0" * 128}, {"size": sealed.size + 1}]
    choices.append({"sealed_at": sealed.sealed_at - timedelta(days=1)})
    session.execute(update(AuditCheckpoint).where(AuditCheckpoint.batch == batch).values(random.choice(choices)))
    return at


ATTACKS: tuple[Attack, ...] = (edit, back_date, remove, swap, truncate, replace, edit_leaf, edit_checkpoint)


def test_hundreds_of_changes_are_each_found_and_the_first_is_named(log: Log) -> None:
    """Whatever is edited, deleted, swapped, cut off or back-dated wherever: the first place that it harms is named."""
    random = Random(20261123)
    for number in range(ROUNDS[log.database.dialect]):
        attack = ATTACKS[number % len(ATTACKS)]
        with log.database.transaction() as session:
            at = attack(random, session, log)
        assert re.search(rf"position {at}\b", problem := log.problem()), (attack, problem)
        log.restore()
    assert verify(log.database, KEYS, log.file).ok


def test_several_changes_at_once_name_the_first(log: Log) -> None:
    """Of many changes anywhere in the log the first one is named, whatever the others are."""
    random = Random(20261124)
    for _ in range(ROUNDS[log.database.dialect] // 6):
        with log.database.transaction() as session:
            first = min(attack(random, session, log) for attack in random.sample((edit, back_date, edit_leaf), 3))
        assert f"at position {first} was edited, moved or forged" in log.problem()
        log.restore()
