"""Finding faces with several detectors, at every size and angle: what any of them sees counts.

MediaPipe's two detectors look at the whole picture and at parts of it, upright, on its sides and upside down; whatever
they point at is looked at again from near and upright, by the same eyes at two distances and by others, before it
counts. dlib's frontal HOG detector has its own word. Boxes are (left, top, right, bottom) in pixels, x right, y down.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.detectors import Detector, Range, Sighting
from models.exposure import brightened, deepened
from models.mesh import Array, Box, Mesher
from models.person import PersonSegmenter
from models.pyramid import Pyramid
from models.recognizer import Recognizer

Witness = Literal["far", "mesh", "person"]

# Tiles of the picture itself, by its longer side: forty pixels of face are seen in a tile of 480, fifty in one of 640.
TILES, LARGE = (480, 640), 1600
TILE_STEP = 0.85  # of a tile
PLAIN = 4.0  # grey levels; a tile that varies less shows nothing
TILTED = 60.0  # degrees of roll beyond which a face is rare and a shadow that looks like one is not
# What the last two scores of a face must sum to, upright and tilted, by who else sees one there. A person is seen in
# a sleeve too; but of a face in profile often nothing else is.
LEAST: dict[Witness, tuple[float, float]] = {"far": (1.15, 1.4), "mesh": (1.15, 1.5), "person": (1.65, 1.65)}
SIDEWAYS, LEAST_SIDEWAYS = 20.0, 1.15  # degrees of turn from which, and what then, if upright, suffices
PLAINLY = 0.68  # score with which a face in the whole picture, as it stands, needs a witness and no second look
DISTANCES = (0.3, 0.2, 0.3)  # what part of the crop a face takes up at each of them
FAR_DISTANCES = (0.15, 0.2, 0.25)  # the same when the far detector is asked how far a face is turned
KEPT_ANSWERS = 4  # pictures whose faces are remembered, since original and result are searched more than once


@dataclass(frozen=True)
class Face:
    """A face in a picture and the detectors that found it.

    roll: degrees by which it is turned clockwise; points: [6, 2] places as in `detectors.Sighting`, None where only
    dlib sees it; turned: degrees by which it looks past the camera, 0 to 90, as far as the points tell.
    """

    box: Box
    found_by: frozenset[str]
    roll: float = 0.0
    points: Array | None = None
    turned: float = 0.0

    @property
    def width(self) -> float:
        return self.box[2] - self.box[0]


def iou(first: Box, second: Box) -> float:
    """Intersection over union."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (first, second))
    return width * height / (areas - width * height)


@dataclass(frozen=True)
class _Lead:
    """Something to look at again: what was seen, and by whom."""

    seen: Sighting
    name: str
    is_plain: bool = False  # the whole picture as it stands showed it


