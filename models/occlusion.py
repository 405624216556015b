"""What stands before a face: hair that falls into it, a hand, the frames of glasses.

Judged in the common frame on the log lightness that the prior cannot explain. Whatever is found here
keeps its place and its colours.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from models import mesh
from models.frame import Frame
from models.lighting import blur
from models.mesh import Array

GLASSES = 0.05  # edges across the bridge of the nose, log units a pixel
COVER = 0.34  # log units by which hair or a hand departs from skin
FRAME = 0.16  # log units by which the frame of glasses does


def bridge_edges(lightness: Array, frame: Frame) -> float:
    """How strongly something crosses the bridge of the nose: glasses do, skin does not."""
    x0, x1 = int(frame.uv[193, 0]), int(frame.uv[417, 0])
    y0, y1 = int(frame.uv[168, 1]) - 6, int(frame.uv[197, 1])
    steps = np.abs(np.diff(blur(lightness[y0 - 1 : y1, x0:x1], 1.2), axis=0)).mean(1)
    return float(np.sort(steps)[-4:].mean())


def occlusion(detail: Array, residual: Array, facing: Array, frame: Frame) -> Array:
    """How far something stands before the face.

    Args:
        detail: log detail [T, T, 3]; residual: the part of it that the prior does not explain.
        facing: [T, T], 0 where the camera does not see the face.

    Returns:
        float32 [T, T], 0 bare face to 1 covered.
    """
    lightness = residual[..., 0]
    found = _from_the_edge(np.abs(blur(lightness, 4.0)) > COVER, frame)
    if bridge_edges(detail[..., 0], frame) > GLASSES:
        found |= _frames(lightness, frame)
    found &= facing > 0.2
    grown = cv2.dilate(found.astype(np.uint8), np.ones((7, 7), np.uint8))
    return blur(grown.astype(np.float32), 3.0)


def _from_the_edge(mask: NDArray[np.bool_], frame: Frame) -> NDArray[np.bool_]:
    """The parts of `mask` that reach in from outside the face, and none of its features."""
    for name in ("brows", "eyes", "lips", "nose"):
        mask = mask & ~frame.features[name]
    _, labels = cv2.connectedComponents((mask & frame.inside).astype(np.uint8))
    at_edge = np.unique(labels[(frame.border > 0) & (frame.border < 0.04)])
    return np.isin(labels, at_edge[at_edge > 0])


def _frames(lightness: Array, frame: Frame) -> NDArray[np.bool_]:
    """Thin dark or bright lines between the brows and the ridge of the nose."""
    band = np.zeros(frame.inside.shape, bool)
    band[int(frame.uv[[105, 334], 1].mean()) : int(frame.uv[195, 1])] = True
    wide = np.abs(blur(lightness, 1.2)) > FRAME
    eyes = frame.polygon(mesh.RIGHT_EYE, 0.008) | frame.polygon(mesh.LEFT_EYE, 0.008)
    lines = (wide & band & frame.inside & ~eyes).astype(np.uint8)
    closed = cv2.morphologyEx(lines, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
    long = np.flatnonzero(stats[:, cv2.CC_STAT_WIDTH] > 0.08 * frame.side)
    return np.isin(labels, long[long > 0])
