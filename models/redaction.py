"""Covering a head that cannot be given another face: everything of it, hair included, under one neutral tone.

What belongs to the head is told by `models.person` in an upright crop around the face. The cover is an ellipse that
holds all of it, so that no outline shows; where the outline is wanted (a profile for the orthodontist) the cover ends
where the head ends.
"""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from models.detectors import LEFT_EYE, MOUTH, NOSE, RIGHT_EYE
from models.faces import Face
from models.mesh import Array, upright, warp_down
from models.person import WORK_SIDE, PersonSegmenter
from models.regions import Region, preserved_mask

Mask = NDArray[np.bool_]

NEUTRAL = 128
_AROUND = 2.4  # of the face's size: how far the crop reaches to each side
_BESIDE = 1.5  # of it: hair farther off than this from the middle of the face is let be
_PERSON = 0.35  # probability; rather too much than too little
_FACE = (0.7, 0.85)  # of the face's size: half axes of what counts as head, whatever the segmentation says
_CHIN = 0.85  # of the distance from eyes to mouth: how far the chin lies below the mouth
_BELOW = {False: 0.35, True: 0.1}  # of the face's size: how far the cover goes on below the chin, by outline
_MARGIN = {False: 0.08, True: 0.02}  # of it: how far it reaches beyond the head
# Where a mesh finds no hold, of the face's size: half axes of what is kept around the places that a detector tells.
_KEPT: dict[Region, tuple[list[int], tuple[float, float]]] = {
    "mouth": ([MOUTH], (0.24, 0.13)),
    "nose": ([NOSE], (0.16, 0.18)),
    "eyes": ([RIGHT_EYE, LEFT_EYE], (0.13, 0.08)),
}


class HeadCover:
    """Finds out what to cover; not for several threads at a time."""

    def __init__(self) -> None:
        self._segmenter = PersonSegmenter()

    def mask(self, image: NDArray[np.uint8], face: Face, outline: bool = False) -> Mask:
        """Pixels of an RGB picture [H, W, 3] that hide the head around `face`: bool [H, W].

        `outline`: end where the head ends, to the accuracy of the segmentation; otherwise nothing of its outline shows.
        """
        size = max(face.box[2] - face.box[0], face.box[3] - face.box[1])
        centre = ((face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2)
        to_crop = upright(centre, _AROUND * size, face.roll, WORK_SIDE)
        unit = WORK_SIDE / (2 * _AROUND)
        person = self._segmenter.probability(warp_down(image, to_crop, WORK_SIDE)) > _PERSON
        head = _head(person, unit, _chin(face, to_crop, unit), outline)
        cover = head if outline else _ellipse_around(head)
        return _back(cover, to_crop, image.shape[:2])


def kept_region(face: Face, vertices: Array | None, preserve: Iterable[Region], size: tuple[int, int]) -> Mask:
    """What a cover leaves open, bool of `size` (height, width): by the mesh [468, 3], else by what a detector told.

    Empty where neither says where the region is.
    """
    if vertices is not None:
        return preserved_mask(vertices, preserve, *size)
    out = np.zeros(size, np.uint8)
    if face.points is not None:
        for region in preserve:
            numbers, axes = _KEPT[region]
            for number in numbers:
                x, y = face.points[number].tolist()
                half = max(1, round(axes[0] * face.width)), max(1, round(axes[1] * face.width))
                cv2.ellipse(out, (round(x), round(y)), half, face.roll, 0, 360, 1, -1)
    return out.astype(bool)


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
    near = person & (rows < chin + _BELOW[outline] * unit) & (np.abs(columns - middle) < _BESIDE * unit)
    face = np.zeros(person.shape, np.uint8)
    if not outline or not near[middle, middle]:
        cv2.ellipse(face, (middle, middle), (round(_FACE[0] * unit), round(_FACE[1] * unit)), 0, 0, 360, 1, -1)
    near |= face > 0
    _, labels = cv2.connectedComponents(near.astype(np.uint8))
    head = (labels == labels[middle, middle]).astype(np.uint8)
    reach = 2 * max(1, round(_MARGIN[outline] * unit)) + 1
    return cv2.dilate(head, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))).astype(np.uint8)


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
