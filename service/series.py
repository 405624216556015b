"""An orthodontic series: which views it usually has, and which of them a study shows.

The usual series has eight photographs: the face at rest, smiling and from the side, the teeth from the right, the
front and the left, and both arches from above; many practices add the face at an angle. Which photograph is which is
read from the view that was recognised when it was de-identified.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from service.catalogue import Line
from service.codes import read_table
from service.states import PhotographState

_CODES: Final = re.compile(r"[EI]V\d\d", re.ASCII)


@dataclass(frozen=True)
class Slot:
    """One view of the usual series; `usual` is false for one that a series may well go without."""

    name: str
    group: str
    usual: bool
    codes: frozenset[str]
    lines: tuple[Line, ...] = ()

    @property
    def is_missing(self) -> bool:
        return self.usual and not self.counting

    @property
    def is_double(self) -> bool:
        return len(self.counting) > 1

    @property
    def counting(self) -> tuple[Line, ...]:
        """Its photographs but for those that a person rejected."""
        return tuple(line for line in self.lines if line.state != PhotographState.REJECTED)


@dataclass(frozen=True)
class Series:
    """A study laid out: the slots in the order in which a series is shown, and what fits none of them."""

    slots: tuple[Slot, ...]
    others: tuple[Line, ...]

    @property
    def missing(self) -> tuple[Slot, ...]:
        return tuple(slot for slot in self.slots if slot.is_missing)

    @property
    def double(self) -> tuple[Slot, ...]:
        return tuple(slot for slot in self.slots if slot.is_double)


def lay_out(lines: Sequence[Line]) -> Series:
    """Each photograph in its slot; one whose codes leave open which, or that has none, is among the others."""
    slots = tuple(replace(slot, lines=tuple(line for line in lines if _fits(line.view, slot))) for slot in _template())
    placed = {line.id for slot in slots for line in slot.lines}
    return Series(slots, tuple(line for line in lines if line.id not in placed))


def slot_of(view: str) -> Slot | None:
    """The place of a view, as `service.views.describe` says it, in the usual series."""
    return next((slot for slot in _template() if _fits(view, slot)), None)


def _fits(view: str | None, slot: Slot) -> bool:
    """Whether every code that the view can have is one of the slot's; a view names one, or the first and the last."""
    codes = set(_CODES.findall(view or ""))
    return bool(codes) and codes <= slot.codes


@cache
def _template() -> tuple[Slot, ...]:
    return tuple(
        Slot(row["slot"], row["group"], row["usual"] == "yes", frozenset(row["codes"].split()))
        for row in read_table("series")
    )
