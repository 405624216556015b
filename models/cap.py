"""A plain surgical cap over the hair of a head, drawn where hair shall tell nothing.

Recognisers and people know each other by hair: how it is cut and parted, its outline, its grey. A route may have it
covered as a theatre covers it. The cap reaches from the forehead, under the hairline, over the tops of the ears to
beyond the outline of the hair; what hangs lower than that stays. Its cloth, its folds and its hem are drawn, lit from
where the face is lit; colour and folds are an identity's own, so that a patient wears the same one in all photographs.
"""

import zlib
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models import mesh
from models.lighting import blur
from models.mesh import Array, upright_head, warp_down
from models.painting import LUMA, in_its_light
from models.person import WORK_SIDE, PersonSegmenter

CLOTHS: Final = np.array([[126, 172, 164], [143, 176, 205], [92, 118, 150], [196, 204, 206]], np.float32)  # RGB
_SIDE: Final = 2 * WORK_SIDE  # pixels of the crop in which a cap is planned
_SMOOTH: Final = 1.5  # pixels of it over which its grid's steps are smoothed: a large photograph would show them
_FACE: Final = 150.0  # pixels across the face in it
_DOWN: Final = 0.57  # share of the crop above the face's middle
# Vertices from one temple over the forehead to the other.
_BRIM: Final = [127, 162, 21, 54, 103, 67, 109, 10, 338, 297, 332, 284, 251, 389, 356]
# The rest in parts of the head's size, which is a frontal face's width.
_LOW: Final = 0.085  # how far below the top of the mesh the brim lies: hairlines begin there
_BESIDE: Final = ((0.12, 0.05), (0.5, 0.19))  # outwards from the temples, and how far down the brim is there
_SKULL: Final = (0.56, 0.1)  # radius of a bald head's outline at its sides, and how much more on top
_BACK: Final = 0.4  # of the way from the temples' middle to the tip of the nose: so far behind is the skull's middle
_WIDEST: Final = (1.22, 1.45)  # of that radius, at the sides and on top: hair that stands off farther is not reached
_USUAL: Final = 1.15  # of it: a usual head of hair
_OFF: Final = 1.03  # of the outline of the hair, which cloth does not touch
_PERSON: Final = 0.4  # probability below which a head has ended
_HEM: Final = 0.035  # width of the seam over the elastic band
_ROUND: Final = 0.07  # how round the corners are where brim and outline meet
_GATHERED: Final = 0.16  # how far from the hem its gathers have faded
_SHADOW: Final = (0.26, 0.025)  # how much darker skin is under the hem, and over which distance that fades
_ANGLES: Final = np.linspace(-1.25 * np.pi, 0.25 * np.pi, 541, dtype=np.float32)  # of rays on the screen, upwards
_AMBIENT: Final = 0.5  # share of the light that comes from everywhere
_ABOVE: Final = -0.55  # how high the light stands; the face tells from which side it comes
_FAINT: Final = 0.005  # of it, which nobody sees
_EDGE: Final = 1.6  # pixels of the photograph over which cloth ends
_GRAIN: Final = (0.7, 2.6)  # pixels that noise is wide; of the deviation that the skin's finest detail has on average


@dataclass(frozen=True)
class _Head:
    """A head in the crop, upright: points [468, 2] of its mesh, its size and the middle of its skull, in pixels."""

    points: Array
    size: float
    middle: Array

    @classmethod
    def of(cls, points: Array) -> "_Head":
        size = max(float(np.ptp(points[:, 0])), 0.8 * float(points[mesh.BOTTOM, 1] - points[mesh.TOP, 1]))
        temples = points[[_BRIM[0], _BRIM[-1]]].mean(0)
        middle = np.array(
            [temples[0] - _BACK * (points[1, 0] - temples[0]), points[mesh.RIGHT_BROW + mesh.LEFT_BROW, 1].mean()]
        )
        return cls(points, size, middle.astype(np.float32))


