"""Who looks at a new face: whether it is found, and how far its features are seen from where they are."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from models import FaceAnonymizer, Region
from models.choosing import Trying
from models.drawing import reshaped
from models.face_model import FaceModel
from models.mesh import NOSE
from models.onlooker import ASIDE, FALSE, LOST, PRESERVED_ASIDE, PRESERVED_FALSE, misplaced
from models.regions import interocular

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
    """Everything by where it was drawn; with the nose preserved that alone, by where it stays."""
    face, across = trying.face, interocular(trying.face.vertices)
    aside, nose_aside = face.vertices.copy(), face.vertices.copy()
    aside[:, 0] += 0.1 * across
    nose_aside[NOSE, 0] += 0.1 * across

    assert misplaced(face.vertices, aside, face, aside, NOTHING) == 0
    assert misplaced(face.vertices, aside, face, face.vertices, NOTHING) == pytest.approx(
        FALSE * (0.1 - ASIDE), rel=1e-3
    )
    for seen, drawn in ((aside, aside), (nose_aside, face.vertices)):
        cost = misplaced(face.vertices, seen, face, drawn, KEPT_NOSE)
        assert cost == pytest.approx(PRESERVED_FALSE * (0.1 - PRESERVED_ASIDE), rel=1e-3)
    assert misplaced(face.vertices, nose_aside, face, face.vertices, frozenset({"mouth"})) == 0


def test_what_was_never_seen_cannot_be_lost(trying: Trying) -> None:
    """Where nobody sees the original, nobody has to see the result."""
    nobody = replace(trying, small=np.full_like(trying.small, 128))
    assert nobody.oddity(trying.small, _own_shape(trying.face) + 1, NOTHING) == 0
    assert nobody.oddity(nobody.small, _own_shape(trying.face), NOTHING) == 0
