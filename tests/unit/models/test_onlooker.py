"""Who looks at a new face: whether it is found, and how far its features are seen from where they are."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from models import FaceAnonymizer, Region
from models.choosing import Trying
from models.drawing import reshaped
from models.face_model import FaceModel
from models.mesh import BOTTOM, NOSE
from models.onlooker import ASIDE, FALSE, LOST, PRESERVED_ASIDE, PRESERVED_FALSE, misplaced
from models.regions import interocular
from models.renderer import held

Picture = NDArray[np.uint8]
NOTHING: frozenset[Region] = frozenset()
KEPT_NOSE: frozenset[Region] = frozenset({"nose"})


@pytest.fixture(scope="module", name="trying")
def _trying(engine: FaceAnonymizer, astronaut: Picture) -> Trying:
    model = engine.explain(astronaut, engine.find(astronaut)[0])
    assert model is not None
    return engine.trying(astronaut, model)


def _own_shape(face: FaceModel) -> NDArray[np.float32]:
    return face.similarity.apply(face.vertices)


@pytest.mark.parametrize("preserve", [NOTHING, KEPT_NOSE])
def test_the_original_is_where_it_is(trying: Trying, preserve: frozenset[Region]) -> None:
    """Nothing is odd about a picture in which nothing changed."""
    assert trying.oddity(trying.small, _own_shape(trying.face), preserve) == 0


def test_a_face_that_is_gone_costs(trying: Trying) -> None:
    """Neither a detector nor a mesh sees a grey square."""
    assert trying.oddity(np.full_like(trying.small, 128), _own_shape(trying.face), NOTHING) == 2 * LOST


def test_a_shape_is_seen_where_it_was_drawn(engine: FaceAnonymizer, trying: Trying) -> None:
    """A new face costs less as what was drawn than as the old face: the mesh follows the drawing."""
    for latent in engine.sample(np.random.default_rng(3), 4):
        drawn = reshaped(engine.prior, trying.face, latent[: engine.prior.latent_size], NOTHING)
        picture = trying.render(latent, NOTHING)
        assert trying.oddity(picture, drawn, NOTHING) < trying.oddity(picture, _own_shape(trying.face), NOTHING)


def test_each_part_counts_as_it_should(trying: Trying) -> None:
    """Everything by where it was drawn, and what is preserved, which stays, more than the rest."""
    own, across = trying.face.vertices, interocular(trying.face.vertices)
    aside, nose_aside = own.copy(), own.copy()
    aside[:, 0] += 0.1 * across
    nose_aside[NOSE, 0] += 0.1 * across
    off, kept_off = FALSE * (0.1 - ASIDE), PRESERVED_FALSE * (0.1 - PRESERVED_ASIDE)

    assert misplaced(own, aside, own, aside, NOTHING) == 0
    assert misplaced(own, aside, own, own, NOTHING) == pytest.approx(off, rel=1e-3)
    assert misplaced(own, aside, own, own, KEPT_NOSE) == pytest.approx(off + kept_off, rel=1e-3)
    assert misplaced(own, nose_aside, own, own, KEPT_NOSE) == pytest.approx(kept_off, rel=1e-3)
    assert misplaced(own, nose_aside, own, own, frozenset({"mouth"})) == 0


def test_a_preserved_part_holds_what_is_beside_it(trying: Trying) -> None:
    """Of a face that is drawn elsewhere the nose stays, the chin goes all the way, and the lips a part of it."""
    own, size = trying.face.vertices, trying.small.shape[:2]
    drawn = own + np.array([0.05 * interocular(own), 0, 0], np.float32)

    moved = (held(own, drawn, KEPT_NOSE, *size) - own)[:, 0] / (drawn - own)[:, 0]

    assert held(own, drawn, NOTHING, *size) is drawn
    assert np.abs(moved[NOSE]).max() < 0.05
    assert moved[BOTTOM] == 1
    assert 0 < moved[0] < 1


def test_what_was_never_seen_cannot_be_lost(trying: Trying) -> None:
    """Where nobody sees the original, nobody has to see the result."""
    nobody = replace(trying, small=np.full_like(trying.small, 128))
    assert nobody.oddity(trying.small, _own_shape(trying.face) + 1, NOTHING) == 0
    assert nobody.oddity(nobody.small, _own_shape(trying.face), NOTHING) == 0
