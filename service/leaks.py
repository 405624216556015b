"""The independent header check: does anything that identified the source stand anywhere in the finished file?

    identifiers = harvest(ds, own_words=(model_version,))   # from the original
    findings = search(data, identifiers)                    # places, never values; empty: nothing found

It shares no code with the cleaner: it parses the finished bytes itself, looks at every element of every item,
and then searches the raw bytes, JPEG segments and file meta included, in each encoding that text could have. Coded
entries and terms that are word for word those of the gateway's own tables are passed over: a patient may be called
Iris, and what is shown is an iris. So is a binary number that stands alone.
`service.contents` asks the other question: whether anything stands there that is not on the list.
"""

import re
from collections.abc import Iterator
from typing import Final

from pydicom.datadict import keyword_for_tag

from service import encoded, icc, provenance
from service.allowed import allowed_in, coded
from service.codes import is_of_the_standard
from service.encoded import values_of
from service.identifiers import Identifiers, fold, is_wide
from service.jpeg import JpegError, foreign_segments

_META: Final = frozenset({0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012, 0x00020013})
_BINARY: Final = frozenset(["OB", "OD", "OF", "OL", "OV", "OW", "UN"])
_NUMBERS: Final = {"FD": 8, "FL": 4, "US": 2}  # bytes of one
_CHECKED_WHOLE: Final = frozenset(["DA", "DT", "TM", "UI"])
_PIXELS: Final = 0x7FE00010
_PROFILE: Final = 0x00282000
_IMAGE_TYPE: Final = 0x00080008
_KEYED: Final = "2.25."
_LONG: Final = 6  # characters from which a text is looked for inside other text
_LONG_NUMBER: Final = 8  # digits from which a number is looked for among raw bytes
_ENCODINGS: Final = (
    *("utf-8", "latin-1", "utf-16-le", "utf-16-be", "gb18030", "shift_jis", "euc_kr", "iso2022_jp"),
    *("koi8_r", "iso8859_5", "iso8859_2", "cp1250", "cp1251"),
)
_RUNS: Final = re.compile(rb"[\x20-\x7e]{6,}|(?:[\x20-\x7e]\0){6,}|(?:\0[\x20-\x7e]){6,}")


def search(data: bytes, identifiers: Identifiers) -> list[str]:
    """The places in a finished Explicit VR Little Endian file where something should not be; each named once."""
    try:
        elements = list(encoded.elements(data))
    except encoded.MalformedError as error:
        return [f"the file cannot be parsed: {error}"]
    findings = ["the preamble is not empty"] if any(data[:128]) else []
    ours = _our_own(elements)
    for element in elements:
        problems = _problems(element, identifiers, is_ours=element.start in ours)
        findings += [f"{place_of(element)}: {problem}" for problem in problems]
    findings += [f"bytes of {place}: an identifier" for place in _search_bytes(data, elements, ours, identifiers)]
    return list(dict.fromkeys(findings))


def _our_own(elements: list[encoded.Element]) -> set[int]:
    """Where elements start whose values are the tables' own words, whatever the source said."""
    rules = allowed_in(encoded.sop_class_of(elements)).rules
    terms = {tag: rule.terms for tag, rule in rules.items() if rule.terms} | {_IMAGE_TYPE: provenance.IMAGE_TYPES}
    codes = {part.start for parts, is_known in coded(elements) if is_known for part in parts}
    listed = (each for each in elements if not each.path and each.tag in terms)
    return codes | {each.start for each in listed if terms[each.tag].issuperset(values_of(each))}


def _problems(element: encoded.Element, identifiers: Identifiers, *, is_ours: bool) -> Iterator[str]:
    group, number = element.tag >> 16, element.tag & 0xFFFF
    if group % 2:
        yield "a private element"
    if group & 0xFF00 in (0x5000, 0x6000):
        yield "an overlay or curve"
    if (number == 0 and group != 2) or (group == 2 and element.tag not in _META):
        yield "an element that has no place here"
    if element.vr in _BINARY and element.tag != 0x00020001 and not _is_picture(element) and not _is_profile(element):
        yield "binary content"
    if element.is_frame and element.value[:2] == b"\xff\xd8":
        yield from _jpeg_problems(element.value)
    is_text = element.vr not in _BINARY and element.vr != "SQ" and not _is_number(element)
    if is_text and not is_ours and _matches(element, identifiers):
        yield "an identifier"


