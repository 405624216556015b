"""Which orthodontic photograph is this? Read from codes alone: the 73 views of ADA-1100 (CP-1570).

    view = classify(ds)                     # before the header is cleaned
    view.kind                               # EXTRAORAL, INTRAORAL or UNKNOWN
    describe(view)                          # "EV19 EO.FF.FS.CO"
    ds.update(attributes_for("EV19"))       # what a camera that knows its codes would write

Anatomic Region (0008,2218) and Primary Anatomic Structure (0008,2228) together decide between a face and
the inside of a mouth; the View Code alone cannot (a frontal projection is eleven faces and eight mouths).
Codes that are absent, unknown or in conflict make the view UNKNOWN, which is treated as a face.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

CONTEXT_CONCEPTS = frozenset({"130325", "25272006", "118243007", "363787002"})
IDENTIFYING = frozenset({"EV40", "EV41"})  # forensic interest and anomalies: the content itself identifies
_EXPLICIT = re.compile(r"EV(?:0[1-9]|[1-3]\d|4[0-3])|IV(?:0[1-9]|[12]\d|30)", re.ASCII)


class Kind(StrEnum):
    EXTRAORAL = "extraoral"
    INTRAORAL = "intraoral"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Code:
    """A coded entry (PS3.3 8) with the meaning that this gateway writes, whatever the sender wrote."""

    value: str
    scheme: str
    meaning: str

    def item(self) -> Dataset:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = self.value, self.scheme, self.meaning
        return item


@dataclass(frozen=True)
class _Row:
    code: str
    name: str
    kind: Kind
    pose: str
    orientation: str
    region: str
    region_modifier: str
    structure: str
    view: str
    view_modifier: str
    context: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class View:
    """What the codes say.

    `codes` are the ADA-1100 codes that fit (several, where the sender left codes out); `pose` is frontal,
    right-profile, left-profile, right-oblique, left-oblique, below, above or occlusal, empty where the codes
    leave it open; `must_review` is true where they say scar, tattoo, jewellery or anomaly (EV40, EV41).
    """

    kind: Kind
    codes: frozenset[str] = frozenset()
    pose: str = ""
    must_review: bool = False


@cache
def code_table() -> dict[tuple[str, str], Code]:
    """Every coded entry that may leave the gateway, by (value, coding scheme)."""
    return {(row["code"], row["scheme"]): Code(row["code"], row["scheme"], row["meaning"]) for row in _read("codes")}


def known_code(item: Dataset) -> Code | None:
    """The table's own entry for a code item, or None; the sender's Code Meaning is never looked at."""
    value, scheme = (str(_get(item, name) or "").strip() for name in ("CodeValue", "CodingSchemeDesignator"))
    return code_table().get((value, scheme))


def classify(ds: Dataset) -> View:
    """The view of a photograph from its codes; UNKNOWN wherever they leave a doubt."""
    regions = _codes(ds, "AnatomicRegionSequence")
    structures = _codes(ds, "PrimaryAnatomicStructureSequence")
    projections = _codes(ds, "ViewCodeSequence")
    explicit = _explicit_codes(ds)
    rows = [row for row in _rows().values() if {row.region} == regions and {row.structure} == structures]
    if explicit:
        rows = [row for row in rows if {row.code} == explicit]
    if not rows or not projections <= _projections(rows[0].kind) or len(projections) > 1:
        return View(Kind.UNKNOWN, must_review=bool(explicit & IDENTIFYING))
    fitting = _fitting(ds, rows, projections)
    codes = explicit or frozenset(row.code for row in fitting)
    poses = {_rows()[code].pose for code in codes}
    return View(
        kind=rows[0].kind,
        codes=codes,
        pose=poses.pop() if len(poses) == 1 else "",
        must_review=bool(codes) and codes <= IDENTIFYING,
    )


def describe(view: View) -> str:
    """A short label for tables and logs; at most 64 characters."""
    if len(view.codes) == 1:
        row = _rows()[next(iter(view.codes))]
        return f"{row.code} {row.name}"
    names = sorted(view.codes)
    which = "" if not names else f" ({names[0]} to {names[-1]})"
    return f"{view.kind}{' ' + view.pose if view.pose else ''}{which}"


def attributes_for(code: str) -> Dataset:
    """The coded attributes of one view (PS3.3 C.8.12.1, CP-1570); KeyError for a code that does not exist.

    EV40, IV28 and IV30 leave the projection to the photographer, so View Code Sequence is absent there.
    """
    row = _rows()[code]
    ds = Dataset()
    if row.orientation:
        ds.PatientOrientation = row.orientation.split("/")
    ds.AnatomicRegionSequence = Sequence([_item(row.region)])
    if row.region_modifier:
        ds.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = Sequence([_item(row.region_modifier)])
    ds.PrimaryAnatomicStructureSequence = Sequence([_item(row.structure)])
    if row.view:
        ds.ViewCodeSequence = Sequence([_item(row.view)])
        if row.view_modifier:
            ds.ViewCodeSequence[0].ViewModifierCodeSequence = Sequence([_item(row.view_modifier)])
    ds.AcquisitionContextSequence = Sequence([context_item(*pair) for pair in sorted(row.context)])
    return ds


def context_item(concept: str, value: str) -> Dataset:
    """A CODE item of Acquisition Context Sequence (PS3.3 C.7.6.14) from two code values of the table."""
    item = Dataset()
    item.ValueType = "CODE"
    item.ConceptNameCodeSequence = Sequence([_item(concept)])
    item.ConceptCodeSequence = Sequence([_item(value)])
    return item


def context_of(ds: Dataset) -> Iterator[tuple[str, str]]:
    """The (concept, value) pairs in Acquisition Context that are wholly in the table; the rest is passed over."""
    for item in _items(ds, "AcquisitionContextSequence"):
        concepts, values = _codes(item, "ConceptNameCodeSequence"), _codes(item, "ConceptCodeSequence")
        if len(concepts) == len(values) == 1 and concepts <= CONTEXT_CONCEPTS and "" not in values:
            yield next(iter(concepts)), next(iter(values))


@cache
def _projections(kind: Kind) -> frozenset[str]:
    return frozenset(row.view for row in _rows().values() if row.kind is kind and row.view)


def _fitting(ds: Dataset, rows: list[_Row], projections: set[str]) -> list[_Row]:
    """The rows that nothing in `ds` contradicts; only those that it states in full, where there are any."""
    orientation = "/".join(_values(ds, "PatientOrientation"))
    modifiers = set().union(*(_codes(item, "ViewModifierCodeSequence") for item in _items(ds, "ViewCodeSequence")))
    context = frozenset(context_of(ds))
    fits = [
        row
        for row in rows
        if orientation in ("", row.orientation)
        and (not projections or not row.view or projections == {row.view})
        and (not modifiers or modifiers == {row.view_modifier})
        and context <= row.context
    ]
    stated = [
        row
        for row in fits
        if orientation and projections and context == row.context and bool(modifiers) == bool(row.view_modifier)
    ]
    return stated or fits


def _explicit_codes(ds: Dataset) -> frozenset[str]:
    """ADA codes that the sender wrote out: as a Code Value, or in front of Image Comments as `EV19^...`."""
    found = [str(_get(item, "CodeValue") or "") for item in _items(ds, "ViewCodeSequence")]
    found.append(str(_get(ds, "ImageComments") or "").partition("^")[0])
    return frozenset(text.strip() for text in found if _EXPLICIT.fullmatch(text.strip()))


def _codes(ds: Dataset, keyword: str) -> set[str]:
    """Code values under a sequence; an unknown code counts as "", so that it can agree with nothing."""
    found = {code.value if (code := known_code(item)) else "" for item in _items(ds, keyword)}
    return {value for value in found if not _EXPLICIT.fullmatch(value)}


def _items(ds: Dataset, keyword: str) -> list[Dataset]:
    value = _get(ds, keyword)
    return list(value) if isinstance(value, Sequence) else []


def _values(ds: Dataset, keyword: str) -> list[str]:
    value = _get(ds, keyword)
    if value is None or isinstance(value, str):
        return [value] if value else []
    return [str(part) for part in value] if isinstance(value, MultiValue) else []


def _get(ds: Dataset, keyword: str) -> object:
    try:
        return ds.get(keyword)
    except Exception:  # a value that cannot be parsed is as good as absent
        return None


def _item(value: str) -> Dataset:
    scheme = "DCM" if (value, "DCM") in code_table() else "SCT"
    return code_table()[value, scheme].item()


@cache
def _rows() -> dict[str, _Row]:
    return {row["code"]: _parse(row) for row in _read("views")}


def _parse(row: dict[str, str]) -> _Row:
    pairs = (pair.partition("=") for pair in row["context"].split())
    context = frozenset((concept, value) for concept, _, value in pairs)
    return _Row(**{**row, "kind": Kind(row["kind"]), "context": context})  # type: ignore[arg-type]


def _read(table: str) -> list[dict[str, str]]:
    text = (files("service") / "data" / f"orthodontic_{table}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
