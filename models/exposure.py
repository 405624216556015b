"""Pictures that are much too dark or much too bright, as detectors can read them. For looking, never for showing."""

import cv2
import numpy as np
from numpy.typing import NDArray

_DARK, _WANTED, _MOST = 110, 230.0, 40.0  # the brightest hundredth of a dark picture; of a readable one; largest gain
_GRAINY = 8.0  # gain from which grain is smoothed
_BRIGHT, _DEEPER = 190, 5.0  # median of the darkest channel of a bright picture; exponent that spreads its highlights


def brightened(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGB uint8 [H, W, 3] with its highlights at a usual level, where all of it is dark; any other as it is."""
    brightest = float(np.percentile(image[::4, ::4].max(2), 99))
    if brightest >= _DARK:
        return image
    gain = min(_WANTED / max(brightest, 1.0), _MOST)
    lit = image.astype(np.float32) * gain
    if gain > _GRAINY:
        lit = np.asarray(cv2.GaussianBlur(lit, (0, 0), 0.8), np.float32)
    return np.clip(lit, 0, 255).astype(np.uint8)


def deepened(image: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The highlights spread, where most of a picture is highlights; None for any other."""
    if float(np.median(image[::4, ::4].min(2))) < _BRIGHT:
        return None
    curve = 255 * (np.arange(256) / 255) ** _DEEPER
    return np.round(curve).astype(np.uint8)[image]
