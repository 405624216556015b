"""dlib's network is read to the last byte, or not at all."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from models import WeightsError, descriptor
from models.descriptor import DIGEST, Descriptor
from models.dlib_weights import read
from models.recognizer import NETWORK, model_file

SIZE = b"\x01\x02\x02\x80\x12"  # how the first tensor begins: its version and how many numbers it has
MARGIN = b"\x03\x0a\xd7\xa3\x81\x1c"  # a real number: mantissa and exponent


@pytest.fixture(scope="module", name="content")
def _content() -> bytes:
    return model_file(NETWORK).read_bytes()


def _written(folder: Path, content: bytes) -> tuple[Path, str]:
    path = folder / "net.dat"
    path.write_bytes(content)
    return path, hashlib.sha256(content).hexdigest()


def test_the_network_is_read_as_dlib_defines_it() -> None:
    """Means, strides and paddings of dlib's example stand in the file and come out of it."""
    network = read(model_file(NETWORK), DIGEST)

    assert network.mean == pytest.approx((122.782, 117.001, 104.298))
    convolutions = [layer for layer in network.layers if layer.kind == "con_4"]
    assert len(convolutions) == 29
    assert (convolutions[0].window, convolutions[0].stride, convolutions[0].padding) == ((7, 7), (2, 2), (0, 0))
    assert {(layer.stride, layer.padding) for layer in convolutions[1:]} == {((1, 1), (1, 1)), ((2, 2), (0, 0))}


def test_a_changed_number_is_noticed(tmp_path: Path, content: bytes) -> None:
    """One flipped bit among the weights ends in an error that names the file."""
    damaged = bytearray(content)
    damaged[len(damaged) // 2] ^= 1

    with pytest.raises(WeightsError, match=r"net\.dat do not match their digest"):
        Descriptor(_written(tmp_path, bytes(damaged))[0])


def test_lost_weights_are_named(tmp_path: Path) -> None:
    """A missing file is an error that names it."""
    with pytest.raises(WeightsError, match=r"net\.dat are missing"):
        Descriptor(tmp_path / "net.dat")


@pytest.mark.parametrize(
    "change",
    [
        lambda content: b"",
        lambda content: b"something else altogether",
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: content[: len(content) // 2],
        lambda content: content[4:],
        lambda content: content.replace(b"con_4", b"con_6", 1),
        lambda content: content.replace(b"\x01\x96\x01\x96", b"\x09\x96\x01\x96", 1),
        lambda content: content.replace(SIZE, b"\x01\x02\x02\x80\x13", 1),
        lambda content: content.replace(SIZE, b"\x01\x02\x08" + 7 * b"\xff", 1),
        lambda content: content.replace(MARGIN, MARGIN[:-2] + b"\x02\xff\x7f", 1),
    ],
    ids=["empty", "text", "short", "long", "half", "beheaded", "version", "integer", "size", "huge", "infinite"],
)
def test_what_is_no_such_network_is_refused(tmp_path: Path, content: bytes, change: Callable[[bytes], bytes]) -> None:
    """However a file is damaged, even where its digest is the expected one, the error names it."""
    with pytest.raises(WeightsError, match=r"net\.dat cannot be read"):
        read(*_written(tmp_path, change(content)))


@pytest.mark.parametrize(
    ("kind", "other"), [(b"max_pool_2", b"avg_pool_2"), (b"avg_pool_2", b"max_pool_2")], ids=["pool", "past"]
)
def test_another_network_is_refused(
    tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch, kind: bytes, other: bytes
) -> None:
    """Layers that can be read and are not those of the descriptor end in an error that says which."""
    path, digest = _written(tmp_path, content.replace(kind, other, 1))
    monkeypatch.setattr(descriptor, "DIGEST", digest)

    with pytest.raises(WeightsError, match=rf"{other.decode()} in the place of {kind.decode()}"):
        Descriptor(path)
