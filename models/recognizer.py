"""The recogniser of the gate: dlib's 128-dimensional face descriptor (King, 2017; weights CC0).

Two faces closer than 0.6 count as one person. Landmarks come from dlib's 5-point predictor, the network runs in torch
(`models.descriptor`); both files lie inside the `face_recognition_models` package. The 68-point file beside them is
not for commercial use and is never opened.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from models.descriptor import SIDE, Descriptor
from models.mesh import Array

LANDMARKS = "shape_predictor_5_face_landmarks.dat"
NETWORK = "dlib_face_recognition_resnet_model_v1.dat"
SAME_PERSON = 0.6
SURE = 0.3  # score above which the detector's word counts; folds of cloth reach 0.1, portraits 1 and more
ROOM = 0.25  # of a chip beyond the face, on each side, as dlib's own descriptor has it
Box = tuple[float, float, float, float]


def model_file(name: str) -> Path:
    """A file of `face_recognition_models`, found without importing that package."""
    spec = find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package face_recognition_models is not installed")
    return Path(spec.submodule_search_locations[0]) / "models" / name


class Recognizer:
    def __init__(self, device: str = "cpu") -> None:
        """Raises `models.weights.WeightsError` when the network's weights are missing or are not dlib's."""
        self._detector = dlib.get_frontal_face_detector()
        self._points = dlib.shape_predictor(str(model_file(LANDMARKS)))
        self._descriptor = Descriptor(model_file(NETWORK), device)

    @classmethod
    def load(cls, device: str = "cpu") -> "Recognizer":
        return cls(device)

    @staticmethod
    def distance(first: Array, second: Array) -> float:
        """Euclidean distance of two descriptors; below 0.6: the same person."""
        return float(np.linalg.norm(first - second))

    def detect(self, image: NDArray[np.uint8], side: int = 640, enlarge: bool = True) -> list[Box]:
        """Frontal faces by dlib's HOG detector, searched at `side` pixels; boxes in pixels of `image`.

        In a picture no larger than that faces from 40 pixels on are found; from 80 where it is not enlarged.
        """
        scale = min(1.0, side / max(image.shape[:2]))
        small = image if scale == 1 else cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        found, _, _ = self._detector.run(np.ascontiguousarray(small), int(enlarge and scale == 1), SURE)
        return [(r.left() / scale, r.top() / scale, r.right() / scale, r.bottom() / scale) for r in found]

    def embed(self, image: NDArray[np.uint8], box: Box | None = None) -> Array | None:
        """Descriptor float32 [128] of the face in `box` (else of the largest face found), or None."""
        return self.embed_many([(image, box)])[0]

    def embed_many(self, places: Sequence[tuple[NDArray[np.uint8], Box | None]]) -> list[Array | None]:
        """What `embed` says of each picture and box, for less than it takes one by one.

        A descriptor may differ from that of `embed` by the rounding of its sums, some 1e-6 in distance.
        """
        chips = [self._chip(image, box) for image, box in places]
        found = iter(self._descriptor.of([chip for chip in chips if chip is not None]))
        return [None if chip is None else next(found) for chip in chips]

    def _chip(self, image: NDArray[np.uint8], box: Box | None) -> NDArray[np.uint8] | None:
        """The face upright, RGB uint8 [SIDE, SIDE, 3]; None where no box is given and no face found."""
        if box is None:
            boxes = self.detect(image)
            if not boxes:
                return None
            box = max(boxes, key=lambda b: (b[2] - b[0]) * (b[3] - b[1]))
        crop, inner = self._near(image, box)
        place = self._points(crop, dlib.rectangle(*(round(v) for v in inner)))
        return dlib.get_face_chip(crop, place, SIDE, ROOM)

    @staticmethod
    def _near(image: NDArray[np.uint8], box: Box) -> tuple[NDArray[np.uint8], Box]:
        """The surroundings of a face, no larger than the network can use."""
        left, top, right, bottom = box
        pad = 0.6 * (right - left)
        x0, y0 = max(int(left - pad), 0), max(int(top - pad), 0)
        crop = image[y0 : int(bottom + pad), x0 : int(right + pad)]
        scale = min(1.0, 300 / max(right - left, 1))
        if scale < 1:
            crop = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        inner = ((left - x0) * scale, (top - y0) * scale, (right - x0) * scale, (bottom - y0) * scale)
        return np.ascontiguousarray(crop), inner
