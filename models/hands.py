"""Hands, and what they hold: MediaPipe hand landmarks (Zhang et al., 2020; in the `mediapipe` wheel, Apache-2.0)."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mesh import Array
from models.solutions import solutions

Mask = NDArray[np.bool_]

_CERTAIN: Final = 0.92  # score as left or right; ears, collars and folds are neither so surely
_REACH: Final = 1.5  # of a hand's length: how far what it holds reaches
_UNLIKE: Final = 0.12  # of white: from here a colour is not what lies behind
_VARIES: Final = 2.5  # deviations of such a colour, likewise
_COLOURS: Final = 5  # of what lies behind
_ENOUGH, _SAMPLES = 200, 5000  # pixels by which they are known, at least and about


class HandFinder:
    """Not for several threads at a time."""

    def __init__(self) -> None:
        self._network = solutions.hands.Hands(static_image_mode=True, max_num_hands=4)

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


def held(colours: Array, people: Mask, reach: Mask, behind: Mask) -> Mask:
    """What is within the reach of hands, hangs together with people, and has none of the colours that lie behind.

    Args:
        colours: RGB float32 [h, w, 3], 0..1; people, reach, behind: bool [h, w], who is seen, what is near hands, and
            what lies behind for sure.
    """
    known = colours[behind & ~reach]
    if not reach.any() or len(known) < _ENOUGH:
        return np.zeros_like(people)
    _, labels = cv2.connectedComponents((people | (_unlike(colours, known) & reach)).astype(np.uint8))
    return np.asarray(np.isin(labels, np.setdiff1d(labels[people & reach], 0)) & reach, np.bool_)


def _unlike(colours: Array, known: Array) -> Mask:
    """Pixels far from each of the few colours that are most of `known` [n, 3]."""
    known = np.ascontiguousarray(known[:: max(len(known) // _SAMPLES, 1)])
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.01)
    cv2.setRNGSeed(1)
    _, labels, centres = cv2.kmeans(known, _COLOURS, None, stop, 1, cv2.KMEANS_PP_CENTERS)
    unlike = np.ones(colours.shape[:2], bool)
    for number, centre in enumerate(centres):
        own = known[labels[:, 0] == number]
        spread = float(np.sqrt(((own - centre) ** 2).sum(1).mean())) if len(own) else 0.0
        unlike &= np.sqrt(((colours - centre) ** 2).sum(2)) > max(_VARIES * spread, _UNLIKE)
    return unlike
