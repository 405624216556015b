"""What becomes of mouth, nose and eyes: Table 1 of VerA's supplement, on meshes in place of parsers.

For each region: mean absolute difference and PSNR inside it (0 to 255), the overlap of the region as found before and
after (intersection over union), and how far its landmarks moved, in pixels and in parts of the inter-ocular distance.
Where the region is, a face mesh says that is fitted to each picture on its own, so that even an untouched region may
seem to move a little when its surroundings change, as it does under the paper's parser.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.preservation import compare
from models.mesh import Array
from models.regions import LANDMARKS, REGIONS, Region, interocular, preserved_mask

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Change:
    """Of one region: psnr is None where it is identical; the rest is None where no mesh fits the result."""

    l1: float
    psnr: float | None
    overlap: float | None
    offset: float | None
    offset_interocular: float | None


def changes(source: Picture, result: Picture, before: Array, after: Array | None) -> dict[Region, Change]:
    """How each region changed; `before` and `after` are the meshes [468, 3] of the two pictures."""
    return {region: _change(region, source, result, before, after) for region in REGIONS}


def _change(region: Region, source: Picture, result: Picture, before: Array, after: Array | None) -> Change:
    old = preserved_mask(before, {region}, *source.shape[:2])
    same = compare(source, result, old)
    if after is None:
        return Change(same.l1, same.psnr, None, None, None)
    new = preserved_mask(after, {region}, *source.shape[:2])
    points = LANDMARKS[region]
    offset = float(np.linalg.norm(before[points, :2] - after[points, :2], axis=1).mean())
    overlap = float((old & new).sum() / max((old | new).sum(), 1))
    return Change(same.l1, same.psnr, overlap, offset, offset / interocular(before))


def summarise(rows: Sequence[dict[Region, Change]]) -> dict[str, dict[str, Any]]:
    """Means over pictures, as the paper reports them; PSNR over the pictures in which it is finite."""
    return {region: _means([row[region] for row in rows]) for region in REGIONS} if rows else {}


def _means(rows: Sequence[Change]) -> dict[str, Any]:
    return {
        "l1": _mean([row.l1 for row in rows]),
        "psnr": _mean([row.psnr for row in rows]),
        "identical": sum(row.psnr is None for row in rows),
        "overlap": _mean([row.overlap for row in rows]),
        "offset": _mean([row.offset for row in rows]),
        "offset_interocular": _mean([row.offset_interocular for row in rows]),
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
