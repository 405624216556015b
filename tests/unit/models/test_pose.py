"""Turning a head and measuring how far it turned."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models import FaceAnonymizer
from models.evaluation.turning import Turn, head_pose, plot, read_pose, response
from models.mesh import Array, Mesher, fit_similarity, roll_of, yaw_of
from models.pose import move_face, rotation, turn_face, turn_head, turn_mesh

Picture = NDArray[np.uint8]


def test_a_turned_face_is_measured_as_turned(
    engine: FaceAnonymizer, astronaut: Picture, meshes: tuple[Array, Array]
) -> None:
    """Yaw and pitch that are asked for come out on a fresh mesh with their sign, in order, and leave the other be."""
    mesher, mean, box = Mesher(), engine.prior.frame.mean, (170.0, 60.0, 280.0, 180.0)

    for axis in ("yaw", "pitch"):
        turns = []
        for angle in (-14, -7, 0, 7, 14):
            picture = turn_face(astronaut, meshes[0], *((angle, 0) if axis == "yaw" else (0, angle)))
            pose = read_pose(mesher, picture, box, roll_of(meshes[0]), mean)
            assert pose is not None
            turns.append(Turn(angle, *pose))
        fit = response(turns, axis)
        assert fit["slope"] > 0.2
        assert fit["r2"] > 0.97
        assert fit["drift"] < 2


def test_a_mirrored_picture_is_measured_as_mirrored(
    engine: FaceAnonymizer, astronaut: Picture, meshes: tuple[Array, Array]
) -> None:
    """The ruler has no better side: of a mirror image it reads the opposite yaw and the same pitch."""
    mesher, mean, roll = Mesher(), engine.prior.frame.mean, roll_of(meshes[0])
    mirror = np.ascontiguousarray(astronaut[:, ::-1])

    straight = read_pose(mesher, astronaut, (170.0, 60.0, 280.0, 180.0), roll, mean)
    mirrored = read_pose(mesher, mirror, (231.0, 60.0, 341.0, 180.0), -roll, mean)

    assert straight is not None and mirrored is not None
    assert straight == pytest.approx((-mirrored[0], mirrored[1]), abs=0.05)


def test_where_no_face_is_no_pose_is_measured(engine: FaceAnonymizer) -> None:
    """A wall has no pose."""
    wall = np.full((200, 200, 3), 90, np.uint8)

    assert read_pose(Mesher(), wall, (50.0, 50.0, 150.0, 150.0), 0.0, engine.prior.frame.mean) is None


def test_a_head_turns_about_its_own_axes(engine: FaceAnonymizer) -> None:
    """Of a head that stands turned and tilted, pitch leaves yaw as it is and yaw pitch."""
    mean = engine.prior.frame.mean
    tilt = _about_z(20)
    standing = (mean @ rotation(*np.radians([15, -10])) @ tilt * 100).astype(np.float32)
    assert yaw_of(standing) == pytest.approx(15, abs=1)
    assert roll_of(standing) == pytest.approx(20, abs=1)

    for yaw, pitch in ((15, 0), (0, 15)):
        turned = turn_mesh(standing, yaw, pitch, standing.mean(0))
        wanted = rotation(*np.radians([15 + yaw, -10 + pitch])) @ tilt
        np.testing.assert_allclose(fit_similarity(mean, turned).rotation, wanted, atol=0.02)


def _about_z(degrees: float) -> Array:
    """Clockwise in the picture, for row vectors."""
    x, y = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[x, y, 0], [-y, x, 0], [0, 0, 1]], np.float32)


def test_the_pose_of_a_rotated_mesh_is_its_rotation(engine: FaceAnonymizer) -> None:
    """Seen from afar, the mean face turned by known angles is measured at these angles, with their signs."""
    mean = engine.prior.frame.mean
    for yaw, pitch in ((0, 0), (20, 0), (-20, 0), (0, 15), (0, -15)):
        seen = mean @ rotation(*np.radians([yaw, pitch])) * 100 + np.float32(500)

        measured = head_pose(seen.astype(np.float32), mean, (1000, 1000))

        assert measured == pytest.approx((yaw, pitch), abs=4)


def test_no_turn_changes_nothing_and_a_turn_only_the_head(astronaut: Picture, meshes: tuple[Array, Array]) -> None:
    """By no angle the picture stays, but for its resampling; by any angle what is far from the head stays."""
    still = turn_face(astronaut, meshes[0], 0, 0).astype(int)
    turned = turn_face(astronaut, meshes[0], 15, 5)

    assert np.abs(still - astronaut).mean() < 0.5
    assert (turned != astronaut).any()
    np.testing.assert_array_equal(turned[300:], astronaut[300:])
    np.testing.assert_array_equal(turned[:, 420:], astronaut[:, 420:])


def test_a_moved_mesh_takes_its_pixels_along(astronaut: Picture, meshes: tuple[Array, Array]) -> None:
    """A face whose mesh is shifted by five pixels is drawn five pixels farther on."""
    moved = move_face(astronaut, meshes[0], meshes[0] + np.array([5, 0, 0], np.float32))

    x, y = meshes[0][4, :2].astype(int)
    difference = moved[y - 8 : y + 8, x - 3 : x + 13].astype(int) - astronaut[y - 8 : y + 8, x - 8 : x + 8]
    assert np.abs(difference).mean() < 4


def test_without_a_face_nothing_is_turned() -> None:
    """A picture of nobody is refused."""
    with pytest.raises(ValueError, match="no face"):
        turn_head(np.full((200, 200, 3), 90, np.uint8), 10)


def test_a_line_is_known_by_its_slope_and_scatter() -> None:
    """A perfect line has R² 1 and no drift; scatter lowers it; the other angle's wandering is reported."""
    straight = [Turn(asked, 2 + 0.5 * asked, 3) for asked in (-20, -10, 0, 10, 20)]
    bent = [Turn(turn.asked, turn.yaw + (3 if turn.asked > 0 else 0), 3 + turn.asked / 10) for turn in straight]

    assert response(straight, "yaw") == pytest.approx({"slope": 0.5, "r2": 1, "drift": 0})
    assert response(bent, "yaw")["r2"] < 0.995
    assert response(bent, "yaw")["drift"] == pytest.approx(2)
    assert plot(straight, "yaw").shape[2] == 3
