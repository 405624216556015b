"""Text in a picture: name labels, rulers with names, screenshots. Where it stands, not what it says.

The detector is PP-OCRv6_det_small of PaddleOCR (Apache-2.0), as ONNX from the package rapidocr 3.10.0; see
`weights/text_detector.txt`. It sees letters of six pixels in a picture of a thousand, at the price of taking what
is set out like letters (the stars of a flag, a pin, a striped tie) for text. Writing looks like writing at any size,
and such things less so: what it finds is looked at once more in a smaller picture, and the mean of both decides. What
is thicker than a sixth of the picture is passed over, because a row of teeth looks like a word.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.weights import FOLDER, WeightsError

SIDE: Final = 960  # pixels to which the longer side is scaled down
SMALLER: Final = 0.7  # of that: the second look, where the first one found something
SURE: Final = 0.87  # mean of a region's scores in both; how it was chosen stands in docs/model-card.md
_LIKELY: Final = 0.8  # score in the first look for which a second one is worth its time
_PROBABLE: Final = 0.3
_TALLEST: Final = 0.15  # of the picture's shorter side; what is thicker is a head, or a row of teeth
_GROWTH: Final = 1.6  # the network sees the core of a line; how much of area over perimeter its edge lies outside
_STEP: Final = 32
_MEAN: Final = np.array([0.485, 0.456, 0.406], np.float32)
_SPREAD: Final = np.array([0.229, 0.224, 0.225], np.float32)
_DIGEST: Final = "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f"

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Region:
    """What may be the core of a line of text: the box around it, and the mean probability of its pixels."""

    box: Box
    score: float

    def score_in(self, others: "list[Region]") -> float:
        """The best of those that lie where it lies, 0 where none does."""
        return max((other.score for other in others if _meet(self.box, other.box)), default=0.0)


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
        found = [region for region in self._regions(image, scale) if region.score > _LIKELY]
        if not found:
            return ()
        again = self._regions(image, scale * SMALLER)
        return tuple(_grown(region.box) for region in found if region.score + region.score_in(again) > 2 * SURE)

    def _regions(self, image: NDArray[np.uint8], scale: float) -> "list[Region]":
        """What looks like the core of a line of text in the picture at that scale."""
        height, width = (max(1, round(side * scale)) for side in image.shape[:2])
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        padded = cv2.copyMakeBorder(small, 0, -height % _STEP, 0, -width % _STEP, cv2.BORDER_REPLICATE)
        across, down = image.shape[1] / width, image.shape[0] / height
        found = _regions(self._chances(padded))
        return [Region(_times(region.box, across, down), region.score) for region in found]

    def _chances(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """How probably each pixel belongs to the core of a line of text, 0 to 1 [H, W]."""
        values = (image[..., ::-1].astype(np.float32) / 255 - _MEAN) / _SPREAD
        self._network.setInput(np.ascontiguousarray(values.transpose(2, 0, 1)[None]))
        chances: NDArray[np.float32] = self._network.forward()[0, 0]
        return chances


def _regions(chances: NDArray[np.float32]) -> "list[Region]":
    count, labels, stats, _ = cv2.connectedComponentsWithStats((chances > _PROBABLE).astype(np.uint8))
    found = []
    for number in range(1, count):
        x, y, width, height, _ = (int(value) for value in stats[number])
        window = np.s_[y : y + height, x : x + width]
        inside = labels[window] == number
        if 3 <= _thickness(inside) <= _TALLEST * min(chances.shape):
            box = float(x), float(y), float(x + width), float(y + height)
            found.append(Region(box, float(chances[window][inside].mean())))
    return found


def _thickness(inside: NDArray[np.bool_]) -> float:
    """The shorter side of the rectangle around it, at whatever angle that lies: writing may be tilted."""
    rows, columns = np.nonzero(inside)
    _, sides, _ = cv2.minAreaRect(np.stack([columns, rows], axis=-1).astype(np.float32))
    return float(min(sides)) + 1


def _times(box: Box, across: float, down: float) -> Box:
    return box[0] * across, box[1] * down, box[2] * across, box[3] * down


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _grown(box: Box) -> Box:
    x0, y0, x1, y1 = box
    edge = _GROWTH * (x1 - x0) * (y1 - y0) / (2 * (x1 - x0 + y1 - y0))
    return x0 - edge, y0 - edge, x1 + edge, y1 + edge
