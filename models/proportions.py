"""Which identities would distort a face: those that stretch its skin too far, or give it proportions that nobody has.

New faces are drawn bolder than people differ, so that they hide; what is bold in all its parts at once is a caricature.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models import drawing, mesh, renderer
from models.face_model import FaceModel
from models.mesh import Array, Similarity
from models.prior import LinearPrior
from models.regions import Region

# Log units by which two vertices may come closer or move apart as the camera sees them: brow and eye on each side, over
# the eye's middle and its inner corner, thickness of both lips together and of either, what lies above and below them,
# and how thick either brow is, in two places. A brow that comes forward in a face that looks down covers the eye.
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
    (105, 52): 0.2,
    (66, 65): 0.2,
    (334, 282): 0.2,
    (296, 295): 0.2,
}
# And those by which a twentieth of the mesh's edges may change more: beyond it skin folds and teeth break.
EVEN: Final = 0.28
CLOSEST: Final = 0.05  # of what they were apart: nearer, or crossed, counts as that
LONG: Final = 0.025  # of the face's width: shorter edges, as between closed lips, tell nothing
# Ends of what people know a face's proportions by, and by how many log units people differ in it: one deviation of 127
# training portraits that look at the camera, of lips and what is above them less, since portraits smile.
MEASURES: Final = {
    "chin": {(17, 152): 0.083},
    "nose": {(168, 2): 0.039, (168, 1): 0.034, (48, 278): 0.044},
    "eyes and the space between them": {(33, 133): 0.05, (362, 263): 0.05, (133, 362): 0.051},
    "brows over lids": {(105, 159): 0.1, (334, 386): 0.1},
    "lips and what is above them": {(0, 17): 0.15, (2, 0): 0.13},
    "jaw": {(172, 397): 0.038, (58, 288): 0.036, (152, 172): 0.034, (152, 397): 0.034},
    "cheeks": {(50, 280): 0.03, (1, 234): 0.028, (1, 454): 0.028},
    "width, height, forehead": {(234, 454): 0.028, (10, 152): 0.024, (9, 10): 0.056},
}
USUAL: Final = 1.5  # deviations to which most people's measures differ from the mean face's
ODD: Final = 0.6  # what the square of each deviation beyond counts besides: one eye-catcher is worse than many trifles
TORN: Final = 70.0  # how many deviations a log unit counts by which skin is stretched too far


class Proportions:
    """What the mean face of a prior measures; one for all faces."""

    def __init__(self, prior: LinearPrior) -> None:
        self._prior = prior
        mean, edges = prior.frame.mean, mesh.edges()
        self._edges = edges[_lengths(mean, edges) > LONG * np.ptp(mean[:, 0])]
        self._stretch, self._limits = np.array(list(STRETCH)), np.array(list(STRETCH.values()))
        self._measures = np.array([ends for each in MEASURES.values() for ends in each])
        self._deviation = np.array([one for each in MEASURES.values() for one in each.values()])
        self._mean = np.log(_lengths(mean, self._measures))

    def strain(
        self, face: FaceModel, latents: Array, preserve: frozenset[Region] = frozenset(), usual: float = USUAL
    ) -> Array:
        """By how much shapes of identities [n, latent_size] would distort a face, [n], in deviations; 0: not at all.

        preserve: regions that hold what is around them; usual: deviations of people by which a measure may differ from
        the mean face's; what the face itself has beyond that it may keep.
        """
        before = face.similarity.apply(face.vertices)
        moving = renderer.mobility(face.vertices, preserve)[:, None]
        after = before + moving * (drawing.reshaped(self._prior, face, latents, preserve) - before)
        changes = np.abs(np.log(_lengths(after, self._edges) / _lengths(before, self._edges)))
        torn = np.maximum(np.quantile(changes, 0.95, axis=1) - EVEN, 0)
        stretch = np.abs(np.log(_seen(face.similarity, before, after, self._stretch)))
        torn += np.maximum(stretch - self._limits, 0).sum(1)
        allowed = np.maximum(self._oddity(before), usual)
        beyond = np.maximum(self._oddity(after) - allowed, 0)
        return np.asarray(TORN * torn + (beyond + ODD * beyond**2).sum(1))

    def _oddity(self, shapes: Array) -> Array:
        """How many deviations each of MEASURES lies from the mean face's, [..., measures]."""
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
