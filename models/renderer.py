"""From a new identity to what must happen to each pixel of the photograph.

The face is not painted over. A new identity is a change: every pixel is fetched from somewhere near
(`flow`) and its colour is multiplied (`ratio`, in logarithms). What the prior does not describe (pores,
grain, catch-lights, hair that falls into the face) moves along and stays as sharp as it was.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models import crown, drawing, mesh
from models.face_model import FaceModel
from models.frame import Frame
from models.lighting import blur, to_channels
from models.mesh import Array
from models.occlusion import carry, hold
from models.prior import LinearPrior
from models.raster import rasterise
from models.regions import Region, interocular, preserved_mask

WORK_WIDTH = 400  # pixels across the face at which flow and ratio are computed
PLACES_WIDTH = 200  # and on which the frame is laid over the photograph: between its vertices it is even
SURROUND, CROWN = 0.5, 0.25  # of the face's width: how far around the face pixels may move, and farther above it
DARKEST = -1.0  # log units by which anything may darken
# Of the inter-ocular distance: how far from a preserved region a change has come to its full.
COLOUR_REACH, MOTION_REACH = 0.22, 0.4
NARROW = 0.04  # of the face's width: so near to its outline a place of the oval is at the edge
WHOLLY = 0.999  # share of a pixel's neighbours that the mesh covers, from which it has a place in the face
PIXEL = 0.45  # Gaussian deviation that a pixel of the photograph has, in its own width
SMALL = 1.2  # pixels of the frame under one of the photograph, from which that matters


@dataclass(frozen=True)
class Edit:
    """What to do to the pixels of a crop: `left`, `top`, `width`, `height` in pixels of the photograph.

    flow: [h, w, 2], offset to the source in pixels of the photograph; ratio: [h, w, 3], log of the factor
    for R, G and B; soften: [h, w, 1], how much of the fine texture goes (hairs of a brow that becomes skin).
    All have their own, coarser size and are to be enlarged to the crop.
    """

    left: int
    top: int
    width: int
    height: int
    flow: Array
    ratio: Array
    soften: Array


def surroundings(vertices: Array, height: int, width: int) -> tuple[int, int, int, int]:
    """left, top, width, height of the crop in which pixels may change."""
    face, wide = vertices[:, :2], float(np.ptp(vertices[:, 0]))
    upwards = face[mesh.TOP] - face[mesh.BOTTOM]
    head = np.vstack([face, face[mesh.TOP] + CROWN * wide * upwards / max(float(np.linalg.norm(upwards)), 1e-6)])
    low = np.floor(head.min(0) - SURROUND * wide).astype(int)
    high = np.ceil(head.max(0) + SURROUND * wide).astype(int)
    left, top = max(int(low[0]), 0), max(int(low[1]), 0)
    return left, top, min(int(high[0]), width) - left, min(int(high[1]), height) - top


def places_size(vertices: Array, crop: tuple[int, int, int, int]) -> tuple[int, int]:
    """Height and width of the grid of `places`."""
    scale = min(1.0, PLACES_WIDTH / float(np.ptp(vertices[:, 0])))
    return max(round(crop[3] * scale), 2), max(round(crop[2] * scale), 2)


def places(frame: Frame, vertices: Array, crop: tuple[int, int, int, int]) -> Array:
    """Where in the frame each pixel of the crop (left, top, width, height) lies: [h, w, 2], far outside: no face."""
    left, top, width, height = crop
    size = places_size(vertices, crop)
    closed = mesh.closed(vertices)
    points = (closed[:, :2] - (left, top)) * (size[1] / width, size[0] / height)
    return rasterise(points.astype(np.float32), *size, closed[:, 2]).image(frame.uv, -1e4)


def edit(
    prior: LinearPrior,
    face: FaceModel,
    latent: Array,
    preserve: frozenset[Region],
    size: tuple[int, int],
    blend: bool = True,
    head: Array | None = None,
) -> Edit:
    """Plan the change of one face to the identity `latent` in a photograph of `size` (height, width).

    head: its crown (`models.crown`); None where that stays. Without `blend` nothing fades: the face ends at the edge of
    its mesh and of the preserved regions (to be measured).
    """
    left, top, width, height = surroundings(face.vertices, *size)
    scale = min(1.0, WORK_WIDTH / face.width)
    work_width, work_height = max(round(width * scale), 2), max(round(height * scale), 2)
    step = np.array([work_width / width, work_height / height], np.float32)
    texture, shape = drawing.differences(prior, face, latent * drawing.gain(prior, preserve))
    if blend:
        texture = texture * prior.frame.taper[..., None]
    if face.one_hue:
        texture = texture * np.array([1, 0, 0], np.float32)
    lifted = None if head is None else head.tobytes()

    def motion() -> tuple[Array, Array]:
        target = face.similarity.invert(face.similarity.apply(face.vertices) + shape)
        origin = np.array([left, top], np.float32)
        before, after = ((mesh.closed(v)[:, :2] - origin) * step for v in (face.vertices, target))
        depth = mesh.closed(target)[:, 2]
        near, moving = _nearness(face, preserve, origin, step, work_height, work_width, blend)
        flow = _flow(before, after, depth, work_height, work_width, blend) * moving[..., None]
        lift = np.zeros_like(flow)
        if head is not None:
            lift = crown.motion(after, head, work_height, work_width, face.hairline) * moving[..., None]
        flow, bare = _past_obstacles(face, flow, lift, scale * face.width, preserve)
        return flow, near * bare

    flow, share = face.last_motion.of((shape.tobytes(), lifted, preserve, size, blend), motion)
    ratio = _colours(face, flow, texture) * share[..., None]
    lighter = cv2.GaussianBlur((ratio[..., 0] + ratio[..., 1] + ratio[..., 2]) / 3, (0, 0), 2.5)
    soften = np.clip(2.2 * (lighter - 0.1), 0, 0.85)[..., None]
    return Edit(left, top, width, height, flow / step, ratio, soften.astype(np.float32))


def _flow(before: Array, after: Array, depth: Array, height: int, width: int, blend: bool) -> Array:
    """Offsets to the source, [h, w, 2], in working pixels, that take the face from `before` to `after`."""
    raster = rasterise(after, height, width, depth)
    grid = np.dstack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)
    flow = _around(before - after, after, height, width) if blend else np.zeros((height, width, 2), np.float32)
    flow[raster.mask] = (raster.image(before) - grid)[raster.mask]
    return np.asarray(cv2.GaussianBlur(flow, (0, 0), 2.0)) if blend else flow


def _after(flow: Array, motion: Array) -> Array:
    """Offsets to the source [h, w, 2] of one motion, `flow`, and then another."""
    grid = np.dstack(np.meshgrid(np.arange(flow.shape[1]), np.arange(flow.shape[0]))).astype(np.float32)
    return motion + cv2.remap(flow, grid + motion, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _past_obstacles(
    face: FaceModel, flow: Array, lift: Array, width: float, preserve: frozenset[Region]
) -> tuple[Array, Array]:
    """The face's flow and then the crown's (`lift`) with what stands before the face held and glasses carried.

    Glasses go with the face alone; where eyes or nose are preserved, they cannot leave them. Returns how far colours
    may change, [h, w], besides.
    """
    body = carry(face.glasses, flow, width) if preserve <= {"mouth"} else None
    flow, beside_worn = hold(face.glasses, flow, width, body)
    flow, beside_others = hold(face.standing, flow, width)
    if lift.any():
        still = np.zeros_like(flow) if body is None else body
        lift = hold(face.glasses, lift + still, width, still)[0] - still
        flow = _after(flow, hold(face.standing, lift, width)[0])
    return flow, beside_worn * beside_others


def _colours(face: FaceModel, flow: Array, texture: Array) -> Array:
    """Log ratio [h, w, 3]: each pixel's, by the place of the face that it is fetched from."""
    height, width = flow.shape[:2]
    places, bounds = face.places, np.dstack([face.places[..., 0] > -1, face.rim]).astype(np.float32)
    if places.shape[:2] != (height, width):
        places, bounds = (
            cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR) for field in (places, bounds)
        )
    source = flow + np.dstack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)
    inside, rim = cv2.split(cv2.remap(bounds, source, None, cv2.INTER_LINEAR, borderValue=(0, 0)))
    # What lies between a place in the face and none is no place.
    share = rim * (inside > WHOLLY)
    ratio = np.zeros((height, width, 3), np.float32)
    if not share.any():
        return ratio
    left, top, across, down = cv2.boundingRect((share > 0).astype(np.uint8))
    crop = slice(top, top + down), slice(left, left + across)
    come_from = cv2.remap(places, source[crop], None, cv2.INTER_LINEAR)
    drawn = cv2.remap(_no_finer(texture, places), come_from, None, cv2.INTER_LINEAR)
    # Of lightness alone: bounded one by one, channels would end alike, and a shadow's red would glow when it is lit.
    drawn[..., 0] = _bounded(drawn[..., 0], face.headroom)
    ratio[crop] = to_channels(drawn) * share[crop][..., None]
    return ratio


