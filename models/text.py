"""Text in a picture: name labels, rulers with names, screenshots. Where it stands, not what it says.

The detector is PP-OCRv6_det_small of PaddleOCR (Apache-2.0), as ONNX from the package rapidocr 3.10.0; see
`weights/text_detector.txt`. It sees letters of six pixels in a picture of a thousand, at the price of taking what
is set out like letters (the stars of a flag, a row of pillars) for text. What is thicker than a sixth of the picture
is passed over, because a row of teeth looks like a word.
"""

import hashlib
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.weights import FOLDER, WeightsError

SIDE: Final = 960  # pixels to which the longer side is scaled down
SURE: Final = 0.84  # mean probability of a region; faces reach 0.79, the stars of a flag 0.87, most labels 0.9
_PROBABLE: Final = 0.3
_TALLEST: Final = 0.15  # of the picture's shorter side; what is thicker is a head, or a row of teeth
_GROWTH: Final = 1.6  # the network sees the core of a line; how much of area over perimeter its edge lies outside
_STEP: Final = 32
_MEAN: Final = np.array([0.485, 0.456, 0.406], np.float32)
_SPREAD: Final = np.array([0.229, 0.224, 0.225], np.float32)
_DIGEST: Final = "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f"

Box = tuple[float, float, float, float]


class TextFinder:
    """Finds text; the network is read at once and kept."""

    def __init__(self, path: Path = FOLDER / "text_detector.onnx") -> None:
        data = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(data).hexdigest() != _DIGEST:
            raise WeightsError(f"the weights {path.name} are missing or do not match their digest")
        self._network: Any = cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8))

    def find(self, image: NDArray[np.uint8]) -> tuple[Box, ...]:
        """Boxes (left, top, right, bottom in pixels) around every line of text in RGB uint8 [H, W, 3].

        A strip of less than 32 pixels is not looked at.
        """
        if min(image.shape[:2]) < _STEP:
            return ()
        scale = min(1.0, SIDE / max(image.shape[:2]))
        height, width = (max(1, round(side * scale)) for side in image.shape[:2])
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        padded = cv2.copyMakeBorder(small, 0, -height % _STEP, 0, -width % _STEP, cv2.BORDER_REPLICATE)
        across, down = image.shape[1] / width, image.shape[0] / height
        boxes = (_grown(box) for box in _regions(self._chances(padded)))
        return tuple((x0 * across, y0 * down, x1 * across, y1 * down) for x0, y0, x1, y1 in boxes)

    def _chances(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """How probably each pixel belongs to the core of a line of text, 0 to 1 [H, W]."""
        values = (image[..., ::-1].astype(np.float32) / 255 - _MEAN) / _SPREAD
        self._network.setInput(np.ascontiguousarray(values.transpose(2, 0, 1)[None]))
        chances: NDArray[np.float32] = self._network.forward()[0, 0]
        return chances


def _regions(chances: NDArray[np.float32]) -> list[Box]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats((chances > _PROBABLE).astype(np.uint8))
    found = []
    for number in range(1, count):
        x, y, width, height, _ = (int(value) for value in stats[number])
        window = np.s_[y : y + height, x : x + width]
        is_line = 3 <= min(width, height) <= _TALLEST * min(chances.shape)
        if is_line and chances[window][labels[window] == number].mean() > SURE:
            found.append((float(x), float(y), float(x + width), float(y + height)))
    return found


def _grown(box: Box) -> Box:
    x0, y0, x1, y1 = box
    edge = _GROWTH * (x1 - x0) * (y1 - y0) / (2 * (x1 - x0 + y1 - y0))
    return x0 - edge, y0 - edge, x1 + edge, y1 + edge
