"""What identifies an original, harvested from every corner of it, for `service.leaks` to look for."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pydicom import DataElement, Dataset, FileDataset

from service import objects, provenance
from service.codes import code_table
from service.errors import Quarantined
from service.states import Cause

_TEXT: Final = frozenset(["AE", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "UC", "UI", "UN", "UR", "UT"])
_WORD: Final = re.compile(r"[^\W_]+")
_PRINTABLE: Final = re.compile(rb"[\x20-\x7e]{6,}")
_OWN: Final = "SUBJ YES NO ORIGINAL DERIVED PRIMARY MODIFIED XC OT CODE RGB VERAGATE SCT DCM HEAD FACE MOUTH"
_STANDARD_ROOT: Final = "1.2.840.10008."
_INSTANCE_UIDS: Final = frozenset({"SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"})
_MOST_TEXTS: Final = 5000
_DEEPEST: Final = 40  # items in items; the deepest objects of the standard (structured reports) stay below


@dataclass(frozen=True, repr=False)
class Identifiers:
    """Texts of the original, case folded. They are patient data: nothing prints them."""

    texts: frozenset[str]

    def __repr__(self) -> str:
        return f"Identifiers({len(self.texts)})"


def harvest(ds: FileDataset, own_words: Iterable[str] = ()) -> Identifiers:
    """Every name, number, date, address, text and UID of an original, from all its items and its file meta.

    Left out is what a cleaned object says of its own accord: the code table's entries, the product's sentences and
    `own_words`. A name is also looked for in its parts, from three letters on.

    Raises Quarantined (UNSUPPORTED) for an original that holds so much, or so deeply, that looking would not end.
    """
    known = {word for text in (*_own_texts(), *own_words) for word in _words(text)}
    found: set[str] = set()
    for dataset in (ds, getattr(ds, "file_meta", None) or Dataset()):
        found.update(_all_texts(dataset))
    texts = frozenset(text for text in found if not known.issuperset(_words(text)))
    if len(texts) > _MOST_TEXTS:
        raise Quarantined(Cause.UNSUPPORTED, "too many texts in the header")
    return Identifiers(texts)


def _all_texts(ds: Dataset, depth: int = 0) -> Iterator[str]:
    if depth > _DEEPEST:
        raise Quarantined(Cause.UNSUPPORTED, "items nested too deeply")
    for tag, raw in list(ds.items()):
        try:
            element = ds[tag]
        except Exception:  # a value that cannot be parsed still has bytes
            yield from _runs(raw.value if isinstance(raw.value, bytes) else b"")
            continue
        if element.VR == "SQ":
            for item in element.value:
                yield from _all_texts(item, depth + 1)
        else:
            yield from _texts(element)


def _runs(value: bytes) -> Iterator[str]:
    yield from (fold(run.decode("ascii")) for run in _PRINTABLE.findall(value))


def _texts(element: DataElement) -> Iterator[str]:
    if element.VR not in _TEXT or element.value is None:
        return
    if isinstance(element.value, bytes):
        yield from _runs(element.value)
        return
    values = element.value if element.VM > 1 else [element.value]
    for value in (fold(str(part)) for part in values):
        if element.VR == "UI" and value.startswith(_STANDARD_ROOT) and element.keyword not in _INSTANCE_UIDS:
            continue
        yield from (text for text in (value, *_parts(element.VR, value)) if text)


def _parts(vr: str, value: str) -> Iterator[str]:
    if vr == "PN":
        yield from (part for part in _words(value) if len(part) >= 3)
        yield from (component.replace("^", " ").strip() for component in value.split("="))
    elif vr in ("DA", "DT"):
        yield re.sub(r"\D", "", value)[:8]


def _own_texts() -> Iterator[str]:
    yield from _OWN.split()
    yield from provenance.TEXTS
    yield from (objects.IMPLEMENTATION_UID, objects.IMPLEMENTATION_NAME)
    for code in (*code_table().values(), *provenance.CODES):
        yield from (code.value, code.scheme, code.meaning)


def _words(text: str) -> list[str]:
    return _WORD.findall(fold(text))


def fold(text: str) -> str:
    return text.strip("\0 ").casefold()
