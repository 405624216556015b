"""Square crops of a face with eyes, nose and mouth at the places at which recognisers were taught to find them."""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mesh import LEFT_EYE, RIGHT_EYE, Array

# Eyes, nose and corners of the mouth in 112 x 112, as recognisers since SphereFace and ArcFace are given them.
_PLACES = np.array([[38.3, 51.7], [73.5, 51.5], [56.0, 71.7], [41.5, 92.4], [70.7, 92.2]], np.float32)


def aligned(
    image: NDArray[np.uint8], vertices: Array, side: int, share: float = 1.0, down: float = 0.0
) -> NDArray[np.uint8]:
    """The face of RGB uint8 [H, W, 3] whose mesh is `vertices` [468, 3] (pixels), as uint8 [side, side, 3].

    share: of the customary size of the face (smaller shows more around it); down: shift in 112ths of the side.
    """
    seen = np.array([vertices[RIGHT_EYE].mean(0), vertices[LEFT_EYE].mean(0), *vertices[[1, 61, 291]]])[:, :2]
    wanted = ((_PLACES - 56) * share + 56 + (0, down)) * side / 112
    to_crop = cv2.estimateAffinePartial2D(seen.astype(np.float32), wanted.astype(np.float32), method=cv2.LMEDS)[0]
    return _warp(image, to_crop, side)


def _warp(image: NDArray[np.uint8], to_crop: NDArray[np.float64], side: int) -> NDArray[np.uint8]:
    """Crop, turn and scale; what is much larger is reduced first, so that nothing is aliased."""
    scale = float(np.hypot(to_crop[0, 0], to_crop[0, 1]))
    if scale < 0.6:
        image = np.asarray(cv2.resize(image, None, fx=1.5 * scale, fy=1.5 * scale, interpolation=cv2.INTER_AREA))
        to_crop = np.hstack([to_crop[:, :2] / (1.5 * scale), to_crop[:, 2:]])
    return np.asarray(cv2.warpAffine(image, to_crop, (side, side), borderMode=cv2.BORDER_REPLICATE))
