"""Moles and spots by which a person is known: small, dark and alone on plain skin.

They are finer than what a new face draws, and would stay. Each is found in the common frame and filled in the
photograph: with the tone of the skin around it and the grain of the plainest skin beside it. Freckles among freckles,
and stubble, are not told from the skin that they belong to; what lies in a preserved region stays as it is.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models import mesh
from models.frame import Frame
from models.lighting import blur, smooth_where
from models.mesh import Array
from models.skin import SEEN, finer, usual

WIDEST: Final = 16  # pixels of the common frame across a mark
ROUND: Final = 0.4  # least part of its longer side that the shorter one has, and of its box that it fills
COARSEST: Final = 6.0  # pixels of the common frame; coarser than this is light and form
GRAIN: Final = 0.8  # and finer than this grain
DARK: Final = 0.12  # log units under the skin around, at least
ODD: Final = 6.0  # times what is usual there
MARGIN: Final = 3.0  # pixels of the common frame around it that are filled too
SIDES: Final = 8  # directions in which plain skin is looked for
NONE: Final = np.zeros((0, 3), np.float32)


def find(detail: Array, bare: Array, frame: Frame) -> NDArray[np.bool_]:
    """Where marks are, with a margin: bool [T, T].

    Args:
        detail: log detail [T, T, 3] in the frame.
        bare: [T, T], 0..1, how far a place is bare skin and turned to the camera.
    """
    seen = cv2.erode((frame.plain & (bare > SEEN)).astype(np.float32), np.ones((5, 5)))
    band = blur(finer(detail[..., 0], seen, COARSEST), GRAIN)
    spots = ((band < -np.maximum(ODD * usual(band, seen), DARK)) & (seen > 0)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(spots, connectivity=8)
    across, down, area = (stats[:, part] for part in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA))
    longer, shorter = np.maximum(across, down), np.minimum(across, down)
    alone = (longer <= WIDEST) & (shorter >= ROUND * longer) & (area >= ROUND * across * down) & (np.arange(count) > 0)
    size = 2 * round(MARGIN) + 1
    wide = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return cv2.dilate(alone[labels].astype(np.uint8), wide).astype(bool)


def bridged(detail: Array, where: NDArray[np.bool_]) -> Array:
    """Log detail [T, T, 3] with the skin around in the place of marks."""
    out = detail.copy()
    for left, top, across, down in _boxes(where):
        margin = round(4 * MARGIN)
        near = np.s_[max(top - margin, 0) : top + down + margin, max(left - margin, 0) : left + across + margin]
        around = smooth_where(detail[near], (~where[near]).astype(np.float32), MARGIN)
        share = blur(where[near].astype(np.float32), 1.0)[..., None]
        out[near] += share * (around - out[near])
    return out


def in_photograph(where: NDArray[np.bool_], vertices: Array, frame: Frame) -> Array:
    """Marks [n, 3] in a photograph: x, y of the middle and radius, in its pixels.

    Args:
        where: as `find` tells; vertices: [468, 3] of the face, in pixels of the photograph.
    """
    if not where.any():
        return NONE
    places = frame.raster.image(mesh.closed(vertices)[:, :2])
    out = []
    for left, top, across, down in _boxes(where):
        box = np.s_[top : top + down, left : left + across]
        points = places[box][where[box]]
        middle = points.mean(0)
        out.append((*middle, np.linalg.norm(points - middle, axis=1).max()))
    return np.array(out, np.float32)


def _boxes(where: NDArray[np.bool_]) -> list[list[int]]:
    """left, top, width and height of each of them."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(where.astype(np.uint8))
    boxes: list[list[int]] = stats[1:, : cv2.CC_STAT_AREA].tolist()
    return boxes


def filled(image: NDArray[np.uint8], marks: Array) -> NDArray[np.uint8]:
    """A photograph RGB [H, W, 3] without its `marks`; itself where there are none."""
    if not len(marks):
        return image
    out = image.copy()
    for x, y, radius in marks.tolist():
        _fill(out, x, y, max(radius, 2.0))
    return out


def _fill(image: NDArray[np.uint8], x: float, y: float, radius: float) -> None:
    """In place."""
    reach = int(np.ceil(4 * radius))
    left, top = max(int(x) - reach, 0), max(int(y) - reach, 0)
    patch = image[top : int(y) + reach + 1, left : int(x) + reach + 1].astype(np.float32)
    rows, columns = np.mgrid[: patch.shape[0], : patch.shape[1]]
    away = np.hypot(columns + left - x, rows + top - y)
    share = np.clip((1.15 * radius - away) / (0.3 * radius), 0, 1).astype(np.float32)
    tone = smooth_where(patch, (away > radius).astype(np.float32), 0.5 * radius)
    grain = patch - blur(patch, 0.5 * radius)
    # Of the skin beside it the plainest, in which nothing else stands.
    turns = np.arange(SIDES) * 2 * np.pi / SIDES
    steps = [(round(2.4 * radius * float(np.sin(turn))), round(2.4 * radius * float(np.cos(turn)))) for turn in turns]
    moved = [np.roll(grain, step, (0, 1)) for step in steps]
    plainest = min(moved, key=lambda one: float((share[..., None] * one**2).sum()))
    new = tone + plainest
    mixed = patch + share[..., None] * (new - patch)
    image[top : top + patch.shape[0], left : left + patch.shape[1]] = np.clip(np.round(mixed), 0, 255)
