"""What a person sees at the end: the table, the contact sheet, and what fell short."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from rich import box
from rich.table import Table

from service.demo.outcome import Outcome
from service.demo.sheet import Cell, preserved_inside, write_before_after, write_sheet

_NUMBERS = frozenset({"faces", "kept", "apart"})
_CAPTION = (
    "kept: pixels of the preserved region, equal in both pictures; apart: recognition distance of the original from the"
    " result under the nearer of two recognisers, below 0.6 it is the same person; status: the destination's answer"
)
_VIEW_CODE = re.compile(r"[EI]V\d\d")


def table(outcomes: Sequence[Outcome]) -> Table:
    shown = Table(
        title="What came out",
        title_justify="left",
        caption=_CAPTION,
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for heading in ("photograph", "view", "faces", "kept", "apart", "state", "status"):
        shown.add_column(heading, justify="right" if heading in _NUMBERS else "left", no_wrap=True)
    for one in outcomes:
        shown.add_row(
            f"{one.shot.patient.label.removeprefix('Patient ')}, {one.shot.title}",
            "-".join(_VIEW_CODE.findall(one.view)) or one.view,
            str(len(one.distances)),
            _preserved(one),
            _distance(one),
            one.state,
            "-" if one.status is None else f"0x{one.status:04X}",
        )
    return shown


def contact_sheet(outcomes: Sequence[Outcome], path: Path) -> None:
    columns = []
    for label, group in groupby(outcomes, key=lambda one: one.shot.patient.label):
        columns.append((label, [_cell(one) for one in group]))
    write_sheet(columns, path)


def before_after(outcomes: Sequence[Outcome], path: Path) -> None:
    """The first patient's face: as it came, as it went, and as it went at the second visit."""
    first = [one for one in outcomes if one.shot.face and one.shot.patient is outcomes[0].shot.patient]
    frontal, later = first[0], next(one for one in first if one.shot.visit == 2)
    if frontal.result is not None and later.result is not None:
        write_before_after([frontal.original, frontal.result, later.result], path)


def shortcomings(outcomes: Sequence[Outcome], threshold: float) -> Iterator[str]:
    """Every promise that was not kept, one sentence each."""
    for one in outcomes:
        for problem in one.problems(threshold):
            yield f"{one.shot.patient.label}, visit {one.shot.visit}, {one.shot.title}: {problem}"
    names: dict[str, set[str]] = {}
    for one in outcomes:
        if one.received is not None:
            names.setdefault(one.shot.patient.label, set()).add(str(one.received.PatientID))
    for label, pseudonyms in names.items():
        if len(pseudonyms) != 1:
            yield f"{label} has {len(pseudonyms)} pseudonyms instead of one"
    if len(set().union(*names.values())) != len(names):
        yield "two patients share a pseudonym"


def _cell(one: Outcome) -> Cell:
    note = f"{one.shot.view}, {one.state}" + (f", distance {_distance(one)}" if one.distances else "")
    title = f"visit {one.shot.visit}, {one.shot.title}"
    return Cell(title, note if one.cause is None else f"{note}: {one.cause}", one.original, one.result)


def _preserved(one: Outcome) -> str:
    """Counted in the pictures themselves, not taken from the gateway's word."""
    if one.result is None:
        return "-"
    if not one.distances:
        return "all" if (one.result == one.original).all() else "not all"
    pixels = int(preserved_inside(one.original, one.result).sum())
    return f"{pixels} px" if pixels else "nothing"


def _distance(one: Outcome) -> str:
    return ", ".join("?" if distance is None else f"{distance:.2f}" for distance in one.distances) or "-"
