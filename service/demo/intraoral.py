"""Intra-oral pictures, drawn: teeth, gums and cheek retractors as a lit relief.

Nothing here is taken from a photograph. Every surface is a height over the picture plane with a colour; one light at
the camera, as a ring flash is, shades the lot. Coordinates: x to the right, y down, both 0 in the middle, y from -1
to 1 over the picture's height. Colours are linear RGB in 0 to 1.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

# Crown widths of the teeth from the midline outwards, relative to a central incisor, as in dental anatomy tables.
_UPPER = (1.0, 0.79, 0.91, 0.84, 0.82, 1.22, 1.1)
_LOWER = (0.64, 0.70, 0.81, 0.83, 0.84, 1.28, 1.2)
_UPPER_LENGTHS = (0.26, 0.235, 0.262, 0.235, 0.22, 0.205, 0.195)  # half, from gum to biting edge
_LOWER_LENGTHS = (0.21, 0.215, 0.232, 0.218, 0.208, 0.20, 0.19)
_ENAMEL = np.array([0.88, 0.79, 0.63], np.float32)
_GUM = np.array([0.62, 0.22, 0.22], np.float32)
_LIP = np.array([0.50, 0.15, 0.14], np.float32)
_UNIT = 0.158  # half a central incisor
_RADIUS = 1.35  # of the dental arch
_HORIZON = 1.35  # radians; teeth beyond are seen edge on


@dataclass
class _Relief:
    """What is drawn on: height [H, W], colour [H, W, 3], gloss [H, W]."""

    x: Array
    y: Array
    height: Array
    colour: Array
    gloss: Array

    @classmethod
    def blank(cls, width: int, height: int) -> "_Relief":
        rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
        x, y = (columns - width / 2) / (height / 2), (rows - height / 2) / (height / 2)
        zero = np.zeros_like(x)
        return cls(x, y, zero.copy(), np.zeros((height, width, 3), np.float32), zero.copy())

    def lay(self, mask: Array, height: Array | float, colour: Array, gloss: float) -> None:
        """Put a surface over what is there; `mask` in 0 to 1 is its cover, `colour` [3] or [H, W, 3]."""
        self.height += mask * (height - self.height)
        self.colour += mask[..., None] * (colour - self.colour)
        self.gloss += mask * (gloss - self.gloss)

    def shade(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Light the relief from the camera, a little from above, and return RGB uint8 [H, W, 3]."""
        scale = self.x.shape[0] / 2
        smooth = cv2.GaussianBlur(self.height, (0, 0), 1.6)
        slope_x, slope_y = (
            cv2.Sobel(smooth, cv2.CV_32F, 1, 0) / 8 * scale,
            cv2.Sobel(smooth, cv2.CV_32F, 0, 1) / 8 * scale,
        )
        length = np.sqrt(1 + slope_x**2 + slope_y**2)
        facing = np.clip((1 + 0.25 * slope_y - 0.1 * slope_x) / length / np.sqrt(1.07), 0, 1)
        hollow = np.clip((cv2.GaussianBlur(self.height, (0, 0), 14) - self.height) * 3.5, 0, 0.75)
        light = (0.25 + 0.75 * facing**1.3) * (1 - hollow)
        shine = self.gloss * facing**90 * np.clip(0.6 + 0.35 * _grain(self.x.shape, 9, rng), 0, 1)
        fall = 1.05 - 0.28 * (self.x**2 / 2.4 + self.y**2)
        linear = self.colour * (light * fall)[..., None] + 0.42 * shine[..., None]
        linear *= 1 + 0.02 * rng.standard_normal(linear.shape, np.float32)
        return np.asarray(255 * np.sqrt(np.clip(linear, 0, 1)), np.uint8)


def frontal_view(seed: int, width: int = 1200, height: int = 800) -> NDArray[np.uint8]:
    """Both arches in occlusion, from the front, lips held back by a retractor: RGB uint8 [height, width, 3]."""
    return _teeth(seed, width, height, turn=0.0)


def buccal_view(seed: int, width: int = 1200, height: int = 800) -> NDArray[np.uint8]:
    """The teeth of the right side, the arches turned until canine and premolars face the camera."""
    return _teeth(seed, width, height, turn=0.62)


def _teeth(seed: int, width: int, height: int, turn: float) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    relief = _Relief.blank(width, height)
    _gums(relief, rng)
    enamel = _ENAMEL * rng.uniform(0.94, 1.04, 3).astype(np.float32)
    for widths, upper in ((_LOWER, False), (_UPPER, True)):
        _row_of_teeth(relief, widths, upper, turn, enamel, rng)
    _lips_and_retractor(relief, rng)
    return relief.shade(rng)


def _gums(relief: _Relief, rng: np.random.Generator) -> None:
    stipple = 0.0012 * _grain(relief.x.shape, 7, rng) + 0.012 * _grain(relief.x.shape, 60, rng)
    arch = 0.75 - 0.26 * relief.x**2 - 0.25 * relief.y**2
    roots = 0.03 * np.cos(relief.x * 17) * np.exp(-((np.abs(relief.y) - 0.5) ** 2) / 0.05)
    deep = np.clip((np.abs(relief.y) - 0.55) * 1.6, 0, 1)[..., None]
    tone = 1 + (0.06 * _grain(relief.x.shape, 40, rng) + 0.03 * _grain(relief.x.shape, 9, rng))[..., None]
    colour = (_GUM * (1 - deep) + _LIP * deep) * tone
    relief.lay(np.ones_like(relief.x), arch + roots + stipple, colour, 0.55)


