"""Sealing of the audit: entries become leaves, a batch of leaves a Merkle root, roots a signed chain.

Business transactions only insert an entry and a note that it waits, so they never wait for one another;
one sealer at a time closes the batches. What is not sealed yet could be removed without a trace
when its note is removed as well: seal often, and on shutdown. Checkpoints also go to a file: who would cut
the log's end off must cut that file and every copy of it, so copy it to another machine.
"""

import hmac
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import Row, Select, delete, func, insert, select, text
from sqlalchemy.orm import Session

from service import merkle, verify_export
from service.checkpoints import append_missing, fields
from service.database import Database
from service.errors import ConfigurationError
from service.secrets import Keys, Label
from service.tables import AuditCheckpoint, AuditEntry, AuditLeaf, AuditPending, utc_now

GENESIS = "0" * 64
BATCH_LIMIT = 4096
_LOCK = 0x56455241_0002  # the advisory lock that means: the audit is being sealed


def seal(database: Database, keys: Keys, checkpoint_file: Path, limit: int = BATCH_LIMIT) -> AuditCheckpoint | None:
    """Seal up to `limit` waiting entries as one batch; None when none waits or another process is at it.

    Every call also brings the checkpoint file up to date, so each machine that calls it keeps a whole copy.
    Raises VeraGateError when the last line of that file is damaged; the batch is sealed then all the same.
    """
    with database.transaction() as session:
        checkpoint = _seal_batch(session, keys, limit) if _alone(session, database.dialect) else None
    append_missing(database, checkpoint_file)
    return checkpoint


def check_keys(database: Database, keys: Keys) -> None:
    """Raise ConfigurationError unless these keys signed the newest checkpoint.

    Under another master secret every known patient would silently become a new one with a new face.
    """
    with database.read() as session:
        last = last_checkpoint(session)
    if last is None:
        return
    try:
        signing_key(keys).public_key().verify(bytes.fromhex(last.signature), signed_bytes(last))
    except (InvalidSignature, ValueError) as error:
        raise ConfigurationError("The master secret is not the one that this database was made with.") from error


def seal_all(database: Database, keys: Keys, checkpoint_file: Path) -> None:
    """Seal everything that waits now, as far as no other process is at it."""
    while seal(database, keys, checkpoint_file) is not None:
        pass


def seal_age(session: Session) -> float | None:
    """Seconds that the oldest entry has waited for its seal, None when none waits: a stalled sealer shows here.

    Of a long queue the oldest of those at its head, which are the oldest but for a few, so that asking stays cheap.
    """
    oldest = session.scalar(select(func.min(AuditEntry.occurred_at)).where(AuditEntry.id.in_(_some(BATCH_LIMIT))))
    return None if oldest is None else max(0.0, (utc_now() - oldest).total_seconds())


def last_checkpoint(session: Session) -> AuditCheckpoint | None:
    """The newest sealed batch."""
    return session.scalars(select(AuditCheckpoint).order_by(AuditCheckpoint.batch.desc()).limit(1)).first()


def _alone(session: Session, dialect: str) -> bool:
    """On SQLite the transaction itself shuts others out."""
    if dialect != "postgresql":
        return True
    return bool(session.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK}))


def _seal_batch(session: Session, keys: Keys, limit: int) -> AuditCheckpoint | None:
    waiting = select(AuditEntry).where(AuditEntry.id.in_(_some(limit)))
    entries = session.scalars(waiting.order_by(AuditEntry.occurred_at, AuditEntry.id)).all()
    if not entries:
        return None
    last = last_checkpoint(session)
    batch, first, chain = (last.batch + 1, last.size, last.chain) if last else (0, 0, GENESIS)
    hashes = [merkle.leaf_hash(entry_bytes(entry)) for entry in entries]
    key = keys.derive(Label.AUDIT_LEAF)
    leaves = [
        {
            "position": at,
            "entry_id": entry.id,
            "leaf_hash": leaf.hex(),
            "mac": leaf_mac(key, at, batch, leaf),
            "batch": batch,
        }
        for at, (entry, leaf) in enumerate(zip(entries, hashes, strict=True), start=first)
    ]
    session.execute(insert(AuditLeaf), leaves)
    session.execute(delete(AuditPending).where(AuditPending.entry_id.in_([entry.id for entry in entries])))
    checkpoint = _checkpoint(keys, batch, first, first + len(entries), merkle.root(hashes), chain)
    session.add(checkpoint)
    return checkpoint


def _some(limit: int) -> Select[str]:
    """The ids of some entries that wait; any of them, since to find the oldest means to look at all.

    A note is looked up by itself and never joined: after a long stand-still PostgreSQL would walk all that is sealed.
    """
    entry = select(AuditEntry.id).where(AuditEntry.id == AuditPending.entry_id).scalar_subquery()
    return select(AuditPending.entry_id).where(entry.is_not(None)).limit(limit)


def _checkpoint(keys: Keys, batch: int, first: int, size: int, root: bytes, previous: str) -> AuditCheckpoint:
    checkpoint = AuditCheckpoint(
        batch=batch,
        first_position=first,
        size=size,
        root=root.hex(),
        chain=chain_hash(previous, batch, first, size, root.hex()),
        sealed_at=utc_now(),
    )
    checkpoint.signature = signing_key(keys).sign(signed_bytes(checkpoint)).hex()
    return checkpoint


def entry_fields(entry: AuditEntry | Row[Any]) -> dict[str, Any]:
    """What an entry says, in JSON's types; the time in UTC to the microsecond."""
    return {
        "id": entry.id,
        "occurred_at": entry.occurred_at.isoformat(timespec="microseconds"),
        "action": entry.action,
        "outcome": entry.outcome,
        "actor": entry.actor,
        "photograph_id": entry.photograph_id,
        "details": entry.details,
    }


def entry_bytes(entry: AuditEntry | Row[Any]) -> bytes:
    """The one form of an entry that is hashed: JSON with sorted keys and without spaces, UTF-8."""
    return verify_export.canonical(entry_fields(entry)).encode()


def leaf_mac(key: bytes, position: int, batch: int, leaf: bytes) -> str:
    """Ties a leaf to its place under a secret key, so that a single changed leaf can be named, not only its batch."""
    return hmac.digest(key, position.to_bytes(8, "big") + batch.to_bytes(8, "big") + leaf, sha256).hex()


def chain_hash(previous: str, batch: int, first: int, size: int, root: str) -> str:
    """SHA-256 over the chain so far, batch, first position and size as 8 bytes big-endian, and the batch's root."""
    numbers = b"".join(number.to_bytes(8, "big") for number in (batch, first, size))
    return sha256(bytes.fromhex(previous) + numbers + bytes.fromhex(root)).hexdigest()


def signed_bytes(checkpoint: AuditCheckpoint) -> bytes:
    return verify_export.signed_checkpoint(fields(checkpoint))


def signing_key(keys: Keys) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(keys.derive(Label.AUDIT_CHECKPOINT))


def public_key(keys: Keys) -> str:
    """The key that checkpoints and exports are checked with: 64 hex digits."""
    return signing_key(keys).public_key().public_bytes_raw().hex()


def verifier(public_key: bytes) -> verify_export.Verify:
    """What the verifier of exports does in Python, by OpenSSL and faster. Raises ValueError for no key."""
    key = Ed25519PublicKey.from_public_bytes(public_key)

    def verify(signature: bytes, message: bytes) -> bool:
        try:
            key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    return verify
