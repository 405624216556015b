"""How near two faces are for the gate."""

import math

import cv2
import numpy as np
import pytest

from models import FaceAnonymizer, likeness
from models.recognizer import SAME_PERSON

Picture = np.ndarray


def test_the_nearer_of_two_counts() -> None:
    """What could not be measured says nothing, and what is no number is not taken for far."""
    assert likeness.nearer(0.8, 0.5) == 0.5
    assert likeness.nearer(None, 0.7) == 0.7
    assert likeness.nearer(None, None) is None
    assert math.isnan(likeness.nearer(0.9, math.nan) or 0)


def test_the_second_recogniser_speaks_on_the_scale_of_the_first() -> None:
    """At its own limit for one person it says what the first one says at that."""
    own = np.eye(2, dtype=np.float32)[0]
    assert likeness.second(own, own + np.array([0, likeness.KNOWN], np.float32)) == pytest.approx(SAME_PERSON)


def test_the_second_recogniser_knows_a_face_and_no_stranger(
    engine: FaceAnonymizer, astronaut: Picture, admiral: Picture
) -> None:
    """A face against itself and against somebody else's, wherever it stands and however it is turned."""
    (face,) = engine.find(astronaut)
    quarter = np.ascontiguousarray(np.rot90(astronaut))
    (turned,) = engine.find(quarter)
    brighter = cv2.convertScaleAbs(quarter, alpha=1.1, beta=5)
    stranger = cv2.resize(admiral, astronaut.shape[1::-1])
    (other,) = engine.find(stranger)[:1]
    place = cv2.getAffineTransform(_corners(other.box), _corners(face.box))
    there = cv2.warpAffine(stranger, place, astronaut.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)

    assert engine.second_distance(astronaut, astronaut, face.box) == 0
    known = engine.second_distance(quarter, brighter, turned.box, turned.roll)
    assert known is not None
    assert known < SAME_PERSON / 2
    unknown = engine.second_distance(astronaut, np.asarray(there), face.box)
    assert unknown is not None
    assert unknown > SAME_PERSON


def test_nobody_has_no_distance(engine: FaceAnonymizer, astronaut: Picture) -> None:
    """On a wall there is nothing to compare; where one picture shows a face, its place in the other is looked at."""
    wall = np.full_like(astronaut, 128)
    (face,) = engine.find(astronaut)

    assert engine.second_distance(wall, wall, face.box) is None
    beside = engine.second_distance(astronaut, wall, face.box)
    assert beside is not None
    assert beside > SAME_PERSON


def test_a_replaced_face_tells_the_nearer_distance(engine: FaceAnonymizer, astronaut: Picture) -> None:
    """A result whose inner face hides from the first recogniser is as far as the second one lets it be."""
    latent = engine.sample(np.random.default_rng(3), 1)[0]
    result = engine.anonymize(astronaut, latent)
    (face,) = result.faces

    second = engine.second_distance(astronaut, result.image, face.box)
    assert face.distance is not None
    assert second is not None
    assert face.distance < second + 0.05


def _corners(box: tuple[float, float, float, float]) -> np.ndarray:
    left, top, right, bottom = box
    return np.array([[left, top], [right, top], [left, bottom]], np.float32)
