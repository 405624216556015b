"""What a head in a photograph does: which way it looks, and what the mouth shows. For sorting, not for replacing."""

import threading
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.faces import FaceFinder
from models.mesh import INNER_LIPS, Array, Mesher, yaw_of
from models.recognizer import Recognizer

_CHEEKS: Final = (50, 280, 205, 425)
_BRIGHT: Final = 0.55  # of the cheeks' lightness; what is darker between the lips is no tooth
_PALER: Final = 2.0  # by how much teeth are less red than the cheeks (a* of CIELAB)


@dataclass(frozen=True)
class Head:
    """yaw: degrees, positive turns the nose to the right of the picture, None where the mesh found no hold;
    lips_apart: gap between the lips, of the distance between the outer corners of the eyes; teeth: area of what
    shows between the lips and is bright and pale, in percent of that distance squared.
    """

    yaw: float | None = None
    lips_apart: float = 0.0
    teeth: float = 0.0


class HeadReader:
    """Reads the largest head; safe to share between threads, which take turns."""

    def __init__(self) -> None:
        self._finder = FaceFinder(Recognizer())
        self._mesher = Mesher()
        self._turn = threading.Lock()

    def read(self, image: NDArray[np.uint8]) -> Head | None:
        """RGB uint8 [H, W, 3]; None where no detector sees a face."""
        with self._turn:
            faces = self._finder.find(image)
            vertices = self._mesher.fit(image, faces[0].box, faces[0].roll) if faces else None
        if not faces:
            return None
        if vertices is None:
            return Head()
        eyes = float(np.linalg.norm(vertices[263] - vertices[33]))
        gap = float(np.linalg.norm(vertices[13] - vertices[14])) / eyes
        return Head(yaw_of(vertices), gap, _teeth(image, vertices, eyes))


def _teeth(image: NDArray[np.uint8], vertices: Array, eyes: float) -> float:
    lips = vertices[INNER_LIPS][:, :2]
    low = np.maximum(np.floor(lips.min(0)).astype(int) - 1, 0)
    high = np.ceil(lips.max(0)).astype(int) + 2
    crop = image[low[1] : high[1], low[0] : high[0]]
    if crop.size == 0:
        return 0.0
    between = np.zeros(crop.shape[:2], np.uint8)
    cv2.fillPoly(between, [np.round(lips - low).astype(np.int32)], 1)
    shown, skin = _lab(crop)[between > 0], _cheeks(image, vertices, eyes)
    if skin is None:
        return 0.0
    tooth = (shown[:, 0] > _BRIGHT * skin[0]) & (shown[:, 1] < skin[1] - _PALER)
    return float(100 * tooth.sum() / eyes**2)


def _cheeks(image: NDArray[np.uint8], vertices: Array, eyes: float) -> Array | None:
    """Their mean colour, L* a* b*; None where none of them lies in the picture."""
    half = max(2, int(0.04 * eyes))
    places = (vertices[number, :2].astype(int) for number in _CHEEKS)
    patches = [image[max(y - half, 0) : y + half + 1, max(x - half, 0) : x + half + 1] for x, y in places]
    pixels = np.concatenate([patch.reshape(-1, 3) for patch in patches])
    mean: Array | None = _lab(pixels[None])[0].mean(0) if len(pixels) else None
    return mean


def _lab(image: NDArray[np.uint8]) -> Array:
    lab: Array = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2LAB).astype(np.float32)
    return lab
