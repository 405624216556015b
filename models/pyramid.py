"""A picture at every halved size, so that many crops of it cost little."""

from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mesh import upright, warp_down

_SMALLEST = 128  # pixels of the longer side


class Pyramid:
    """RGB uint8 [H, W, 3] and its halves; places and lengths are in pixels of the whole picture."""

    def __init__(self, image: NDArray[np.uint8]) -> None:
        self.image = image

    @cached_property
    def levels(self) -> list[NDArray[np.uint8]]:
        levels = [self.image]
        while max(levels[-1].shape[:2]) >= 2 * _SMALLEST and min(levels[-1].shape[:2]) > 1:
            height, width = (length // 2 for length in levels[-1].shape[:2])
            even = levels[-1][: 2 * height, : 2 * width]
            levels.append(np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8))
        return levels

    def crop(self, centre: tuple[float, float], half: float, roll: float, side: int) -> NDArray[np.uint8]:
        """As `mesh.warp_down` of `mesh.upright`, from the smallest size that is large enough."""
        number = min(max(int(np.floor(np.log2(2 * half / side))), 0), len(self.levels) - 1)
        scale = 0.5**number
        x, y = ((place + 0.5) * scale - 0.5 for place in centre)
        return warp_down(self.levels[number], upright((x, y), half * scale, roll, side), side)

    def is_plain(self, left: int, top: int, side: int, limit: float) -> bool:
        """Whether no channel of a square varies by more than `limit` (standard deviation, grey levels)."""
        number = min(3, len(self.levels) - 1)
        x, y, length = (value >> number for value in (left, top, side))
        part = self.levels[number][y : y + length, x : x + length].reshape(-1, 3)
        return len(part) == 0 or float(part.std(0).max()) <= limit
