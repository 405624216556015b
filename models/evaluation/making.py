"""Making the pictures that are measured, and keeping them: replacing a face takes far longer than looking at it."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models import FaceAnonymizer, Region
from models.mesh import Array


@dataclass(frozen=True)
class Mode:
    """What is preserved, and whether a cap covers the hair; modes of one `number` show the same identity."""

    number: int
    preserve: frozenset[Region] = frozenset()
    capped: bool = False


_PRESERVED: dict[str, frozenset[Region]] = {
    "standard": frozenset(),
    "keep-mouth": frozenset({"mouth"}),
    "keep-nose": frozenset({"nose"}),
    "keep-eyes": frozenset({"eyes"}),
}
MODES: dict[str, Mode] = {
    name + cap: Mode(number, preserve, bool(cap))
    for cap in ("", "-capped")
    for number, (name, preserve) in enumerate(_PRESERVED.items())
}

Picture = NDArray[np.uint8]

_APART = {
    "__init__",
    "backdrop",
    "control",
    "likeness",
    "matting",
    "pose",
    "reading",
    "silhouette",
    "text",
}  # modules that take no part in replacing a face


@dataclass(frozen=True)
class Made:
    """A result: its picture, the pixels that are promised equal, seconds it took, faces that could not be replaced."""

    image: Picture
    preserved: NDArray[np.bool_]
    seconds: float
    unreplaced: int


class Maker:
    """Anonymizes, or takes what an earlier run with the same code, weights and seed has left in `folder`."""

    def __init__(self, engine: FaceAnonymizer, folder: Path | None) -> None:
        self.engine = engine
        self._folder = None if folder is None else folder / f"{engine.version}-{code_digest()}"

    def make(self, name: str, image: Picture, mode: str, latent: Callable[[], Array], seed: list[int]) -> Made:
        """The result for a picture called `name` (unique with mode and seed); `latent` is asked only when needed."""
        stem = "-".join([name, mode, *map(str, seed), _digest(image.tobytes())])
        if (kept := self._kept(stem)) is not None:
            return kept
        identity, bystanders = latent(), np.random.default_rng(seed)
        began = time.perf_counter()
        done = self.engine.anonymize(image, identity, MODES[mode].preserve, bystanders, MODES[mode].capped)
        made = Made(done.image, done.preserved, time.perf_counter() - began, len(done.unreplaced))
        self._keep(stem, made)
        return made

    def _kept(self, stem: str) -> Made | None:
        if self._folder is None or not (self._folder / f"{stem}.json").is_file():
            return None
        facts = json.loads((self._folder / f"{stem}.json").read_text(encoding="utf-8"))
        image = _read(self._folder / f"{stem}.png")
        mask = _read(self._folder / f"{stem}.mask.png")[..., 0] > 0
        return Made(image, mask, facts["seconds"], facts["unreplaced"])

    def _keep(self, stem: str, made: Made) -> None:
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(made.image).save(self._folder / f"{stem}.png", compress_level=1)
        Image.fromarray(made.preserved).save(self._folder / f"{stem}.mask.png")
        facts = json.dumps({"seconds": made.seconds, "unreplaced": made.unreplaced})
        (self._folder / f"{stem}.json").write_text(facts, encoding="utf-8")  # last: a run that dies leaves no half


def code_digest() -> str:
    """Of the modules that make faces: results of other code are not taken for this one's."""
    modules = sorted(path for path in Path(__file__).parents[1].glob("*.py") if path.stem not in _APART)
    return _digest(b"".join(path.read_bytes() for path in modules))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _read(path: Path) -> Picture:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))
