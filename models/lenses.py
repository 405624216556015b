"""Where the lenses of glasses lie in a photograph: an even outline around each eye, on which a rim runs.

A small network looks at the eyes, upright and close, and tells what lies
within a pair of rims and what belongs to the rims themselves. It learned from portraits on which glasses of all kinds
were painted: `models.training.lenses`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from models.lighting import to_log
from models.mesh import LEFT_EYE, RIGHT_EYE, Array, warp_down
from models.unet import UNet
from models.weights import FOLDER, load

HEIGHT, WIDTH = 128, 256  # pixels of the crop that the network sees
APART: Final = 84.0  # pixels between the centres of the eyes in it, as far as they lie apart in space
DOWN: Final = 0.12  # of that distance: how far below the eyes its middle lies
WIDTHS = (16, 24, 40, 64, 96)
SIDES: Final = (-1, 1)  # where the outside of the right and of the left lens is, in the picture
WEIGHTS = FOLDER / "lenses.safetensors"
RAYS: Final = 72  # from the middle of a lens, on which its outline is read
POINTS: Final = 4 * RAYS  # of that outline, so that it is round in a large photograph
_LENS: Final = 0.5  # probability from which something is a lens
_SURE: Final = 0.8  # mean probability within one
_SIZE: Final = (0.16, 1.3)  # area of one, of the square of APART
_OFF: Final = 0.35  # of APART: how far its middle may lie from the eye
_UNLIKE: Final = 0.16  # of its radius: how far, in the mean square, both lenses may differ in shape
_EVEN: Final = 9.0  # waves round an outline from which they fade
_ROUND: Final = 1.2  # of RAYS even steps along an outline, over which its corners are rounded
_BESIDE: Final = 0.07  # of APART: how far from the lens's own edge the middle of its rim is sought
_FAINT: Final = 0.1  # mean probability along a ray there, below which it meets no rim
_ACROSS: Final = 0.12  # of APART: how far on either side of the outline a rim is sought


class LensNet(UNet):
    """float [N, 6, HEIGHT, WIDTH], see `picture_of`, to logits [N, 2, HEIGHT, WIDTH]: lenses, and rims."""

    def __init__(self) -> None:
        super().__init__(6, WIDTHS, 2)


def eyes_of(vertices: Array) -> Array:
    """The centres of the right and the left eye, [2, 3]."""
    return np.stack([vertices[RIGHT_EYE].mean(0), vertices[LEFT_EYE].mean(0)])


def to_crop(vertices: Array, finer: float = 1.0) -> Array:
    """[2, 3]: from pixels of a photograph to those of the crop, `finer` times as fine, with the eyes level.

    vertices: [468, 3], the mesh of the face in the photograph.
    """
    right, left = eyes_of(vertices)
    across = (left - right)[:2]
    x, y = across / max(float(np.linalg.norm(across)), 1e-6)
    scale = finer * APART / max(float(np.linalg.norm(left - right)), 1e-6)
    turn = scale * np.array([[x, y], [-y, x]], np.float32)
    middle = finer * np.array([WIDTH / 2, HEIGHT / 2 - DOWN * APART], np.float32)
    return np.column_stack([turn, middle - turn @ (left + right)[:2] / 2]).astype(np.float32)


def picture_of(crop: NDArray[np.uint8], eyes: Array) -> Array:
    """What the network sees: float32 [6, HEIGHT, WIDTH], the crop's logarithms, and where from the eyes a pixel lies.

    Args:
        crop: RGB [HEIGHT, WIDTH, 3]; eyes: [2, 2], their centres in pixels of it.
    """
    log = to_log(crop)
    log = log - np.median(log.reshape(-1, 3)[::5], 0)
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    apart = np.hypot(x[..., None] - eyes[:, 0], y[..., None] - eyes[:, 1]) / APART
    down = (y - eyes[:, 1].mean()) / APART
    layers = np.dstack([log, np.clip(apart, 0, 2), down])
    return np.clip(layers, -3, 3).transpose(2, 0, 1).astype(np.float32)


@dataclass(frozen=True)
class Lenses:
    """A pair of glasses in a photograph.

    to_crop: [2, 3], from pixels of the photograph to those of the network's crop; the rest in the latter: outlines:
    [2, POINTS, 2], around the right and the left lens, where the rim's middle lies; rims: [HEIGHT, WIDTH], 0..1, what
    belongs to the frame; thick: how wide its rim is.
    """

    to_crop: Array
    outlines: Array
    rims: Array
    thick: float

    def moved(self, scale: float, left: float, top: float) -> "Lenses":
        """The same in a part of the photograph that begins at (left, top), reduced by `scale`."""
        back = np.array([[1 / scale, 0, left], [0, 1 / scale, top], [0, 0, 1]], np.float32)
        return Lenses((self.to_crop @ back).astype(np.float32), self.outlines, self.rims, self.thick)


class LensFinder:
    """Not for several threads at a time."""

    def __init__(self, weights: Path = WEIGHTS, device: str = "cpu") -> None:
        """Raises `models.weights.WeightsError` when the weights are missing or damaged."""
        tensors, self.version = load(weights)
        self._network = LensNet()
        self._network.load_state_dict(tensors)
        self._network.eval().to(device)
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._device = device

    def find(self, image: NDArray[np.uint8], vertices: Array) -> Lenses | None:
        """The glasses on a face; None where none are seen, or where they cannot be told with certainty.

        Args:
            image: RGB uint8 [H, W, 3]; vertices: [468, 3], the mesh of the face in it.
        """
        to = to_crop(vertices)
        # `warp_down` cuts squares: the crop is the middle of one.
        square = to + np.array([[0, 0, 0], [0, 0, (WIDTH - HEIGHT) / 2]], np.float32)
        crop = warp_down(image, square, WIDTH)[(WIDTH - HEIGHT) // 2 : (WIDTH + HEIGHT) // 2]
        eyes = (eyes_of(vertices)[:, :2] @ to[:, :2].T + to[:, 2]).astype(np.float32)
        lens, rims = self.probability(crop, eyes)
        profiles = [_profile(lens, rims, eye, sign) for eye, sign in zip(eyes, SIDES, strict=True)]
        seen = [profile for profile in profiles if profile is not None]
        if len(seen) < 2:
            return None
        shapes, sizes = zip(*(_normal(radius) for _, radius in seen), strict=True)
        if float(np.sqrt(np.square(shapes[0] - shapes[1]).mean())) > _UNLIKE:
            return None
        even = _smooth((shapes[0] + shapes[1]) / 2)
        around = [
            _around(middle, even, size * (sign, 1)) for (middle, _), size, sign in zip(seen, sizes, SIDES, strict=True)
        ]
        outlines = np.stack(around)
        return Lenses(to, outlines, rims, _thickness(rims, outlines))

    @torch.inference_mode()
    def probability(self, crop: NDArray[np.uint8], eyes: Array) -> Array:
        """How likely each pixel belongs to a lens, and to a rim, float32 [2, HEIGHT, WIDTH]; see `picture_of`."""
        picture = torch.from_numpy(picture_of(crop, eyes))[None].to(self._device)
        answer = self._network(picture.to(memory_format=torch.channels_last))
        return np.asarray(torch.sigmoid(answer)[0].cpu().numpy(), np.float32)


def _profile(lens: Array, rims: Array, eye: Array, sign: int) -> tuple[Array, Array] | None:
    """The middle of the lens before an eye, [2], and its radius on each ray; `sign`: where outside is."""
    _, labels, stats, middles = cv2.connectedComponentsWithStats((lens > _LENS).astype(np.uint8))
    x, y = np.clip(np.round(eye).astype(int), 0, (WIDTH - 1, HEIGHT - 1))
    label = int(labels[y, x])
    if label == 0:
        apart = np.linalg.norm(middles[1:] - eye, axis=1)
        if not len(apart) or apart.min() > _OFF * APART:
            return None
        label = 1 + int(apart.argmin())
    inside, middle = labels == label, middles[label].astype(np.float32)
    area = stats[label, cv2.CC_STAT_AREA] / APART**2
    left, top, wide, tall = stats[label, :4]
    whole = left > 0 and top > 0 and left + wide < WIDTH and top + tall < HEIGHT
    far = float(np.linalg.norm(middle - eye)) > _OFF * APART
    if not whole or far or not _SIZE[0] < area < _SIZE[1] or float(lens[inside].mean()) < _SURE:
        return None
    steps = np.arange(0, WIDTH / 2, 0.25, dtype=np.float32)
    points = middle + steps[None, :, None] * _directions(sign)[:, None]
    along = cv2.remap(lens * inside, points[..., 0], points[..., 1], cv2.INTER_LINEAR)
    edge = _smooth(0.25 * (along > _LENS / 2).sum(1))
    beside = np.arange(-_BESIDE * APART, _BESIDE * APART, 0.25, dtype=np.float32)
    points = middle + (edge[:, None] + beside)[..., None] * _directions(sign)[:, None]
    along = cv2.remap(rims, points[..., 0], points[..., 1], cv2.INTER_LINEAR)
    shift = (along @ beside) / (along.sum(1) + _FAINT * len(beside))
    return middle, _smooth(edge + shift)


def _directions(sign: int) -> Array:
    """[RAYS, 2], from outside over below."""
    angles = np.linspace(0, 2 * np.pi, RAYS, endpoint=False)
    return np.stack([sign * np.cos(angles), np.sin(angles)], 1).astype(np.float32)


def _normal(radius: Array) -> tuple[Array, Array]:
    """A lens as wide as it is high, by its radius on each ray, and its own size outwards and down, [2].

    Of a head that is turned one lens is narrower than the other, and both are of one shape all the same.
    """
    points = radius[:, None] * _directions(1)
    size = np.sqrt(2 * np.square(points).mean(0))
    points = points / size
    turn = np.arctan2(points[:, 1], points[:, 0])
    at = np.linspace(0, 2 * np.pi, RAYS, endpoint=False)
    return np.interp(at, turn, np.hypot(*points.T), period=2 * np.pi).astype(np.float32), size.astype(np.float32)


def _around(middle: Array, radius: Array, size: Array) -> Array:
    """The outline [POINTS, 2] of a lens as `_normal` tells it: it bulges everywhere, so it has no dents."""
    points = cv2.convexHull((middle + radius[:, None] * _directions(1) * size).astype(np.float32))[:, 0]
    closed = np.vstack([points, points[:1]])
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    at = np.linspace(0, length[-1], RAYS, endpoint=False)
    even = np.stack([np.interp(at, length, closed[:, k]) for k in (0, 1)], 1)
    waves = np.fft.rfft(even, axis=0)
    waves *= np.exp(-2 * (np.pi * _ROUND * np.arange(len(waves)) / RAYS) ** 2)[:, None]  # a Gaussian
    return np.fft.irfft(POINTS / RAYS * waves, POINTS, axis=0).astype(np.float32)


def _smooth(radius: Array) -> Array:
    """Without fine waves round the outline."""
    waves = np.fft.rfft(radius)
    waves *= np.exp(-((np.arange(len(waves)) / _EVEN) ** 4))
    return np.fft.irfft(waves, RAYS).astype(np.float32)


def _thickness(rims: Array, outlines: Array) -> float:
    """How wide the rims are on those outlines, in pixels: of most of them."""
    steps = np.arange(-_ACROSS * APART, _ACROSS * APART, 0.5, dtype=np.float32)
    widths = []
    for outline in outlines:
        away = outline - outline.mean(0)
        away /= np.linalg.norm(away, axis=1, keepdims=True)
        points = outline[:, None] + steps[None, :, None] * away[:, None]
        along = cv2.remap(rims, points[..., 0], points[..., 1], cv2.INTER_LINEAR)
        widths.append(0.5 * (along > 0.5).sum(1))
    return float(np.quantile(np.concatenate(widths), 0.7))
