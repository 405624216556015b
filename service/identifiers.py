"""What identifies an original, harvested from every corner of it, for `service.leaks` to look for."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from pydicom import DataElement, Dataset, FileDataset
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import RawDataElement

from service import objects, provenance
from service.charsets import readings
from service.codes import is_of_the_standard, items_at, known_code, value_in
from service.errors import Quarantined
from service.spellings import spellings_of_date
from service.states import Cause

_TEXT: Final = frozenset(["AE", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UN", "UR", "UT"])
_NO_TEXT: Final = frozenset(
    {"AS", "AT", "CS", "DS", "FD", "FL", "IS", "OB", "OD", "OF", "OL", "OV", "OW", "SL", "SS", "SV", "UL", "US", "UV"}
)
_WORD: Final = re.compile(r"[^\W_]+")
_PRINTABLE: Final = re.compile(rb"[\x20-\x7e]{6,}")
_OWN: Final = "SUBJ YES NO ORIGINAL DERIVED PRIMARY MODIFIED XC OT CODE RGB VERAGATE SCT DCM HEAD FACE MOUTH REMOVED"
_NOTHING: Final = frozenset({"19000101", "000000"})  # what stands for no date and no time, here as elsewhere
_INSTANCE_UIDS: Final = frozenset({"SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"})
_CODE: Final = (0x00080100, 0x00080102, 0x00080104)  # Code Value, Coding Scheme Designator, Code Meaning
_NUMBERS: Final = frozenset({"PatientID", "OtherPatientIDs", "AccessionNumber", "IssuerOfPatientID"})
_IDEOGRAPHS: Final = "\u2e80"
_MOST_TEXTS: Final = 8000
_DEEPEST: Final = 40  # items in items; the deepest objects of the standard (structured reports) stay below


@dataclass(frozen=True, repr=False)
class Identifiers:
    """What must not be found. It is patient data: nothing prints it.

    `texts` are case folded; `raw` are values beyond ASCII as their bytes stood in the original, whatever character
    set they were in; `dates` are the eight digits of each date of the top level, by tag.
    """

    texts: frozenset[str] = frozenset()
    raw: frozenset[bytes] = frozenset()
    dates: dict[int, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Identifiers({len(self.texts)})"


def harvest(ds: FileDataset, own_words: Iterable[str] = (), kept: Iterable[str] = ()) -> Identifiers:
    """Every name, number, date, address, text and UID of an original, from all its items and its file meta.

    Left out is what a cleaned object says of its own accord: coded entries that the table has in the same words, the
    product's sentences, `own_words`, and what stands in the elements `kept`, by keyword, unless it identifies the
    patient too. A name is also looked for in its parts, from three letters or one ideograph on, and a birth date as
    people write dates.

    Raises Quarantined (UNSUPPORTED) for an original that holds so much, or so deeply, that looking would not end.
    """
    known, kept = {word for text in (*_own_texts(), *own_words) for word in _words(text)}, frozenset(kept)
    found, spared, raw = set[str](), set[str](), set[bytes]()
    for dataset in (ds, getattr(ds, "file_meta", None) or Dataset()):
        for value in _values(dataset):
            is_spared = not value.depth and keyword_for_tag(value.tag) in kept
            (spared if is_spared else found).update(value.texts)
            if value.raw and not is_spared:
                raw.update(_raw_parts(value.raw))
    found -= spared - _of_the_patient(ds)
    texts = frozenset(text for text in found if text and not known.issuperset(_words(text)))
    if len(texts) > _MOST_TEXTS:
        raise Quarantined(Cause.UNSUPPORTED, "too many texts in the header")
    return Identifiers(texts, frozenset(raw), _dates(ds, kept))


@dataclass(frozen=True)
class _Value:
    tag: int
    depth: int
    texts: frozenset[str]
    raw: bytes = b""


def _values(ds: Dataset, declared: tuple[str, ...] = (), depth: int = 0) -> Iterator[_Value]:
    if depth > _DEEPEST:
        raise Quarantined(Cause.UNSUPPORTED, "items nested too deeply")
    declared = _declared(ds) or declared
    ours = _CODE if depth and _is_known(ds) else ()
    for tag, element in list(ds.items()):
        vr = _vr(element)
        if tag in ours:
            continue
        if vr == "SQ":
            for item in items_at(ds, tag):  # none in one that cannot be parsed, whose bytes are not copied either
                yield from _values(item, declared, depth + 1)
        elif isinstance(element, RawDataElement):
            yield _read_raw(element, vr, declared, depth)
        else:
            yield _Value(tag, depth, frozenset(_texts_of(element)))


def _is_known(item: Dataset) -> bool:
    """Whether a code item says what the table says, word for word."""
    code = known_code(item)
    return code is not None and fold(str(value_in(item, "CodeMeaning"))) == fold(code.meaning)


def _vr(element: DataElement | RawDataElement) -> str:
    if element.VR is not None and element.VR != "UN":
        return element.VR
    try:
        return dictionary_VR(element.tag)
    except KeyError:
        return "UN"


def _read_raw(element: RawDataElement, vr: str, declared: tuple[str, ...], depth: int) -> _Value:
    """From the bytes as they came: in each character set that they may be in, before any library chose one."""
    value = element.value if isinstance(element.value, bytes) else b""
    if vr in _NO_TEXT:
        return _Value(element.tag, depth, frozenset())
    texts = {text for reading in _readings(value, vr, declared) for text in _split(element.tag, vr, reading)}
    if vr not in _TEXT or vr == "UN":
        texts.update(fold(run.decode("ascii")) for run in _PRINTABLE.findall(value))
    return _Value(element.tag, depth, frozenset(texts), b"" if value.isascii() else value)


def _readings(value: bytes, vr: str, declared: tuple[str, ...]) -> tuple[str, ...]:
    if vr not in _TEXT or vr == "UN":
        return ()
    return readings(value, declared)


def _texts_of(element: DataElement) -> Iterator[str]:
    if element.VR not in _TEXT or element.value is None:
        return
    if isinstance(element.value, bytes):
        yield from (fold(run.decode("ascii")) for run in _PRINTABLE.findall(element.value))
        return
    for value in element.value if element.VM > 1 else [element.value]:
        yield from _split(element.tag, element.VR, str(value))


def _split(tag: int, vr: str, text: str) -> Iterator[str]:
    """The values in a text, whole and in the parts by which a person would still be known."""
    keyword = keyword_for_tag(tag)
    for value in (fold(part) for part in text.split("\\")):
        if vr in ("DA", "DT", "TM") and value in _NOTHING:
            continue
        if vr == "UI" and is_of_the_standard(value) and keyword not in _INSTANCE_UIDS:  # the standard's own
            continue
        yield value
        if vr == "PN":
            yield from (part for part in _words(value) if len(part) >= 3 or is_wide(part))
            yield from (component.replace("^", " ").strip() for component in value.split("="))
        elif vr in ("DA", "DT"):
            yield re.sub(r"\D", "", value)[:8]
        if keyword == "PatientBirthDate":
            yield from spellings_of_date(value)
        if keyword in _NUMBERS and len(compact := "".join(_words(value))) >= 5:
            yield compact


def _raw_parts(value: bytes) -> Iterator[bytes]:
    """The bytes of a value and of a name's parts; two-byte characters may be cut, which only adds a part."""
    yield from (part for part in re.split(rb"[\\^=\0]| +$", value) if len(part) >= 3 and not part.isascii())


