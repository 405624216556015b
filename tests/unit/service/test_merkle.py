from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import merkle

# The eight inputs and tree heads published with the Certificate Transparency reference implementation.
INPUTS = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
INPUTS.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
HEADS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.mark.parametrize("size", HEADS)
def test_tree_heads_are_those_of_rfc_6962(size: int) -> None:
    """The root over the first n published inputs is the published one."""
    leaves = [merkle.leaf_hash(data) for data in INPUTS[:size]]
    assert merkle.root(leaves).hex() == HEADS[size]


def test_the_empty_tree() -> None:
    """A tree without leaves has the hash of nothing as its root."""
    assert merkle.root([]) == sha256(b"").digest()


@pytest.mark.parametrize("size", range(1, 70))
def test_the_root_follows_the_recursive_definition(size: int) -> None:
    """Joining level by level equals RFC 6962's split at the largest power of two below the size."""
    assert merkle.root(leaves(size)) == head(leaves(size))


def leaves(size: int) -> list[bytes]:
    return [merkle.leaf_hash(str(number).encode()) for number in range(size)]


def head(hashes: list[bytes]) -> bytes:
    """MTH of RFC 6962 2.1 as it is written there."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return merkle.node_hash(head(hashes[:split]), head(hashes[split:]))


def audit_path(index: int, hashes: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962 2.1.1 as it is written there."""
    if len(hashes) == 1:
        return []
    split = 1 << (len(hashes) - 1).bit_length() - 1
    if index < split:
        return [*audit_path(index, hashes[:split]), head(hashes[split:])]
    return [*audit_path(index - split, hashes[split:]), head(hashes[:split])]


@pytest.mark.parametrize("size", [*range(1, 40), 64, 100, 257])
def test_audit_paths_follow_the_recursive_definition(size: int) -> None:
    """Each leaf's path is the one of RFC 6962, and leads to the root."""
    hashes = leaves(size)
    tree = merkle.Tree(hashes)
    for index in range(size):
        path = tree.path(index)
        assert path == audit_path(index, hashes)
        assert merkle.fits(hashes[index], index, size, path, tree.root)


@pytest.mark.parametrize("index", [-1, 3, 1 << 70])
def test_a_leaf_that_is_not_there_has_no_path(index: int) -> None:
    """Outside the tree there is no path, and none leads to its root."""
    with pytest.raises(IndexError):
        merkle.Tree(leaves(3)).path(index)
    assert not merkle.fits(leaves(4)[3], index, 3, [], merkle.root(leaves(3)))


@given(st.integers(1, 200), st.data())
def test_no_other_leaf_place_size_or_path_fits(size: int, data: st.DataObject) -> None:
    """A path proves one leaf at one place of a tree of one size, and nothing else."""
    hashes = leaves(size)
    index = data.draw(st.integers(0, size - 1))
    tree = merkle.Tree(hashes)
    path, head = tree.path(index), tree.root
    other = data.draw(st.integers(0, 2 * size).filter(lambda number: number != index))
    assert not merkle.fits(hashes[index], other, size, path, head)
    assert not merkle.fits(merkle.leaf_hash(b"another"), index, size, path, head)
    assert not merkle.fits(hashes[index], index, size, [*path, head], head)
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        assert not merkle.fits(hashes[index], index, size, path[:at] + path[at + 1 :], head)
        assert not merkle.fits(hashes[index], index, size, [*path[:at], hashes[index], *path[at + 1 :]], head)
