"""The skin that a new face wears: as rough, lined and blotched as the old one, and not the old one's.

The prior knows faces, not skin: without what lies between its drawing and pores, a face of sixty looks like wax. That
middle band is borrowed from the other half of the same face, where it has the person's age, the light's hardness and
the lens's sharpness, and none of the marks by which this place is known. What stands out, a mole or a scar, is held
down to what is usual around it.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.frame import Frame
from models.lighting import blur
from models.mesh import Array

COARSEST: Final = 5.0  # pixels of the common frame; coarser than this is face, not skin
AROUND: Final = 14.0  # and over which it is told what is usual
USUAL: Final = 3.0  # times as much anything may stand out (two deviations, were it noise)
FLAT: Final = 1e-4  # log units that are nothing
SEEN: Final = 0.6  # how far a place is bare and turned to the camera, at least
RIM: Final = 0.08  # of the frame's side: how far from a face's edge the other half comes in
EDGE: Final = 4.0  # pixels of the common frame beside what hides a face: what stands there is its shadow


def borrowed(residual: Array, bare: Array, frame: Frame) -> Array:
    """The middle band of log detail [T, T, 3] that a new face is to wear.

    Args:
        residual: log detail [T, T, 3] that the prior does not explain, without the finest.
        bare: [T, T], 0..1, how far a place is bare and turned to the camera.

    Returns:
        0 on brows, nostrils and lips, whose lines are the face's own.
    """
    seen = _inner(bare > SEEN)
    band = finer(residual, seen, COARSEST)
    limit = USUAL * usual(band, seen) + FLAT
    # Of a turned face the other half is out of sight, and at a face's edge hair throws its shadow: what stays there is
    # its own.
    other, both = band[:, ::-1], seen * seen[:, ::-1] * np.clip(frame.border / RIM - 0.5, 0, 1)
    worn = band + both[..., None] * (other - band)
    return np.asarray(limit * np.tanh(worn / limit) * frame.unlined[..., None], np.float32)


def finer(values: Array, seen: Array, coarsest: float) -> Array:
    """What is finer than `coarsest` pixels in values [T, T] or [T, T, C], told by what is `seen` (0..1) alone."""
    where = _like(seen, values)
    return np.asarray((values - _mean(values * where, seen, coarsest, 0.01)) * where)


def usual(band: Array, seen: Array) -> Array:
    """How strong a band [T, T] or [T, T, C], 0 where nothing is `seen`, usually is around each place.

    A mean of roots: an edge or a spot among plain skin counts little.
    """
    return np.asarray(_mean(np.sqrt(np.abs(band)), seen, AROUND, 0.1) ** 2)


def _mean(values: Array, seen: Array, sigma: float, least: float) -> Array:
    """Around each place, of values that are 0 where nothing is seen; `least`: of the share seen that is divided by."""
    return np.asarray(blur(values, sigma) / _like(np.maximum(blur(seen, sigma), least), values))


def _like(field: Array, values: Array) -> Array:
    """A field [T, T] that can be multiplied with values [T, T] or [T, T, C]."""
    return field if values.ndim == 2 else field[..., None]


def _inner(mask: NDArray[np.bool_]) -> Array:
    """float32 [T, T]: 1 inside a mask, fading to 0 at its edge."""
    away = blur(mask.astype(np.float32), EDGE)
    return np.asarray(np.clip(2 * away - 1, 0, 1))
