"""What stands before a face (hair that falls into it, a hand, glasses, a mask, an instrument) keeps its look.

Found in the common frame by `models.cover`, laid on the photograph here, and held: nothing that stands before the face
changes its colour or is moved, and beside it pixels are fetched from no farther than half the way to it, so that
neither is anything of it drawn a second time. Glasses alone are carried: they sit on the face, so they go where it
goes, all of them by one gentle bending that leaves straight edges straight, and are held in that.
"""

from typing import Final

import cv2
import numpy as np

from models.cover import COVERED, EDGE
from models.frame import Frame
from models.lighting import blur
from models.mesh import Array

BAND: Final = 0.12  # of the frame's side: how far above the brows glasses reach; they end at the tip of the nose
MOSTLY: Final = 0.6  # share of a thing that lies there, if it is glasses
BRIDGE: Final = 0.1  # of the frame's side: the least width of what crosses the bridge of the nose
JOINED: Final = 0.023  # of the frame's side: gaps as wide as this are the network's, not the frame's
AROUND: Final = 0.06  # of the face's width: how far from glasses the face's motion is theirs
REST: Final = 0.22  # and over which theirs comes to rest
STIFF: Final = 3e-4  # added to the mean square of every term that bends: frames are stiff
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


def glasses(cover: Array, frame: Frame) -> Array:
    """The part of what stands before a face that sits on it as glasses do, 0 or 1.

    Args:
        cover: [T, T], 0..1, as `CoverFinder` finds it.

    Returns:
        float32 [T, T]: what crosses the bridge of the nose between brows and tip, and whatever else lies there then
        (the bows of frames whose rims cannot be seen). What reaches farther, a hand or a mask, is none.
    """
    found = (cover >= COVERED).astype(np.uint8)
    size = 2 * round(JOINED * frame.side / 2) + 1
    count, labels = cv2.connectedComponents(cv2.dilate(found, np.ones((size, size), np.uint8)))
    labels[found == 0] = 0
    rows = np.arange(frame.side)[:, None]
    band = (rows > frame.uv[[105, 334], 1].min() - BAND * frame.side) & (rows < frame.uv[1, 1])
    total = np.bincount(labels.ravel(), minlength=count)
    upper = np.bincount(labels[np.broadcast_to(band, labels.shape)], minlength=count)
    fits = (upper > MOSTLY * total) & (np.arange(count) > 0)
    left, right = int(frame.uv[193, 0]), int(frame.uv[417, 0])
    top, bottom = int(frame.uv[168, 1] - 0.05 * frame.side), int(frame.uv[197, 1])
    crossing = np.intersect1d(labels[top:bottom, left:right], np.flatnonzero(fits))
    if not any(np.ptp(np.nonzero(labels == one)[1]) > BRIDGE * frame.side for one in crossing):
        return np.zeros_like(cover)
    return fits[labels].astype(np.float32)


def carry(worn: Array, flow: Array, width: float) -> Array:
    """How glasses move with the face under them.

    Args:
        worn: [h, w] of any size, 0..1, `glasses` as `in_photograph` lays them.
        flow: [H, W, 2], offsets to the source in pixels of its own grid; width: of the face, in the same pixels.

    Returns:
        [H, W, 2], a polynomial of second degree, which comes to rest away from the glasses; 0 without any.
    """
    if not (worn >= COVERED).any():
        return np.zeros_like(flow)
    size = flow.shape[1::-1]
    on = (cv2.resize(worn, size, interpolation=cv2.INTER_LINEAR) >= COVERED).astype(np.uint8)
    distance = cv2.distanceTransform(1 - on, cv2.DIST_L2, 5) / width
    rows, columns = np.nonzero(on)
    if not len(rows):
        return np.zeros_like(flow)
    # Beyond what it was fitted to the polynomial goes on as it ends there.
    y = np.clip(np.arange(size[1], dtype=np.float32), rows.min(), rows.max())[:, None] / width
    x = np.clip(np.arange(size[0], dtype=np.float32), columns.min(), columns.max())[None] / width
    x, y = x - x.mean(), y - y.mean()
    terms = np.dstack(np.broadcast_arrays(1.0, x, y, x * x, x * y, y * y)).astype(np.float32)
    near = distance < AROUND
    near[1::2] = near[:, 1::2] = False  # a quarter of the pixels tells as much as all
    some = terms[near]
    stiff = np.diag([1e-3, 1e-3, 1e-3, *[STIFF * len(some)] * 3])
    factors = np.linalg.solve(some.T @ some + stiff, some.T @ flow[near])
    fade = np.exp(-((distance / REST) ** 2) / 2)
    return np.asarray((terms @ factors) * fade[..., None], np.float32)


def hold(standing: Array, flow: Array, width: float, body: Array | None = None) -> tuple[Array, Array]:
    """Keep a flow away from what stands before the face.

    Args:
        standing: [h, w] of any size, 0..1, as `in_photograph` returns it.
        flow: [H, W, 2], offsets to the source in pixels of its own grid; width: of the face, in the same pixels.
        body: [H, W, 2], the motion of what stands there (see `carry`); None where it stays.

    Returns:
        the flow, and how far colours may change, [H, W], 0..1.
    """
    if not (standing >= COVERED).any():
        return flow, np.ones(flow.shape[:2], np.float32)
    distance = cv2.distanceTransform((standing < COVERED).astype(np.uint8), cv2.DIST_L2, 5)
    coarse = flow.shape[1] / standing.shape[1]
    distance = coarse * np.maximum(cv2.resize(distance, flow.shape[1::-1], interpolation=cv2.INTER_LINEAR) - 1.5, 0)
    if body is not None:
        height, across = flow.shape[:2]
        grid = np.dstack(np.meshgrid(np.arange(across), np.arange(height))).astype(np.float32)
        distance = cv2.remap(distance, grid + body, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        flow = flow - body
    reach = NEAR * distance
    length = cv2.magnitude(flow[..., 0], flow[..., 1])
    flow = flow * (reach / np.maximum(cv2.magnitude(length, reach), 1e-3))[..., None]
    if body is not None:
        flow = flow + body
    share = np.clip(distance / max(FEATHER * width, 1.0), 0, 1)
    return flow.astype(np.float32), (share * share * (3 - 2 * share)).astype(np.float32)
