"""Which identities would distort a face."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models import FaceAnonymizer, proportions
from models.drawing import gain
from models.face_model import FaceModel
from models.mesh import Similarity
from models.proportions import CLOSEST, MEASURES, USUAL, _seen


@pytest.fixture(scope="module", name="face")
def _face(engine: FaceAnonymizer, astronaut: NDArray[np.uint8]) -> FaceModel:
    model = engine.explain(astronaut, engine.find(astronaut)[0])
    assert model is not None
    return model


def test_who_one_is_distorts_nothing_and_bolder_is_odder(engine: FaceAnonymizer, face: FaceModel) -> None:
    """A face's own identity strains it not at all; the same draws strain it more, the bolder they are."""
    prior = engine.prior
    own = face.projection.latent / gain(prior, frozenset())
    draws = prior.sample(np.random.default_rng(0), 40)

    measured = [proportions.of(prior).strain(face, bold * draws) for bold in (0.3, 0.6, 1.0)]

    assert proportions.of(prior).strain(face, own[None])[0] < 0.01
    assert (np.diff(np.median(measured, axis=1)) > 1).all()


def test_deviations_are_those_of_people_drawn(engine: FaceAnonymizer) -> None:
    """Of faces drawn no bolder than people differ, a measure lies beyond twice its deviation in about one of twenty."""
    prior = engine.prior
    draws = np.random.default_rng(1).standard_normal((2000, prior.latent_size)).astype(np.float32)
    shapes = prior.frame.mean + prior.displace(np.zeros_like(draws), draws)

    oddity = proportions.of(prior)._oddity(shapes)

    assert oddity.shape == (2000, sum(len(each) for each in MEASURES.values()))
    share = (oddity > 2).mean(0)
    assert (share > 0.02).all()
    assert (share < 0.09).all()


def test_a_chin_that_nobody_has_strains(engine: FaceAnonymizer, face: FaceModel) -> None:
    """The shape that lengthens the chin most for its size costs more the longer it gets, and what is usual is free."""
    prior, (_, shape) = engine.prior, engine.prior.blocks
    ones = np.eye(prior.latent_size, dtype=np.float32)[shape]
    moved = prior.displace(np.zeros_like(ones), ones)
    longer = (moved[:, 152] - moved[:, 17]) @ (prior.frame.mean[152] - prior.frame.mean[17])
    step = np.zeros(prior.latent_size, np.float32)
    step[shape] = longer / np.linalg.norm(longer)
    own = face.projection.latent

    told = [(own + far * step)[None] / gain(prior, frozenset()) for far in (0.0, 4.0, 8.0)]
    strain = [float(proportions.of(prior).strain(face, one)[0]) for one in told]
    lax = [float(proportions.of(prior).strain(face, one, usual=3 * USUAL)[0]) for one in told]

    assert strain[0] < 0.01
    assert 1 < strain[1] < strain[2] - 3
    assert lax[1] < strain[1]
    assert lax[2] < strain[2]


def test_what_the_camera_sees_counts() -> None:
    """In a face that looks down a brow that comes forward comes closer to the eye in the picture; one that crosses it
    counts as closest. Pixels may have any size."""
    down = np.radians(30)
    turn = np.array([[1, 0, 0], [0, np.cos(down), np.sin(down)], [0, -np.sin(down), np.cos(down)]], np.float32)
    brow, eye = [0.0, -0.2, 0.0], [0.0, 0.0, 0.0]
    moved = [[0.0, -0.2, 0.0], [0.0, -0.2, -0.1], [0.0, 0.1, 0.0]]
    after = np.array([[one, eye] for one in moved], np.float32)

    for scale in (0.01, 1.0):
        similarity = Similarity(scale, turn, np.zeros(3, np.float32))
        seen = _seen(similarity, np.array([brow, eye], np.float32), after, np.array([[0, 1]]))[:, 0]
        assert seen[0] == pytest.approx(1)
        assert abs(np.log(seen[1])) > 0.2
        assert seen[2] == pytest.approx(CLOSEST)
