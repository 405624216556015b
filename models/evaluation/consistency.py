"""Consistency: two photographs of one person under one synthetic identity must show one (new) person.

Distances between the two results (wanted: within the recogniser's threshold), and from each result to each original
(wanted: beyond it), after the paired experiments of VerA.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.recognizer import SAME_PERSON


@dataclass(frozen=True)
class PairDistances:
    """Of one person: the originals apart, the results apart, and the four result-to-original distances."""

    originals: float | None
    results: float | None
    across: tuple[float | None, ...]


def summarise(pairs: Sequence[PairDistances]) -> dict[str, float | int | None]:
    results = [pair.results for pair in pairs if pair.results is not None]
    across = [distance for pair in pairs for distance in pair.across if distance is not None]
    return {
        "pairs": len(pairs),
        "results_within_share": _within(results, len(pairs)),
        "results_median": _median(results),
        "originals_median": _median([pair.originals for pair in pairs if pair.originals is not None]),
        "combinations": len(across),
        "result_to_original_within_share": _within(across, len(across)),
        "result_to_original_median": _median(across),
    }


def _within(distances: list[float], total: int) -> float | None:
    return sum(distance < SAME_PERSON for distance in distances) / total if total else None


def _median(distances: list[float]) -> float | None:
    return float(np.median(distances)) if distances else None
