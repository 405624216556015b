"""The independent check of a map before release: everything that stands in it is the photograph's, or known beforehand.

It parses the finished bytes with the gateway's own parser and shares no code with what makes maps. A photograph was
checked by itself (`service.contents`); what a map has in common with it, to the byte and in the same place, needs no
second proof. For anything else the value is known before it is looked at. `service.leaks` searches a map as it does a
photograph.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from pydicom.datadict import keyword_for_tag

from service import __version__, encoded
from service.encoded import Element
from service.leaks import place_of
from service.provenance import PRODUCT
from service.segmentation.expected import expected_in
from service.segmentation.words import ABOUT_PIXELS, LABELS, TYPES

_CLAIMS: Final = frozenset({"BurnedInAnnotation", "RecognizableVisualFeatures"})
_SAME: Final = ("StudyInstanceUID", "PatientID", "PatientIdentityRemoved", "Rows", "Columns")
_SHORT: Final = {"US": 2, "UL": 4}

Place = tuple[tuple[str, ...], str]  # keywords of the sequences around an element, and its own


def review(data: bytes, photograph: bytes, model_version: str) -> list[str]:
    """Places in a map where something stands that should not, or something is missing; empty: nothing found."""
    try:
        elements, beside = (_elements(file) for file in (data, photograph))
    except encoded.MalformedError as error:
        return [f"the file cannot be parsed: {error}"]
    known = {(_place(each), each.value) for each in beside if _place(each)[1] not in _CLAIMS}
    facts = {_place(each)[1]: _text(each) for each in beside if not each.path}
    expected = expected_in(facts, f"{__version__} {model_version}"[:64], PRODUCT, __version__)
    found = [f"{place_of(each)}: {problem}" for each in elements if (problem := _problem(each, known, expected))]
    return list(dict.fromkeys([*found, *_of_the_whole(elements, facts), *_methods(elements, beside)]))


def _elements(data: bytes) -> list[Element]:
    return [element for element in encoded.elements(data) if element.tag >> 16 != 2]


def _place(element: Element) -> Place:
    return tuple(keyword_for_tag(tag) for tag in element.path), keyword_for_tag(element.tag)


def _problem(element: Element, known: set[tuple[Place, bytes]], expected: dict[str, str]) -> str | None:
    path, keyword = _place(element)
    if (path, keyword) == ((), "PixelData") or ((path, keyword), element.value) in known:
        return None
    pattern = expected.get(".".join((*path, keyword)))
    if pattern is None:
        return "an element that no map has"
    if element.vr == "SQ":
        return None
    return None if re.fullmatch(pattern, _text(element), re.ASCII) else "a value that no map has there"


def _text(element: Element) -> str:
    """The value as text; numbers in decimals, tags in hexadecimals, several with a backslash between."""
    size = _SHORT.get(element.vr, 0)
    if size:
        parts = (element.value[at : at + size] for at in range(0, len(element.value), size))
        return "\\".join(str(int.from_bytes(part, "little")) for part in parts)
    if element.vr == "AT":
        return "{1:02X}{0:02X}{3:02X}{2:02X}".format(*element.value) if len(element.value) == 4 else "?"
    return element.value.decode("utf-8", "replace").strip("\0 ")


def _of_the_whole(elements: list[Element], facts: dict[str, str]) -> Iterator[str]:
    """It belongs to this photograph, and there is one frame for each segment and each frame of the photograph."""
    own = {_place(each)[1]: each for each in elements if not each.path}
    yield from (f"{name}: not the photograph's" for name in _SAME if name not in own or _text(own[name]) != facts[name])
    frames = int(facts.get("NumberOfFrames") or 1)
    segments = _numbers(elements, "SegmentNumber")
    groups = _numbers(elements, "ReferencedSegmentNumber")
    if segments != list(range(1, len(segments) + 1)) or groups != _in_groups(segments, frames):
        yield "the frames do not belong to the segments"
    for keyword, words in (("SegmentLabel", LABELS), ("CodeValue", TYPES), ("CodeMeaning", LABELS)):
        within = [each for each in elements if "SegmentSequence" in _place(each)[0] and _is_type(each)]
        if [_text(each) for each in within if _place(each)[1] == keyword] != [words.get(n) for n in segments]:
            yield f"{keyword}: not that of its segment"
    numbers = _numbers(elements, "ReferencedFrameNumber")
    if numbers != ([] if frames == 1 else list(range(1, frames + 1)) * len(segments)):
        yield "the frames do not belong to the photograph's"
    pixels = len(segments) * frames * int(facts["Rows"]) * int(facts["Columns"])
    if "PixelData" not in own or len(own["PixelData"].value) != (pixels + 15) // 16 * 2:
        yield "the pixels are not as many as the header says"
    elif _numbers(elements, "NumberOfFrames") != [len(segments) * frames]:
        yield "the frames are not as many as the header says"
    if "SyntheticData" not in own or _text(own["SyntheticData"]) != "YES":
        yield "it does not say that it comes of synthetic data"


def _in_groups(segments: list[int], frames: int) -> list[int]:
    """The segment of each frame; of a single segment it is said once, of all of them."""
    return segments if len(segments) == 1 else [number for number in segments for _ in range(frames)]


def _is_type(element: Element) -> bool:
    """Whether it says what a segment is: its label, or a part of its type's code."""
    path, keyword = _place(element)
    return path[-1] == "SegmentedPropertyTypeCodeSequence" or keyword == "SegmentLabel"


def _numbers(elements: Iterable[Element], keyword: str) -> list[int]:
    texts = (_text(each) for each in elements if keyword_for_tag(each.tag) == keyword)
    return [int(text) for text in texts if text.isdecimal()]


def _methods(elements: list[Element], beside: list[Element]) -> Iterator[str]:
    """The map claims what the photograph claims, but for what is said of a photograph's own pixels."""
    own, claimed = (
        {_text(each) for each in found if _place(each) == (("DeidentificationMethodCodeSequence",), "CodeValue")}
        for found in (elements, beside)
    )
    if own != claimed - ABOUT_PIXELS:
        yield "DeidentificationMethodCodeSequence: not what was done"
