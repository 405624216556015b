"""The hair around a face and a beard in it: where they are, and another tone for them.

People know each other by their hair. Its tone is therefore part of an identity, the same in all photographs of a
patient; a beard takes the same tone. Where hair lies is for `models.crown`. Hair is found as what
belongs to the person around the face, looks unlike the face's skin, and hangs together with the top of the head
(GrabCut: Rother, Kolmogorov and Blake, SIGGRAPH 2004); its edge follows the photograph's own (`models.guided`).
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models import mesh
from models.frame import Frame
from models.guided import coefficients
from models.lighting import OFFSET, to_log
from models.mesh import Array, upright_head, warp_down
from models.person import WORK_SIDE, PersonSegmenter
from models.raster import rasterise

LATENT_SIZE: Final = 2  # how light the hair is, and how warm
LIGHTER, WARMER = 0.42, 0.09  # log units: the farthest that either goes
PALER, COOLER = 0.3, 0.4  # share of its own colour that the lightest and the coolest tone take away
REDDEST, YELLOWEST = 0.32, -0.5  # log units of red and blue against green: no hair is made more colourful than that
_SIDE: Final = WORK_SIDE // 2  # pixels of the crop in which hair is sought
_FACE: Final = 46.0  # pixels across the face in it
_UNLIKE: Final = 2.5  # deviations from skin beyond which something may be hair
_SURE: Final = 3.5  # and beyond which, on the top of the head, it is
_CLEAR: Final = (0.8, 2.2)  # deviations between which the tone comes in: what could be skin keeps its own
_DARKER: Final = 0.2  # log units by which hair is darker than the forehead, to be told from it everywhere
_COVERED: Final = 0.3  # share of the top of the head; with less hair than this a head counts as bald
# Of half the face: where the hairline is looked for; and of the face's width, how far above the top of the forehead.
_MIDDLE: Final = np.linspace(-0.2, 0.2, 9)
_TEMPLES: Final = np.array([-0.75, -0.7, -0.65, -0.6, 0.6, 0.65, 0.7, 0.75])
_LOOKS_UP: Final = 0.7
_HALO: Final = 4  # pixels of the crop around hair in which its tone has ended
_FADE: Final = 5.0  # pixels of the crop over which a tone comes in beside what is preserved
_SLACK: Final = 1e-3  # of the guided filter
_STRANDS: Final = 0.02  # of the common frame's side: radius of that filter where a fringe is laid into the frame
_BRIGHTEST: Final = 235.0  # grey level: lighter hair than this has no drawing left


@dataclass(frozen=True)
class Hairline:
    """How high above the top of the forehead (`mesh.TOP`) hair begins and the head ends: in the middle of the head and
    at its temples, in parts of the face's width.
    """

    begins: tuple[float, float]
    ends: tuple[float, float]


@dataclass(frozen=True)
class Hair:
    """alpha: float32 [128, 128], 0..1, what can take another tone; to_crop: [2, 3], from pixels of the photograph into
    it; line: where hair of whatever tone begins above the forehead, None where none grows there.
    """

    alpha: Array
    to_crop: Array
    line: Hairline | None

    def moved(self, scale: float, left: float, top: float) -> "Hair":
        """The same hair in a photograph cropped at (left, top) and then scaled."""
        linear = self.to_crop[:, :2] / scale
        shift = self.to_crop[:, 2] + self.to_crop[:, :2] @ np.array([left, top], np.float32)
        return Hair(self.alpha, np.column_stack([linear, shift]).astype(np.float32), self.line)


class HairFinder:
    """Not for several threads at a time."""

    def __init__(self) -> None:
        self._person = PersonSegmenter()

    def find(self, image: NDArray[np.uint8], vertices: Array, beard: Array, frame: Frame) -> Hair | None:
        """The hair of one head.

        Args:
            image: RGB photograph [H, W, 3]; vertices: [468, 3] mesh in it; beard: [T, T], 0..1, where hair grows in the
                face, in the common `frame`.

        Returns:
            None where there is none.
        """
        to_crop = upright_head(vertices, _FACE, _SIDE)
        wide = warp_down(image, 2 * to_crop, WORK_SIDE)
        crop = cv2.resize(wide, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        points = (vertices[:, :2] @ to_crop[:, :2].T + to_crop[:, 2]).astype(np.float32)
        alpha, line = self._on_head(wide, crop, points)
        if beard.any():
            places = rasterise(mesh.closed(np.column_stack([points, vertices[:, 2]]))[:, :2], _SIDE, _SIDE)
            grown = cv2.remap(beard, places.image(frame.uv, -1e4), None, cv2.INTER_LINEAR)
            alpha = np.maximum(alpha, grown * _below_skin(crop, points))
        return None if line is None and not (alpha > 0.01).any() else Hair(alpha.astype(np.float32), to_crop, line)

    def _on_head(
        self, wide: NDArray[np.uint8], crop: NDArray[np.uint8], points: Array
    ) -> tuple[Array, Hairline | None]:
        """The matte [128, 128] of the hair around a face, nothing for white hair; and where it begins."""
        person = cv2.resize(self._person.probability(wide), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        unlike = _unlike_skin(crop, points)
        hair = _grabbed(crop, person, unlike, points)
        line = None if hair is None else _line(hair, points)
        if hair is None or not _is_darker_than_skin(crop, points, hair):
            return np.zeros((_SIDE, _SIDE), np.float32), line
        clear = np.clip((unlike - _CLEAR[0]) / (_CLEAR[1] - _CLEAR[0]), 0, 1)
        alpha = cv2.GaussianBlur(hair * np.clip(1.5 * person - 0.3, 0, 1), (0, 0), 0.7)
        return np.asarray(alpha * clear * _below_skin(crop, points) * _above_shoulders(points)), line


def fringe(hair: Hair, texture: Array, vertices: Array, frame: Frame) -> Array:
    """Where hair of the head hangs over the forehead: float32 [T, T], 0..1, in the common `frame`.

    texture: RGB 0..255 [T, T, 3], on whose edges its own are laid; vertices: [468, 3] in the photograph.
    """
    places = frame.raster.image(mesh.closed(vertices)[:, :2], -1e4) @ hair.to_crop[:, :2].T + hair.to_crop[:, 2]
    rough = cv2.remap(hair.alpha, places.astype(np.float32), None, cv2.INTER_LINEAR)
    guide = texture.mean(2) / 255
    gain, offset = coefficients(guide, rough, round(_STRANDS * frame.side), _SLACK)
    return np.clip(gain * guide + offset, 0, 1).astype(np.float32) * frame.forehead


def sample(rng: np.random.Generator, count: int) -> Array:
    """Draw tones, float32 [count, LATENT_SIZE]."""
    return np.clip(rng.standard_normal((count, LATENT_SIZE)), -2.5, 2.5).astype(np.float32)


def recolour(
    image: NDArray[np.uint8], hair: Hair, latent: Array, keep: NDArray[np.bool_], one_hue: bool = False
) -> None:
    """Give the hair in an RGB photograph [H, W, 3] the tone of `latent` [2], in place, but not where `keep` [H, W].

    In a photograph of one hue (grey, sepia) hair gets lighter or darker only.
    """
    left, top, right, bottom = _reach(hair, *image.shape[:2])
    if right - left < 2 or bottom - top < 2:
        return
    crop = image[top:bottom, left:right]
    shift = np.array([[1, 0, left], [0, 1, top], [0, 0, 1]], np.float32)
    back = (np.vstack([hair.to_crop, [0, 0, 1]]).astype(np.float32) @ shift)[:2]
    # The matrix leads from the photograph to the matte, as this flag wants it.
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    alpha, near = (cv2.warpAffine(field, back, crop.shape[1::-1], flags=flags) for field in (hair.alpha, _near(hair)))
    pixel = 1 / float(np.hypot(*hair.to_crop[0, :2]))
    alpha = near * _guided(crop, alpha, max(round(3 * pixel), 1)) * _away(keep[top:bottom, left:right], _FADE * pixel)
    tone = _tone(crop[alpha > 0.5], latent, one_hue)
    touched = alpha > 0.01
    log = np.log(crop[touched].T + np.float32(OFFSET))  # [3, n]
    red = (tone.share - 1) * (log[0] - log[1]) + tone.warmer
    blue = (tone.share - 1) * (log[2] - log[1]) - tone.warmer
    green = tone.lighter - 0.299 * red - 0.114 * blue
    log += alpha[touched] * np.stack([green + red, green, green + blue])
    crop[touched] = np.clip(np.round(np.exp(log) - OFFSET), 0, 255).astype(np.uint8).T


def _away(keep: NDArray[np.bool_], reach: float) -> Array:
    """0 where `keep` [h, w], 1 at `reach` pixels from it: a beard's new tone may not end in a line around a mouth."""
    if not keep.any():
        return np.ones(keep.shape, np.float32)
    return np.clip(cv2.distanceTransform((~keep).astype(np.uint8), cv2.DIST_L2, 5) / reach, 0, 1)


