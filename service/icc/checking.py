"""Does a profile hold anything but numbers and our own words? By a parser that shares nothing with the writer.

Every byte must belong to the header, the list of tags or one tag, and each is compared: what is no number has one
value that it may have, a number must be of a size that colours have, and a table must rise in tenths of lightness.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final

_NAMES: Final = ("sRGB", "Adobe RGB (1998)", "Display P3", "ROMM RGB", "RGB", "No rights reserved")
_TEXTS: Final = {name.encode("utf-16-be") for name in _NAMES}
_FIXED: Final = {  # places in the header that are not zero, and what stands there
    4: bytes(4) + b"\x04\x20\x00\x00scnrRGB XYZ " + bytes.fromhex("07d000010001000000000000") + b"acsp",
    68: bytes.fromhex("0000f6d6000100000000d32d"),
}
_SIZES: Final = {
    **dict.fromkeys((b"wtpt", b"rXYZ", b"gXYZ", b"bXYZ"), (b"XYZ " + bytes(4), 3)),
    b"chad": (b"sf32" + bytes(4), 9),
    **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), (b"para" + bytes(4) + b"\0\3\0\0", 5)),
}
_STEPS: Final = b"curv" + bytes(4) + b"\0\0\1\0"
_WORDS: Final = frozenset({b"desc", b"cprt"})
_MOST: Final = 4 << 16  # as s15Fixed16: no coordinate, factor or exponent of a colour space is larger


def problems(profile: bytes) -> list[str]:
    """What is wrong, without its content; empty for a profile that this gateway wrote."""
    try:
        return list(dict.fromkeys(_problems(profile)))
    except IndexError:
        return ["cut off"]


def _problems(profile: bytes) -> Iterator[str]:
    if _number(profile, 0) != len(profile) or len(profile) < 132:
        yield "a wrong size"
        return
    if profile[4:128] != _header():
        yield "a header that is not ours"
    count = _number(profile, 128)
    entries = [profile[at : at + 12] for at in range(132, 132 + 12 * min(count, 99), 12)]
    names = [entry[:4] for entry in entries]
    if sorted(names) != sorted({*_SIZES, *_WORDS}):
        yield "other tags than ours"
        return
    at = 132 + 12 * count
    for entry in entries:
        start, size = _number(entry, 4), _number(entry, 8)
        if start != at or start + size > len(profile):
            yield "bytes that belong to no tag"
            return
        yield from _in_tag(entry[:4], profile[start : start + size])
        at = start + size + -size % 4
        if any(profile[start + size : at]):
            yield "bytes that belong to no tag"
    if at != len(profile):
        yield "bytes that belong to no tag"


def _in_tag(name: bytes, body: bytes) -> Iterator[str]:
    if name in _WORDS:
        text = body[28:]
        head = b"mluc" + bytes(4) + b"\0\0\0\1\0\0\0\x0cenUS" + len(text).to_bytes(4, "big") + b"\0\0\0\x1c"
        if body[:28] != head or text not in _TEXTS:
            yield "a text that is not ours"
        return
    if name.endswith(b"TRC") and body.startswith(_STEPS):
        values = [int.from_bytes(body[at : at + 2], "big") for at in range(12, len(body), 2)]
        if len(body) != 12 + 2 * 256 or values != sorted(values) or not _tenths().issuperset(values):
            yield "steps that are none of a curve"
        return
    head, count = _SIZES[name]
    numbers = [_number(body, at) for at in range(len(head), len(body), 4)]
    signed = [number - (1 << 32) if number >> 31 else number for number in numbers]
    if body[: len(head)] != head or len(body) != len(head) + 4 * count or any(abs(each) > _MOST for each in signed):
        yield "numbers that are none of a colour space"


@cache
def _tenths() -> frozenset[int]:
    """Light, of 65535, for each tenth of lightness from 0 to 100."""
    levels = (tenth / 10 for tenth in range(1001))
    light = (((level + 16) / 116) ** 3 if level > 8 else level * 27 / 24389 for level in levels)
    return frozenset(round(each * 65535) for each in light)


def _header() -> bytes:
    """Bytes 4 to 127."""
    header = bytearray(128)
    for at, fixed in _FIXED.items():
        header[at : at + len(fixed)] = fixed
    return bytes(header[4:])


def _number(data: bytes, at: int) -> int:
    part = data[at : at + 4]
    if len(part) < 4:
        raise IndexError(at)
    return int.from_bytes(part, "big")
