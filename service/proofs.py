"""The proof that an entry was sealed: its path to the root of its batch, which the gateway signed."""

from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from service import merkle
from service.errors import VeraGateError
from service.sealing import entry_bytes, signed_bytes, signing_key
from service.secrets import Keys
from service.tables import AuditCheckpoint, AuditEntry, AuditLeaf


class Batch:
    """One sealed batch with the paths of its leaves. Raises VeraGateError when it is not as it was sealed."""

    def __init__(self, session: Session, keys: Keys, number: int) -> None:
        checkpoint = session.get(AuditCheckpoint, number)
        if checkpoint is None:
            raise VeraGateError(f"The checkpoint of batch {number} was removed; `veragate audit verify` says more.")
        within = (AuditLeaf.position >= checkpoint.first_position, AuditLeaf.position < checkpoint.size)
        leaves = session.scalars(select(AuditLeaf.leaf_hash).where(*within).order_by(AuditLeaf.position))
        session.expunge(checkpoint)
        self.checkpoint = checkpoint
        self._hashes = [bytes.fromhex(leaf) for leaf in leaves]
        self._tree = merkle.Tree(self._hashes)
        try:
            signing_key(keys).public_key().verify(bytes.fromhex(checkpoint.signature), signed_bytes(checkpoint))
            signed = True
        except (InvalidSignature, ValueError):
            signed = False
        if not signed or self._tree.root.hex() != checkpoint.root:
            raise VeraGateError(f"Batch {number} of the audit was changed; `veragate audit verify` says where.")

    def path(self, entry: AuditEntry | Row[Any], position: int) -> list[bytes]:
        """The audit path of an entry at a position. Raises VeraGateError when it is not the one sealed there."""
        index = position - self.checkpoint.first_position
        if not 0 <= index < len(self._hashes) or merkle.leaf_hash(entry_bytes(entry)) != self._hashes[index]:
            raise VeraGateError(f"Entry {entry.id} at position {position} was edited, moved or forged.")
        return self._tree.path(index)


@dataclass(frozen=True)
class Proof:
    """Where an entry stands, and what leads from it to a signed root; hashes in hex."""

    position: int
    checkpoint: AuditCheckpoint
    leaf: str
    path: list[str]


def proof_of(session: Session, keys: Keys, entry: AuditEntry) -> Proof | None:
    """None for an entry that still waits for its seal. Raises VeraGateError when something was changed."""
    leaf = session.scalar(select(AuditLeaf).where(AuditLeaf.entry_id == entry.id))
    if leaf is None:
        return None
    batch = Batch(session, keys, leaf.batch)
    path = [sibling.hex() for sibling in batch.path(entry, leaf.position)]
    return Proof(leaf.position, batch.checkpoint, leaf.leaf_hash, path)