def strength(image: NDArray[np.uint8], hair: Hair, latent: Array) -> float:
    """By how many grey levels, on average, the tone of `latent` would change the hair."""
    after = image.copy()
    recolour(after, hair, latent, np.zeros(image.shape[:2], bool))
    changed = (after != image).any(2)
    return float(np.abs(after[changed].astype(np.float32) - image[changed]).mean()) if changed.any() else 0.0


@dataclass(frozen=True)
class _Tone:
    """Log change of lightness, and of red against green and green against blue; share of its own colour that stays."""

    lighter: float
    warmer: float = 0.0
    share: float = 1.0


def _tone(inside: NDArray[np.uint8], latent: Array, one_hue: bool) -> _Tone:
    """What `latent` makes of hair with these pixels [n, 3].

    That depends on what it is: a cooler tone takes of the hair's own colour and adds none, so that grey hair does not
    turn teal, and fair hair that grows lighter and warmer at once pales, or it would glow.
    """
    lighter, warmer = LIGHTER * float(np.tanh(1.5 * latent[0])), float(np.tanh(latent[1]))
    if not len(inside):
        return _Tone(lighter)
    if lighter > 0:
        headroom = float(np.log((_BRIGHTEST + OFFSET) / (float(np.quantile(inside, 0.9)) + OFFSET)))
        lighter = min(lighter, max(headroom, 0.0))
    if one_hue:
        return _Tone(lighter)
    share = (1 - PALER * max(lighter, 0) / LIGHTER) * (1 + COOLER * min(warmer, 0))
    red, blue = (share * float(one) for one in np.median(to_log(inside[None, ::5])[0, :, 1:], 0))
    bearable = max(min(REDDEST - red, blue - YELLOWEST), 0.0)
    return _Tone(lighter, min(WARMER * max(warmer, 0), bearable), share)


