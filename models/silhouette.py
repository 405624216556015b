"""Where people end and what lies behind them begins, as well as a segmentation knows; `models.matting` knows better.

People are what `models.person` calls so, in a small picture turned upright. Where it doubts, a head and a hand get the
benefit: within a face's reach (hair, ears, a collar) little is enough to count as person, and within a hand's reach
whatever hangs together with the person and does not look like what lies behind counts too (`models.hands`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from models.faces import Face
from models.hands import HandFinder, held
from models.mesh import Array, upright, warp_down
from models.person import WORK_SIDE, PersonSegmenter

Picture = NDArray[np.uint8]
Reason = Literal["no face", "no outline", "nothing behind"]
"""Why nothing is replaced: no face was found; the largest one is a close-up, or the segmentation does not see whose it
is, or is in two minds about much of the picture; nothing but people is seen."""

SIDE: Final = 1024  # pixels of the longer side of the picture in which outlines are sought
BEYOND: Final = 100.0  # cells: so deep inside is what must not be touched
_PERSON, _NEAR_A_FACE, _NEAR_A_HAND = 0.5, 0.4, 0.15  # probabilities from which something is a person
_FACE: Final = (0.45, 0.55)  # of a face's size: half axes of what is a face whatever the segmentation says
_HEAD: Final = 1.1  # of it: how far a face reaches
_ABOVE: Final = 1.2  # of it: how far above its middle that lies which is around a crown
_BROW: Final = (0.5, 0.6)  # of it: half axes of what is no crown
_LARGE, _LEAST = 0.01, 0.002  # of the picture: a spot that counts as somebody, and one that may
_CERTAIN: Final = 0.8  # mean probability of those that may
_GAP: Final = 12.0  # square cells: a smaller hole in a person is the segmentation's
_SEEN: Final = 0.6  # of the largest face
_WHOLE: Final = 0.9  # of the largest face lies in the picture
_CLOSE: Final = 0.85  # of the picture's shorter side: a wider face is a close-up, with no head to cut out
_BUST: Final = 3.0  # of a face's size: half the side of a picture in which somebody is seen well
_NEAR: Final = 0.4  # of the picture's longer side: a closer look than that is worth its time
_UNSURE: Final = 0.25  # of the picture
_BEHIND: Final = 0.01  # of the picture


@dataclass(frozen=True)
class Silhouette:
    """small: float32 RGB [h, w, 3], 0..1, the photograph reduced; depth: float32 [h, w], how far each of its pixels
    lies inside people, in cells of the segmentation, negative outside; hair: float32 [h, w], 1 where there may be hair;
    crown: float32 [h, w], 1 where there is hair or nothing: above faces; cell: pixels of `small`.
    """

    small: Array
    depth: Array
    hair: Array
    crown: Array
    cell: float


class SilhouetteFinder:
    """Not for several threads at a time."""

    def __init__(self) -> None:
        self._person = PersonSegmenter()
        self._hands = HandFinder()

    def find(
        self, image: Picture, faces: Sequence[Face], seen: Picture | None = None, core: NDArray[np.bool_] | None = None
    ) -> Silhouette | Reason:
        """The people in an RGB photograph [H, W, 3], or why none are told from what lies behind them.

        Args:
            faces: all that were found in it, largest first.
            seen: the picture in which people are looked for, where heads are covered in `image`.
            core: bool [H, W], what belongs to the people whatever it looks like.
        """
        if not faces:
            return "no face"
        scale = min(1.0, SIDE / max(image.shape[:2]))
        size = (max(round(image.shape[1] * scale), 2), max(round(image.shape[0] * scale), 2))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        shown = small if seen is None else cv2.resize(seen, size, interpolation=cv2.INTER_AREA)
        probability, quarters = self._upright(shown, faces)
        standing = np.ascontiguousarray(np.rot90(shown, quarters))
        for face in faces:
            self._look_closer(probability, shown, face, scale)
        if (reason := _doubt(probability, faces[0], scale)) is not None:
            return reason
        bare = _ellipses(size, _overlooked(probability, faces, scale), scale, _FACE) > 0
        if core is not None:
            bare |= cv2.resize(core.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        heads = _ellipses(size, faces, scale, (_HEAD, _HEAD))
        hands = np.ascontiguousarray(np.rot90(self._hands.reach(standing), -quarters)) > 0
        colours, cell = small.astype(np.float32) / 255, max(size) / WORK_SIDE
        people = _people(probability, heads > 0, hands, bare, cell)
        people |= held(colours, people, hands, _depth(people) < -2 * cell)
        if (~people).mean() < _BEHIND:
            return "nothing behind"
        depth = np.where(bare, BEYOND, _depth(people) / cell).astype(np.float32)
        crowns = heads & _ellipses(size, faces, scale, (_HEAD, _HEAD), _ABOVE)
        crowns[_ellipses(size, faces, scale, _BROW) > 0] = 0
        hair, crown = (cv2.GaussianBlur(part.astype(np.float32), (0, 0), 2 * cell) for part in (heads, crowns))
        return Silhouette(colours, depth, hair, crown, cell)

    def _upright(self, image: Picture, faces: Sequence[Face]) -> tuple[Array, int]:
        """What the segmentation says, and by how many quarters the picture is turned back for it to be surest."""
        found = []
        for quarters in sorted({round(face.roll / 90) % 4 for face in faces}):
            seen = self._probability(np.ascontiguousarray(np.rot90(image, quarters)))
            found.append((float(np.abs(seen - 0.5).mean()), np.ascontiguousarray(np.rot90(seen, -quarters)), quarters))
        _, probability, quarters = max(found, key=lambda each: each[0])
        return probability, quarters

    def _probability(self, image: Picture) -> Array:
        """What the segmentation says of the picture and of its mirror image, together."""
        mirrored = self._person.probability(np.ascontiguousarray(image[:, ::-1]))[:, ::-1]
        return np.ascontiguousarray((self._person.probability(image) + mirrored) / 2)

    def _look_closer(self, probability: Array, image: Picture, face: Face, scale: float) -> None:
        """Look for somebody who stands far away again from near, and nearer, upright each time; in place."""
        size = scale * max(face.box[2] - face.box[0], face.box[3] - face.box[1])
        halves = list[float]()
        while (half := _BUST * size * 2 ** len(halves)) < _NEAR * max(image.shape[:2]):
            halves.append(half)
        for half in reversed(halves):
            below = (half - 1.4 * size) * np.array([-np.sin(np.radians(face.roll)), np.cos(np.radians(face.roll))])
            x, y = (
                scale * (face.box[0] + face.box[2]) / 2 + below[0],
                scale * (face.box[1] + face.box[3]) / 2 + below[1],
            )
            to_crop = upright((x, y), half, face.roll, WORK_SIDE)
            seen = self._probability(warp_down(image, to_crop, WORK_SIDE))
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            back, share = (
                cv2.warpAffine(field, to_crop, image.shape[1::-1], flags=flags) for field in (seen, _window())
            )
            probability += share * (back - probability)


def _window() -> Array:
    """How much each pixel of a crop is believed: nothing at its edges, where a picture was cut out of another."""
    inside = np.zeros((WORK_SIDE, WORK_SIDE), np.float32)
    margin = WORK_SIDE // 8
    inside[margin:-margin, margin:-margin] = 1
    return np.asarray(cv2.blur(inside, (2 * margin - 1,) * 2))


def _doubt(probability: Array, face: Face, scale: float) -> Reason | None:
    left, top, right, bottom = (max(0, round(scale * edge)) for edge in face.box)
    inside = probability[top:bottom, left:right]
    whole = scale**2 * (face.box[2] - face.box[0]) * (face.box[3] - face.box[1])
    if inside.size < _WHOLE * whole or scale * (face.box[2] - face.box[0]) > _CLOSE * min(probability.shape):
        return "no outline"
    unsure = ((probability > 0.2) & (probability < 0.8)).mean()
    return "no outline" if not inside.size or inside.mean() < _SEEN or unsure > _UNSURE else None


def _overlooked(probability: Array, faces: Sequence[Face], scale: float) -> list[Face]:
    """Faces that the segmentation does not see: on posters, for example."""
    places = (tuple(max(0, round(scale * edge)) for edge in face.box) for face in faces)
    shares = (probability[top:bottom, left:right] for left, top, right, bottom in places)
    return [face for face, share in zip(faces, shares, strict=True) if share.size and share.mean() < _SEEN]


def _ellipses(
    size: tuple[int, int], faces: Sequence[Face], scale: float, axes: tuple[float, float], above: float = 0.0
) -> NDArray[np.uint8]:
    """[h, w]: 1 around each face, `axes` being parts of its size, or around a place `above` it, in parts of it too."""
    drawn = np.zeros(size[::-1], np.uint8)
    for face in faces:
        left, top, right, bottom = (scale * edge for edge in face.box)
        side = max(right - left, bottom - top)
        x = (left + right) / 2 + above * side * np.sin(np.radians(face.roll))
        y = (top + bottom) / 2 - above * side * np.cos(np.radians(face.roll))
        centre = (round(x), round(y))
        half = (max(1, round(axes[0] * side)), max(1, round(axes[1] * side)))
        cv2.ellipse(drawn, centre, half, face.roll, 0, 360, 1, -1)
    return drawn


def _people(
    probability: Array, heads: NDArray[np.bool_], hands: NDArray[np.bool_], core: NDArray[np.bool_], cell: float
) -> NDArray[np.bool_]:
    """Who is seen, without spots that nobody is and holes that nobody has."""
    least = np.full(probability.shape, _PERSON, np.float32)
    least[heads] = _NEAR_A_FACE
    least[hands] = _NEAR_A_HAND
    rough = ((probability > least) | core).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(rough)
    sums = np.bincount(labels.ravel(), probability.ravel(), len(stats))
    share, mean = stats[:, cv2.CC_STAT_AREA] / probability.size, sums / stats[:, cv2.CC_STAT_AREA]
    kept = (share > _LARGE) | ((share > _LEAST) & (mean > _CERTAIN))
    kept[labels[core]] = True
    kept[0] = False
    people = kept[labels]
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~people).astype(np.uint8))
    small = stats[:, cv2.CC_STAT_AREA] < _GAP * cell**2
    return np.asarray(people | small[labels], np.bool_)


def _depth(people: NDArray[np.bool_]) -> Array:
    """Pixels to the outline, positive inside."""
    inside, outside = (cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, 5) for part in (people, ~people))
    return np.asarray(inside - outside, np.float32)
