"""The guided filter: a coarse matte, laid on the edges of the photograph (He, Sun and Tang, ECCV 2010)."""

import cv2
import numpy as np

from models.mesh import Array


def coefficients(guide: Array, rough: Array, radius: int, slack: float) -> tuple[Array, Array]:
    """How a matte follows the photograph: around each pixel it is `slope` times the photograph plus `offset`.

    Computed small, applied large: both fields are smooth, and may be enlarged before they meet the photograph.

    Args:
        guide: the photograph, float32 [h, w] grey or [h, w, 3], 0..1; rough: the coarse matte [h, w].
        radius: pixels; slack: contrast, squared, below which the photograph has no edge.

    Returns:
        slope of the guide's shape, and offset [h, w].
    """
    window = (2 * radius + 1,) * 2
    mean, value = cv2.blur(guide, window), cv2.blur(rough, window)
    if guide.ndim == 2:
        slope = (cv2.blur(guide * rough, window) - mean * value) / (cv2.blur(guide * guide, window) - mean**2 + slack)
        return cv2.blur(slope, window), cv2.blur(value - slope * mean, window)
    shared = cv2.blur(guide * rough[..., None], window) - mean * value[..., None]
    slope = np.linalg.solve(_spread(guide, mean, window, slack), shared[..., None])[..., 0].astype(np.float32)
    return cv2.blur(slope, window), cv2.blur(value - (slope * mean).sum(2), window)


def _spread(guide: Array, mean: Array, window: tuple[int, ...], slack: float) -> Array:
    """[h, w, 3, 3]: how the channels vary together in each window."""
    spread = np.empty((*guide.shape, 3), np.float32)
    for a in range(3):
        for b in range(a + 1):
            shared = cv2.blur(guide[..., a] * guide[..., b], window) - mean[..., a] * mean[..., b]
            spread[..., a, b] = spread[..., b, a] = shared + slack * (a == b)
    return spread
