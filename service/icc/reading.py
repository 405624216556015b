"""A profile as numbers, read without trust: lengths and offsets must fit, texts are never looked at."""

import struct
from typing import Final

import numpy as np

from service.icc.curves import CODES, Curve, Samples, Steps, fitted, shape
from service.icc.spaces import CUSTOM, D50, KNOWN, XYZ, Space

LARGEST: Final = 4 << 20
_MOST_TAGS: Final = 200
_CHANNELS: Final = (b"r", b"g", b"b")
_TABLES: Final = (b"A2B", b"D2B")  # whoever reads the profile goes by these before primaries and curves
_PARAMETERS: Final = (1, 3, 4, 5, 7)  # by function type
_WHITE: Final = 0.003


class Unfit(ValueError):
    """The profile cannot be written anew from numbers; the message says why, and nothing of its content."""


def read_space(profile: bytes) -> Space:
    """The space that a profile describes: one of KNOWN where it looks the same, else one of its own numbers.

    Raises Unfit for a profile that is damaged, not about RGB, or made of tables.
    """
    try:
        tags = _tags(profile)
        primaries = tuple(_xyz(tags[channel + b"XYZ"]) for channel in _CHANNELS)
        curves = tuple(_curve(tags[channel + b"TRC"]) for channel in _CHANNELS)
    except (KeyError, struct.error, IndexError) as error:
        raise Unfit("damaged") from error
    found = Space(CUSTOM, primaries, curves)  # type: ignore[arg-type]
    return next((known for known in KNOWN if known.is_like(found)), None) or _rounded(found)


def _tags(profile: bytes) -> dict[bytes, bytes]:
    size, version = int.from_bytes(profile[:4], "big"), profile[8:9]
    if not 132 <= size <= len(profile) <= LARGEST or profile[36:40] != b"acsp" or version not in (b"\2", b"\4"):
        raise Unfit("damaged")
    if profile[16:20] != b"RGB ":
        raise Unfit("not about RGB")
    (count,) = struct.unpack_from(">I", profile, 128)
    if count > _MOST_TAGS:
        raise Unfit("damaged")
    entries = [struct.unpack_from(">4sII", profile, 132 + 12 * number) for number in range(count)]
    if any(name[:3] in _TABLES for name, _, _ in entries) or profile[20:24] != b"XYZ ":
        raise Unfit("made of tables")
    return {name: profile[at : min(at + length, size)] for name, at, length in entries}


def _xyz(tag: bytes) -> XYZ:
    if tag[:4] != b"XYZ ":
        raise Unfit("damaged")
    x, y, z = struct.unpack_from(">3i", tag, 8)
    return x / 65536, y / 65536, z / 65536


def _curve(tag: bytes) -> Curve | Steps:
    """A formula for the tones, which is the profile's own or one that shows the same, or steps."""
    if tag[:4] == b"para":
        numbers = _parameters(tag)
        gamma, a, b, c, d, e, f = numbers
        curve = fitted(shape(CODES, *numbers), *([Curve(gamma, a, b, c, d)] if e == f == 0 else []))
    else:
        curve = fitted(_table(tag))
    if curve is None:
        raise Unfit("made of tables")
    return curve


def _table(tag: bytes) -> Samples:
    """Linear light for each stored value of 8 bits (ICC.1 10.6)."""
    if tag[:4] != b"curv":
        raise Unfit("made of tables")
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return CODES
    if count == 1:
        return Curve(struct.unpack_from(">H", tag, 12)[0] / 256).of(CODES)
    if count > len(tag) // 2:
        raise Unfit("damaged")
    table = np.frombuffer(tag, ">u2", count, 12) / 65535
    return np.interp(CODES, np.linspace(0, 1, count), table)


def _parameters(tag: bytes) -> tuple[float, ...]:
    """Those of function type 4, whatever the type is (ICC.1 10.18)."""
    (kind,) = struct.unpack_from(">H", tag, 8)
    if kind >= len(_PARAMETERS):
        raise Unfit("damaged")
    gamma, *rest = (value / 65536 for value in struct.unpack_from(f">{_PARAMETERS[kind]}i", tag, 12))
    if kind == 0:
        return gamma, 1, 0, 0, 0, 0, 0
    if kind >= 3:
        return (gamma, *rest, *([0.0] * (6 - len(rest))))
    a, b, *more = rest
    flat = more[0] if more else 0.0  # below -b/a
    return gamma, a, b, 0, -b / a if a else 0, flat, flat


def _rounded(space: Space) -> Space:
    """The same to four places; green takes what is left over, so that white stays white."""
    red, green, blue = space.primaries
    if any(
        abs(sum(each) - white) > _WHITE for each, white in zip(zip(red, green, blue, strict=True), D50, strict=True)
    ):
        raise Unfit("damaged")
    red, blue = _places(red), _places(blue)
    rest = tuple(round(white - one - two, 4) for white, one, two in zip(D50, red, blue, strict=True))
    return Space(space.name, (red, rest, blue), space.curves)  # type: ignore[arg-type]


def _places(xyz: XYZ) -> XYZ:
    return round(xyz[0], 4), round(xyz[1], 4), round(xyz[2], 4)
