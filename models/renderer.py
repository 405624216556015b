"""From a new identity to what must happen to each pixel of the photograph.

The face is not painted over. A new identity is a change: every pixel is fetched from somewhere near
(`flow`) and its colour is multiplied (`ratio`, in logarithms). What the prior does not describe (pores,
grain, catch-lights, hair that falls into the face) moves along and stays as sharp as it was.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Generic, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from models import crown, mesh
from models.frame import Frame, halved
from models.hair import Hair
from models.lighting import OFFSET, blur, to_channels
from models.mesh import Array, Similarity
from models.occlusion import carry, hold
from models.prior import LinearPrior, Projection
from models.raster import rasterise
from models.regions import Region, interocular, preserved_mask

WORK_WIDTH = 400  # pixels across the face at which flow and ratio are computed
PLACES_WIDTH = 200  # and on which the frame is laid over the photograph: between its vertices it is even
SURROUND, CROWN = 0.5, 0.25  # of the face's width: how far around the face pixels may move, and farther above it
HUE = 0.16  # bound of either colour difference, log units: beyond it skin glows orange or turns grey
BRIGHTEST, DARKEST = 0.42, -1.0  # bounds of the log ratio
WHITE, LEAST = 240.0, 0.14  # grey level to which skin may brighten, and the bound of bright skin
# Log units by which brows and lids darken freely: of a fair face, and of one with brows as dark as others' (DEEP below
# their skin); and the share of what goes beyond it.
FAIR, DARK, DEEP, DARKER = 0.06, 0.35, 0.35, 0.4
SHAVEN = 0.08  # log units by which the skin around the lips darkens freely: a beard's shadow is not drawn on it
BRIGHT = 0.5  # how bright skin is, 0..1 by the room that it has below white, from which brows count as fair
PLAIN = 0.6  # share of a new face's look on plain skin, where portraits differ by their light more than by their people
FARTHEST = 2.0  # deviations of people, at each place, at which a new look comes to rest: beyond, folds turn to furrows
# New faces lie farther from the mean than people do, the more so where a part of the old face stays.
TEXTURE_GAIN, SHAPE_GAIN = 1.5, 3.7
PRESERVING = 1.1  # times the above
WARMTH = 0.2  # change of both colour differences for each log unit by which a brow darkens
COLOUR = 0.8  # of the change of colour: skin keeps the tone of the neck and ears around it
BELIEVED = 2.5  # standard deviations to which people differ; hard light drives a projection to twice that
# Of the inter-ocular distance: how far from a preserved region a change has come to its full.
COLOUR_REACH, MOTION_REACH = 0.22, 0.4
NARROW = 0.04  # of the face's width: so near to its outline a place of the oval is at the edge
# Log detail: the lightest that a brow, and the skin around brows, may be; and the share of its darkness that one keeps.
BROW, RIDGE, KEPT = -0.05, 0.12, 0.5
WHOLLY = 0.999  # share of a pixel's neighbours that the mesh covers, from which it has a place in the face
PIXEL = 0.45  # Gaussian deviation that a pixel of the photograph has, in its own width
SMALL = 1.2  # pixels of the frame under one of the photograph, from which that matters
FLATTEST = 0.5  # contrast of a new face, at least; the photograph's own, where that lies between it and 1


T = TypeVar("T")


class Last(Generic[T]):
    """The last answer of a step that costs much, for whoever asks the same again."""

    def __init__(self) -> None:
        self._known: tuple[object, T] | None = None

    def of(self, question: object, answer: Callable[[], T]) -> T:
        if self._known is None or self._known[0] != question:
            self._known = question, answer()
        return self._known[1]


@dataclass(frozen=True)
class FaceModel:
    """A face explained by the prior.

    vertices: [468, 3] pixels of the photograph; similarity: onto the mean face; residual: [T, T, 3] log
    detail that goes with the old face although the prior does not explain it (the finest part, pores and
    grain, stays); occlusion: [T, T], 0..1, where the face keeps its look (turned away, a beard, make-up).
    marks: [n, 3], moles in the photograph (see `models.marks`).
    places: [h, w, 2], where in the frame each pixel of the surroundings lies, on a grid of its own; on that grid,
    [h, w], 0..1: standing, glasses, what stands before the face, and what it carries (see `models.occlusion`), and rim,
    0 on what lies behind the head (see `models.rim`), else 1. hair: where there is any whose tone can change; one_hue:
    the photograph is grey or sepia, and no colour may enter it; headroom: log units by which it may brighten.
    """

    vertices: Array
    similarity: Similarity
    projection: Projection
    residual: Array
    occlusion: Array
    places: Array
    marks: Array
    standing: Array
    glasses: Array
    rim: Array
    hair: Hair | None = None
    one_hue: bool = False
    headroom: float = BRIGHTEST

    @property
    def width(self) -> float:
        return float(np.ptp(self.vertices[:, 0]))

    @property
    def has_hairline(self) -> bool:
        """Whether hair grows above the forehead."""
        return self.hair is not None and self.hair.on_head

    @property
    def halved(self) -> "FaceModel":
        """The same face in a frame of half the side, for `LinearPrior.halved`."""
        explained, residual, lopsided, occlusion = (
            cv2.resize(field, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            for field in (self.projection.explained, self.residual, self.projection.lopsided, self.occlusion)
        )
        projection = replace(self.projection, explained=explained, lopsided=lopsided)
        return replace(self, projection=projection, residual=residual, occlusion=occlusion, places=halved(self.places))

    # Identities that are tried one after another often differ in texture alone, or in shape alone.
    @cached_property
    def last_texture(self) -> Last[Array]:
        """By the texture's numbers, see `drawing`."""
        return Last()

    @cached_property
    def last_motion(self) -> Last[tuple[Array, Array]]:
        """By the motion of the vertices and what else `edit` was asked for: flow and share of the colours' change."""
        return Last()


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

    head: its crown (`models.crown`); None where that stays.

    Without `blend` nothing fades: the face ends at the edge of its mesh and of the preserved regions (to be measured).
    """
    left, top, width, height = surroundings(face.vertices, *size)
    scale = min(1.0, WORK_WIDTH / face.width)
    work_width, work_height = max(round(width * scale), 2), max(round(height * scale), 2)
    step = np.array([work_width / width, work_height / height], np.float32)
    texture, shape = drawing(prior, face, latent * gain(prior, preserve))
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
            lift = crown.motion(after, head, work_height, work_width, face.has_hairline) * moving[..., None]
        flow, bare = _past_obstacles(face, flow, lift, scale * face.width, preserve)
        return flow, near * bare

    flow, share = face.last_motion.of((shape.tobytes(), lifted, preserve, size, blend), motion)
    ratio = _colours(face, flow, texture) * share[..., None]
    lighter = cv2.GaussianBlur((ratio[..., 0] + ratio[..., 1] + ratio[..., 2]) / 3, (0, 0), 2.5)
    soften = np.clip(2.2 * (lighter - 0.1), 0, 0.85)[..., None]
    return Edit(left, top, width, height, flow / step, ratio, soften.astype(np.float32))


def drawing(prior: LinearPrior, face: FaceModel, latent: Array) -> tuple[Array, Array]:
    """What the identity `latent`, as strong as it is to be seen, changes in a face.

    Returns:
        differences of log detail [T, T, 3] in the frame and of the aligned vertices [468, 3]. What the prior does not
        explain of the old face goes too, but for its finest part.
    """
    texture = face.last_texture.of(latent[: prior.texture_size].tobytes(), lambda: _drawn(prior, face, latent))
    return texture, prior.displace(_believed(prior, face.projection.latent), latent)


def _drawn(prior: LinearPrior, face: FaceModel, latent: Array) -> Array:
    """The first half of `drawing`."""
    # Under soft light, or in a bright picture, another's features are as faint as the old ones were.
    contrast = min(max(face.projection.contrast, FLATTEST), 1.0)
    share = PLAIN + (1 - PLAIN) * prior.frame.marked
    texture, _ = prior.change(_believed(prior, face.projection.latent), latent, contrast, share, FARTHEST)
    texture *= prior.frame.calm[..., None]
    # Brows are darker than the skin around them, on dark skin too, where the mean brow would shine; dark ones stay so,
    # for white brows under dark hair are nobody's, and the skin around them would glow with them.
    old = face.projection.explained[..., 0]
    lightest = min(BROW, -KEPT * _depth(prior.frame, old))
    texture[..., 0] -= prior.frame.brow_bones * np.maximum(old + texture[..., 0] - RIDGE, 0)
    texture[..., 0] -= prior.frame.brows * np.maximum(old + texture[..., 0] - lightest, 0)
    # Where hair and brows are fair, another's black ones, or lids in deep shadow, look painted; on bright skin whatever
    # darkens around the brows does.
    bright = (BRIGHTEST - face.headroom) / (BRIGHTEST - LEAST)
    spared = np.maximum(np.maximum(prior.frame.brows, prior.frame.lids), bright * prior.frame.brow_bones)
    texture[..., 0] -= (1 - DARKER) * spared * np.minimum(texture[..., 0] + _freely(prior.frame, old, bright), 0)
    texture[..., 0] -= (1 - DARKER) * prior.frame.shaven * np.minimum(texture[..., 0] + SHAVEN, 0)
    texture[..., 1:] *= COLOUR * (1 - prior.frame.brows)[..., None]
    # Hair is warmer than shadow: skin that merely darkens to a brow looks grey.
    darker = WARMTH * prior.frame.brows * np.maximum(-texture[..., 0], 0)
    texture[..., 1] += darker
    texture[..., 2] -= darker
    texture -= face.residual
    # Lashes that lighten are lashes lost, and the eyes between them look small.
    texture[..., 0] -= prior.frame.lashes * np.maximum(texture[..., 0], 0)
    texture[..., 1:] = _coloured(texture[..., 1:], (face.projection.explained + face.residual)[..., 1:])
    return texture * (prior.frame.yielding * (1 - face.occlusion))[..., None]


def _freely(frame: Frame, lightness: Array, bright: float) -> float:
    """Log units by which brows and lids may darken, by how dark the old brows are in log detail [T, T].

    Brows that hardly show are fair on bright skin alone (`bright`, 0..1); on dark skin all do.
    """
    dark = max(_depth(frame, lightness) / DEEP, 1 - bright / BRIGHT)
    return FAIR + (DARK - FAIR) * min(max(dark, 0.0), 1.0)


def _depth(frame: Frame, lightness: Array) -> float:
    """How much darker brows are than the skin around them, in log detail [T, T]."""
    return -float(np.average(lightness, weights=frame.brows))


def _coloured(change: Array, old: Array) -> Array:
    """Colour's change [T, T, 2], bounded where it leaves the colour of plain skin.

    What takes the old face's own colour away, as far as plain skin, is not: a fold that lightens and keeps its red
    turns to a bloody streak. old: that colour, log units against the skin around it.
    """
    homeward = np.clip(change, np.minimum(-old, 0), np.maximum(-old, 0))
    return homeward + HUE * np.tanh((change - homeward) / HUE)


def _believed(prior: LinearPrior, latent: Array) -> Array:
    """An identity as it was read in a photograph, no farther from the mean than people are: the rest is hard light."""
    texture = BELIEVED * np.tanh(latent[: prior.texture_size] / BELIEVED)
    return np.concatenate([texture, latent[prior.texture_size :]])


def gain(prior: LinearPrior, preserve: frozenset[Region]) -> Array:
    """How many times as strong each number of an identity is rendered, float32 [latent_size]."""
    out = np.full(prior.latent_size, TEXTURE_GAIN, np.float32)
    out[prior.texture_size :] = SHAPE_GAIN
    return out * PRESERVING if preserve else out


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


def headroom(texture: Array, skin: Array) -> float:
    """Log units by which a face may brighten: bright skin has no drawing left where it turns white.

    texture: RGB 0..255 [T, T, 3]; skin: [T, T], how far a pixel is visible bare skin, 0..1.
    """
    seen = texture[skin > 0.5].mean(1)
    if not seen.size:
        return BRIGHTEST
    room = float(np.log((WHITE + OFFSET) / (np.quantile(seen, 0.8) + OFFSET)))
    return min(max(room, LEAST), BRIGHTEST)


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
    distance = cv2.distanceTransform((~kept).astype(np.uint8), cv2.DIST_L2, 5) / interocular(vertices)
    colour, motion = (np.clip(distance / reach, 0, 1) for reach in (COLOUR_REACH, MOTION_REACH))
    return colour * colour * (3 - 2 * colour), motion * motion * (3 - 2 * motion)
