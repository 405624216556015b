"""A look at the skeleton of an object before anything is built from it: how many elements, how deep, how large.

A parser that keeps what it reads needs a hundred times the memory of a file of tiny elements, and one that calls
itself for each nested item can be led as deep as a file is long. This one keeps nothing but where it is.
"""

from collections.abc import Callable
from typing import Final, Protocol

from pydicom.datadict import dictionary_VR

from service.errors import Quarantined
from service.states import Cause

MOST_ELEMENTS: Final = 50_000  # photographs have hundreds
DEEPEST: Final = 40  # items in items
MOST_HEADER: Final = 1 << 25  # bytes in front of the pixels; room for icons and previews

_LONG: Final = frozenset([b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"])
_PIXELS: Final = 0x7FE00010
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED: Final = 0xFFFFFFFF


class Bytes(Protocol):
    """bytes, or a memory-mapped file."""

    def __len__(self) -> int: ...
    def __getitem__(self, key: slice, /) -> bytes: ...


def check_structure(data: Bytes, at: int, *, explicit: bool, big_endian: bool = False) -> None:
    """Walk the elements from `at` up to the pixels; where the structure breaks off, that is for the parser to say.

    Raises Quarantined (UNSUPPORTED) for an object with too many elements, items nested too deeply, or a header that is
    larger than any photograph's.
    """
    begin, count, ends = at, 0, [len(data)]
    while at + 8 <= len(data):
        while len(ends) > 1 and at >= ends[-1]:
            ends.pop()
        tag, length, at = _element(data, at, explicit=explicit, order="big" if big_endian else "little")
        if tag == _PIXELS and len(ends) == 1:
            return
        count += 1
        if count > MOST_ELEMENTS or at - begin > MOST_HEADER:
            raise Quarantined(Cause.UNSUPPORTED, "more elements than a photograph has")
        if tag in (_ITEM_END, _SEQUENCE_END):
            if len(ends) > 1:
                ends.pop()
        elif length == _UNDEFINED or tag == _ITEM or _is_sequence(data, tag, at, explicit=explicit):
            ends.append(len(data) if length == _UNDEFINED else at + length)
            if len(ends) > 2 * DEEPEST:  # a sequence and an item each time
                raise Quarantined(Cause.UNSUPPORTED, "items nested too deeply")
        else:
            at += length


def _element(data: Bytes, at: int, *, explicit: bool, order: str) -> tuple[int, int, int]:
    """Tag, length, and where the value begins."""
    number: Callable[..., int] = int.from_bytes
    tag = number(data[at : at + 2], order) << 16 | number(data[at + 2 : at + 4], order)
    if not explicit or tag >> 16 == 0xFFFE:
        return tag, number(data[at + 4 : at + 8], order), at + 8
    if data[at + 4 : at + 6] in _LONG:
        return tag, number(data[at + 8 : at + 12], order), at + 12
    return tag, number(data[at + 6 : at + 8], order), at + 8


def _is_sequence(data: Bytes, tag: int, value: int, *, explicit: bool) -> bool:
    if explicit:
        return data[value - 8 : value - 6] == b"SQ"
    try:
        return dictionary_VR(tag) == "SQ"
    except KeyError:
        return False
