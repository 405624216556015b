"""Merkle tree hashes of RFC 6962 2.1, SHA-256."""

from collections.abc import Sequence
from hashlib import sha256


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The tree head over leaf hashes in order; without leaves, the hash of nothing.

    RFC 6962 splits at the largest power of two below the size; joining neighbours level by level, with the
    odd one carried up, gives the same tree.
    """
    if not leaves:
        return sha256().digest()
    level = list(leaves)
    while len(level) > 1:
        joined = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = joined + level[2 * len(joined) :]
    return level[0]