def _of_the_patient(ds: Dataset) -> set[str]:
    keywords = ("PatientName", "PatientID", "PatientBirthDate", "OtherPatientIDs", "OtherPatientNames")
    return {text for name in keywords if name in ds for text in _texts_of(ds[name])}


def _dates(ds: Dataset, kept: Collection[str]) -> dict[int, str]:
    dates = {}
    for tag in list(ds.keys()):
        if (
            keyword_for_tag(tag) not in kept
            and _vr(ds.get_item(tag)) in ("DA", "DT")
            and (digits := re.sub(r"\D", "", str(value_in(ds, keyword_for_tag(tag))))[:8])
        ):
            dates[int(tag)] = digits
    return {tag: digits for tag, digits in dates.items() if digits not in _NOTHING}


def _declared(ds: Dataset) -> tuple[str, ...]:
    value = value_in(ds, "SpecificCharacterSet")
    return tuple(str(part) for part in ([value] if isinstance(value, str) else value or []))  # type: ignore[attr-defined]


def _own_texts() -> Iterator[str]:
    yield from _OWN.split()
    yield from provenance.TEXTS
    yield from (objects.IMPLEMENTATION_UID, objects.IMPLEMENTATION_NAME)
    for code in provenance.CODES:
        yield from (code.value, code.scheme, code.meaning)


def _words(text: str) -> list[str]:
    return _WORD.findall(fold(text))


def is_wide(text: str) -> bool:
    """Whether characters that are words by themselves are in it: a Chinese family name has one."""
    return max(text, default="") >= _IDEOGRAPHS


def fold(text: str) -> str:
    return text.strip("\0 ").casefold()