def _unlike_skin(crop: NDArray[np.uint8], points: Array) -> Array:
    """[128, 128]: deviations between each pixel and the nearest of the colours that the face's skin has, lit or not."""
    log = cv2.GaussianBlur(to_log(crop), (0, 0), 0.8)
    skin = cv2.erode(_drawn(points[mesh.FACE_OVAL]), np.ones((7, 7), np.uint8))
    for loop in (mesh.RIGHT_BROW, mesh.LEFT_BROW, mesh.RIGHT_EYE, mesh.LEFT_EYE, mesh.OUTER_LIPS):
        skin &= 1 - cv2.dilate(_drawn(cv2.convexHull(points[loop])[:, 0]), np.ones((3, 3), np.uint8))
    skin[int(points[1, 1]) :] = 0  # below the nose there may be a beard
    seen = log[skin > 0]
    if len(seen) < 60:
        return np.zeros(log.shape[:2], np.float32)
    # What departs far from most of the skin (a fringe, glasses) is none of its colours.
    middle = np.median(seen, 0)
    deviation = 1.48 * np.median(np.abs(seen - middle), 0)
    spread = np.maximum(deviation, (0.12, 0.04, 0.04)).astype(np.float32)
    seen = seen[(np.abs(seen - middle) < 3 * spread).all(1)]
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 10, 0.1)
    count = min(4, len(seen))
    cv2.setRNGSeed(1)
    _, _, centres = cv2.kmeans((seen / spread).astype(np.float32), count, None, stop, 1, cv2.KMEANS_PP_CENTERS)
    scaled = (log / spread)[:, :, None]
    return np.sqrt(((scaled - centres) ** 2).sum(3)).min(2).astype(np.float32)


