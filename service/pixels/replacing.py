"""The faces: the only door between the gateway and `models`, opened when the first picture needs it."""

import secrets
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, hypot
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from service.errors import Quarantined
from service.pixels.picture import Image, Picture
from service.settings import Backdrop, Hair, OnFace, Region
from service.states import Cause

if TYPE_CHECKING:
    from models import BackdropPainter, Face, FaceAnonymizer, Recognizer, TextFinder

Box = tuple[float, float, float, float]
Mask = NDArray[np.bool_]
Latent = NDArray[np.float32]
PLAIN: Final = "plain"
_MOSTLY: Final = 0.6
_LEVEL: Final = 12.0  # degrees of roll up to which a face is recognised as it stands
_SURROUNDINGS: Final = 3  # of a face's size, when it is shown upright


@dataclass(frozen=True, eq=False)
class Replaced:
    """A picture with its faces replaced, not yet written.

    `image`: RGB uint8 [H, W, 3]; `boxes`: left, top, right, bottom in pixels of each replaced face; `distances`: of
    each, original to result; `preserved`: bool [H, W], pixels that must come out as they went in, None where no
    region was asked for; `changed`: bool [H, W], pixels that differ from the source; `covered`: the boxes
    that were hidden under grey, and `unconfirmed`, whether one of them should hide a face that no detector saw;
    `texts`: how many of them hide text that the detector found; `rolls`: of each replaced face, degrees clockwise;
    `heads`: boxes of the faces that could not be replaced, whose heads are hidden under grey, `hidden`: bool [H, W],
    where, and `outlined`, whether their outline shows; `backdrop`: "plain" where what lies behind the people was
    replaced, why it was kept where it should have been, None where it was not to be; `fringe`: bool [H, W], where
    people and what lay behind them may be mixed; `seconds`: what it took.
    """

    image: Image
    changed: Mask
    boxes: tuple[Box, ...] = ()
    distances: tuple[float | None, ...] = ()
    preserved: Mask | None = None
    covered: tuple[Box, ...] = ()
    unconfirmed: bool = False
    texts: int = 0
    rolls: tuple[float, ...] = ()
    heads: tuple[Box, ...] = ()
    hidden: Mask | None = None
    outlined: bool = False
    backdrop: str | None = None
    fringe: Mask | None = None
    seconds: float = 0.0

    @property
    def is_untouched(self) -> bool:
        return not self.boxes and not self.covered and not self.heads and self.backdrop != PLAIN

    @property
    def renewed(self) -> Mask:
        """Pixels that hold nothing of the source any more, bool [H, W]."""
        return self.changed if self.fringe is None else self.changed & ~self.fringe


