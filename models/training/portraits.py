"""The portraits that a network may learn from, and how they are read."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np


def to_learn_from(folder: Path, names: Path) -> list[Path]:
    """The portraits of a folder that `names` (the training's split.json) does not hold out, in their order."""
    held_out = set(json.loads(names.read_text(encoding="utf-8"))["held_out"])
    return sorted(path for path in folder.iterdir() if path.suffix == ".jpg" and path.name not in held_out)


def read_each(paths: Iterable[Path], seed: int) -> Iterator[tuple[str, np.ndarray, np.random.Generator]]:
    """Name, RGB picture uint8 [H, W, 3], and a random generator of its own, which depends on its name alone."""
    for path in paths:
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        yield path.name, image, np.random.default_rng([seed, *path.name.encode()])
