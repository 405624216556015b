"""What stands before a face (hair that falls into it, a hand, glasses, a mask, an instrument) keeps its place.

Found in the common frame by `models.cover`, laid on the photograph here, and held: nothing that stands before the face
changes its colour or is moved, and beside it pixels are fetched from no farther than half the way to it, so that
neither is anything of it drawn a second time.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from models import mesh
from models.frame import Frame
from models.lighting import blur
from models.mesh import Array

COVERED = 0.5  # probability from which a place is covered
EDGE = 0.035  # of the frame's side: what is nearer to the face's edge is judged by what lies inside
SPECK = 0.0004  # of the frame's area: what is smaller is a mole or a catch-light
COVER = 0.34  # log units by which hair or a hand departs from skin
FRAME = 0.16
GLASSES = 0.05
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


def clear(probability: Array, facing: Array, frame: Frame) -> Array:
    """The network's answer without specks and without what the camera does not see: float32 [T, T], 0..1."""
    found = np.where((facing > 0.2) & (frame.border > EDGE), probability, 0).astype(np.float32)
    _, labels, stats, _ = cv2.connectedComponentsWithStats((found > COVERED).astype(np.uint8))
    small = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] < SPECK * frame.side**2)
    found[np.isin(labels, small[small > 0])] = 0
    return found


def in_photograph(cover: Array, places: Array, frame: Frame) -> Array:
    """Lay what was found in the frame on the photograph.

    Args:
        cover: [T, T], 0..1, as `clear` returns it; places: [h, w, 2], where in the frame each pixel lies.

    Returns:
        float32 [h, w], 0..1. Outside the face it continues what is at its edge: a hand or a strap does not end where
        the mesh does.
    """
    if not (cover > COVERED).any():
        return np.zeros(places.shape[:2], np.float32)
    known = cv2.remap(frame.border, places, None, cv2.INTER_LINEAR) > EDGE
    drawn = cv2.remap(cover, places, None, cv2.INTER_LINEAR)
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
    size = flow.shape[1::-1]
    free = (cv2.resize(standing, size, interpolation=cv2.INTER_LINEAR) < COVERED).astype(np.uint8)
    if free.all():
        return flow, np.ones(flow.shape[:2], np.float32)
    distance = cv2.distanceTransform(free, cv2.DIST_L2, 5)
    reach = NEAR * np.maximum(distance - 1.5, 0)
    length = np.linalg.norm(flow, axis=2)
    flow = flow * (reach / np.sqrt(length**2 + reach**2 + 1e-6))[..., None]
    share = np.clip((distance - 1) / max(FEATHER * width, 1.0), 0, 1)
    return flow.astype(np.float32), (share * share * (3 - 2 * share)).astype(np.float32)


def grown(mask: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    """A mask grown by `pixels` in every direction."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return cv2.dilate(mask.astype(np.uint8), disc).astype(bool)


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
