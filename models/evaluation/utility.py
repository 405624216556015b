"""Utility: is the anonymized face still found, and where the face was?

Detection rate and overlap of the boxes before and after (intersection over union), as in VerA's supplement, Table 2,
with the detectors that `models` carries in place of MTCNN.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sighting:
    """One result: who found its face; the overlap (IoU) of the largest face's box with the source's.

    `overlap` is None where no face was found.
    """

    found_by: frozenset[str]
    overlap: float | None


def detection(sightings: Sequence[Sighting], detectors: Iterable[str]) -> dict[str, object]:
    """The share of results in which each detector, and any of them, found a face; the median overlap."""
    overlaps = [one.overlap for one in sightings if one.overlap is not None]
    return {
        "results": len(sightings),
        "found_share": _share([bool(one.found_by) for one in sightings]),
        "found_share_by": {name: _share([name in one.found_by for one in sightings]) for name in detectors},
        "overlap_median": float(np.median(overlaps)) if overlaps else None,
    }


def _share(hits: Sequence[bool]) -> float | None:
    return sum(hits) / len(hits) if hits else None