class Faces:
    """Finds, replaces and compares faces; the networks are loaded at the first use and kept."""

    def __init__(self, device: str = "cpu") -> None:
        self._device = device

    @cached_property
    def anonymizer(self) -> "FaceAnonymizer":
        from models import FaceAnonymizer  # costs seconds and hundreds of megabytes

        return FaceAnonymizer.load(self._device)

    @cached_property
    def recognizer(self) -> "Recognizer":
        from models import Recognizer

        return Recognizer.load(self._device)

    @cached_property
    def reader(self) -> "TextFinder":
        from models import TextFinder

        return TextFinder()

    @cached_property
    def painter(self) -> "BackdropPainter":
        from models import BackdropPainter

        return BackdropPainter()

    @property
    def version(self) -> str:
        """The generator's version, which is part of a stored identity's key."""
        return self.anonymizer.version

    def find(self, image: Image) -> tuple[Box, ...]:
        """Boxes of all faces that any detector sees, largest first."""
        return tuple(face.box for face in self.anonymizer.find(image))

    def find_text(self, image: Image) -> tuple[Box, ...]:
        """Boxes of all lines of text that the detector sees."""
        return tuple(self.reader.find(image))

    def propose(
        self,
        picture: Picture,
        preserve: Collection[Region] = frozenset(),
        others: Iterable[tuple[Picture, frozenset[Region]]] = (),
    ) -> Latent:
        """An identity for a new patient: drawn at random, the photographs only choose among the draws.

        `others`: more of the same patient, each with what is preserved in it, taken one after another; no more are
        taken than are looked at, and one in which no face can be replaced is passed over.
        """
        more = ((other.rgb, kept) for other, kept in others)
        proposed: Latent = self.anonymizer.propose(picture.rgb, _random(), frozenset(preserve), more)
        return proposed

    def draw(self, rng: np.random.Generator) -> Latent:
        """The identity that `rng` gives, whatever the photograph: for what must be reproducible."""
        drawn: Latent = self.anonymizer.sample(rng, 1)[0]
        return drawn

    def can_replace(self, picture: Picture) -> bool:
        """Whether the largest face can be replaced; raises Quarantined (NO_FACE_FOUND) where there is none."""
        if not self.find(picture.rgb):
            raise Quarantined(Cause.NO_FACE_FOUND)
        return self.anonymizer.can_replace(picture.rgb)

    def replace(
        self,
        picture: Picture,
        latent: Latent,
        preserve: Collection[Region] = frozenset(),
        otherwise: OnFace = "hold",
        outline: bool = False,
        hair: Hair = "renew",
        backdrop: Backdrop = "keep",
    ) -> Replaced:
        """Give the largest face the identity `latent` (float32 [latent_size]) and any other face one at random.

        Where one cannot be replaced, `otherwise` says what becomes of it; `outline`: see `redact`; `hair`: whether hair
        gets the identity's place and tone, keeps its own, or goes under a cap; `backdrop`: whether what lies behind
        people stays. Raises Quarantined: NO_FACE_FOUND, FACE_NOT_REPLACED.
        """
        started = time.perf_counter()
        shown = latent[: self.anonymizer.bald_size] if hair == "keep" else latent
        result = self.anonymizer.anonymize(picture.rgb, shown, frozenset(preserve), _random(), capped=hair == "cap")
        if result.unreplaced and otherwise == "hold":
            raise Quarantined(Cause.FACE_NOT_REPLACED, f"{len(result.unreplaced)} of the faces")
        if not result.faces and not result.unreplaced:
            raise Quarantined(Cause.NO_FACE_FOUND)
        replaced = Replaced(
            image=result.image,
            changed=result.synthetic,
            boxes=tuple(face.box for face in result.faces),
            distances=tuple(face.distance for face in result.faces),
            preserved=result.preserved if preserve else None,
            rolls=tuple(face.roll for face in result.faces),
        )
        if result.unreplaced:
            replaced = self._with_heads_covered(replaced, result.unreplaced, preserve, outline)
        if backdrop == PLAIN:
            replaced = self.before_plain(replaced, picture)
        return replace(replaced, seconds=time.perf_counter() - started)

    def redact(
        self,
        picture: Picture,
        preserve: Collection[Region] = frozenset(),
        outline: bool = False,
        backdrop: Backdrop = "keep",
    ) -> Replaced:
        """Cover every head around a face instead, but for the region to preserve where it can be located.

        `outline`: the cover ends where a head ends, on the side to which it looks. Raises Quarantined (NO_FACE_FOUND).
        """
        started = time.perf_counter()
        faces = self.anonymizer.find(picture.rgb)
        if not faces:
            raise Quarantined(Cause.NO_FACE_FOUND)
        nowhere = np.zeros(picture.rgb.shape[:2], dtype=np.bool_)
        covered = self._with_heads_covered(Replaced(picture.rgb, nowhere), faces, preserve, outline)
        if backdrop == PLAIN:
            covered = self.before_plain(covered, picture)
        return replace(covered, seconds=time.perf_counter() - started)

    def before_plain(self, replaced: Replaced, picture: Picture) -> Replaced:
        """The people of a result of `picture` before a plain backdrop; what is covered or preserved stays so."""
        keep = np.zeros(picture.rgb.shape[:2], dtype=np.bool_)
        for mask in (replaced.preserved, replaced.hidden):
            if mask is not None:
                keep |= mask
        seen = picture.rgb if replaced.heads else None
        made = self.painter.paint(replaced.image, self.anonymizer.find(picture.rgb), keep, seen)
        return replace(
            replaced,
            image=made.image,
            changed=replaced.changed | made.changed,
            backdrop=made.kept or PLAIN,
            fringe=made.fringe,
        )

    def _with_heads_covered(
        self, replaced: Replaced, faces: Sequence["Face"], preserve: Collection[Region], outline: bool
    ) -> Replaced:
        made = self.anonymizer.redact(replaced.image, faces, frozenset(preserve), outline, replaced.boxes)
        changed = replaced.changed | made.covered
        kept = made.preserved if replaced.preserved is None else made.preserved | replaced.preserved
        return replace(
            replaced,
            image=made.image,
            changed=changed,
            preserved=kept & ~changed if (kept & ~changed).any() else None,
            heads=tuple(face.box for face in faces),
            hidden=made.covered,
            outlined=outline,
        )

    def leave(self, picture: Picture) -> Replaced:
        """The intra-oral photograph as it is; raises Quarantined (FACE_IN_INTRAORAL) where a detector sees a face."""
        if found := len(self.find(picture.rgb)):
            raise Quarantined(Cause.FACE_IN_INTRAORAL, f"{found} found")
        return Replaced(picture.rgb, np.zeros(picture.rgb.shape[:2], dtype=np.bool_))

    def distance(self, before: Image, after: Image, box: Box, roll: float = 0.0) -> float | None:
        """Between the faces at `box` of two pictures of one size, the smaller of what two recognisers say.

        None where neither sees a face. `roll`: degrees by which it is turned clockwise.
        """
        first = self._first_distance(before, after, box, roll)
        return smallest(first, self.anonymizer.second_distance(before, after, box, roll))

    def _first_distance(self, before: Image, after: Image, box: Box, roll: float) -> float | None:
        """As the first recogniser sees them; None where it sees a face in neither.

        It searches each picture by itself, since it is at its best in the boxes that it draws; where it is blind in one
        of them, that face lies where it lies in the other. It knows upright faces only: where a face is turned by
        `roll` degrees, it is shown the surroundings turned back.
        """
        if abs(roll) > _LEVEL:
            (before, box), (after, _) = (_upright(image, box, roll) for image in (before, after))
        own = [_nearest(self.recognizer.detect(image), box) for image in (before, after)]
        first, second = own[0] or own[1], own[1] or own[0]
        if first is None or second is None:
            return None
        pair = self.recognizer.embed(before, first), self.recognizer.embed(after, second)
        return None if pair[0] is None or pair[1] is None else float(self.recognizer.distance(pair[0], pair[1]))


