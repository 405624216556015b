"""Who is in the picture: people and all that they wear, against what lies behind them.

MediaPipe's selfie segmentation (the 256 x 256 model inside the `mediapipe` wheel, Apache-2.0). It was made for people
who stand upright and take up a good part of the picture; a small or tilted person wants an upright crop.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.solutions import solutions

WORK_SIDE = 256  # pixels; the network sees no more, whatever it is given


class PersonSegmenter:
    """Not for several threads at a time; some milliseconds a picture."""

    def __init__(self) -> None:
        self._network = solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)

    def probability(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """How likely each pixel of an RGB picture [H, W, 3] shows a person: float32 [H, W], 0..1.

        Edges are as sharp as the network's 256 x 256 grid allows.
        """
        height, width = image.shape[:2]
        small = cv2.resize(image, (WORK_SIDE, WORK_SIDE), interpolation=cv2.INTER_AREA)
        found = self._network.process(np.ascontiguousarray(small)).segmentation_mask
        wide = cv2.resize(np.asarray(found, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        return np.clip(wide, 0, 1, dtype=np.float32)
