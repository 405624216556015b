"""Which orthodontic photograph is this? Read from codes alone: the 73 views of ADA-1100 (CP-1570).

    view = classify(ds)                     # before the header is cleaned
    view.kind                               # EXTRAORAL, INTRAORAL or UNKNOWN
    describe(view)                          # "EV19 EO.FF.FS.CO"
    ds.update(attributes_for("EV19"))       # what a camera that knows its codes would write

Anatomic Region (0008,2218) and Primary Anatomic Structure (0008,2228) together decide between a face and
the inside of a mouth; the View Code alone cannot (a frontal projection is eleven faces and eight mouths).
Codes that are absent, unknown or in conflict make the view UNKNOWN, which is treated as a face.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from service.codes import code_item, codes_in, context_item, context_of, items_in, read_table, value_in

IDENTIFYING = frozenset({"EV40", "EV41"})  # forensic interest and anomalies: the content itself identifies
_EXPLICIT = re.compile(r"EV(?:0[1-9]|[1-3]\d|4[0-3])|IV(?:0[1-9]|[12]\d|30)", re.ASCII)


class Kind(StrEnum):
    EXTRAORAL = "extraoral"
    INTRAORAL = "intraoral"
    UNKNOWN = "unknown"


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


def classify(ds: Dataset) -> View:
    """The view of a photograph from its codes; UNKNOWN wherever they leave a doubt."""
    regions = codes_in(ds, "AnatomicRegionSequence")
    structures = codes_in(ds, "PrimaryAnatomicStructureSequence")
    projections, explicit = _projection_codes(ds), _explicit_codes(ds)
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
    ds.AnatomicRegionSequence = Sequence([code_item(row.region)])
    if row.region_modifier:
        ds.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = Sequence([code_item(row.region_modifier)])
    ds.PrimaryAnatomicStructureSequence = Sequence([code_item(row.structure)])
    if row.view:
        ds.ViewCodeSequence = Sequence([code_item(row.view)])
        if row.view_modifier:
            ds.ViewCodeSequence[0].ViewModifierCodeSequence = Sequence([code_item(row.view_modifier)])
    ds.AcquisitionContextSequence = Sequence([context_item(*pair) for pair in sorted(row.context)])
    return ds


@cache
def _projections(kind: Kind) -> frozenset[str]:
    return frozenset(row.view for row in _rows().values() if row.kind is kind and row.view)


def _fitting(ds: Dataset, rows: list[_Row], projections: set[str]) -> list[_Row]:
    """The rows that nothing in `ds` contradicts; only those that it states in full, where there are any."""
    orientation = "/".join(_values(ds, "PatientOrientation"))
    modifiers = set().union(*(codes_in(item, "ViewModifierCodeSequence") for item in items_in(ds, "ViewCodeSequence")))
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


def _projection_codes(ds: Dataset) -> set[str]:
    """Codes of the projection; an ADA code in their place is no projection but a name (see `_explicit_codes`)."""
    rest = Dataset()
    rest.ViewCodeSequence = Sequence([item for item in items_in(ds, "ViewCodeSequence") if not _ada_code(item)])
    return codes_in(rest, "ViewCodeSequence")


def _explicit_codes(ds: Dataset) -> frozenset[str]:
    """ADA codes that the sender wrote out: as a Code Value, or in front of Image Comments as `EV19^...`."""
    found = {_ada_code(item) for item in items_in(ds, "ViewCodeSequence")}
    comment = str(value_in(ds, "ImageComments") or "").partition("^")[0].strip()
    return frozenset(found - {""}) | ({comment} if _EXPLICIT.fullmatch(comment) else frozenset())


def _ada_code(item: Dataset) -> str:
    value = str(value_in(item, "CodeValue") or "").strip()
    return value if _EXPLICIT.fullmatch(value) else ""


def _values(ds: Dataset, keyword: str) -> list[str]:
    value = value_in(ds, keyword)
    if value is None or isinstance(value, str):
        return [value] if value else []
    return [str(part) for part in value] if isinstance(value, MultiValue) else []


@cache
def _rows() -> dict[str, _Row]:
    return {row["code"]: _parse(row) for row in read_table("views")}


def _parse(row: dict[str, str]) -> _Row:
    pairs = (pair.partition("=") for pair in row["context"].split())
    context = frozenset((concept, value) for concept, _, value in pairs)
    return _Row(**{**row, "kind": Kind(row["kind"]), "context": context})  # type: ignore[arg-type]