def smallest(*distances: float | None) -> float | None:
    """Of those that could be measured; what is no number stays none, and passes no gate."""
    measured = [distance for distance in distances if distance is not None]
    return float(np.min(measured)) if measured else None


def _upright(image: Image, box: Box, roll: float) -> tuple[Image, Box]:
    """The surroundings of a face turned back by `roll` degrees, and its box there."""
    across, down, size = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, max(box[2] - box[0], box[3] - box[1])
    side = ceil(_SURROUNDINGS * size)
    turn = cv2.getRotationMatrix2D((across, down), roll, 1)
    turn[:, 2] += (side / 2 - across, side / 2 - down)
    low, high = (side - size) / 2, (side + size) / 2
    return np.asarray(cv2.warpAffine(image, turn, (side, side)), np.uint8), (low, low, high, high)


def lies_in(box: Box, others: Collection[Box]) -> bool:
    """Whether most of the area of `box` lies in one of the others."""
    area = (box[2] - box[0]) * (box[3] - box[1])
    return any(area > 0 and _overlap(box, other) > _MOSTLY * area for other in others)


def _overlap(box: Box, other: Box) -> float:
    wide = min(box[2], other[2]) - max(box[0], other[0])
    high = min(box[3], other[3]) - max(box[1], other[1])
    return max(0.0, wide) * max(0.0, high)


def _nearest(found: list[Box], box: Box) -> Box | None:
    """Of the boxes around the centre of `box` the one whose own centre is nearest."""
    across, down = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    around = [b for b in found if b[0] <= across <= b[2] and b[1] <= down <= b[3]]
    return min(around, key=lambda b: hypot((b[0] + b[2]) / 2 - across, (b[1] + b[3]) / 2 - down), default=None)


def _random() -> np.random.Generator:
    return np.random.default_rng(secrets.randbits(256))
