"""Finding faces with several detectors: what any of them sees counts.

MediaPipe's short-range and full-range detectors (models inside the `mediapipe` wheel, Apache-2.0)
and dlib's frontal HOG detector. Boxes are (left, top, right, bottom) in pixels, x right, y down.
"""

from dataclasses import dataclass

import cv2
import mediapipe as mp
import numpy as np
from numpy.typing import NDArray

from models.recognizer import Box, Recognizer

SEARCH_SIDE = 1024


@dataclass(frozen=True)
class Face:
    """A face in a picture and the detectors that found it."""

    box: Box
    found_by: frozenset[str]

    @property
    def width(self) -> float:
        return self.box[2] - self.box[0]


def iou(first: Box, second: Box) -> float:
    """Intersection over union."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (first, second))
    return width * height / (areas - width * height)


class FaceFinder:
    def __init__(self, recognizer: Recognizer) -> None:
        detection = mp.solutions.face_detection.FaceDetection
        self._near = detection(model_selection=0, min_detection_confidence=0.5)
        self._far = detection(model_selection=1, min_detection_confidence=0.5)
        self._recognizer = recognizer

    def find(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        """All faces of an RGB picture [H, W, 3], largest first."""
        scale = min(1.0, SEARCH_SIDE / max(image.shape[:2]))
        small = image if scale == 1 else cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        seen = [(box, "mediapipe-near") for box in self._mediapipe(self._near, small, scale)]
        seen += [(box, "mediapipe-far") for box in self._mediapipe(self._far, small, scale)]
        seen += [(box, "dlib-hog") for box in self._recognizer.detect(image)]
        return merge(seen)

    @staticmethod
    def _mediapipe(detector: object, small: NDArray[np.uint8], scale: float) -> list[Box]:
        found = detector.process(np.ascontiguousarray(small)).detections or []  # type: ignore[attr-defined]
        height, width = small.shape[0] / scale, small.shape[1] / scale
        boxes = (d.location_data.relative_bounding_box for d in found)
        return [
            (b.xmin * width, b.ymin * height, (b.xmin + b.width) * width, (b.ymin + b.height) * height) for b in boxes
        ]


def merge(seen: list[tuple[Box, str]]) -> tuple[Face, ...]:
    """One face for boxes that overlap; the first detector's box stands for the group."""
    groups: list[tuple[Box, set[str]]] = []
    for box, name in seen:
        for first, names in groups:
            if iou(first, box) > 0.25 or _centre_inside(box, first):
                names.add(name)
                break
        else:
            groups.append((box, {name}))
    faces = [Face(box, frozenset(names)) for box, names in groups]
    return tuple(sorted(faces, key=lambda face: -face.width))


def _centre_inside(inner: Box, outer: Box) -> bool:
    x, y = (inner[0] + inner[2]) / 2, (inner[1] + inner[3]) / 2
    quarter = (outer[2] - outer[0]) / 4
    return abs(x - (outer[0] + outer[2]) / 2) < quarter and abs(y - (outer[1] + outer[3]) / 2) < quarter
