"""Other glasses on the same face: a new frame, drawn over the one that is worn.

Recognisers and people know wearers by their glasses: tone and strength of the frame stay from photograph to photograph.
What is worn keeps its place and its size, since what stands before a face is never made up; its rims become thicker and
get another tone, an identity's own, so that a patient wears the same frame in all photographs. The face moves under it
afterwards as it does under any glasses.
"""

from dataclasses import replace
from statistics import NormalDist
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.face_model import FaceModel
from models.lenses import APART, HEIGHT, WIDTH, Lenses, eyes_of
from models.lighting import blur
from models.mesh import MUZZLE, Array
from models.painting import LUMA, in_its_light
from models.regions import Region
from models.renderer import surroundings

LATENT_SIZE: Final = 2  # the tone of a frame, and how thick it is
# RGB as a well exposed photograph shows them: black, tortoise-shell, brown, blue, red, grey, green.
INKS: Final = np.array(
    [[27, 26, 28], [66, 42, 27], [52, 36, 30], [30, 38, 62], [72, 27, 34], [62, 64, 70], [44, 52, 42]], np.float32
)
SPOTTED: Final = (1,)  # of them: with lighter spots
_THIN, _THICKER = 0.04, 0.018  # of the distance of the eyes: the thinnest rim, and how much thicker another is
_COVERS: Final = (1.0, 0.01)  # times the old rim, and more of that distance, so that nothing of it looks out
_JOINT: Final = (0.02, 0.2)  # of that distance: from the rim, what belongs to a frame and is drawn again
_REJOINED: Final = 0.05  # and how far towards the rim with it
_HAND: Final = 0.16  # how wide what stands before glasses is at least; glints are less
_FINER: Final = 3  # times as fine as the network's crop is the drawing
_HEAVY: Final = 0.3  # by which the upper half is thicker, and the lower thinner
_FACET: Final = (-0.3, 0.9)  # pixels of the network's crop: from where in a rim to where its edge is bent
_SHEEN: Final = 0.06  # how much lighter or darker its front is for what is mirrored in it
_SHADOW: Final = (0.3, 0.028, 0.02)  # how much darker skin is under a frame, how far below, how soft
# What shines back of a light, as a well exposed photograph shows it; how much, and from which lightness on.
_WHITE: Final = np.array([225, 228, 235], np.float32)
_GLOSS, _GLOSSY = 1.2, 1.15
_EDGE: Final = 1.5  # pixels of the photograph over which a frame ends
_GRAIN: Final = (0.7, 0.7)  # pixels that noise is wide; of the deviation that the skin's finest detail has on average


def sample(rng: np.random.Generator, count: int) -> Array:
    """Draw frames, float32 [count, LATENT_SIZE]."""
    return np.clip(rng.standard_normal((count, LATENT_SIZE)), -2.5, 2.5).astype(np.float32)


def chosen(latent: Array) -> tuple[int, float]:
    """Which of INKS the numbers [2] tell, and how strong a rim, 0..1."""
    tone, strength = (NormalDist().cdf(float(one)) for one in latent)
    return min(int(tone * len(INKS)), len(INKS) - 1), strength


def renewed(
    image: NDArray[np.uint8], model: FaceModel, latent: Array, preserve: frozenset[Region], kept: NDArray[np.bool_]
) -> FaceModel:
    """Draw the frame of `latent` on one face in an RGB photograph [H, W, 3], in place; the face as it is with that.

    Nothing happens where no glasses can be changed, or where they would be changed in part: where eyes or nose are
    preserved, or anything of what is drawn lies in `kept` [H, W].
    """
    if model.lenses is None or not preserve <= {"mouth"}:
        return model
    left, top, width, height = surroundings(model.vertices, *image.shape[:2])
    crop = image[top : top + height, left : left + width]
    standing = cv2.resize(
        _wide(model, model.standing.shape[1] / width), (width, height), interpolation=cv2.INTER_LINEAR
    )
    inner = model.vertices[MUZZLE, :2].round().astype(np.int32) - (left, top)
    skin = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(skin, cv2.convexHull(inner), 1)
    before = crop.copy()
    lenses = model.lenses.moved(1.0, left, top)
    cover = change(crop, lenses, latent, 1 - standing, before[(skin > 0) & (standing < 0.5)], model.one_hue)
    if (kept[top : top + height, left : left + width] & (crop != before).any(2)).any():
        crop[:] = before
        return model
    worn = cv2.resize(cover, model.glasses.shape[::-1], interpolation=cv2.INTER_AREA)
    beside = [_is_bare(cover, x - left, y - top, radius) for x, y, radius in model.marks]
    return replace(model, glasses=np.maximum(model.glasses, worn), marks=model.marks[beside])


