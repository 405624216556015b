"""A face explained by the prior: all that is known of it before it gets another identity."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Generic, TypeVar

import cv2
import numpy as np

from models.frame import halved
from models.hair import Hair, Hairline
from models.lenses import Lenses
from models.lighting import OFFSET
from models.mesh import Array, Similarity
from models.prior import Projection

BRIGHTEST = 0.42  # log units by which anything may brighten
WHITE, LEAST = 240.0, 0.14  # grey level to which skin may brighten, and the bound of bright skin

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
    0 on what lies behind the head (see `models.rim`), else 1. hair: None where there is none at all; lenses: of glasses
    that can be changed (see `models.spectacles`), else None; one_hue: the photograph is grey or sepia, and no colour
    may enter it; headroom: log units by which it may brighten.
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
    lenses: Lenses | None = None
    one_hue: bool = False
    headroom: float = BRIGHTEST

    @property
    def width(self) -> float:
        return float(np.ptp(self.vertices[:, 0]))

    @property
    def hairline(self) -> Hairline | None:
        """Where hair begins above the forehead; None where none grows there."""
        return None if self.hair is None else self.hair.line

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
        """By the texture's numbers, see `drawing.differences`."""
        return Last()

    @cached_property
    def last_motion(self) -> Last[tuple[Array, Array]]:
        """By the motion of the vertices and what else `renderer.edit` asks: flow and share of the colours' change."""
        return Last()


def headroom(texture: Array, skin: Array) -> float:
    """Log units by which a face may brighten: bright skin has no drawing left where it turns white.

    texture: RGB 0..255 [T, T, 3]; skin: [T, T], how far a pixel is visible bare skin, 0..1.
    """
    seen = texture[skin > 0.5].mean(1)
    if not seen.size:
        return BRIGHTEST
    room = float(np.log((WHITE + OFFSET) / (np.quantile(seen, 0.8) + OFFSET)))
    return min(max(room, LEAST), BRIGHTEST)
