"""A finished file taken apart from its bytes: a small parser of our own for Explicit VR Little Endian (PS3.5 7.1).

It is strict where a library is lenient, because it reads only what this gateway wrote.
"""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

_LONG_LENGTH: Final = frozenset(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"])
_SHORT_LENGTH: Final = frozenset(
    {"AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST", "TM"}
    | {"UI", "UL", "US"}
)
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED: Final = 0xFFFFFFFF
_DEEPEST: Final = 40
_SOP_CLASS: Final = 0x00080016


class MalformedError(ValueError):
    """The bytes are not what this gateway writes; the message names an offset, never a value."""


@dataclass(frozen=True)
class Element:
    """An element, one fragment of encapsulated pixel data (`is_frame`), or a sequence, whose content follows it.

    `start` and `end` are offsets into the file, tag and length included, of a sequence those of its head; `path` has
    the tags of the sequences around it, `item` the offset of the item that it stands in, 0 at the top level.
    """

    tag: int
    vr: str
    value: bytes
    start: int
    end: int
    path: tuple[int, ...] = ()
    item: int = 0
    is_frame: bool = False

    @property
    def depth(self) -> int:
        return len(self.path)


def elements(data: bytes) -> Iterator[Element]:
    """Every element of a PS3.10 file in file order, those inside items too; raises MalformedError."""
    if data[128:132] != b"DICM":
        raise MalformedError("no DICM prefix")
    at = 132
    while at < len(data):
        at = yield from _element(data, at, (), 0)


def values_of(element: Element) -> list[str]:
    """The values as text, without padding; none for an empty element."""
    text = element.value.decode("utf-8", "replace").strip("\0 ")
    return [part.strip(" ") for part in text.split("\\")] if text else []


def sop_class_of(elements: Iterable[Element]) -> str:
    """The SOP class that a data set says it is of; empty where it does not."""
    found = next((values_of(each) for each in elements if each.tag == _SOP_CLASS and not each.path), [])
    return found[0] if found else ""


def _element(data: bytes, at: int, path: tuple[int, ...], item: int) -> Generator[Element, None, int]:
    tag, vr = _tag(data, at), data[at + 4 : at + 6].decode("ascii", "replace")
    if vr in _LONG_LENGTH:
        length, begin = int.from_bytes(data[at + 8 : at + 12], "little"), at + 12
    elif vr in _SHORT_LENGTH:
        length, begin = int.from_bytes(data[at + 6 : at + 8], "little"), at + 8
    else:
        raise MalformedError(f"no value representation at {at}")
    if vr == "SQ":
        if len(path) >= _DEEPEST:
            raise MalformedError(f"items nested too deeply at {at}")
        yield Element(tag, vr, b"", at, begin, path, item)
        return (yield from _items(data, begin, length, (*path, tag)))
    if length == _UNDEFINED:
        return (yield from _fragments(data, begin, Element(tag, "OB", b"", at, begin, path, item)))
    if begin + length > len(data):
        raise MalformedError(f"value cut off at {at}")
    yield Element(tag, vr, data[begin : begin + length], at, begin + length, path, item)
    return begin + length


def _items(data: bytes, at: int, length: int, path: tuple[int, ...]) -> Generator[Element, None, int]:
    end = len(data) if length == _UNDEFINED else at + length
    while at < end:
        tag, size = _tag(data, at), int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8
        if tag == _SEQUENCE_END and length == _UNDEFINED:
            return at
        if tag != _ITEM:
            raise MalformedError(f"no item at {at - 8}")
        item, item_end = at, len(data) if size == _UNDEFINED else at + size
        while at < item_end:
            if size == _UNDEFINED and _tag(data, at) == _ITEM_END:
                at += 8
                break
            at = yield from _element(data, at, path, item)
    if length == _UNDEFINED or at != end:
        raise MalformedError(f"sequence without an end at {at}")
    return at


def _fragments(data: bytes, at: int, head: Element) -> Generator[Element, None, int]:
    first = True
    while _tag(data, at) == _ITEM:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + size > len(data):
            raise MalformedError(f"fragment cut off at {at}")
        # The first item is the Basic Offset Table (PS3.5 A.4).
        end = at + 8 + size
        yield replace(head, value=data[at + 8 : end], end=end, is_frame=not first)
        at, first = end, False
    if _tag(data, at) != _SEQUENCE_END:
        raise MalformedError(f"pixel data without an end at {at}")
    return at + 8


def _tag(data: bytes, at: int) -> int:
    if at + 8 > len(data):
        raise MalformedError(f"cut off at {at}")
    return int.from_bytes(data[at : at + 2], "little") << 16 | int.from_bytes(data[at + 2 : at + 4], "little")