def _no_finer(texture: Array, places: Array) -> Array:
    """The frame's drawing [T, T, 3] without what is finer than the pixels that `places` [h, w, 2] laid on it.

    Fetched as it is into a small face, it would turn to mottled skin.
    """
    inside = places[..., 0] > -1
    beside = inside[:, 1:] & inside[:, :-1]
    if not beside.any():
        return texture
    step = float(np.median(np.linalg.norm(places[:, 1:] - places[:, :-1], axis=2)[beside]))
    return blur(texture, PIXEL * float(np.sqrt(step**2 - 1))) if step > SMALL else texture


def _bounded(ratio: Array, brightest: float) -> Array:
    """Brightening and darkening to a half come to rest softly: skin has its limits."""
    return np.where(ratio > 0, brightest * np.tanh(ratio / brightest), DARKEST * np.tanh(ratio / DARKEST)).astype(
        np.float32
    )


def _around(shift: Array, after: Array, height: int, width: int, step: int = 8) -> Array:
    """Outside the face the surroundings follow its contour and come to rest a quarter of its width away."""
    face = float(np.ptp(after[:, 0]))
    outermost = _outline(after, NARROW * face)
    ring, ring_shift = after[outermost], shift[outermost]
    rows, columns = height // step + 2, width // step + 2
    grid = np.dstack(np.meshgrid(np.arange(columns), np.arange(rows))).astype(np.float32) * step
    apart = grid[:, :, None] - ring
    distance = apart[..., 0] ** 2 + apart[..., 1] ** 2
    pull = 1 / (distance + (0.03 * face) ** 2)
    flow = pull @ ring_shift / pull.sum(2)[..., None]
    flow *= np.exp(-distance.min(2) / (2 * (0.22 * face) ** 2))[..., None]
    return cv2.resize(flow.astype(np.float32), (columns * step, rows * step), interpolation=cv2.INTER_LINEAR)[
        :height, :width
    ]


