"""Plain backdrops, on an astronaut before a flag and a model of the shuttle, and on parts of her."""

from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from models import BackdropPainter, Face, FaceAnonymizer
from models.backdrop import Backdrop, Picture
from models.person import PersonSegmenter

HAIRS = ((200, 53), (240, 40), (280, 41), (320, 58))  # places on single hairs, four pixels off the head of the drawing


@pytest.fixture(scope="session")
def painter() -> BackdropPainter:
    return BackdropPainter()


@dataclass(frozen=True)
class Painted:
    image: Picture
    faces: tuple[Face, ...]
    made: Backdrop


@pytest.fixture(scope="session")
def painted(painter: BackdropPainter, engine: FaceAnonymizer, astronaut: Picture) -> Painted:
    faces = engine.find(astronaut)
    return Painted(astronaut, faces, painter.paint(astronaut, faces))


def test_what_lies_behind_her_is_plain_and_she_stays(painted: Painted) -> None:
    """The flag's stripes and the shuttle are one tone; face, the middle of the suit and the hair's crown are hers."""
    image, made = painted.image, painted.made

    assert made.kept is None
    wall, ship = made.image[:150, :90].astype(int), made.image[:250, 400:].astype(int)
    assert np.abs(wall - np.median(wall, (0, 1))).max() < 20
    assert np.abs(ship - np.median(ship, (0, 1))).max() < 20
    person = PersonSegmenter().probability(image)
    inside = cv2.erode((person > 0.95).astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    np.testing.assert_array_equal(made.image[inside], image[inside])
    left, top, right, bottom = (int(edge) for edge in painted.faces[0].box)
    face = slice(top + 10, bottom - 10), slice(left + 28, right - 28)
    np.testing.assert_array_equal(made.image[face], image[face])


def test_the_mask_is_what_changed(painted: Painted) -> None:
    """Every pixel that differs is in the mask and no other one; a fringe is part of it, and the smaller part."""
    made = painted.made

    np.testing.assert_array_equal(made.changed, (made.image != painted.image).any(2))
    assert not (made.fringe & ~made.changed).any()
    assert 0 < made.fringe.sum() < 0.3 * made.changed.sum()


def test_the_edge_lies_where_the_photograph_has_it(painter: BackdropPainter) -> None:
    """A drawn head before a green wall keeps the single hairs that stand off it, and nothing green is left."""
    drawn = _before_green(painter)

    made = drawn.made.image.astype(int)
    green = made[..., 1] - made[..., [0, 2]].max(2)
    assert (green > 25).mean() < 0.002
    off = made[[y for _, y in HAIRS], [x for x, _ in HAIRS]].mean(1)
    beside = made[[y for _, y in HAIRS], [x + 6 for x, _ in HAIRS]].mean(1)
    assert (off < beside - 15).all()
    assert np.abs(made[:30] - np.median(made[:30], (0, 1))).max() < 20


def _before_green(painter: BackdropPainter) -> Painted:
    rows, columns = np.mgrid[:512, :512]
    head = ((columns - 256) / 90) ** 2 + ((rows - 200) / 115) ** 2 < 1
    neck = (np.abs(columns - 256) < 45) & (rows > 250) & (rows < 400)
    body = (((columns - 256) / 190) ** 2 + ((rows - 520) / 160) ** 2) < 1
    hair = (((columns - 256) / 112) ** 2 + ((rows - 180) / 135) ** 2 < 1) & ~(head & (rows > 140)) & (rows < 280)
    image = np.empty((512, 512, 3), np.uint8)
    image[:] = (40, 170, 60)
    for mask, colour in ((body, (60, 60, 120)), (neck, (200, 160, 140)), (head, (215, 175, 150)), (hair, (50, 35, 30))):
        image[mask] = colour
    for x, y in HAIRS:
        cv2.line(image, (x, y - 2), (x, y + 16), (50, 35, 30), 2)
    for centre in ((220, 185), (292, 185)):
        cv2.ellipse(image, centre, (16, 7), 0, 0, 360, (245, 245, 245), -1)
        cv2.circle(image, centre, 6, (60, 40, 30), -1)
    cv2.ellipse(image, (256, 262), (32, 9), 0, 0, 360, (170, 70, 70), -1)
    image = cv2.GaussianBlur(image, (0, 0), 1.2)
    face = Face((176.0, 110.0, 336.0, 310.0), frozenset({"drawn"}))
    return Painted(image, (face,), painter.paint(image, (face,)))


def test_grey_stays_grey_and_one_hue_stays_one(painter: BackdropPainter, painted: Painted) -> None:
    """No colour enters a photograph without any, and a sepia one gets a backdrop of its own brown."""
    grey = np.repeat(cv2.cvtColor(painted.image, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    sepia = np.clip(grey * np.array([1.05, 0.95, 0.8]), 0, 255).astype(np.uint8)

    without, brown = painter.paint(grey, painted.faces), painter.paint(sepia, painted.faces)

    assert (without.image[..., :1] == without.image).all()
    assert without.changed.any()
    wall = brown.image[:150, :90].mean((0, 1))
    np.testing.assert_allclose(wall / wall[1], np.array([1.05, 0.95, 0.8]) / 0.95, atol=0.03)


def test_without_a_face_nothing_is_replaced(painter: BackdropPainter, painted: Painted) -> None:
    """It may be the inside of a mouth: the same picture comes back, with the reason."""
    made = painter.paint(painted.image, ())

    assert made.kept == "no face"
    assert not made.changed.any()
    np.testing.assert_array_equal(made.image, painted.image)


def test_a_close_up_stays_as_it_is(painter: BackdropPainter, painted: Painted) -> None:
    """Around the eyes alone nobody's outline can be told, and neither where only a part of a face is in the picture."""
    left, top, right, bottom = (int(edge) for edge in painted.faces[0].box)
    eyes = np.ascontiguousarray(painted.image[top : (top + bottom) // 2, left - 10 : right + 10])
    face = Face((10.0, 0.0, right - left + 10.0, float(bottom - top)), frozenset({"told"}))

    made = painter.paint(eyes, (face,))

    assert made.kept == "no outline"
    np.testing.assert_array_equal(made.image, eyes)


def test_a_face_that_is_no_persons_is_not_covered(painter: BackdropPainter, painted: Painted) -> None:
    """Told that there is a face on the wall, it leaves it there, and replaces the wall elsewhere."""
    poster = Face((20.0, 40.0, 60.0, 80.0), frozenset({"told"}))

    made = painter.paint(painted.image, (*painted.faces, poster))

    np.testing.assert_array_equal(made.image[50:70, 30:50], painted.image[50:70, 30:50])
    assert made.changed[:250, 400:].mean() > 0.9


def test_what_is_to_be_kept_is_kept(painter: BackdropPainter, painted: Painted) -> None:
    """A region to preserve comes out bit for bit, wherever it lies."""
    keep = np.zeros(painted.image.shape[:2], bool)
    keep[30:90, 20:80] = True
    keep[200:300, 150:300] = True

    made = painter.paint(painted.image, painted.faces, keep)

    np.testing.assert_array_equal(made.image[keep], painted.image[keep])
    assert not made.changed[keep].any()
    assert made.changed[120:150, 20:80].mean() > 0.9


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_whichever_way_up(painter: BackdropPainter, painted: Painted, engine: FaceAnonymizer, turns: int) -> None:
    """A photograph on its side or upside down gets the same people before the same wall."""
    turned = np.ascontiguousarray(np.rot90(painted.image, turns))

    made = painter.paint(turned, engine.find(turned))

    back = np.rot90(made.changed & ~made.fringe, -turns)
    upright = painted.made.changed & ~painted.made.fringe
    assert (back == upright).mean() > 0.96


def test_a_large_photograph_is_treated_as_a_small_one(painter: BackdropPainter, painted: Painted) -> None:
    """At three times the size the outline is where it was."""
    large = cv2.resize(painted.image, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    faces = [Face((*(3 * edge for edge in face.box),), face.found_by, face.roll) for face in painted.faces]  # type: ignore[arg-type]

    made = painter.paint(large, faces)

    small = cv2.resize((made.changed & ~made.fringe).astype(np.uint8), (512, 512), interpolation=cv2.INTER_NEAREST) > 0
    assert (small == (painted.made.changed & ~painted.made.fringe)).mean() > 0.96


def test_people_are_seen_in_the_photograph_where_their_heads_are_covered(
    painter: BackdropPainter, painted: Painted
) -> None:
    """A cover over the head stays whole, and the rest of the person too."""
    left, top, right, bottom = (int(edge) for edge in painted.faces[0].box)
    covered, hidden = painted.image.copy(), np.zeros(painted.image.shape[:2], bool)
    hidden[max(top - 60, 0) : bottom + 30, left - 40 : right + 40] = True
    covered[hidden] = 128

    made = painter.paint(covered, painted.faces, hidden, painted.image)

    np.testing.assert_array_equal(made.image[hidden], covered[hidden])
    np.testing.assert_array_equal(made.image[400:, 200:300], covered[400:, 200:300])
    assert made.changed[:100, :80].mean() > 0.9
