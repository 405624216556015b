"""One measured number."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Figure:
    """Median and range of repeated measurements; all None where something to measure with is missing."""

    what: str
    unit: str
    value: float | None = None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, what: str, unit: str, values: Sequence[float]) -> "Figure":
        return cls(what, unit, median(values), min(values), max(values))
