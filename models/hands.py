"""Hands, and what they hold: MediaPipe hand landmarks (Zhang et al., 2020; in the `mediapipe` wheel, Apache-2.0)."""

from typing import Final

import cv2
import mediapipe as mp
import numpy as np
from numpy.typing import NDArray

from models.mesh import Array

Mask = NDArray[np.bool_]

_CERTAIN: Final = 0.95  # score as left or right; ears, collars and folds are neither so surely
_REACH: Final = 0.6  # of a hand's length: how far what it holds reaches
_UNLIKE: Final = 0.12  # of white: from here a colour is not what lies behind
_VARIES: Final = 2.5  # deviations of what lies behind, likewise


class HandFinder:
    """Not for several threads at a time."""

    def __init__(self) -> None:
        self._network = mp.solutions.hands.Hands(static_image_mode=True, max_num_hands=4)

    def reach(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Of an RGB picture [H, W, 3] in which people stand upright: uint8 [H, W], 1 in hands and what is near them."""
        side = max(image.shape[:2])  # the networks know squares only
        square = np.zeros((side, side, 3), np.uint8)
        square[: image.shape[0], : image.shape[1]] = image
        found = self._network.process(square)
        reach = np.zeros(image.shape[:2], np.uint8)
        for hand, kind in zip(found.multi_hand_landmarks or [], found.multi_handedness or [], strict=True):
            if kind.classification[0].score < _CERTAIN:
                continue
            points = np.array([(point.x, point.y) for point in hand.landmark], np.float32) * side
            length = float(np.linalg.norm(points.max(0) - points.min(0)))
            hull = cv2.convexHull(np.round(points).astype(np.int32))
            cv2.fillConvexPoly(reach, hull, 1)
            cv2.polylines(reach, [hull], True, 1, thickness=max(1, round(2 * _REACH * length)))
        return reach


def held(colours: Array, people: Mask, reach: Mask, behind: Mask, sigma: float) -> Mask:
    """What is within the reach of hands, hangs together with people, and looks unlike all that lies behind near by.

    Args:
        colours: RGB float32 [h, w, 3], 0..1; people, reach, behind: bool [h, w], who is seen, what is near hands, and
            what lies behind for sure; sigma: pixels that count as near by.
    """
    if not reach.any():
        return np.zeros_like(people)
    known = (behind & ~reach).astype(np.float32)
    weight = cv2.GaussianBlur(known, (0, 0), sigma) + 1e-6
    mean = cv2.GaussianBlur(colours * known[..., None], (0, 0), sigma) / weight[..., None]
    square = cv2.GaussianBlur((colours**2).sum(2) * known, (0, 0), sigma) / weight
    varies = np.sqrt(np.maximum(square - (mean**2).sum(2), 0))
    unlike = np.sqrt(((colours - mean) ** 2).sum(2)) > np.maximum(_VARIES * varies, _UNLIKE)
    _, labels = cv2.connectedComponents((people | (unlike & reach)).astype(np.uint8))
    return np.asarray(np.isin(labels, np.setdiff1d(labels[people & reach], 0)) & reach, np.bool_)
