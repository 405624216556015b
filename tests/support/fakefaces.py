"""Faces without networks: a box where the picture says so, inverted colours for a new face."""

from collections.abc import Iterable, Sequence
from itertools import islice
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.pixels import Faces

Image = NDArray[np.uint8]
BOX = (40.0, 40.0, 104.0, 120.0)
BACKDROP = (150, 155, 160)


class FakeAnonymizer:
    """Sees faces at `boxes` in any picture that is at least as large and not grey there, and inverts them."""

    version = "fake-1+0123abcd"
    bald_size = 3  # of four numbers, so that the last one is the hair's

    def __init__(
        self, *boxes: tuple[float, float, float, float], unreplaced: int = 0, second: float | None = None
    ) -> None:
        self.boxes, self.unreplaced, self.second = boxes, unreplaced, second
        self.shown: NDArray[np.float32] | None = None
        self.capped = False
        self.proposed: list[list[tuple[Image, frozenset[str]]]] = []

    def find(self, image: Image) -> tuple[Any, ...]:
        return tuple(SimpleNamespace(box=box) for box in self.boxes if not _is_grey(image, box))

    def second_distance(self, before: Image, after: Image, box: object, roll: float = 0.0) -> float | None:
        """Whatever was told."""
        return self.second

    def can_replace(self, image: Image) -> bool:
        return len(self.find(image)) > self.unreplaced

    def redact(
        self, image: Image, faces: Sequence[Any], preserve: frozenset[str], outline: bool, others: object
    ) -> Any:
        """Boxes grow by 24 pixels, or by none with their outline kept; the lower quarter of each is preserved."""
        covered, kept = np.zeros(image.shape[:2], bool), np.zeros(image.shape[:2], bool)
        for left, top, right, bottom in (tuple(map(int, face.box)) for face in faces):
            grown = 0 if outline else 24
            covered[max(top - grown, 0) : bottom + grown, max(left - grown, 0) : right + grown] = True
            kept[bottom - (bottom - top) // 4 : bottom, left:right] = bool(preserve)
        result = image.copy()
        result[covered & ~kept] = 128
        return SimpleNamespace(image=result, covered=covered & ~kept, preserved=covered & kept)

    def propose(
        self, image: Image, rng: np.random.Generator, preserve: frozenset[str], others: Iterable[Any] = ()
    ) -> NDArray[np.float32]:
        """Whatever the pictures; `proposed` keeps them with what is preserved in each, three others at most."""
        self.proposed.append([(image, preserve), *islice(others, 3)])
        return rng.normal(size=4).astype(np.float32)

    def anonymize(
        self,
        image: Image,
        latent: NDArray[np.float32],
        preserve: frozenset[str],
        bystanders: object,
        capped: bool = False,
    ) -> Any:
        self.shown, self.capped = latent, capped
        changed, kept = np.zeros(image.shape[:2], bool), np.zeros(image.shape[:2], bool)
        result = image.copy()
        for left, top, right, bottom in (tuple(map(int, box)) for box in self.boxes[self.unreplaced :]):
            changed[top:bottom, left:right] = True
            if preserve:
                kept[(top + bottom) // 2 : bottom, left:right] = True
        changed &= ~kept
        result[changed] = 255 - result[changed]
        return SimpleNamespace(
            image=result,
            faces=tuple(SimpleNamespace(box=box, distance=0.9, roll=0.0) for box in self.boxes[self.unreplaced :]),
            unreplaced=tuple(SimpleNamespace(box=box) for box in self.boxes[: self.unreplaced]),
            preserved=kept,
            synthetic=(result != image).any(2),
        )


def _is_grey(image: Image, box: tuple[float, float, float, float]) -> bool:
    left, top, right, bottom = map(int, box)
    return bool((np.abs(image[top:bottom, left:right].astype(int) - 128) < 3).all())


class FakeRecognizer:
    """Tells faces apart by their mean colour; blind where told so."""

    def __init__(self, distance: float | None = 0.8) -> None:
        self._distance = distance

    def detect(self, image: Image) -> list[tuple[float, float, float, float]]:
        return [BOX]

    def embed(self, image: Image, box: object = None) -> NDArray[np.float32] | None:
        return None if self._distance is None else np.zeros(128, np.float32)

    def distance(self, first: object, second: object) -> float:
        assert self._distance is not None
        return self._distance


class FakeReader:
    """Sees text in `boxes` of any picture that is not grey there."""

    def __init__(self, *boxes: tuple[float, float, float, float]) -> None:
        self._boxes = boxes

    def find(self, image: Image) -> tuple[tuple[float, float, float, float], ...]:
        return tuple(box for box in self._boxes if not _is_grey(image, box))


class FakePainter:
    """Grey-blue wherever no face is within 24 pixels, mixed with what was there in the row above; or a reason."""

    def __init__(self, kept: str | None = None) -> None:
        self.kept, self.asked = kept, 0

    def paint(
        self, image: Image, faces: Sequence[Any], keep: NDArray[np.bool_], seen: Image | None = None
    ) -> SimpleNamespace:
        self.asked += 1
        nothing = np.zeros(image.shape[:2], bool)
        if self.kept is not None or not faces:
            return SimpleNamespace(image=image, changed=nothing, fringe=nothing, kept=self.kept or "no face")
        behind = ~keep
        for left, top, right, bottom in (tuple(map(int, face.box)) for face in faces):
            behind[max(top - 24, 0) : bottom + 24, max(left - 24, 0) : right + 24] = False
        fringe = behind & ~np.roll(behind, -1, 0)
        result = image.copy()
        result[behind] = BACKDROP
        result[fringe] = (image[fringe].astype(int) + BACKDROP) // 2
        changed = (result != image).any(2)
        return SimpleNamespace(image=result, changed=changed, fringe=changed & fringe, kept=None)


class FakeFaces(Faces):
    """`service.pixels.Faces` on fakes."""

    def __init__(
        self,
        *boxes: tuple[float, float, float, float],
        distance: float | None = 0.8,
        unreplaced: int = 0,
        texts: tuple[tuple[float, float, float, float], ...] = (),
        backdrop: str | None = None,
        second: float | None = None,
    ):
        super().__init__()
        self.__dict__["anonymizer"] = FakeAnonymizer(*boxes, unreplaced=unreplaced, second=second)
        self.__dict__["recognizer"] = FakeRecognizer(distance)
        self.__dict__["reader"] = FakeReader(*texts)
        self.__dict__["painter"] = FakePainter(backdrop)
