"""Which identities would distort a face: those that stretch its skin too far, or give it proportions that nobody has.

New faces are drawn bolder than people differ, so that they hide; what is bold in all its parts at once is a caricature.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models import drawing, mesh
from models.face_model import FaceModel
from models.mesh import Array, Similarity
from models.prior import LinearPrior

# Log units by which two vertices may come closer or move apart as the camera sees them: brow and eye on each side, over
# the eye's middle and its inner corner, thickness of both lips together and of either, what lies above and below them.
# A brow that comes forward in a face that looks down covers the eye.
STRETCH: Final = {
    (105, 159): 0.3,
    (334, 386): 0.3,
    (55, 133): 0.3,
    (285, 362): 0.3,
    (0, 17): 0.5,
    (0, 13): 0.4,
    (14, 17): 0.4,
    (2, 0): 0.4,
    (17, 152): 0.4,
}
# And those by which a twentieth of the mesh's edges may change more: beyond it skin folds and teeth break.
EVEN: Final = 0.28
CLOSEST: Final = 0.05  # of what they were apart: nearer, or crossed, counts as that
LONG: Final = 0.025  # of the face's width: shorter edges, as between closed lips, tell nothing
# Ends of what people know a face's proportions by.
MEASURES: Final = {
    "chin": [(17, 152)],
    "nose": [(168, 2), (168, 1), (48, 278)],
    "eyes and the space between them": [(33, 133), (362, 263), (133, 362)],
    "brows over lids": [(105, 159), (334, 386)],
    "lips and what is above them": [(0, 17), (2, 0)],
    "jaw": [(172, 397), (58, 288), (152, 172), (152, 397)],
    "cheeks": [(50, 280), (1, 234), (1, 454)],
    "width, height, forehead": [(234, 454), (10, 152), (9, 10)],
}
USUAL: Final = 2.0  # standard deviations to which most people's measures differ from the mean face's
TORN: Final = 100.0  # how many of them a log unit counts by which skin is stretched too far


class Proportions:
    """What a prior's people measure; one for all faces."""

    def __init__(self, prior: LinearPrior) -> None:
        self._prior = prior
        mean, edges = prior.frame.mean, mesh.edges()
        self._edges = edges[_lengths(mean, edges) > LONG * np.ptp(mean[:, 0])]
        self._stretch, self._limits = np.array(list(STRETCH)), np.array(list(STRETCH.values()))
        self._measures = np.array([ends for each in MEASURES.values() for ends in each])
        self._mean = np.log(_lengths(mean, self._measures))
        # Of each number of an identity alone, to first order; they are independent.
        ones = np.eye(prior.latent_size, dtype=np.float32)[prior.blocks[1]]
        moved = mean + 0.1 * prior.displace(np.zeros_like(ones), ones)
        steps = (np.log(_lengths(moved, self._measures)) - self._mean) / 0.1
        self._deviation = np.sqrt((steps**2).sum(0))

    def strain(self, face: FaceModel, latents: Array, usual: float = USUAL) -> Array:
        """By how much shapes of identities [n, latent_size] would distort a face, [n], in deviations; 0: not at all.

        usual: standard deviations of people by which a measure may differ from the mean face's; what the face itself
        has beyond that it may keep.
        """
        before = face.similarity.apply(face.vertices)
        after = drawing.reshaped(self._prior, face, latents, frozenset())
        changes = np.abs(np.log(_lengths(after, self._edges) / _lengths(before, self._edges)))
        torn = np.maximum(np.quantile(changes, 0.95, axis=1) - EVEN, 0)
        stretch = np.abs(np.log(_seen(face.similarity, before, after, self._stretch)))
        torn += np.maximum(stretch - self._limits, 0).sum(1)
        allowed = np.maximum(self._oddity(before), usual)
        return np.asarray(TORN * torn + np.maximum(self._oddity(after) - allowed, 0).sum(1))

    def _oddity(self, shapes: Array) -> Array:
        """How many standard deviations each of MEASURES lies from the mean face's, [..., measures]."""
        return np.asarray(np.abs(np.log(_lengths(shapes, self._measures)) - self._mean) / self._deviation)


def _seen(similarity: Similarity, before: Array, after: Array, ends: NDArray[np.int_]) -> Array:
    """How many times as far apart as before pairs of vertices [k, 2] stand in the photograph, along the same line.

    before: aligned vertices [468, 3]; after: several faces of them, [n, 468, 3]. Returns [n, k], CLOSEST at least.
    """
    old, new = (np.diff(similarity.invert(shape)[..., ends, :2], axis=-2)[..., 0, :] for shape in (before, after))
    return np.maximum((new * old).sum(-1) / np.maximum((old * old).sum(-1), 1e-6), CLOSEST)


@lru_cache(maxsize=1)
def of(prior: LinearPrior) -> Proportions:
    return Proportions(prior)


def _lengths(shapes: Array, ends: NDArray[np.int_] | NDArray[np.int32]) -> Array:
    """Between pairs of vertices [n, 2] of shapes [..., 468, 3]: [..., n]."""
    return np.asarray(np.linalg.norm(shapes[..., ends[:, 0], :] - shapes[..., ends[:, 1], :], axis=-1))
