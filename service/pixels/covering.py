"""Parts of a picture hidden under a uniform grey: what a person drew, and whole heads."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import ceil, floor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.errors import Quarantined
from service.pixels.picture import Image, Picture
from service.pixels.replacing import PLAIN, Box, Faces, Mask, Replaced, lies_in
from service.settings import Backdrop
from service.states import Cause

GREY: Final = 128
_BESIDE, _ABOVE, _BELOW = 0.9, 1.0, 0.6  # of a face's width and height: what belongs to the head, hair included
_NEARLY: Final = 12  # mean difference from grey of a cover that went through a JPEG
_RINGING: Final = 4  # pixels around it that a JPEG drew into it
_NEARLY_ALL: Final = 0.98  # of a line of text
_ROUNDS: Final = 3  # how often a covered picture is searched again

Boxes = Sequence[tuple[int, int, int, int]]


def without(picture: Picture, boxes: Boxes) -> Picture:
    """The picture as a detector sees it once `boxes` (left, top, right, bottom in pixels) are covered."""
    return replace(picture, rgb=_painted(picture.rgb, _inside(boxes, picture)))


def with_covers(replaced: Replaced, picture: Picture, boxes: Boxes, lines: Boxes = ()) -> Replaced:
    """A result that was made on `without(picture, (*boxes, *lines))`, as a change of `picture`: they count as changed.

    `lines` are of text, and need no cover where they are gone with what lay behind the people.
    """
    covers = (*boxes, *(line for line in lines if not _is_gone(replaced, line)))
    if not covers and not lines:
        return replaced
    changed = replaced.changed | _mask(picture.rgb, (*boxes, *lines))
    cover = _mask(picture.rgb, covers)
    kept = None if replaced.preserved is None else replaced.preserved & ~cover
    fringe = None if replaced.fringe is None else replaced.fringe & ~cover
    image = _painted(replaced.image, covers)
    return replace(replaced, image=image, changed=changed, preserved=kept, fringe=fringe, covered=covers)


def _is_gone(replaced: Replaced, box: tuple[int, int, int, int]) -> bool:
    left, top, right, bottom = box
    return replaced.backdrop == PLAIN and bool(replaced.renewed[top:bottom, left:right].mean() > _NEARLY_ALL)


def find_lines(faces: Faces, picture: Picture) -> tuple[tuple[int, int, int, int], ...]:
    """Boxes over each line of text that the detector sees and that does not lie in a face, for `with_covers`.

    What it takes for text in a face is none, and a face is made anew or covered anyway.
    """
    lines = faces.find_text(picture.rgb)
    seen = faces.find(picture.rgb) if lines else ()
    height, width = picture.rgb.shape[:2]
    boxes = [(floor(b[0]), floor(b[1]), ceil(b[2]), ceil(b[3])) for b in lines if not lies_in(b, seen)]
    return tuple((max(0, x0), max(0, y0), min(width, x1), min(height, y1)) for x0, y0, x1, y1 in boxes)


def cover_heads(
    faces: Faces, picture: Picture, boxes: Boxes, *, face_expected: bool, backdrop: Backdrop = "keep"
) -> Replaced:
    """Cover `boxes` and, generously, the head of every face that a detector sees; no face is made.

    `backdrop`: whether what lies behind the people stays.

    Where a face is expected and no detector sees one, a person must have drawn a box over it, and somebody has to
    look at the result; without any box, raises Quarantined (NO_FACE_FOUND).
    """
    seen = faces.find(picture.rgb)
    if face_expected and not seen and not boxes:
        raise Quarantined(Cause.NO_FACE_FOUND)
    before = Replaced(picture.rgb, _mask(picture.rgb, ()))
    if backdrop == PLAIN:
        before = faces.before_plain(before, picture)
    covers = [*boxes, *(_head(face) for face in seen)]
    for _ in range(_ROUNDS):
        image = _painted(before.image, covers)
        left_over = faces.find(image)
        if not left_over:
            break
        covers += [_head(face) for face in left_over]
    cover = _mask(picture.rgb, covers)
    return replace(
        before,
        image=_painted(before.image, covers),
        changed=before.changed | cover,
        fringe=None if before.fringe is None else before.fringe & ~cover,
        covered=tuple(covers),
        unconfirmed=face_expected and not seen,
    )


def faded(image: Image, boxes: Iterable[Box]) -> Image:
    """The picture with every box that is grey as a cover filled from what lies around it, so that no edge is left."""
    filled = image.copy()
    for box in boxes:
        left, top, right, bottom = (max(0, round(side)) for side in box)
        window = image[top:bottom, left:right]
        if window.size and np.abs(window.astype(np.int16) - GREY).mean() < _NEARLY:
            _fill(filled, max(0, left - _RINGING), max(0, top - _RINGING), right + _RINGING, bottom + _RINGING)
    return filled


def _fill(image: Image, left: int, top: int, right: int, bottom: int) -> None:
    """From the rows and columns beside the box, the nearer the more; none where it ends with the picture."""
    height, width = image.shape[:2]
    right, bottom = min(right, width), min(bottom, height)
    ways = [_between(image[:, left:right], top, bottom), _between(image[top:bottom].swapaxes(0, 1), left, right)]
    made = [way if turned == 0 else way.swapaxes(0, 1) for turned, way in enumerate(ways) if way is not None]
    if made:
        image[top:bottom, left:right] = np.mean(made, axis=0).astype(np.uint8)


def _between(strip: Image, begin: int, end: int) -> NDArray[np.float64] | None:
    before = strip[begin - 1] if begin > 0 else None
    after = strip[end] if end < len(strip) else None
    first, last = (after if before is None else before), (before if after is None else after)
    if first is None or last is None:
        return None
    share = np.linspace(0, 1, end - begin)[:, None, None]
    made: NDArray[np.float64] = (1 - share) * first + share * last
    return made


def _head(face: Box) -> tuple[int, int, int, int]:
    left, top, right, bottom = face
    wide, high = right - left, bottom - top
    edges = (left - _BESIDE * wide, top - _ABOVE * high, right + _BESIDE * wide, bottom + _BELOW * high)
    return max(0, round(edges[0])), max(0, round(edges[1])), round(edges[2]), round(edges[3])


def _inside(boxes: Boxes, picture: Picture) -> Boxes:
    """Raises Quarantined where a box lies beside the picture: it was drawn on another one."""
    height, width = picture.rgb.shape[:2]
    if any(left >= width or top >= height for left, top, _, _ in boxes):
        raise Quarantined(Cause.COVER_UNCONFIRMED, "a box lies outside the picture")
    return boxes


def _painted(image: Image, boxes: Iterable[tuple[int, int, int, int]]) -> Image:
    painted = image.copy()
    for left, top, right, bottom in boxes:
        painted[top:bottom, left:right] = GREY
    return painted


def _mask(image: Image, boxes: Iterable[tuple[int, int, int, int]]) -> Mask:
    mask = np.zeros(image.shape[:2], dtype=np.bool_)
    for left, top, right, bottom in boxes:
        mask[top:bottom, left:right] = True
    return mask