class FaceFinder:
    """Not for several threads at a time."""

    def __init__(self, recognizer: Recognizer) -> None:
        self._eyes: dict[Range, Detector] = {"near": Detector("near"), "far": Detector("far")}
        self._segmenter, self._mesher = PersonSegmenter(), Mesher()
        self._recognizer = recognizer
        self._answers: OrderedDict[bytes, tuple[Face, ...]] = OrderedDict()

    def find(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        """All faces of an RGB picture [H, W, 3], largest first."""
        digest = hashlib.sha256(repr(image.shape).encode())
        digest.update(np.ascontiguousarray(image).data)
        key = digest.digest()
        if key not in self._answers:
            self._answers[key] = self._search(Pyramid(brightened(image)))
            if not self._answers[key] and (deeper := deepened(image)) is not None:
                self._answers[key] = self._search(Pyramid(deeper))
        self._answers.move_to_end(key)
        while len(self._answers) > KEPT_ANSWERS:
            self._answers.popitem(last=False)
        return self._answers[key]

    def _search(self, picture: Pyramid) -> tuple[Face, ...]:
        faces = self._confirmed(picture, [*self._wide_leads(picture)], [])
        faces = self._confirmed(picture, [*self._close_leads(picture, faces)], faces)
        new = []
        for box in self._recognizer.detect(picture.image):
            face, known = Face(box, frozenset({"dlib-hog"})), _same(faces, box)
            if known is None:
                face = self._with_points(picture, face)
            elif abs(faces[known].roll) > TILTED:
                # dlib knows upright faces only: whom it sees, another took for somebody upside down.
                upright = self._with_points(picture, face)
                if upright.points is not None:
                    faces[known] = replace(upright, found_by=faces[known].found_by)
            new.append(face)
        return merge([*faces, *new])

    def _wide_leads(self, picture: Pyramid) -> Iterator[_Lead]:
        """What the whole and its parts show at a glance."""
        height, width = picture.image.shape[:2]
        middle, half = (width / 2, height / 2), max(height, width) / 2
        for range in self._eyes:
            yield from (replace(lead, is_plain=True) for lead in self._look(range, picture, middle, half, 0))
        for roll in (90, 180, 270):
            yield from self._look("near", picture, middle, half, roll)
        for roll in (0, 180):  # a face that fills the picture is seen from farther away
            yield from self._look("near", picture, middle, 2 * half, roll)
            for centre in _tiles(width, height, half, 0.6 * half):
                yield from self._look("near", picture, centre, half / 2, roll)

    def _close_leads(self, picture: Pyramid, known: list[Face]) -> Iterator[_Lead]:
        """Small faces, in the picture's own pixels, where there is neither a face already nor nothing at all."""
        height, width = picture.image.shape[:2]
        side = TILES[max(height, width) > LARGE]
        if max(height, width) <= side:
            return
        # Who stands by has been photographed the same way up.
        rolls = {0, *(90 * round(face.roll / 90) % 360 for face in known[:1])}
        for x, y in _tiles(width, height, side, TILE_STEP * side):
            left, top = max(int(x - side / 2), 0), max(int(y - side / 2), 0)
            box = (left, top, min(left + side, width), min(top + side, height))
            if not picture.is_plain(left, top, side, PLAIN) and not any(_holds(f.box, box) for f in known):
                for roll in sorted(rolls):
                    yield from self._look("far", picture, (x, y), side / 2, roll)

    def _look(
        self, range: Range, picture: Pyramid, centre: tuple[float, float], half: float, roll: float
    ) -> Iterator[_Lead]:
        for seen in self._eyes[range].look(picture, centre, half, roll):
            yield _Lead(seen, f"mediapipe-{range}")

    def _confirmed(self, picture: Pyramid, leads: list[_Lead], known: list[Face]) -> list[Face]:
        """The faces that are known, and those of the leads that hold out against a second look."""
        faces, refuted = list(known), list[Sighting]()
        for lead in sorted(leads, key=lambda lead: -lead.seen.score):
            found = _same(faces, lead.seen.box)
            if found is not None:
                faces[found] = replace(faces[found], found_by=faces[found].found_by | {lead.name})
            elif any(_is_same(lead.seen, other) and _is_parallel(lead.seen, other) for other in refuted):
                continue
            elif (face := self._second_look(picture, lead)) is not None:
                faces.append(face)
            else:
                refuted.append(lead.seen)
        return faces

    def _second_look(self, picture: Pyramid, lead: _Lead) -> Face | None:
        sightings = self._from_near(picture, lead.seen)
        if lead.is_plain and (sightings or lead.seen.score > PLAINLY):
            seen = sightings[-1] if sightings and _is_same(sightings[-1], lead.seen) else lead.seen
            return None if self._witness(picture, seen) is None else self._face(picture, seen, lead.name)
        if not sightings or not _is_parallel(*sightings[-2:]):
            return None
        last, scores = sightings[-1], sum(seen.score for seen in sightings[-2:])
        witness = self._witness(picture, last)
        return None if witness is None or scores < _least(witness, last) else self._face(picture, last, lead.name)

    def _from_near(self, picture: Pyramid, lead: Sighting) -> list[Sighting]:
        """The same face looked at upright at several distances, each time where it was seen the time before."""
        found = [lead]
        for part in DISTANCES:
            last = found[-1]
            looks = self._eyes["near"].look(picture, last.centre, last.size / part / 2, last.roll)
            same = [s for s in looks if _is_same(s, last)]
            if not same:
                return []
            found.append(max(same, key=lambda s: s.score))
        return found[1:]

    def _witness(self, picture: Pyramid, seen: Sighting) -> Witness | None:
        """The best of the other networks that see something where the detector sees a face."""
        looks = self._eyes["far"].look(picture, seen.centre, seen.size / 0.4, seen.roll)
        if any(_is_same(other, seen) for other in looks):
            return "far"
        if self._mesher.fit(picture.image, seen.box, seen.roll) is not None:
            return "mesh"
        crop = picture.crop(seen.centre, 1.5 * seen.size, seen.roll, 192)
        return "person" if float(self._segmenter.probability(crop)[64:128, 64:128].mean()) > 0.5 else None

    def _with_points(self, picture: Pyramid, face: Face) -> Face:
        """What dlib found, with the places that the other detector sees there."""
        left, top, right, bottom = face.box
        empty = np.array([(left + right) / 2, (top + bottom) / 2], np.float32)
        lead = Sighting(np.tile(empty, (6, 1)), (float(empty[0]), float(empty[1])), right - left, 0.5)
        found = self._from_near(picture, lead)
        if not found:
            return face
        return replace(self._face(picture, found[-1], ""), box=face.box, found_by=face.found_by)

    def _face(self, picture: Pyramid, seen: Sighting, name: str) -> Face:
        """What was seen, as far turned as either detector tells.

        The near one takes many a profile, above all one with glasses or a hat, for a face that looks at the camera.
        """
        looks = [
            self._eyes["far"].look(picture, seen.centre, seen.size / part / 2, seen.roll) for part in FAR_DISTANCES
        ]
        told = [other.turned for found in looks for other in found if _is_same(other, seen)]
        turned = max(seen.turned, float(np.median(told or [0])))
        return Face(seen.box, frozenset({name}), seen.roll, seen.points, turned)


def merge(faces: list[Face]) -> tuple[Face, ...]:
    """One face for boxes that overlap, the first one's with all the names; largest first."""
    groups: list[Face] = []
    for face in faces:
        known = _same(groups, face.box)
        if known is None:
            groups.append(face)
        else:
            groups[known] = replace(groups[known], found_by=groups[known].found_by | face.found_by)
    return tuple(sorted(groups, key=lambda face: -face.width))


def _least(witness: Witness, seen: Sighting) -> float:
    is_tilted = abs(seen.roll) > TILTED
    return LEAST_SIDEWAYS if seen.turned > SIDEWAYS and not is_tilted else LEAST[witness][is_tilted]


def _same(faces: list[Face], box: Box) -> int | None:
    """The number of the face that a box means."""
    same = (k for k, face in enumerate(faces) if iou(face.box, box) > 0.25 or _centre_inside(box, face.box))
    return next(same, None)


def _is_same(seen: Sighting, lead: Sighting) -> bool:
    away = np.hypot(seen.centre[0] - lead.centre[0], seen.centre[1] - lead.centre[1])
    return bool(away < 0.5 * lead.size and 0.5 < seen.size / lead.size < 2)


def _is_parallel(first: Sighting, second: Sighting) -> bool:
    return abs((first.roll - second.roll + 180) % 360 - 180) < 40


def _tiles(width: float, height: float, side: float, step: float) -> list[tuple[float, float]]:
    """Centres of squares of `side` that cover a picture, `step` apart or less."""

    def along(length: float) -> list[float]:
        count = max(1, int(np.ceil((length - side) / step)) + 1)
        return np.linspace(side / 2, length - side / 2, count).tolist() if length > side else [length / 2]

    return [(x, y) for y in along(height) for x in along(width)]


def _holds(outer: Box, inner: Box) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and outer[2] >= inner[2] and outer[3] >= inner[3]


def _centre_inside(inner: Box, outer: Box) -> bool:
    x, y = (inner[0] + inner[2]) / 2, (inner[1] + inner[3]) / 2
    quarter = (outer[2] - outer[0]) / 4
    return abs(x - (outer[0] + outer[2]) / 2) < quarter and abs(y - (outer[1] + outer[3]) / 2) < quarter
