"""Merkle tree hashes and audit paths of RFC 6962 2.1, SHA-256."""

from collections.abc import Sequence
from hashlib import sha256


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """The tree over leaf hashes in order, every level of it, so that each leaf's path is a look-up.

    RFC 6962 splits at the largest power of two below the size; joining neighbours level by level, with the
    odd one carried up, gives the same tree.
    """

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._levels = [list(leaves)]
        while len(level := self._levels[-1]) > 1:
            joined = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
            self._levels.append(joined + level[2 * len(joined) :])

    @property
    def root(self) -> bytes:
        """The tree head; without leaves, the hash of nothing."""
        top = self._levels[-1]
        return top[0] if top else sha256().digest()

    def path(self, index: int) -> list[bytes]:
        """The audit path of a leaf (RFC 6962 2.1.1): its sibling on each level from below, none where it was carried.

        Raises IndexError for a leaf that is not there.
        """
        if not 0 <= index < len(self._levels[0]):
            raise IndexError(f"the tree has no leaf {index}")
        siblings = [(level, (index >> height) ^ 1) for height, level in enumerate(self._levels[:-1])]
        return [level[at] for level, at in siblings if at < len(level)]


def root(leaves: Sequence[bytes]) -> bytes:
    return Tree(leaves).root


def fits(leaf: bytes, index: int, size: int, path: Sequence[bytes], head: bytes) -> bool:
    """Whether a path leads from the leaf hash at `index` of `size` leaves to the tree head (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    last, found = size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if index % 2 or index == last:
            found = node_hash(sibling, found)
            while index % 2 == 0 and index:
                index, last = index >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        index, last = index >> 1, last >> 1
    return last == 0 and found == head
