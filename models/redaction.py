"""Covering a head that cannot be given another face: everything of it, hair included, under one neutral tone.

What belongs to the head is told by `models.person` in an upright crop around the face. The cover is an ellipse that
holds all of it, so that no outline shows; where the outline is wanted (a profile for the orthodontist) the cover ends
where the head ends, as well as the segmentation knows, on the side to which it looks. A region to preserve stays open
where a mesh says for sure where it is: mouth, nose and eyes of a full profile are covered like the rest.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.detectors import LEFT_EAR, LEFT_EYE, MOUTH, NOSE, RIGHT_EAR, RIGHT_EYE
from models.faces import Face
from models.fitting import MAX_DISAGREEMENT, disagreement
from models.mesh import Array, Box, Mesher, upright, warp_down
from models.person import WORK_SIDE, PersonSegmenter
from models.regions import Region, preserved_mask

Mask = NDArray[np.bool_]
Picture = NDArray[np.uint8]

NEUTRAL = 128
_ROUNDS = 3  # how often what is covered is searched again
_AROUND = 2.6  # of the face's size: how far the crop reaches to each side
_BESIDE = 2.2  # of it: hair farther off than this from the middle of the face is let be
_NECK = 0.8  # of it: the same below the face
_PERSON = 0.35  # probability; rather too much than too little
_FACE = (0.7, 0.85)  # of the face's size: half axes of what counts as head, whatever the segmentation says
_CHIN = 0.85  # of the distance from eyes to mouth: how far the chin lies below the mouth
_BELOW = {False: 0.35, True: 0.1}  # of the face's size: how far the cover goes on below the chin, by outline
_MARGIN = {False: 0.08, True: 0.02}  # of it: how far it reaches beyond the head
_SIDEWAYS = 15.0  # degrees of turn from which a face has a back
_BAY = 0.3  # of it: gaps in the outline up to this width are the segmentation's


@dataclass(frozen=True, eq=False)
class Redaction:
    """image: RGB uint8 [H, W, 3]; covered, preserved: bool [H, W], what is hidden and what of the heads stayed open."""

    image: Picture
    covered: Mask
    preserved: Mask


class Redactor:
    """Not for several threads at a time."""

    def __init__(self, find: Callable[[Picture], tuple[Face, ...]], mesher: Mesher) -> None:
        self._find, self._mesher = find, mesher
        self._segmenter = PersonSegmenter()

    def redact(
        self,
        image: Picture,
        faces: Collection[Face],
        preserve: Iterable[Region] = (),
        outline: bool = False,
        others: Collection[Box] = (),
    ) -> Redaction:
        """Cover the heads around `faces`, and around any face that is seen then although it is none of `others`.

        Args:
            image: RGB uint8 [H, W, 3].
            faces: as found in it.
            preserve: regions that stay open where they can be located.
            outline: whether the cover ends where the head ends.
            others: boxes of faces that may be seen in the result, because they are nobody's.
        """
        preserve = frozenset(preserve)
        covered, kept = np.zeros(image.shape[:2], bool), np.zeros(image.shape[:2], bool)
        left_over: Collection[Face] = faces
        for _ in range(_ROUNDS):
            for face in left_over:
                covered |= self.mask(image, face, outline)
            for face in left_over if left_over is faces else ():
                kept |= self._located(image, face, preserve)
            result = image.copy()
            result[covered & ~kept] = NEUTRAL
            left_over = [face for face in self._find(result) if not any(_means(face, box) for box in others)]
            if not left_over:
                break
        return Redaction(result, covered & ~kept, covered & kept)

    def mask(self, image: Picture, face: Face, outline: bool = False) -> Mask:
        """Pixels that hide the head around `face`, bool [H, W]."""
        size = max(face.box[2] - face.box[0], face.box[3] - face.box[1])
        centre = ((face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2)
        to_crop = upright(centre, _AROUND * size, face.roll, WORK_SIDE)
        unit = WORK_SIDE / (2 * _AROUND)
        person = self._segmenter.probability(warp_down(image, to_crop, WORK_SIDE)) > _PERSON
        head = _head(person, unit, _chin(face, to_crop, unit), outline)
        if not outline:
            head = _ellipse_around(head)
        elif face.points is not None and face.turned > _SIDEWAYS:
            head |= _ellipse_around(head) & _behind(face.points, to_crop)
        return _back(head, to_crop, image.shape[:2])

    def _located(self, image: Picture, face: Face, preserve: frozenset[Region]) -> Mask:
        """The regions to preserve, where a mesh and the detector agree on the face; nothing otherwise."""
        vertices = self._mesher.fit(image, face.box, face.roll) if preserve else None
        if vertices is None or face.points is None or disagreement(vertices, face) > MAX_DISAGREEMENT:
            return np.zeros(image.shape[:2], bool)
        return preserved_mask(vertices, preserve, *image.shape[:2])


def _means(face: Face, box: Box) -> bool:
    x, y = (face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def _chin(face: Face, to_crop: Array, unit: float) -> float:
    """The row of the crop where the chin ends."""
    lowest = WORK_SIDE / 2 + 0.55 * unit
    if face.points is None:
        return lowest
    eyes, mouth = face.points[[RIGHT_EYE, LEFT_EYE]].mean(0), face.points[MOUTH]
    chin = mouth + _CHIN * (mouth - eyes)
    return max(lowest, float(to_crop[1, :2] @ chin + to_crop[1, 2]))


def _head(person: Mask, unit: float, chin: float, outline: bool) -> NDArray[np.uint8]:
    """Of the person in the crop what is head: the face, and all that hangs together with it above the chin's line."""
    middle = WORK_SIDE // 2
    rows, columns = np.mgrid[:WORK_SIDE, :WORK_SIDE]
    reach = np.where(rows < middle + 0.5 * unit, _BESIDE, _NECK) * unit
    near = person & (rows < chin + _BELOW[outline] * unit) & (np.abs(columns - middle) < reach)
    face = np.zeros(person.shape, np.uint8)
    if not outline or not near[middle, middle]:
        cv2.ellipse(face, (middle, middle), (round(_FACE[0] * unit), round(_FACE[1] * unit)), 0, 0, 360, 1, -1)
    near |= face > 0
    _, labels = cv2.connectedComponents(near.astype(np.uint8))
    head = cv2.morphologyEx((labels == labels[middle, middle]).astype(np.uint8), cv2.MORPH_CLOSE, _disc(_BAY * unit))
    outlines, _ = cv2.findContours(head, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    whole = cv2.drawContours(np.zeros_like(head), outlines, -1, 1, -1)
    return np.asarray(cv2.dilate(whole, _disc(2 * _MARGIN[outline] * unit)), np.uint8)


def _disc(diameter: float) -> NDArray[np.uint8]:
    side = 2 * max(1, round(diameter / 2)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def _behind(points: Array, to_crop: Array) -> NDArray[np.uint8]:
    """The half of the crop to which a profile turns its back: the outline that is wanted is the other's."""
    nose, ear = (
        float(to_crop[0, :2] @ place + to_crop[0, 2]) for place in (points[NOSE], points[[RIGHT_EAR, LEFT_EAR]].mean(0))
    )
    columns = np.arange(WORK_SIDE)
    half = columns < WORK_SIDE / 2 if nose > ear else columns > WORK_SIDE / 2
    return np.broadcast_to(half.astype(np.uint8), (WORK_SIDE, WORK_SIDE))


def _ellipse_around(head: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The smallest upright ellipse of the head's proportions that holds all of it."""
    rows, columns = np.nonzero(head)
    places = np.stack([columns, rows], 1).astype(np.float64)
    low, high = places.min(0), places.max(0)
    centre, axes = (low + high) / 2, (high - low) / 2 + 1
    grown = axes * float(np.sqrt((((places - centre) / axes) ** 2).sum(1).max()))
    out = np.zeros_like(head)
    cv2.ellipse(out, tuple(np.round(centre).astype(int)), tuple(np.ceil(grown).astype(int)), 0, 0, 360, 1, -1)
    return out


def _back(cover: NDArray[np.uint8], to_crop: Array, size: tuple[int, ...]) -> Mask:
    """A mask of the crop in the picture; what the crop does not show is not covered."""
    soft = cv2.GaussianBlur(cover.astype(np.float32), (0, 0), 1.2)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(soft, to_crop, (size[1], size[0]), flags=flags) > 0.4, np.bool_)
