"""A plain backdrop, as in a photographic studio, in the place of what lies behind the people in a photograph.

The room, posters and names on walls can tell who somebody is, or where. Everybody who is in the picture stays, with all
that they wear and hold. The backdrop is a slightly graded grey, a little blue where the photograph has colours, and as
light as what lay behind the outline of the people, within limits, so that what the matte misses does not show.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.faces import Face
from models.matting import Fields
from models.mesh import Array
from models.silhouette import Reason, Silhouette, SilhouetteFinder

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]

_ROWS: Final = 256  # of the photograph at a time: matting takes a hundred bytes a pixel
_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)
_BESIDE: Final = (2.5, 14.0)  # cells outside people: what the backdrop should be as light as
_LIGHTNESS: Final = (0.45, 0.84)  # of white: a darker one would swallow hair, a lighter one skin
_BLUE: Final = np.array([-0.012, 0.0, 0.02], np.float32)  # of white
_COLOURED: Final = 0.03  # of lightness: the pixels of a photograph of one hue lie nearer to that hue
_GRADE: Final = 0.06  # of its lightness: by how much the backdrop falls off downwards and to the sides
_GRAIN: Final = 0.003  # of white: enough that no steps show


@dataclass(frozen=True, eq=False)
class Backdrop:
    """image: RGB uint8 [H, W, 3]; changed: bool [H, W], pixels that differ from the photograph; fringe: bool [H, W],
    those of them that are partly a person's, in which something of what lay behind may be left; kept: why nothing was
    replaced, None where something was.
    """

    image: Picture
    changed: Mask
    fringe: Mask
    kept: Reason | None = None


class BackdropPainter:
    """Not for several threads at a time; about a second a picture."""

    def __init__(self) -> None:
        self._finder = SilhouetteFinder()

    def paint(
        self,
        image: Picture,
        faces: Sequence[Face],
        keep: Mask | None = None,
        seen: Picture | None = None,
    ) -> Backdrop:
        """Replace what lies behind the people in an RGB photograph [H, W, 3].

        Args:
            image: uint8; faces: all that were found in it, largest first. Without any nothing is replaced: it may be
                the inside of a mouth, a cheek or a hand.
            keep: bool [H, W], pixels that stay as they are.
            seen: the photograph in which people can be seen, where their heads are covered in `image`.
        """
        outline = self._finder.find(image, faces, seen, keep)
        if not isinstance(outline, Silhouette):
            nothing = np.zeros(image.shape[:2], bool)
            return Backdrop(image, nothing, nothing, outline)
        result, mixed = _laid(image, outline, np.zeros(image.shape[:2], bool) if keep is None else keep)
        changed = (result != image).any(2)
        return Backdrop(result, changed, changed & mixed)


def _laid(image: Picture, outline: Silhouette, keep: Mask) -> tuple[Picture, Mask]:
    """The photograph before the backdrop, and where a pixel is of both."""
    height, width = image.shape[:2]
    known, tone = Fields.of(outline), _tone(image, outline)
    result, mixed = image.copy(), np.zeros((height, width), bool)
    for top in range(0, height, _ROWS):
        rows = slice(top, min(top + _ROWS, height))
        near = known.at(rows.start, rows.stop, height, width)
        pixels = image[rows].astype(np.float32) / 255
        matte = near.matte(pixels)
        matte[keep[rows]] = 1
        share = matte[..., None]
        plain = _plain(tone, rows, height, width)
        made = share * near.colours(pixels, matte) + (1 - share) * plain
        result[rows] = np.where(share == 1, image[rows], np.round(255 * np.clip(made, 0, 1)).astype(np.uint8))
        mixed[rows] = (matte > 0) & (matte < 1)
    return result, mixed


def _tone(image: Picture, outline: Silhouette) -> Array:
    """The colour of the backdrop's middle, RGB 0..1."""
    beside = (outline.depth < -_BESIDE[0]) & (outline.depth > -_BESIDE[1])
    behind = outline.small[beside if beside.any() else outline.depth < 0]
    lightness = float(np.clip((behind @ _LUMA).mean(), *_LIGHTNESS))
    light = (outline.small @ _LUMA)[..., None]
    hue = (outline.small * light).mean((0, 1)) / max(float((light**2).mean()), 1e-6)
    if np.abs(outline.small - hue * light).mean() > _COLOURED * float(light.mean()):
        return lightness + _BLUE
    return np.full(3, lightness, np.float32) if _is_grey(image) else np.asarray(lightness * hue, np.float32)


def _is_grey(image: Picture) -> bool:
    return bool((image[..., :1] == image).all())


def _plain(tone: Array, rows: slice, height: int, width: int) -> Array:
    """Some rows of the backdrop, [h, W, 3], 0..1: lightest behind the upper middle, with a grain of its own."""
    down = ((np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) / height - 0.35)[:, None]
    across = (np.arange(width, dtype=np.float32) + 0.5) / width - 0.5
    fall = 1 + _GRADE * (0.25 - np.sqrt(down**2 + across**2))
    grain = np.random.default_rng(rows.start).normal(0, _GRAIN, fall.shape).astype(np.float32)
    return np.asarray((tone * fall[..., None]) + grain[..., None], np.float32)
