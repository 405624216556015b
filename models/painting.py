"""What drawn things share: their colour in the light of a photograph."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.mesh import Array

LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)  # of R, G and B in lightness
_BRIGHT: Final = (0.3, 1.12)  # share of a thing's own lightness that bad light leaves, and a flash gives
_WHITE: Final = 205.0  # grey level of the lightest skin of a well exposed face


def in_its_light(colour: Array, face: NDArray[np.uint8], one_hue: bool) -> Array:
    """The colour [3] of a drawn thing in the light in which these pixels [n, 3] of a face were taken.

    colour: RGB as a well exposed photograph shows it; one_hue: the photograph is grey or sepia.
    """
    if not len(face):
        return colour
    lightness = face.astype(np.float32) @ LUMA
    bright = float(np.clip(np.quantile(lightness, 0.9) / _WHITE, *_BRIGHT))
    if one_hue:
        hue = face.astype(np.float32).mean(0)
        return np.asarray(bright * float(colour @ LUMA) * hue / max(float(hue @ LUMA), 1e-6))
    return bright * colour