def _jpeg_problems(frame: bytes) -> Iterator[str]:
    try:
        yield from (f"JPEG segment {name}" for name in foreign_segments(frame))
    except JpegError as error:
        yield f"the JPEG stream is not well-formed: {error}"


def _matches(element: encoded.Element, identifiers: Identifiers) -> bool:
    """Dates are compared with the same element's: a moved one may fall on another date of the source by chance."""
    value = fold(element.value.decode("utf-8", "replace"))
    if element.vr in ("DA", "DT") and re.fullmatch(r"\d{8}.*", value, re.ASCII):
        return value[:8] == identifiers.dates.get(element.tag)
    if element.vr == "UI":
        value = _telling(value)
    return any(_stands_in(text, value, element.vr) for text in identifiers.texts)


def _telling(uid: str) -> str:
    """Of a UID what could tell something: nothing where the standard defines it, of a keyed one its number.

    A device's software may be called 4.1, and that stands in the UID of every SOP class.
    """
    return "" if is_of_the_standard(uid) else uid.removeprefix(_KEYED)


def _stands_in(text: str, value: str, vr: str) -> bool:
    """Long texts anywhere, short ones as words, very short ones only as a whole value of an element for people."""
    if text not in value:
        return False
    if is_wide(text) and len(text) > 1:
        return True
    if len(text) < 3 and not is_wide(text):
        return vr in ("LO", "SH", "PN", "ST", "LT", "UT", "UC") and text in value.split("\\")
    if len(text) >= _LONG and vr != "UI":
        return True
    return re.search(rf"(?<![^\W_]){re.escape(text)}(?![^\W_])", value) is not None


def _search_bytes(
    data: bytes, elements: list[encoded.Element], ours: set[int], identifiers: Identifiers
) -> Iterator[str]:
    """Raw bytes: all around the pixel data in many encodings, compressed frames too.

    Pixel values themselves are left out: they were written from the picture and nothing else. So are dates and UIDs,
    which are compared whole: a keyed UID is forty digits, and any number of eight may be among them.
    """
    header = _header(data, elements, ours).lower()
    frames = [element.value for element in elements if element.is_frame]
    readable = b"\n".join(run.replace(b"\0", b"") for frame in frames for run in _RUNS.findall(frame)).lower()
    for text in identifiers.texts:
        if len(text) < (_LONG_NUMBER if text.isdigit() else _LONG):
            continue
        if any(needle in header for needle in _encodings(text)):
            yield "the header"
        if text.isascii() and len(text) >= _LONG_NUMBER and text.encode() in readable:
            yield "the compressed picture"
    for part in identifiers.raw:
        if part.lower() in header:
            yield "the header"
        if len(part) >= _LONG_NUMBER and any(part in frame for frame in frames):
            yield "the compressed picture"


def _header(data: bytes, elements: list[encoded.Element], ours: set[int]) -> bytes:
    """The file without its picture, single numbers, and the values that are compared whole or are our own."""
    kept, at = [], 0
    for element in elements:
        is_passed_over = element.vr in _CHECKED_WHOLE or element.start in ours or _is_number(element)
        if _is_picture(element) or is_passed_over:
            kept.append(data[at : element.end - len(element.value)])
            at = element.end
    return b"".join([*kept, data[at:]])


def _is_picture(element: encoded.Element) -> bool:
    return element.tag == _PIXELS and element.depth == 0


def _is_number(element: encoded.Element) -> bool:
    """One binary number: its bytes may spell something by chance, and `service.contents` bounds its size.

    Several are searched like everything else, since a text could be made of them.
    """
    return len(element.value) == _NUMBERS.get(element.vr)


def _is_profile(element: encoded.Element) -> bool:
    """A colour profile in which every byte is ours or a number."""
    return element.tag == _PROFILE and element.depth == 0 and not icc.problems(element.value)


def _encodings(text: str) -> Iterator[bytes]:
    for encoding in ("utf-8", "utf-16-le", "utf-16-be") if text.isascii() else _ENCODINGS:
        for spelling in (text,) if text.isascii() else (text, text.upper()):
            try:
                yield spelling.encode(encoding).lower()
            except UnicodeEncodeError:
                continue


def place_of(element: encoded.Element) -> str:
    """Tag and keyword, for people."""
    name = keyword_for_tag(element.tag) or "unknown"
    return f"({element.tag >> 16:04X},{element.tag & 0xFFFF:04X}) {name}"
