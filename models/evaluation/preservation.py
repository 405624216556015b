"""Preserved regions: how far the result is from the source where it promises to be the source.

Reported as VerA does (supplement, Table 1): mean absolute difference over the region's values on the
0 to 255 scale, and PSNR in decibels with peak 255. A bit-exact region has l1 0 and no finite PSNR.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Preservation:
    """Of one picture: pixels promised equal, their mean absolute difference, PSNR (None: identical)."""

    pixels: int
    l1: float
    psnr: float | None


def compare(source: NDArray[np.uint8], result: NDArray[np.uint8], preserved: NDArray[np.bool_]) -> Preservation:
    """Compare two RGB uint8 [H, W, 3] pictures inside the mask bool [H, W]."""
    if source.shape != result.shape or preserved.shape != source.shape[:2]:
        raise ValueError(f"shapes differ: {source.shape}, {result.shape}, mask {preserved.shape}")
    difference = source[preserved].astype(np.int16) - result[preserved]
    if difference.size == 0:
        return Preservation(0, 0.0, None)
    squared = float(np.mean(np.square(difference, dtype=np.int64)))
    psnr = 10 * float(np.log10(255**2 / squared)) if squared else None
    return Preservation(int(preserved.sum()), float(np.mean(np.abs(difference))), psnr)


def summarise(measured: Iterable[Preservation]) -> dict[str, float | int | None]:
    """Over many pictures: the share that is identical, the worst l1, the worst PSNR."""
    regions = [one for one in measured if one.pixels]
    finite = [one.psnr for one in regions if one.psnr is not None]
    return {
        "pictures": len(regions),
        "identical": sum(one.psnr is None for one in regions),
        "worst_l1": max((one.l1 for one in regions), default=0.0),
        "worst_psnr": min(finite, default=None),
    }
