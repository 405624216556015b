"""How much of each pixel is person, and in which colour: hair strand by strand, without the old background in it.

Three witnesses, each where it is good. The guided filter lays the segmentation's edge on the photograph's. Where colour
tells people from what lies behind them, the place of a pixel's colour between the two says how much it is of either,
which draws single hairs; what is unlike what lies behind is none of it. The colours of people and of what lies behind
are known away from the edge and continued up to it, so that a pixel's own person can be told from the mixture (after
Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021).
"""

from dataclasses import dataclass, fields
from typing import Final

import cv2
import numpy as np

from models.guided import coefficients
from models.mesh import Array
from models.silhouette import Silhouette

SOLID, CLEAR = 0.985, 0.02  # from here a pixel is all person, and below it none
_RADIUS: Final = 3.0  # cells of the guided filter
_SLACK: Final = 1e-4
_FAR: Final = (
    30.0,
    10.0,
    3.0,
)  # cells over which known colours are continued, the near ones first where there are some
_INNER, _OUTER = 1.5, 2.5  # cells from the outline from which colours are known
_APART: Final = 0.25  # of white: so far apart colours tell people from what lies behind
_BESIDE: Final = 0.12  # of it: a colour that lies so far beside both is a mixture of neither
_LIKE: Final = 0.08  # of it: a colour so near to what lies behind may be that
_SHARPER: Final = 0.06  # of the matte at both ends, which is noise
_DEEP: Final = (0.8, 2.2)  # cells inside between which the photograph loses its say
_DEEPER: Final = 5.0  # cells more on the crown of a head, where what lies behind shows between hairs
_PLAINLY: Final = 0.5  # squared distance of colours from which that is so, of white squared
_WISPS: Final = (2.0, 6.0)  # cells that strands reach outside, on clothes and on heads


@dataclass(frozen=True)
class Fields:
    """What is known around each pixel of the reduced photograph; all smooth, float32 [h, w] or [h, w, 3]."""

    slope: Array
    offset: Array
    person: Array
    behind: Array
    clutter: Array
    depth: Array
    reach: Array
    crown: Array

    @classmethod
    def of(cls, outline: Silhouette) -> "Fields":
        small, cell, depth = outline.small, outline.cell, outline.depth
        rough = cv2.GaussianBlur((depth > 0).astype(np.float32), (0, 0), 0.7 * cell)
        slope, offset = coefficients(small, rough, max(round(_RADIUS * cell), 1), _SLACK)
        inside, outside = (part.astype(np.float32) for part in (depth > _INNER, depth < -_OUTER))
        behind = _continued(small, outside, cell)
        square = _continued((small**2).sum(2), outside, cell)
        clutter = np.sqrt(np.maximum(square - (behind**2).sum(2), 0))
        reach = _WISPS[0] + (_WISPS[1] - _WISPS[0]) * outline.hair
        return cls(slope, offset, _continued(small, inside, cell), behind, clutter, depth, reach, outline.crown)

    def at(self, top: int, bottom: int, height: int, width: int) -> "Fields":
        """The same fields for rows of the photograph of height x width, at its own resolution."""
        across, down = self.depth.shape[1] / width, self.depth.shape[0] / height
        to_small = np.array([[across, 0, across / 2 - 0.5], [0, down, (top + 0.5) * down - 0.5]], np.float32)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        parts = (
            cv2.warpAffine(
                getattr(self, each.name), to_small, (width, bottom - top), flags=flags, borderMode=cv2.BORDER_REPLICATE
            )
            for each in fields(self)
        )
        return Fields(*parts)

    def matte(self, pixels: Array) -> Array:
        """How much of each pixel [h, w, 3] is person, 0..1."""
        follows = np.clip((self.slope * pixels).sum(2) + self.offset, 0, 1)
        between, apart, away = self.person - self.behind, pixels - self.behind, self.clutter**2
        separate = (between**2).sum(2)
        place = (apart * between).sum(2) / (separate + 1e-4)
        beside = ((apart - place[..., None] * between) ** 2).sum(2)
        trust = separate / (separate + _APART**2 + 4 * away) * np.exp(-beside / _BESIDE**2)
        unlike = 1 - np.exp(-(apart**2).sum(2) / (_LIKE**2 + 2 * away))
        follows = np.maximum(follows, np.clip(self.depth + 0.5, 0, 1) * unlike)
        matte = trust * np.clip(place, 0, 1) + (1 - trust) * follows
        matte = np.clip((matte - _SHARPER) / (1 - 2 * _SHARPER), 0, 1)
        matte *= np.clip(self.reach + 1 + self.depth, 0, 1)
        solid = _DEEP[1] + _DEEPER * self.crown * np.clip(separate / _PLAINLY, 0, 1)
        matte = np.maximum(matte, np.clip((self.depth - _DEEP[0]) / (solid - _DEEP[0]), 0, 1))
        return np.where(matte > SOLID, 1, np.where(matte < CLEAR, 0, matte)).astype(np.float32)

    def colours(self, pixels: Array, matte: Array) -> Array:
        """The person's own colour in each pixel, [h, w, 3], 0..1."""
        share = matte[..., None]
        mixed = share * self.person + (1 - share) * self.behind
        return np.clip(self.person + share * (pixels - mixed), 0, 1)


def _continued(field: Array, known: Array, cell: float) -> Array:
    """A field where it is known, and its average near by where it is not."""
    weighted = field * (known[..., None] if field.ndim == 3 else known)
    size = known.shape[1::-1]
    out = np.zeros_like(field)
    for sigma in _FAR:
        step = max(1.0, sigma * cell / 4)
        less = (max(2, round(size[0] / step)), max(2, round(size[1] / step)))
        sums, weight = (
            cv2.GaussianBlur(cv2.resize(part, less, interpolation=cv2.INTER_AREA), (0, 0), sigma * cell / step)
            for part in (weighted, known)
        )
        heavy = np.clip(weight / 0.02, 0, 1)
        mean = sums / np.maximum(weight, 1e-6)[..., None] if field.ndim == 3 else sums / np.maximum(weight, 1e-6)
        mean, heavy = (cv2.resize(part, size, interpolation=cv2.INTER_LINEAR) for part in (mean, heavy))
        share = heavy[..., None] if field.ndim == 3 else heavy
        out = mean if sigma == _FAR[0] else share * mean + (1 - share) * out
    return out.astype(np.float32)