def _is_bare(cover: Array, x: float, y: float, radius: float) -> bool:
    """Whether nothing of a frame [h, w] lies on a mole, or on what is drawn instead of it."""
    reach = 1.2 * max(radius, 2.0)
    left, right, top, bottom = (max(round(edge), 0) for edge in (x - reach, x + reach, y - reach, y + reach))
    return not cover[top : bottom + 1, left : right + 1].any()


def _wide(model: FaceModel, scale: float) -> Array:
    """What stands before the face, [h, w], without what is too narrow to stand before glasses: it belongs to them.

    `scale`: pixels of it to one of the photograph.
    """
    across = float(np.linalg.norm(np.diff(eyes_of(model.vertices), axis=0)))
    size = max(round(_HAND * across * scale), 1)
    return np.asarray(cv2.morphologyEx(model.standing, cv2.MORPH_OPEN, np.ones((size, size), np.uint8)))


def change(
    image: NDArray[np.uint8],
    worn: Lenses,
    latent: Array,
    free: Array,
    face: NDArray[np.uint8],
    one_hue: bool = False,
) -> Array:
    """Draw the frame of `latent` [2] over the glasses `worn` in an RGB photograph [H, W, 3], in place.

    Args:
        free: [H, W], 0..1, where nothing stands before them and nothing is preserved; face: [n, 3], pixels of the
            face, which tell the light; one_hue: whether the photograph is grey or sepia.

    Returns:
        [H, W], 0..1, where the new frame lies.
    """
    number, strength = chosen(latent)
    thinnest = max(_THIN * APART, _COVERS[0] * worn.thick + _COVERS[1] * APART)
    depth = _depth(worn, thinnest + strength * _THICKER * APART)
    fields = np.dstack([depth, *_look(depth, number in SPOTTED)]).astype(np.float32)
    out = np.zeros(image.shape[:2], np.float32)
    area = _reached(worn, *image.shape[:2])
    part = image[area]
    if min(part.shape[:2]) < 2:
        return out
    to_fields = worn.to_crop.copy()
    to_fields[:, 2] += to_fields[:, :2] @ np.array([area[1].start, area[0].start], np.float32)
    to_fields = _FINER * to_fields + (_FINER - 1) / 2 * np.array([[0, 0, 1]], np.float32)
    scale = float(np.hypot(*to_fields[0, :2]))
    if scale > 1:  # without it a small photograph's frame is jagged
        fields = blur(fields, 0.4 * scale)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(fields, to_fields, part.shape[1::-1], flags=flags, borderValue=(-WIDTH, 1, 0, 0))
    depth, lit, spots, shadow = cv2.split(laid)
    cover = np.clip(depth * _FINER / (_EDGE * scale) + 0.5, 0, 1) * free[area]
    grey = part.astype(np.float32) @ LUMA
    noise = _GRAIN[1] * float(np.median(np.abs(grey - blur(grey, 1.2))))
    grain = noise * blur(np.random.default_rng(number).standard_normal(grey.shape).astype(np.float32), _GRAIN[0])
    ink = in_its_light(INKS[number], face, one_hue)
    shine = in_its_light(_WHITE, face, one_hue) * _GLOSS * np.clip(lit - _GLOSSY, 0, 1)[..., None]
    drawn = ink * (lit + 0.6 * spots)[..., None] + shine + grain[..., None]
    made = part * (1 - (shadow * free[area])[..., None])
    made = cover[..., None] * drawn + (1 - cover[..., None]) * made
    touched = (cover > 0) | (shadow * free[area] > 0.01)
    part[touched] = np.clip(np.round(made[touched]), 0, 255).astype(np.uint8)
    out[area] = cover
    return out


