"""What stands before a face (hair that falls into it, a hand, glasses, a mask, an instrument) keeps its place.

Found in the common frame by `models.cover`, laid on the photograph here, and held: nothing that stands before the face
changes its colour or is moved, and beside it pixels are fetched from no farther than half the way to it, so that
neither is anything of it drawn a second time.
"""

import cv2
import numpy as np

from models.cover import COVERED, EDGE
from models.frame import Frame
from models.lighting import blur
from models.mesh import Array

NEAR = 0.5  # of the distance to an obstacle: how far a pixel may be fetched from
FEATHER = 0.012  # of the face's width: over which colours begin to change beside it


def bridge_edges(lightness: Array, frame: Frame) -> float:
    """How strongly something crosses the bridge of the nose: glasses do, skin does not.

    `lightness` is log detail [T, T]; the result is in log units a pixel.
    """
    x0, x1 = int(frame.uv[193, 0]), int(frame.uv[417, 0])
    y0, y1 = int(frame.uv[168, 1]) - 6, int(frame.uv[197, 1])
    steps = np.abs(np.diff(blur(lightness[y0 - 1 : y1, x0:x1], 1.2), axis=0)).mean(1)
    return float(np.sort(steps)[-4:].mean())


def in_photograph(cover: Array, places: Array, frame: Frame) -> Array:
    """Lay what was found in the frame on the photograph.

    Args:
        cover: [T, T], 0..1, as `CoverFinder` finds it; places: [h, w, 2], where in the frame each pixel lies.

    Returns:
        float32 [h, w], 0..1. Outside the face it continues what is at its edge: a hand or a strap does not end where
        the mesh does.
    """
    if not (cover > COVERED).any():
        return np.zeros(places.shape[:2], np.float32)
    drawn = cv2.remap(cover, places, None, cv2.INTER_LINEAR)
    known = (cv2.remap(frame.border, places, None, cv2.INTER_LINEAR) > EDGE) | (drawn >= COVERED)
    outside = (~known).astype(np.uint8)
    _, nearest = cv2.distanceTransformWithLabels(outside, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    values = np.zeros(int(nearest.max()) + 1, np.float32)
    values[nearest[known]] = drawn[known]
    return np.where(known, drawn, values[nearest]).astype(np.float32)


def hold(standing: Array, flow: Array, width: float) -> tuple[Array, Array]:
    """Keep a flow away from what stands before the face.

    Args:
        standing: [h, w] of any size, 0..1, as `in_photograph` returns it.
        flow: [H, W, 2], offsets to the source in pixels of its own grid; width: of the face, in the same pixels.

    Returns:
        the flow, and how far colours may change, [H, W], 0..1.
    """
    if not (standing >= COVERED).any():
        return flow, np.ones(flow.shape[:2], np.float32)
    distance = cv2.distanceTransform((standing < COVERED).astype(np.uint8), cv2.DIST_L2, 5)
    coarse = flow.shape[1] / standing.shape[1]
    distance = coarse * np.maximum(cv2.resize(distance, flow.shape[1::-1], interpolation=cv2.INTER_LINEAR) - 1.5, 0)
    reach = NEAR * distance
    length = cv2.magnitude(flow[..., 0], flow[..., 1])
    flow = flow * (reach / np.maximum(cv2.magnitude(length, reach), 1e-3))[..., None]
    share = np.clip(distance / max(FEATHER * width, 1.0), 0, 1)
    return flow.astype(np.float32), (share * share * (3 - 2 * share)).astype(np.float32)
