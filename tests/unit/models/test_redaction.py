import numpy as np
import pytest
from numpy.typing import NDArray

from models import FaceAnonymizer
from models.person import PersonSegmenter
from models.redaction import NEUTRAL
from tests.support.turning import profile, rolled

Picture = NDArray[np.uint8]
MOUTH = frozenset({"mouth"})


def test_a_covered_head_is_gone(engine: FaceAnonymizer, astronaut: Picture) -> None:
    """Face and hair are one neutral tone, no detector sees a face any more, and the rest of the picture stays."""
    result = engine.redact(astronaut, engine.find(astronaut))

    head = PersonSegmenter().probability(astronaut) > 0.5
    head[190:] = False
    assert (result.image[head] == NEUTRAL).all()
    assert engine.find(result.image) == ()
    np.testing.assert_array_equal(result.image[~result.covered], astronaut[~result.covered])
    assert not result.covered[300:].any()
    assert not result.preserved.any()


def test_no_outline_shows_unless_it_is_wanted(engine: FaceAnonymizer) -> None:
    """The cover of a profile reaches far beyond the nose; with the outline kept it ends there, and at the back not."""
    picture, wall = profile(), profile()[5, 5]
    faces = engine.find(picture)
    plain, outlined = (engine.redact(picture, faces, outline=outline).covered for outline in (False, True))

    person = np.abs(picture.astype(int) - wall).max(2) > 30
    top, bottom = int(faces[0].box[1]), int(faces[0].box[3]) - 40  # above the collar
    face = np.s_[top:bottom]
    edge = person.shape[1] - np.argmax(person[face, ::-1], 1)  # where the profile ends, row by row
    before = np.arange(person.shape[1]) > edge[:, None]
    beyond = [float((cover[face] & before).sum(1).mean()) for cover in (plain, outlined)]
    assert beyond[0] > 30
    assert beyond[1] < 12
    assert (plain & person)[face].sum() > 0.9 * person[face].sum()
    assert (outlined & person)[face].sum() > 0.9 * person[face].sum()


def test_a_preserved_region_stays_open_where_it_can_be_located(engine: FaceAnonymizer, astronaut: Picture) -> None:
    """The mouth of a frontal face is the photograph's own; that of a profile is covered with the rest."""
    frontal = engine.redact(astronaut, engine.find(astronaut), MOUTH)
    aside = engine.redact(profile(), engine.find(profile()), MOUTH)

    assert frontal.preserved.sum() > 300
    assert not (frontal.preserved & frontal.covered).any()
    np.testing.assert_array_equal(frontal.image[frontal.preserved], astronaut[frontal.preserved])
    assert not aside.preserved.any()
    assert engine.find(aside.image) == ()


def test_only_the_heads_that_are_named_are_covered(
    engine: FaceAnonymizer, astronaut: Picture, admiral: Picture
) -> None:
    """Of two people one is covered and the other left alone, although a detector sees the other."""
    pair = np.zeros((700, 1200, 3), np.uint8)
    pair[50:562, 20:532] = astronaut
    pair[50 : 50 + admiral.shape[0], 600 : 600 + admiral.shape[1]] = admiral
    first, second = engine.find(pair)

    result = engine.redact(pair, [second], others=[first.box])

    np.testing.assert_array_equal(result.image[:, 560:], pair[:, 560:])
    (left,) = engine.find(result.image)
    assert left.box == pytest.approx(first.box, abs=4)


@pytest.mark.parametrize("roll", [90, 180, 235])
def test_a_head_at_any_angle_is_covered(engine: FaceAnonymizer, astronaut: Picture, roll: int) -> None:
    """However the picture is turned, the head is covered where it lies."""
    picture, turn = rolled(astronaut[:, :400], roll)

    result = engine.redact(picture, engine.find(picture))

    places = np.array([(227, 126, 1), (227, 40, 1), (185, 60, 1), (270, 60, 1), (227, 165, 1)]) @ turn.T
    assert all(result.covered[round(y), round(x)] for x, y in places)
    assert engine.find(result.image) == ()


def test_what_a_detector_still_sees_is_covered_too(engine: FaceAnonymizer, astronaut: Picture) -> None:
    """A cover of one face goes on to the faces that are seen then."""
    pair = np.concatenate([astronaut, astronaut[:, ::-1]], 1)
    faces = engine.find(pair)

    result = engine.redact(pair, faces[:1])

    assert len(faces) == 2
    assert engine.find(result.image) == ()
