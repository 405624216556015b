"""What lies behind a head does not take the look of its skin."""

from dataclasses import replace

import numpy as np
import pytest

from models import FaceAnonymizer, renderer
from models.face_model import FaceModel
from models.rim import DEPTH, RimFinder


@pytest.fixture(scope="module", name="finder")
def _finder() -> RimFinder:
    return RimFinder()


@pytest.fixture(name="face")
def _face(engine: FaceAnonymizer, astronaut: np.ndarray) -> FaceModel:
    model = engine.explain(astronaut, engine.find(astronaut)[0])
    assert model is not None
    return model


def _beyond_the_cheek(face: FaceModel, share: float) -> np.ndarray:
    """Its mesh, moved to the right by a share of its width."""
    return (face.vertices + np.array([share * face.width, 0, 0])).astype(np.float32)


def test_a_wall_within_the_mesh_is_told_and_nothing_else_of_the_face(
    finder: RimFinder, face: FaceModel, astronaut: np.ndarray
) -> None:
    """A mesh that reaches beyond the head onto the wall gets 0 there, and 1 in the face as deep as that says."""
    vertices = _beyond_the_cheek(face, 0.35)

    rim = finder.find(astronaut, vertices, 0.0)

    left, top, width, height = renderer.surroundings(vertices, *astronaut.shape[:2])
    across, down = rim.shape[1] / width, rim.shape[0] / height
    oval = (vertices[:, :2] - (left, top)) * (across, down)
    middle = oval.mean(0)
    inner = (middle + (1 - 4 * DEPTH[1]) * (oval - middle)).astype(int)
    assert rim.dtype == np.float32
    assert rim[inner[:, 1], inner[:, 0]].min() == 1
    assert rim.min() == 0


def test_where_nobody_is_seen_nothing_is_held_back(finder: RimFinder, face: FaceModel, astronaut: np.ndarray) -> None:
    """A segmentation that sees no person in the face is not believed."""
    wall = np.full_like(astronaut, 128)

    assert finder.find(wall, face.vertices, 0.0).min() == 1


def test_nothing_takes_a_look_where_the_rim_forbids_it(
    engine: FaceAnonymizer, face: FaceModel, astronaut: np.ndarray
) -> None:
    """Colours change on the half of the face that may change and not on the other; motion does not care."""
    latent = engine.prior.sample(np.random.default_rng(3), 1)[0]
    rim = np.ones_like(face.rim)
    rim[:, : rim.shape[1] // 2] = 0

    free, held = (
        renderer.edit(engine.prior, replace(face, rim=one), latent, frozenset(), astronaut.shape[:2])  # type: ignore[arg-type]
        for one in (np.ones_like(rim), rim)
    )

    third = free.ratio.shape[1] // 3
    assert np.abs(free.ratio[:, :third]).max() > 0.1
    assert np.abs(held.ratio[:, :third]).max() == 0
    np.testing.assert_allclose(held.ratio[:, -third:], free.ratio[:, -third:], atol=1e-5)
    np.testing.assert_array_equal(held.flow, free.flow)


def test_no_speck_lies_outside_the_mesh(engine: FaceAnonymizer, face: FaceModel, astronaut: np.ndarray) -> None:
    """A new look whose every place is bold changes nothing that no place of the mesh is fetched from."""
    latent = engine.prior.sample(np.random.default_rng(3), 1)[0]
    bold = replace(face, residual=np.full_like(face.residual, 0.5), rim=np.ones_like(face.rim))

    plan = renderer.edit(engine.prior, bold, latent, frozenset(), astronaut.shape[:2], blend=False)  # type: ignore[arg-type]

    height, width = plan.flow.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    step = (width / plan.width, height / plan.height)
    source = np.dstack([columns + plan.flow[..., 0] * step[0], rows + plan.flow[..., 1] * step[1]])
    changed = np.abs(plan.ratio).max(2) > 1e-6
    places = face.places.shape[1] / width, face.places.shape[0] / height
    inside = face.places[..., 0] > -1
    x = np.clip(np.round((source[..., 0] + 0.5) * places[0] - 0.5), 0, inside.shape[1] - 1).astype(int)
    y = np.clip(np.round((source[..., 1] + 0.5) * places[1] - 0.5), 0, inside.shape[0] - 1).astype(int)
    assert changed.any()
    assert inside[y, x][changed].all()
