import numpy as np
import pytest

from models.mesh import VERTICES, Mesher, fit_similarity, triangles, visibility


def test_fit_similarity_finds_the_motion_that_was_made() -> None:
    """Scale, rotation and shift of a cloud of points are recovered."""
    rng = np.random.default_rng(1)
    points = rng.normal(size=(50, 3)).astype(np.float32)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    moved = (2.5 * points @ turn + [1, 2, 3]).astype(np.float32)

    found = fit_similarity(points, moved)

    assert found.scale == pytest.approx(2.5, rel=1e-4)
    np.testing.assert_allclose(found.apply(points), moved, atol=1e-4)
    np.testing.assert_allclose(found.invert(moved), points, atol=1e-4)


def test_every_vertex_is_in_a_triangle() -> None:
    """The mesh has no hole: all 468 vertices and the three centres are used."""
    assert set(np.unique(triangles())) == set(range(VERTICES + 3))


def test_mesh_lies_on_the_face(astronaut: np.ndarray) -> None:
    """The mesh of a frontal face stays within its box and looks at the camera."""
    vertices = Mesher().fit(astronaut, (170, 60, 280, 190))

    assert vertices is not None
    assert vertices.shape == (VERTICES, 3)
    assert vertices[:, 0].min() > 150
    assert vertices[:, 0].max() < 300
    assert (visibility(vertices)[[1, 4, 5, 195]] > 0.5).all()


def test_no_mesh_where_there_is_no_face(astronaut: np.ndarray) -> None:
    """A box on the background gives no mesh."""
    assert Mesher().fit(np.full_like(astronaut, 127), (170, 60, 280, 190)) is None
