"""A profile of version 4.2 from numbers alone: an input device, RGB to XYZ, as PS3.3 C.11.15.1.1 asks for."""

import struct
from functools import cache
from typing import Final

from service.icc.curves import Curve, Steps
from service.icc.spaces import D50, Space

_COPYRIGHT: Final = "No rights reserved"
_HEADER: Final = struct.Struct(">I4s4s4s4s4s6H4s4sI4s4s8sI3i4s16s28s")
_MADE: Final = (2000, 1, 1, 0, 0, 0)  # always the same day: when this profile was written is nobody's business


@cache
def written(space: Space) -> bytes:
    """The profile; the same space always gives the same bytes."""
    tags = [
        (b"desc", _text(space.name)),
        (b"cprt", _text(_COPYRIGHT)),
        (b"wtpt", b"XYZ \0\0\0\0" + _numbers(D50)),
        (b"chad", b"sf32\0\0\0\0" + _numbers(space.adaptation)),
        *((name + b"XYZ", b"XYZ \0\0\0\0" + _numbers(xyz)) for name, xyz in zip(_RGB, space.primaries, strict=True)),
        *((name + b"TRC", _curve(curve)) for name, curve in zip(_RGB, space.curves, strict=True)),
    ]
    at, entries, bodies = 132 + 12 * len(tags), [], []
    for name, body in tags:
        entries.append(struct.pack(">4sII", name, at, len(body)))
        bodies.append(body + b"\0" * (-len(body) % 4))
        at += len(bodies[-1])
    return b"".join([_header(at), struct.pack(">I", len(tags)), *entries, *bodies])


_RGB: Final = (b"r", b"g", b"b")


def _header(size: int) -> bytes:
    """ICC.1 7.2; no preferred module, platform, manufacturer, model, creator or identifier."""
    none, fixed = b"\0" * 4, tuple(round(part * 65536) for part in D50)
    kind = (b"\4\x20\0\0", b"scnr", b"RGB ", b"XYZ ")
    return _HEADER.pack(
        *(size, none, *kind, *_MADE, b"acsp", none, 0, none, none, b"\0" * 8, 0, *fixed, none),
        *(b"\0" * 16, b"\0" * 28),
    )


def _text(text: str) -> bytes:
    """multiLocalizedUnicodeType with one record (ICC.1 10.15)."""
    data = text.encode("utf-16-be")
    return struct.pack(">4sIII2s2sII", b"mluc", 0, 1, 12, b"en", b"US", len(data), 28) + data


def _curve(curve: Curve | Steps) -> bytes:
    if isinstance(curve, Steps):
        values = [round(65535 * float(light)) for light in curve.light]
        return struct.pack(f">4sII{len(values)}H", b"curv", 0, len(values), *values)
    return struct.pack(">4sIHH", b"para", 0, 3, 0) + _numbers(curve.numbers)


def _numbers(numbers: tuple[float, ...]) -> bytes:
    """s15Fixed16Number (ICC.1 4.6)."""
    return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))