def _row_of_teeth(
    relief: _Relief, widths: tuple[float, ...], upper: bool, turn: float, enamel: Array, rng: np.random.Generator
) -> None:
    """Teeth along a round arch that is turned by `turn` radians; the far ones first, the near ones before them."""
    ends = np.cumsum(widths) * 2 * _UNIT
    teeth = [
        (side * (end - width * _UNIT) / _RADIUS + turn, width * _UNIT, number)
        for side in (-1, 1)
        for number, (end, width) in enumerate(zip(ends, widths, strict=True))
    ]
    for angle, half, number in sorted(teeth, key=lambda tooth: -abs(tooth[0])):
        if abs(angle) < _HORIZON:
            _tooth(relief, _RADIUS * np.sin(angle), half * np.cos(angle), number, upper, enamel, rng)


def _tooth(
    relief: _Relief, centre: float, half: float, number: int, upper: bool, enamel: Array, rng: np.random.Generator
) -> None:
    sign = -1.0 if upper else 1.0
    long = (_UPPER_LENGTHS if upper else _LOWER_LENGTHS)[number]
    middle = sign * (long - (0.055 if upper else 0.02)) - 0.045 * centre**2 + (0.05 if upper else 0.07)
    tilt = rng.normal(0, 0.03) - 0.05 * centre
    x = (relief.x - centre - rng.normal(0, 0.004)) * np.cos(tilt) + (relief.y - middle) * np.sin(tilt)
    y = (relief.y - middle - rng.normal(0, 0.006)) * np.cos(tilt) - (relief.x - centre) * np.sin(tilt)
    towards_edge = np.clip(-sign * y / long, -1, 1)  # -1 at the gum, 1 at the biting edge
    breadth = half * (0.98 + 0.09 * towards_edge) * (1 - 0.25 * (number == 2) * np.clip(towards_edge - 0.4, 0, 1))
    distance = (np.abs(x / breadth) ** 3.2 + np.abs(y / long) ** 3.6) ** (1 / 3.4)
    mask = _step(1.03, 0.97, distance)
    dome = 0.86 - 0.26 * centre**2 + 0.075 * np.sqrt(np.clip(1 - distance**2.6, 0, 1)) - 0.02 * towards_edge
    dome += 0.006 * np.cos(x / half * 5) * np.clip(towards_edge + 0.3, 0, 1) - (0.0 if upper else 0.05)
    warm = np.array([1.0, 0.93, 0.80], np.float32)
    cool = np.array([0.90, 0.97, 1.12], np.float32)
    share = _step(-0.2, -1.0, towards_edge)[..., None]
    glassy = _step(0.72, 1.0, towards_edge)[..., None]
    colour = (
        enamel * (1 - 0.06 * number) * (1 + share * (warm - 1)) * (1 + 0.8 * glassy * (cool - 1)) * (1 - 0.14 * glassy)
    )
    relief.lay(mask, dome, colour, 1.0)
    _margin(relief, x / breadth, y / long, sign, dome, rng)


def _margin(relief: _Relief, x: Array, y: Array, sign: float, tooth: Array, rng: np.random.Generator) -> None:
    """The gum's scalloped edge over the neck of a tooth, and the papilla that fills the gap beside it."""
    line = 0.80 - 0.34 * np.clip(np.abs(x), 0, 1.1) ** 3
    cover = _step(line - 0.03, line + 0.05, sign * y) * _step(1.10, 0.95, np.abs(x)) * _step(1.5, 1.1, sign * y)
    swell = 0.03 * np.exp(-(((sign * y - line - 0.15) / 0.16) ** 2))
    pale = 1.06 + 0.05 * _grain(relief.x.shape, 30, rng)[..., None]
    relief.lay(cover, np.minimum(tooth, relief.height) + 0.012 + swell, _GUM * pale, 0.55)


def _lips_and_retractor(relief: _Relief, rng: np.random.Generator) -> None:
    """The opening is a wide oval; round it the clear rim of the retractor, then stretched lip and dark beyond."""
    oval = (np.abs(relief.x / 1.36) ** 2.7 + np.abs(relief.y / 0.86) ** 2.7) ** (1 / 2.7)
    lip = _LIP * (1 + 0.10 * _grain(relief.x.shape, 14, rng)[..., None]) * np.clip(2.1 - oval, 0.25, 1)[..., None]
    relief.lay(_step(1.0, 1.02, oval), 1.1 - 0.9 * (oval - 1.08) ** 2, lip, 0.12)
    rim = _step(0.985, 1.0, oval) * _step(1.07, 1.055, oval)
    clear = relief.colour * 0.55 + np.array([0.30, 0.31, 0.33], np.float32)
    relief.lay(rim, 1.16 + 0.05 * np.sqrt(np.clip(1 - ((oval - 1.027) / 0.042) ** 2, 0, 1)), clear, 1.0)


def _grain(shape: tuple[int, ...], size: float, rng: np.random.Generator) -> Array:
    """Smooth noise with spots of about `size` pixels, mean 0, deviation 1."""
    small = rng.standard_normal((int(shape[0] / size) + 3, int(shape[1] / size) + 3)).astype(np.float32)
    return np.asarray(cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), np.float32)


def _step(start: Array | float, end: Array | float, value: Array) -> Array:
    """0 before `start`, 1 after `end`, smooth between; `start` may be the larger."""
    share = np.clip((value - start) / (end - start), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)
