"""Grain: does synthetic skin carry as much fine detail as real skin does?

Energy of what is finer than about two pixels, in the logarithm of lightness (where noise and pores do not depend on how
brightly the skin is lit), as the median over small blocks. Compared with the photograph's real skin around the face
(neck, ears, hairline: where a mask would show), and with its real skin at the same place. The target is held to the
latter: of real portraits, too, hardly one in five has as much detail in the face as around it. Own measure; that noise
which differs from its surroundings betrays a forgery is from image forensics (Popescu and Farid, 2004).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models import mesh
from models.lighting import to_log
from models.mesh import Array
from models.regions import interocular

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]

BLOCK = 8  # pixels
FEWEST = 12  # blocks that make a figure
GOOD = (0.7, 1.3)


@dataclass(frozen=True)
class Grain:
    """Energy of the result's skin in parts of: the skin around it; the source's skin there; and what the source had.

    `neighbours` is for the result, `before` the same quotient in the source (no two places of a person are equal).
    """

    neighbours: float | None
    before: float | None
    own: float | None


def grain(source: Picture, result: Picture, synthetic: Mask, vertices: Array) -> Grain:
    """`synthetic` bool [H, W] marks what changed; `vertices` [468, 3] the source's mesh."""
    skin = _face_skin(vertices, *source.shape[:2]) & synthetic
    # Around the face a result may be moved by parts of a pixel: what is real is in the source.
    fine, old = _fine(result), _fine(source)
    after, before = _energy(fine, skin), _energy(old, skin)
    beside = _energy(old, _skin_around(source, vertices, skin))
    return Grain(_quotient(after, beside), _quotient(before, beside), _quotient(after, before))


def _fine(image: Picture) -> Array:
    lightness = to_log(image)[..., 0]
    return lightness - cv2.GaussianBlur(lightness, (0, 0), 1.2)


def _energy(fine: Array, mask: Mask) -> float | None:
    """Median over blocks that lie wholly inside the mask."""
    height, width = (size // BLOCK for size in mask.shape)

    def blocks(values: NDArray) -> NDArray:
        return values[: height * BLOCK, : width * BLOCK].reshape(height, BLOCK, width, BLOCK).swapaxes(1, 2)

    inside = blocks(mask).all((2, 3))
    energies = (blocks(fine) ** 2).mean((2, 3))[inside]
    return float(np.median(energies)) if len(energies) >= FEWEST else None


def _face_skin(vertices: Array, height: int, width: int) -> Mask:
    """The face without brows, eyes, nostrils and lips, well away from its edge."""
    out = np.zeros((height, width), np.uint8)
    margin = max(round(0.12 * interocular(vertices)), 1)
    cv2.fillPoly(out, [_points(vertices, mesh.FACE_OVAL)], 1)
    cv2.polylines(out, [_points(vertices, mesh.FACE_OVAL)], True, 0, 2 * margin)
    for loop in (mesh.RIGHT_BROW, mesh.LEFT_BROW, mesh.RIGHT_EYE, mesh.LEFT_EYE, mesh.OUTER_LIPS, mesh.NOSE):
        cv2.fillPoly(out, [_points(vertices, loop)], 0)
        cv2.polylines(out, [_points(vertices, loop)], True, 0, 3 * margin)
    return out.astype(bool)


def _skin_around(image: Picture, vertices: Array, face: Mask) -> Mask:
    """What has the face's colour outside its oval and within a face's width of it."""
    near = np.zeros(face.shape, np.uint8)
    cv2.polylines(near, [_points(vertices, mesh.FACE_OVAL)], True, 1, max(round(2 * interocular(vertices)), 1))
    cv2.fillPoly(near, [_points(vertices, mesh.FACE_OVAL)], 0)
    if not face.any():
        return near.astype(bool)
    log = cv2.GaussianBlur(to_log(image), (0, 0), 2.0)
    middle = np.median(log[face], 0)
    spread = 1.5 * np.median(np.abs(log[face] - middle), 0) + (0.25, 0.03, 0.03)
    return near.astype(bool) & (np.abs(log - middle) < spread).all(2)


def _points(vertices: Array, loop: list[int]) -> NDArray[np.int32]:
    return np.round(vertices[loop, :2]).astype(np.int32)


def _quotient(upper: float | None, lower: float | None) -> float | None:
    return None if upper is None or lower is None or lower < 1e-9 else upper / lower