class CapPainter:
    """Not for several threads at a time."""

    def __init__(self) -> None:
        self._person = PersonSegmenter()

    def paint(
        self,
        image: NDArray[np.uint8],
        vertices: Array,
        identity: Array,
        keep: NDArray[np.bool_],
        one_hue: bool = False,
    ) -> None:
        """Put a cap on one head in an RGB photograph [H, W, 3], in place.

        Args:
            vertices: [468, 3], the mesh of its face, in pixels; identity: float32 [n], of which nothing counts but
                that another one gets another cap; keep: bool [H, W], pixels that stay; one_hue: whether the photograph
                is grey or sepia.
        """
        to_crop = upright_head(vertices, _FACE, _SIDE, _DOWN)
        crop = warp_down(image, to_crop, _SIDE)
        head = _Head.of((vertices[:, :2] @ to_crop[:, :2].T + to_crop[:, 2]).astype(np.float32))
        person = self._person.probability(crop)
        rng = np.random.default_rng(zlib.crc32(np.ascontiguousarray(identity, np.float32).tobytes()))
        tone = CLOTHS[rng.integers(len(CLOTHS))]
        brim, (radius, share, angle) = _above_brim(head), _outline(head, person, _shown(to_crop, *image.shape[:2]))
        outside = radius * (1 - share)
        skin = _skin(head)
        shade = _shade(head, brim, share, angle, _light(crop, skin), rng)
        depth = _both(outside, brim, _ROUND * head.size)
        colour = in_its_light(tone, crop[skin], one_hue)
        shadow = _SHADOW[0] * np.exp(np.minimum(brim, 0) / (_SHADOW[1] * head.size)) * (brim < 0)
        shadow *= np.clip(outside / (0.05 * head.size), 0, 1)  # none falls on the wall
        fields = np.dstack([depth, shade, shadow, skin]).astype(np.float32)
        _lay(image, to_crop, fields, colour, keep, rng)


def _above_brim(head: _Head) -> Array:
    """[S, S]: pixels above the line in which the cap ends on the forehead and over the ears, negative below it."""
    line = head.points[_BRIM].copy()
    line[:, 1] += _LOW * head.size * (1.1 - 2 * np.linspace(-1, 1, len(line)) ** 2)
    first, last = line[0], line[-1]
    out = head.size * np.array(_BESIDE, np.float32)
    left, right = first + out[::-1] * (-1, 1), last + out
    nodes = np.vstack([left, line, right])
    step = np.linspace(0, len(nodes) - 1, 200)
    smooth = [np.interp(step, np.arange(len(nodes)), nodes[:, k]).astype(np.float32)[:, None] for k in (0, 1)]
    x, y = (cv2.GaussianBlur(one, (1, 41), 6, borderType=cv2.BORDER_REPLICATE) for one in smooth)
    line = np.hstack([x, y])
    far = 2 * _SIDE  # beyond its ends the brim goes on outwards, a little downwards
    ends = [[far, line[-1, 1] + 0.2 * head.size], [far, -far], [-far, -far], [-far, line[0, 1] + 0.2 * head.size]]
    above = np.zeros((_SIDE, _SIDE), np.uint8)
    cv2.fillPoly(above, [np.round(np.vstack([line, ends]) * 16).astype(np.int32)], 1, shift=4)
    inside, outside = (cv2.distanceTransform(part, cv2.DIST_L2, 5) for part in (above, 1 - above))
    return blur(inside - outside, _SMOOTH)


def _shown(to_crop: Array, height: int, width: int) -> NDArray[np.bool_]:
    """[S, S]: where the crop shows the photograph, and not the grey beyond its edge."""
    corners = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], np.float32) @ to_crop.T
    shown = np.zeros((_SIDE, _SIDE), np.uint8)
    cv2.fillConvexPoly(shown, np.round(corners).astype(np.int32), 1)
    return shown > 0