def _outline(points: Array, near: float) -> NDArray[np.intp]:
    """The vertices [n] at the edge of a mesh [471, 2] as it is seen: of a turned face not all of its oval.

    near: pixels from that edge within which the oval's vertices count.
    """
    hull = cv2.convexHull(points, returnPoints=False)[:, 0]
    edge = points[hull]
    on_oval = [one for one in mesh.FACE_OVAL if cv2.pointPolygonTest(edge, points[one].tolist(), True) < near]
    return np.union1d(hull, on_oval)


def _nearness(
    face: FaceModel, preserve: frozenset[Region], origin: Array, step: Array, height: int, width: int, blend: bool
) -> tuple[Array, Array]:
    """0 in the preserved region, rising to 1 away from it: quickly for colour, slowly for motion, else at once."""
    if not preserve:
        return np.ones((height, width), np.float32), np.ones((height, width), np.float32)
    vertices = (face.vertices[:, :2] - origin) * step
    kept = preserved_mask(vertices, preserve, height, width)
    if not blend:
        return (~kept).astype(np.float32), (~kept).astype(np.float32)
    return _fading(kept, vertices, COLOUR_REACH), _fading(kept, vertices, MOTION_REACH)


def _fading(kept: NDArray[np.bool_], vertices: Array, reach: float) -> Array:
    """0 where `kept` [h, w], soft, and 1 from `reach` on, in parts of the inter-ocular distance."""
    distance = cv2.distanceTransform((~kept).astype(np.uint8), cv2.DIST_L2, 5) / interocular(vertices)
    share = np.clip(distance / reach, 0, 1)
    return np.asarray(share * share * (3 - 2 * share))


def held(vertices: Array, drawn: Array, preserve: frozenset[Region], height: int, width: int) -> Array:
    """Where vertices [468, 3] of a face that is `drawn` elsewhere come to lie, held by what is preserved, in pixels."""
    if not preserve:
        return drawn
    moving = _fading(preserved_mask(vertices, preserve, height, width), vertices, MOTION_REACH)
    x, y = np.clip(np.round(drawn[:, :2]).astype(int), 0, (width - 1, height - 1)).T
    return vertices + moving[y, x, None] * (drawn - vertices)
