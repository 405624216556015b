"""The regions that a clinician may need: mouth, nose, eyes, as masks in the photograph.

A region is the polygon of its landmarks grown by a part of the inter-ocular distance. Inside it every
pixel stays as it was; what is blended lies outside.
"""

from collections.abc import Iterable
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from models import mesh
from models.mesh import Array

Region = Literal["mouth", "nose", "eyes"]
REGIONS: tuple[Region, ...] = ("mouth", "nose", "eyes")

LANDMARKS: dict[Region, list[int]] = {
    "mouth": mesh.OUTER_LIPS + mesh.INNER_LIPS,
    "nose": mesh.NOSE,
    "eyes": mesh.RIGHT_EYE + mesh.LEFT_EYE,
}
_LOOPS: dict[Region, list[list[int]]] = {
    "mouth": [mesh.OUTER_LIPS],
    "nose": [mesh.NOSE],
    "eyes": [mesh.RIGHT_EYE, mesh.LEFT_EYE],
}
_GROW: dict[Region, float] = {"mouth": 0.10, "nose": 0.05, "eyes": 0.12}  # of the inter-ocular distance


def interocular(vertices: Array) -> float:
    """Distance of the eyes' centres in pixels."""
    centres = [vertices[loop, :2].mean(0) for loop in (mesh.RIGHT_EYE, mesh.LEFT_EYE)]
    return float(np.linalg.norm(centres[0] - centres[1]))


def preserved_mask(vertices: Array, preserve: Iterable[Region], height: int, width: int) -> NDArray[np.bool_]:
    """Pixels that must not change.

    Args:
        vertices: [468, >=2] mesh in pixels of the picture.
        preserve: the regions.
        height, width: size of the picture.

    Returns:
        bool [height, width].
    """
    out = np.zeros((height, width), np.uint8)
    eye_distance = interocular(vertices)
    for region in preserve:
        part = np.zeros_like(out)
        loops = [np.round(vertices[loop, :2] * 16).astype(np.int32) for loop in _LOOPS[region]]
        for loop in loops:
            cv2.fillPoly(part, [loop], 1, shift=4)
        _grow(part, loops, _GROW[region] * eye_distance)
        out |= part
    return out.astype(bool)


def _grow(part: NDArray[np.uint8], loops: list[NDArray[np.int32]], radius: float) -> None:
    """Dilate by drawing the outline with a thick round pen, whose cost does not depend on the radius."""
    for loop in loops:
        cv2.polylines(part, [loop], True, 1, thickness=max(1, round(2 * radius)), shift=4)