def _is_darker_than_skin(crop: NDArray[np.uint8], points: Array, hair: Array) -> bool:
    """White hair beside skin has no clear border, and any other tone on it looks like a cap: it keeps its own."""
    light = _lightness(crop)
    return bool((hair > 0).any()) and float(np.median(light[hair > 0])) < _forehead(light, points) - _DARKER


def _below_skin(crop: NDArray[np.uint8], points: Array) -> Array:
    """[128, 128]: 1 where it is darker than the forehead's skin, 0 where it shines."""
    light = _lightness(crop)
    return np.clip((_forehead(light, points) - light) / _DARKER + 0.5, 0, 1).astype(np.float32)


def _lightness(crop: NDArray[np.uint8]) -> Array:
    return np.asarray(cv2.GaussianBlur(to_log(crop)[..., 0], (0, 0), 0.8))


def _forehead(lightness: Array, points: Array) -> float:
    """Log lightness of its skin; -inf where none is in the picture."""
    skin = lightness[_drawn(points[[67, 109, 10, 338, 297, 296, 336, 9, 107, 66]]) > 0]
    return float(np.median(skin)) if skin.size else -np.inf


def _grabbed(crop: NDArray[np.uint8], person: Array, unlike: Array, points: Array) -> Array | None:
    """Hair, 0 or 1."""
    low, high = points.min(0), points.max(0)
    height = high[1] - low[1]
    rows, columns = np.mgrid[:_SIDE, :_SIDE]
    oval = _drawn(points[mesh.FACE_OVAL])
    face = cv2.erode(oval, np.ones((5, 5), np.uint8)) > 0
    outside = (oval == 0) & (person > 0.5)
    cap = outside & (rows < low[1] + 0.25 * height)
    neck = (np.abs(columns - points[:, 0].mean()) < 0.3 * _FACE) & (rows > high[1] - 0.12 * height)
    state = np.full((_SIDE, _SIDE), cv2.GC_PR_BGD, np.uint8)
    state[outside & (person > 0.6) & (rows < high[1]) & (unlike > _UNLIKE)] = cv2.GC_PR_FGD
    if (state[cap] == cv2.GC_PR_FGD).sum() < _COVERED * max(int(cap.sum()), 1):
        return None
    state[cap & (unlike > _SURE)] = cv2.GC_FGD
    state[neck | (rows > high[1] + 0.5 * height) | (person < 0.3)] = cv2.GC_BGD
    state[face & (rows > low[1] + 0.12 * height)] = cv2.GC_BGD
    # Whatever lies behind the person gets a colour that nobody has, so that dark walls do not count as like hair.
    painted = np.where((person < 0.5)[..., None], np.array([0, 255, 0], np.uint8), crop)
    if not (state == cv2.GC_BGD).any():
        return None
    cv2.setRNGSeed(1)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(painted, state, None, *models, 2, cv2.GC_INIT_WITH_MASK)
    found = np.isin(state, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    _, labels = cv2.connectedComponents(found)
    return np.isin(labels, np.setdiff1d(labels[cap], 0)).astype(np.float32)


def _line(hair: Array, points: Array) -> Hairline | None:
    """Where `hair` [128, 128] begins above the brows: the median over several ways up, None where most meet none."""
    up = points[mesh.TOP] - points[mesh.BOTTOM]
    up = up / max(float(np.linalg.norm(up)), 1e-6)
    across = np.array([-up[1], up[0]], np.float32)
    aside = (points - points[mesh.TOP]) @ across
    wide = float(np.ptp(aside))
    brows = float(((points[mesh.RIGHT_BROW + mesh.LEFT_BROW] - points[mesh.TOP]) @ up).max())
    heights = np.arange(brows, _LOOKS_UP * wide, 0.5, np.float32)
    found = []
    for shares in (_MIDDLE, _TEMPLES):
        beside = np.where(shares < 0, -float(aside.min()), float(aside.max())) * shares
        places = points[mesh.TOP] + beside[:, None, None] * across + heights[:, None] * up
        covered = cv2.remap(hair, places.astype(np.float32), None, cv2.INTER_LINEAR) > 0.5
        met = covered[covered.any(1)]
        if len(met) <= len(shares) / 2:
            return None
        last = len(heights) - 1 - met[:, ::-1].argmax(1)
        found.append([float(np.median(heights[way])) / wide for way in (met.argmax(1), last)])
    (middle, middle_end), (temples, temples_end) = found
    return Hairline((middle, temples), (middle_end, temples_end))


def _above_shoulders(points: Array) -> Array:
    """[128, 1]: 1 down to the chin, fading out over the shoulders, where clothes may look like hair."""
    low, high = points[:, 1].min(), points[:, 1].max()
    share = (np.arange(_SIDE, dtype=np.float32) - high) / (0.6 * (high - low))
    return np.clip(1 - share, 0, 1)[:, None]


def _reach(hair: Hair, height: int, width: int) -> tuple[int, int, int, int]:
    """left, top, right, bottom in the photograph, of what may be hair."""
    rows, columns = np.nonzero(hair.alpha > 0.01)
    if not len(rows):
        return 0, 0, 0, 0
    x, y = (columns.min() - _HALO, columns.max() + _HALO), (rows.min() - _HALO, rows.max() + _HALO)
    corners = np.array([[a, b, 1] for a in x for b in y], np.float32) @ cv2.invertAffineTransform(hair.to_crop).T
    low, high = np.floor(corners.min(0)).astype(int), np.ceil(corners.max(0)).astype(int)
    return max(low[0], 0), max(low[1], 0), min(high[0] + 1, width), min(high[1] + 1, height)


def _near(hair: Hair) -> Array:
    """[128, 128]: 1 on hair, 0 where it ends: the wall behind it must not come along, nor shine around lighter hair."""
    # Gaps between strands are no end of the hair.
    whole = cv2.morphologyEx((hair.alpha > 0.15).astype(np.float32), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    inside = cv2.GaussianBlur(whole, (0, 0), _HALO / 3)
    return np.clip(1.6 * inside - 0.6, 0, 1).astype(np.float32)  # at the outline itself a fifth


def _guided(crop: NDArray[np.uint8], alpha: Array, radius: int) -> Array:
    """The matte with its edges laid on those of the photograph; computed small, applied large."""
    guide = crop.astype(np.float32).mean(2) / 255
    step = max(radius // 2, 1)
    size = max(crop.shape[1] // step, 2), max(crop.shape[0] // step, 2)
    small, rough = (cv2.resize(field, size, interpolation=cv2.INTER_AREA) for field in (guide, alpha))
    fields = coefficients(small, rough, max(radius // step, 1), _SLACK)
    wide = [cv2.resize(field, crop.shape[1::-1], interpolation=cv2.INTER_LINEAR) for field in fields]
    return np.clip(wide[0] * guide + wide[1], 0, 1).astype(np.float32)


def _drawn(points: Array) -> NDArray[np.uint8]:
    out = np.zeros((_SIDE, _SIDE), np.uint8)
    cv2.fillPoly(out, [np.round(points).astype(np.int32)], 1)
    return out