def _outline(head: _Head, person: Array, shown: NDArray[np.bool_]) -> tuple[Array, Array, Array]:
    """Of each pixel [S, S]: the cap's radius on its ray from the middle, its place on it in parts of that, its angle.

    The radius goes round the hair in `person` [S, S], 0..1, evenly: what it looks like is part of what a cap hides.
    Where no end of a person is seen on a ray in what is `shown` [S, S], a usual head of hair is taken to be there.
    """
    up = np.clip(-np.sin(_ANGLES), 0, 1)
    skull = _SKULL[0] * head.size * (1 + _SKULL[1] / _SKULL[0] * up)
    steps = np.arange(0, 1.2 * head.size, dtype=np.float32)[None]
    x, y = head.middle[0] + np.cos(_ANGLES)[:, None] * steps, head.middle[1] + np.sin(_ANGLES)[:, None] * steps
    along = cv2.remap(person, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    ended = (along < _PERSON) & (steps > 0.85 * skull[:, None])
    last = tuple(np.clip(np.round(np.stack([y[:, -1], x[:, -1]])).astype(int), 0, _SIDE - 1))
    endless = np.where(shown[last], _USUAL * skull, steps.size - 1)
    reached = np.where(ended.any(1), ended.argmax(1), endless)
    radius = np.clip(reached, skull, skull * (_WIDEST[0] + (_WIDEST[1] - _WIDEST[0]) * up**2)).astype(np.float32)
    wide = cv2.dilate(radius[:, None], np.ones((31, 1), np.uint8))
    radius = _OFF * cv2.GaussianBlur(wide, (1, 241), 28, borderType=cv2.BORDER_REPLICATE)[:, 0]
    down, right = np.mgrid[:_SIDE, :_SIDE].astype(np.float32)
    right, down = right - head.middle[0], down - head.middle[1]
    angle = np.arctan2(down, right)
    angle = np.where(angle > _ANGLES[-1], angle - 2 * np.pi, angle).astype(np.float32)
    here = np.interp(angle, _ANGLES, radius).astype(np.float32)
    return here, np.hypot(right, down) / here, angle


def _shade(head: _Head, brim: Array, share: Array, angle: Array, light: Array, rng: np.random.Generator) -> Array:
    """How light the cloth is, [S, S], around 1."""
    round_ = np.clip(share, 0, 1)
    normal = np.dstack([round_ * np.cos(angle), round_ * np.sin(angle), np.sqrt(1 - round_**2)])
    # Gathers from the hem, long folds through them, and dents: how high and how wide was chosen by eye.
    gathered = np.exp(-np.maximum(brim - _HEM * head.size, 0) / (_GATHERED * head.size))
    long, short = _around(46, 5.0, rng), _around(150, 1.5, rng)
    distance = share * head.size
    folds = 1.1 * np.interp(angle + 0.12 * np.sin(distance / 45), _ANGLES, long) * (0.25 + 0.75 * gathered)
    folds += np.interp(angle + 0.05 * np.sin(distance / 25), _ANGLES, short) * gathered
    folds += sum(weight * _rough(sigma, rng) for weight, sigma in ((1.3, 13.0), (0.35, 5.0), (0.06, 1.5)))
    soft = np.where(brim < _HEM * head.size, 0.25, 1.0)  # the band holds the hem nearly flat
    for axis, (across, down) in enumerate(((1, 0), (0, 1))):
        normal[..., axis] -= 1.1 * soft * cv2.Sobel(folds.astype(np.float32), cv2.CV_32F, across, down, ksize=3) / 8
    normal[..., 2] = np.maximum(normal[..., 2], 0.12)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    lit = _AMBIENT + 0.55 * np.maximum(normal @ light, 0)
    across_hem = brim / (_HEM * head.size)
    seam = 1 - 0.16 * np.exp(-np.maximum(across_hem - 1, 0) / 0.35)
    lit *= np.where(across_hem < 1, 0.9 + 0.16 * np.sin(np.pi * np.clip(across_hem, 0, 1)), seam)
    return np.asarray(lit * (1 - 1.25 * np.clip(round_ - 0.8, 0, 1)), np.float32)


def _around(count: int, sigma: float, rng: np.random.Generator) -> Array:
    """Heights of folds that run towards the middle, at each of the rays."""
    wave = np.interp(np.linspace(0, count - 1, len(_ANGLES)), np.arange(count), rng.standard_normal(count))
    return np.asarray(cv2.GaussianBlur(wave.astype(np.float32)[:, None], (1, 0), sigma))[:, 0]


def _rough(sigma: float, rng: np.random.Generator) -> Array:
    field = blur(rng.standard_normal((_SIDE, _SIDE)).astype(np.float32), sigma)
    return field / max(float(field.std()), 1e-6)


def _skin(head: _Head) -> NDArray[np.bool_]:
    """[S, S]: the middle of the face."""
    oval = np.zeros((_SIDE, _SIDE), np.uint8)
    cv2.fillPoly(oval, [np.round(head.points[mesh.FACE_OVAL]).astype(np.int32)], 1)
    return cv2.erode(oval, np.ones((19, 19), np.uint8)) > 0


def _light(crop: NDArray[np.uint8], skin: NDArray[np.bool_]) -> Array:
    """The direction [3], of length 1, of the light: from above, and from the side on which a face is lighter."""
    log = np.log(crop.astype(np.float32) @ LUMA + 8)
    columns = np.arange(_SIDE)[None]
    middle = np.median(np.nonzero(skin)[1]) if skin.any() else _SIDE / 2
    left, right = (log[skin & half] for half in (columns < middle, columns >= middle))
    aside = float(np.median(right) - np.median(left)) if left.size and right.size else 0.0
    light = np.array([np.clip(0.9 * aside, -0.7, 0.7), _ABOVE, 0.75])
    return np.asarray(light / np.linalg.norm(light), np.float32)


def _both(first: Array, second: Array, round_: float) -> Array:
    """The lesser of two depths, rounded where they are alike."""
    near = np.maximum(round_ - np.abs(first - second), 0) / round_
    return np.minimum(first, second) - 0.25 * round_ * near**2


def _lay(
    image: NDArray[np.uint8],
    to_crop: Array,
    fields: Array,
    colour: Array,
    keep: NDArray[np.bool_],
    rng: np.random.Generator,
) -> None:
    """Lay a cap on the photograph, as sharp and as noisy as that is.

    fields: [S, S, 4], depth in the cap in pixels of the crop, its lightness, its shadow, and where the face is.
    """
    height, width = image.shape[:2]
    rows, columns = np.nonzero((fields[..., 0] > -_EDGE) | (fields[..., 2] > _FAINT))
    if not len(rows):
        return
    edges = (columns.min() - 1, columns.max() + 2), (rows.min() - 1, rows.max() + 2)
    corners = np.array([[x, y, 1] for x in edges[0] for y in edges[1]], np.float32)
    corners = corners @ cv2.invertAffineTransform(to_crop).T
    low, high = np.floor(corners.min(0)).astype(int), np.ceil(corners.max(0)).astype(int)
    left, top, right, bottom = max(low[0], 0), max(low[1], 0), min(high[0], width), min(high[1], height)
    if right - left < 2 or bottom - top < 2:
        return
    part, kept = image[top:bottom, left:right], keep[top:bottom, left:right]
    moved = to_crop.copy()
    moved[:, 2] += to_crop[:, :2] @ np.array([left, top], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(fields, moved, part.shape[1::-1], flags=flags, borderValue=(-_SIDE, 1, 0, 0))
    depth, shade, shadow, skin = cv2.split(laid)
    cloth = np.clip(depth / (_EDGE * float(np.hypot(*to_crop[0, :2]))) + 0.5, 0, 1)
    grey = part.astype(np.float32) @ LUMA
    fine = (grey - blur(grey, 1.2))[skin > 0.9]
    noise = _GRAIN[1] * float(np.median(np.abs(fine))) if fine.size else 0.0
    grain = noise * blur(rng.standard_normal(depth.shape).astype(np.float32), _GRAIN[0])
    drawn = colour * shade[..., None] + grain[..., None]
    made = cloth[..., None] * drawn + (1 - cloth[..., None]) * (1 - shadow[..., None]) * part
    touched = ((cloth > 0) | (shadow > _FAINT)) & ~kept
    part[touched] = np.clip(np.round(made[touched]), 0, 255).astype(np.uint8)
