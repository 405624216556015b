"""Networks in the format of dlib (King, JMLR 2009), read without dlib.

A file holds the versions of all layers from the output to the input and then, from the input on, what each layer says
of itself. An integer is a byte with its sign and length and as many bytes of its amount; a real number is a mantissa
and an exponent of two, both integers; a tensor is four sizes and raw 32-bit floats. Read is what
`dnn_face_recognition_ex.cpp` of dlib's examples is made of, as it was written in 2017; all else is an error.
"""

import hashlib
import math
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final

import numpy as np

from models.mesh import Array
from models.weights import WeightsError

_LAYER, _TAG, _LOWEST = 2, 1, 3  # versions of a layer, of a tag or a skip, of the layer that stands on the input
_NO_STATE: Final = (2, 0, 0, 0, 0)  # a tensor that is empty: version and sizes
_MULTIPLIERS: Final = 4  # of learning rates and decays
_MOST: Final = 1 << 26  # floats in a tensor; more is damage


@dataclass(frozen=True)
class Layer:
    """kind: dlib's name; window, stride, padding: in pixels, (0, 0) all there are; weights, offsets: float32.

    Of a convolution, weights are [out, in, height, width]; of an affine layer [channels], of a full one [in, out].
    """

    kind: str
    window: tuple[int, int] = (0, 0)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    weights: Array | None = None
    offsets: Array | None = None


@dataclass(frozen=True)
class Network:
    """mean: RGB, 0..255, subtracted from a picture; size: its height and width; layers: from the input on."""

    mean: tuple[float, float, float]
    size: tuple[int, int]
    layers: tuple[Layer, ...]


def read(path: Path, digest: str) -> Network:
    """The network in a file whose SHA-256 is `digest`, hex.

    Raises:
        WeightsError: the file is missing, is another one, or holds something else.
    """
    if not path.is_file():
        raise WeightsError(f"the weights {path.name} are missing")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != digest:
        raise WeightsError(f"the weights {path.name} do not match their digest")
    try:
        return _Reader(data).network()
    except (ValueError, OverflowError) as error:
        raise WeightsError(f"the weights {path.name} cannot be read: {error}") from error


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._place = data, 0

    def network(self) -> Network:
        self._expect(self._integer(), 1)
        self._expect(self._text(), "loss_metric_2")
        self._reals(2)
        versions = list(takewhile(lambda version: version != _LOWEST, iter(self._version, None)))
        self._expect(self._text(), "input_rgb_image_sized")
        red, green, blue = self._reals(3)
        size = self._pair()
        layers = [self._layer()]
        self._expect(self._integer(), 1)  # pictures that one picture becomes
        layers += [self._layer() if version == _LAYER else Layer("tag") for version in reversed(versions)]
        self._expect(self._place, len(self._data))
        return Network((red, green, blue), size, tuple(layers))

    def _version(self) -> int:
        version = self._integer()
        if version not in (_LAYER, _TAG, _LOWEST):
            raise ValueError(f"unknown version {version}")
        return version

    def _layer(self) -> Layer:
        kind = self._text()
        read = {"con_4": self._convolution, "affine_": self._affine, "fc_2": self._full}
        if kind in read:
            layer = read[kind](kind)
        elif kind in ("max_pool_2", "avg_pool_2"):
            layer = Layer(kind, self._pair(), self._pair(), self._pair())
        elif kind in ("relu_", "add_prev_"):
            layer = Layer(kind)
        else:
            raise ValueError(f"unknown layer {kind!r}")
        self._expect(self._bytes(3) in (b"110", b"111"), True)  # set up, without a gradient, works in place or not
        for _ in range(3):
            self._expect((self._integer(), *self._sizes()), _NO_STATE)
        return layer

    def _convolution(self, kind: str) -> Layer:
        values, filters = self._tensor(), self._integer()
        window, stride, padding = self._pair(), self._pair(), self._pair()
        shape, biases = self._alias(), self._alias()
        self._expect((shape[0], *shape[2:], *biases), (filters, *window, 1, filters, 1, 1))
        self._reals(_MULTIPLIERS)
        weights, offsets = self._split(values, shape, biases)
        return Layer(kind, window, stride, padding, weights, offsets)

    def _affine(self, kind: str) -> Layer:
        values, gamma, beta = self._tensor(), self._alias(), self._alias()
        self._expect(self._integer(), 0)  # one factor for each channel, as after a convolution
        weights, offsets = self._split(values, gamma, beta)
        return Layer(kind, weights=weights.ravel(), offsets=offsets)

    def _full(self, kind: str) -> Layer:
        outputs, inputs = self._integer(), self._integer()
        values, shape, biases = self._tensor(), self._alias(), self._alias()
        self._expect((*shape, *biases, self._integer()), (inputs, outputs, 1, 1, 0, 0, 0, 0, 1))  # 1: without biases
        self._reals(_MULTIPLIERS)
        weights, _ = self._split(values, shape, biases)
        return Layer(kind, weights=weights.reshape(inputs, outputs))

    def _split(self, values: Array, shape: tuple[int, ...], rest: tuple[int, ...]) -> tuple[Array, Array]:
        """A layer's numbers in their two parts."""
        count = math.prod(shape)
        self._expect(values.size, count + math.prod(rest))
        return values[:count].reshape(shape), values[count:]

    def _tensor(self) -> Array:
        self._expect(self._integer(), 2)
        count = math.prod(self._sizes())
        if count > _MOST:
            raise ValueError(f"a tensor of {count} numbers")
        return np.frombuffer(self._bytes(4 * count), "<f4").astype(np.float32)

    def _alias(self) -> tuple[int, ...]:
        """The shape in which part of a tensor is seen."""
        self._expect(self._integer(), 1)
        return self._sizes()

    def _sizes(self) -> tuple[int, ...]:
        return (*self._pair(), *self._pair())

    def _pair(self) -> tuple[int, int]:
        return self._integer(), self._integer()

    def _reals(self, count: int) -> list[float]:
        return [math.ldexp(self._integer(signed=True), self._integer(signed=True)) for _ in range(count)]

    def _integer(self, signed: bool = False) -> int:
        control = self._bytes(1)[0]
        size, negative = control & 0x0F, bool(control & 0x80)
        if control & 0x70 or not 1 <= size <= 8 or (negative and not signed):
            raise ValueError(f"no integer at byte {self._place - 1}")
        amount = int.from_bytes(self._bytes(size), "little")
        return -amount if negative else amount

    def _text(self) -> str:
        return self._bytes(self._integer()).decode("ascii")

    def _bytes(self, count: int) -> bytes:
        part = self._data[self._place : self._place + count]
        self._place += count
        if len(part) < count:
            raise ValueError("it ends too early")
        return part

    def _expect(self, found: object, wanted: object) -> None:
        if found != wanted:
            raise ValueError(f"{found!r} before byte {self._place} instead of {wanted!r}")