def _depth(worn: Lenses, thick: float) -> Array:
    """[h, w]: how deep in the frame a pixel lies, in pixels of the network's crop; negative outside."""
    size = (_FINER * HEIGHT, _FINER * WIDTH)
    depth = np.full(size, -WIDTH, np.float32)
    near, glass = np.full(size, WIDTH, np.float32), np.zeros(size, bool)
    down = np.mgrid[: size[0], : size[1]][0].astype(np.float32) / _FINER
    for outline in worn.outlines:
        filled = np.zeros(size, np.uint8)
        cv2.fillPoly(filled, [np.round(((outline + 0.5) * _FINER - 0.5) * 16).astype(np.int32)], 1, shift=4)
        inside, outside = (cv2.distanceTransform(one, cv2.DIST_L2, 5) for one in (filled, 1 - filled))
        apart = blur(np.abs(inside - outside) - 0.5, 1.6) / _FINER
        middle, tall = outline[:, 1].mean(), np.ptp(outline[:, 1]) / 2
        wide = thick * (1 - _HEAVY * np.clip((down - middle) / tall, -1, 1))
        depth, near, glass = np.maximum(depth, wide / 2 - apart), np.minimum(near, apart), glass | (filled > 0)
    # The bridge and the hinges, where the old ones are: what reaches out from under the new rim.
    rims = blur(cv2.resize(worn.rims, size[::-1], interpolation=cv2.INTER_LINEAR), 1.5) > 0.4
    beyond = rims & ~glass & (depth < -_JOINT[0] * APART) & (near < _JOINT[1] * APART)
    reach = 2 * round(_REJOINED * APART * _FINER) + 1
    joints = rims & ~glass & (cv2.dilate(beyond.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0)
    inside, outside = (cv2.distanceTransform(one.astype(np.uint8), cv2.DIST_L2, 5) for one in (joints, ~joints))
    return np.maximum(depth, blur(inside - outside, 2.0) / _FINER + 0.012 * APART)


def _look(depth: Array, spotted: bool) -> tuple[Array, Array, Array]:
    """How light the frame is, around 1, its spots, and how dark its shadow is, all [h, w]."""
    edge = blur(np.clip(depth, *_FACET), 1.2)  # the front is flat: a frame that is round all over looks inflated
    slope = cv2.Sobel(edge, cv2.CV_32F, 0, 1, ksize=3) * _FINER / 8  # positive where it faces upwards
    lit = 1 + 0.25 * np.clip(slope, -0.6, 1) + 0.5 * np.clip(slope - 0.35, 0, 1) + _SHEEN * _clouds(depth, 5, 24.0)
    spots = np.zeros_like(depth)
    if spotted:
        spots = np.clip(1.5 * _clouds(depth, 7, 9.0), 0, 1).astype(np.float32)
    dark, below, soft = _SHADOW
    fall = np.array([[1, 0, 0], [0, 1, _FINER * below * APART]], np.float32)
    cast = cv2.warpAffine((depth > 0).astype(np.float32), fall, depth.shape[::-1])
    return lit, spots, dark * blur(cast, _FINER * soft * APART)


def _clouds(like: Array, seed: int, soft: float) -> Array:
    """A random field [h, w] as large as another, of deviation 1, the same for every frame; soft: pixels of its blur."""
    field = blur(np.random.default_rng(seed).standard_normal(like.shape).astype(np.float32), soft)
    return np.asarray(field / field.std())


def _reached(worn: Lenses, height: int, width: int) -> tuple[slice, slice]:
    """Rows and columns of the photograph that the crop shows."""
    corners = np.array([[x, y, 1] for x in (0, WIDTH) for y in (0, HEIGHT)], np.float32)
    corners = corners @ cv2.invertAffineTransform(worn.to_crop).T
    low, high = np.floor(corners.min(0)).astype(int), np.ceil(corners.max(0)).astype(int)
    left, right = np.clip([low[0], high[0]], 0, width).tolist()
    top, bottom = np.clip([low[1], high[1]], 0, height).tolist()
    return slice(top, bottom), slice(left, right)
