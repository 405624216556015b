from hashlib import sha256

import pytest

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

    def head(leaves: list[bytes]) -> bytes:
        if len(leaves) == 1:
            return leaves[0]
        split = 1 << (len(leaves) - 1).bit_length() - 1
        return merkle.node_hash(head(leaves[:split]), head(leaves[split:]))

    leaves = [merkle.leaf_hash(bytes([number])) for number in range(size)]
    assert merkle.root(leaves) == head(leaves)
