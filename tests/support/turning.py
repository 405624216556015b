"""Photographs turned, and heads of frontal portraits turned to profiles, so that there are some to find."""

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
WALL = (170, 175, 180)


def rolled(image: Picture, degrees: float) -> tuple[Picture, NDArray[np.float64]]:
    """The whole picture turned clockwise on a larger wall, and the map [2, 3] of its pixels to those of the result."""
    height, width = image.shape[:2]
    side = int(np.ceil(np.hypot(height, width)))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
    turn[:, 2] += (side / 2 - width / 2, side / 2 - height / 2)
    out = cv2.warpAffine(image, turn, (side, side), flags=cv2.INTER_CUBIC, borderValue=WALL)
    return out, turn
