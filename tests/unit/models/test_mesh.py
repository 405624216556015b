import cv2
import numpy as np
import pytest

from models.mesh import VERTICES, Mesher, fit_similarity, triangles, upright, visibility, warp_down
from models.pose import rotation
from tests.support.turning import rolled


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


@pytest.mark.parametrize("roll", range(0, 360, 30))
def test_a_rolled_face_has_the_mesh_of_the_upright_one(astronaut: np.ndarray, roll: int) -> None:
    """Whatever way the picture is turned, the mesh turns along, in depth too."""
    standing = Mesher().fit(astronaut, (170, 60, 280, 190))
    picture, to_picture = rolled(astronaut, roll)
    centre = to_picture @ (225, 125, 1)

    found = Mesher().fit(picture, (*(centre - 65), *(centre + 65)), roll)

    assert standing is not None
    assert found is not None
    expected = standing[:, :2] @ to_picture[:, :2].T + to_picture[:, 2]
    assert np.abs(found[:, :2] - expected).mean() < 2.5
    assert np.abs(found[:, 2] - standing[:, 2]).mean() < 4


def test_yaw_pitch_and_roll_have_their_signs() -> None:
    """A face made to look right, down or tilted clockwise is measured so, by as many degrees."""
    face = np.random.default_rng(3).normal(size=(40, 3)).astype(np.float32)
    tilt = np.radians(25)
    clockwise = np.array([[np.cos(tilt), np.sin(tilt), 0], [-np.sin(tilt), np.cos(tilt), 0], [0, 0, 1]], np.float32)
    poses = (rotation(np.radians(20), 0), rotation(0, np.radians(15)), clockwise)
    nose, crown = np.array([0, 0, -1]), np.array([0, -1, 0])

    measured = [fit_similarity((face @ pose).astype(np.float32), face).yaw_pitch_roll for pose in poses]

    assert (nose @ poses[0])[0] > 0.3  # right of the picture
    assert (nose @ poses[1])[1] > 0.2  # down
    assert (crown @ poses[2])[0] > 0.4  # the head's top goes to the right
    np.testing.assert_allclose(measured, np.diag([20, 15, 25]), atol=0.1)


@pytest.mark.parametrize("roll", [0, 40, 90, 200])
@pytest.mark.parametrize("scale", [0.9, 0.5, 0.25, 0.1])
def test_a_crop_shows_its_place_at_any_scale_and_angle(roll: float, scale: float) -> None:
    """A reduced and turned crop equals the smooth scene at its places, also over the picture's edge."""
    y, x = np.mgrid[:700, :900].astype(np.float32)
    scene = np.dstack([0.25 * x, 0.35 * y, 60 + 0.1 * x + 0.1 * y]).astype(np.uint8)
    side = 60
    to_crop = upright((430, 330), side / 2 / scale, roll, side)

    crop = warp_down(scene, to_crop, side)

    inverse = cv2.invertAffineTransform(to_crop)
    v, u = np.mgrid[:side, :side]
    places = np.dstack([u, v, np.ones_like(u)]) @ inverse.T
    edge = 1 + 0.7 / scale
    inner = (places > edge).all(2) & (places < (899 - edge, 699 - edge)).all(2)
    expected = np.dstack([0.25 * places[..., 0], 0.35 * places[..., 1], 60 + 0.1 * places.sum(2)])
    assert inner.sum() > 1000
    assert np.abs(crop[inner] - expected[inner]).max() < 1.6
    outside = (places < -2 / scale).any(2) | (places > (900 + 2 / scale, 700 + 2 / scale)).any(2)
    assert (crop[outside] == 128).all()


def test_a_crop_beside_the_picture_is_grey(astronaut: np.ndarray) -> None:
    """Where the picture shows nothing at all, nothing is shown."""
    crop = warp_down(astronaut, upright((-4000, 200), 500, 30, 100), 100)

    assert (crop == 128).all()


def test_reducing_does_not_alias() -> None:
    """Stripes finer than the crop's pixels become even grey, at any angle."""
    stripes = np.zeros((800, 800, 3), np.uint8)
    stripes[:, ::2] = 255

    crop = warp_down(stripes, upright((400, 400), 200, 35, 60), 60)

    assert crop[5:-5, 5:-5].std() < 12
