"""The independent header check: does anything that identified the source stand anywhere in the finished file?

    identifiers = harvest(ds, own_words=(model_version,))   # from the original
    findings = search(data, identifiers)                    # places, never values; empty: nothing found

It shares no code with the cleaner: it parses the finished bytes itself, looks at every element of every item,
and then searches the raw bytes, JPEG segments and file meta included, in each encoding that text could have.
"""

import re
from collections.abc import Iterator
from typing import Final

from pydicom.datadict import keyword_for_tag

from service import encoded
from service.identifiers import Identifiers, fold
from service.jpeg import JpegError, foreign_segments

_META: Final = frozenset({0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012, 0x00020013})
_BINARY: Final = frozenset(["OB", "OD", "OF", "OL", "OV", "OW", "UN"])
_PIXELS: Final = 0x7FE00010
_LONG: Final = 6  # characters from which a text is looked for inside other text
_LONG_NUMBER: Final = 8  # digits from which a number is looked for among raw bytes, which hold long keyed UIDs


def search(data: bytes, identifiers: Identifiers) -> list[str]:
    """The places in a finished Explicit VR Little Endian file where something should not be; each named once."""
    try:
        elements = list(encoded.elements(data))
    except encoded.MalformedError as error:
        return [f"the file cannot be parsed: {error}"]
    findings = ["the preamble is not empty"] if any(data[:128]) else []
    for element in elements:
        findings += [f"{_place(element)}: {problem}" for problem in _problems(element, identifiers)]
    findings += [f"bytes of {place}: an identifier" for place in _search_bytes(data, elements, identifiers)]
    return list(dict.fromkeys(findings))


def _problems(element: encoded.Element, identifiers: Identifiers) -> Iterator[str]:
    group, number = element.tag >> 16, element.tag & 0xFFFF
    if group % 2:
        yield "a private element"
    if group & 0xFF00 in (0x5000, 0x6000):
        yield "an overlay or curve"
    if (number == 0 and group != 2) or (group == 2 and element.tag not in _META):
        yield "an element that has no place here"
    if element.vr in _BINARY and element.tag != 0x00020001 and not _is_picture(element):
        yield "binary content"
    if element.is_frame and element.value[:2] == b"\xff\xd8":
        yield from _jpeg_problems(element.value)
    if element.vr not in _BINARY and _matches(element, identifiers):
        yield "an identifier"


def _jpeg_problems(frame: bytes) -> Iterator[str]:
    try:
        yield from (f"JPEG segment {name}" for name in foreign_segments(frame))
    except JpegError as error:
        yield f"the JPEG stream is not well-formed: {error}"


def _matches(element: encoded.Element, identifiers: Identifiers) -> bool:
    value = fold(element.value.decode("utf-8", "replace"))
    return any(_stands_in(text, value, element.vr) for text in identifiers.texts)


def _stands_in(text: str, value: str, vr: str) -> bool:
    """Long texts anywhere, short ones as words, very short ones only as a whole value of an element for people."""
    if len(text) < 3:
        return vr in ("LO", "SH", "PN", "ST", "LT", "UT", "UC") and text in value.split("\\")
    if text not in value:
        return False
    if len(text) >= _LONG and vr != "UI":
        return True
    return re.search(rf"(?<![^\W_]){re.escape(text)}(?![^\W_])", value) is not None


def _search_bytes(data: bytes, elements: list[encoded.Element], identifiers: Identifiers) -> Iterator[str]:
    """Raw bytes: everything around the pixel data in four encodings, compressed frames as plain text.

    Pixel values themselves are left out: they were written from the picture and nothing else.
    """
    start = min((element.start for element in elements if _is_picture(element)), default=len(data))
    end = max((element.end for element in elements if _is_picture(element)), default=len(data))
    header = (data[:start] + data[end:]).lower()
    frames = [element.value.lower() for element in elements if element.is_frame]
    for text in identifiers.texts:
        if len(text) < (_LONG_NUMBER if text.isdigit() else _LONG):
            continue
        if any(needle in header for needle in _encodings(text)):
            yield "the header"
        if any(text.encode() in frame for frame in frames):
            yield "the compressed picture"


def _is_picture(element: encoded.Element) -> bool:
    return element.tag == _PIXELS and element.depth == 0


def _encodings(text: str) -> Iterator[bytes]:
    for encoding in ("utf-8", "latin-1", "utf-16-le", "utf-16-be", "gb18030", "iso2022_jp", "koi8_r", "iso8859_5"):
        try:
            yield text.encode(encoding).lower()
        except UnicodeEncodeError:
            continue


def _place(element: encoded.Element) -> str:
    name = keyword_for_tag(element.tag) or "unknown"
    return f"({element.tag >> 16:04X},{element.tag & 0xFFFF:04X}) {name}"
