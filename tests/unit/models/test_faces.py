from dataclasses import replace

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from models import FaceAnonymizer
from models.detectors import Detector
from models.faces import Face, FaceFinder, iou, merge
from models.mesh import Array, Box
from models.pyramid import Pyramid
from models.recognizer import Recognizer
from service.demo.intraoral import buccal_view, frontal_view
from tests.support.turning import Lifted, lifted, rolled, turned

Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def heads(astronaut: Picture, admiral: Picture, meshes: tuple[Array, Array]) -> tuple[Lifted, Lifted]:
    return lifted(astronaut, meshes[0]), lifted(admiral, meshes[1])


def _middle(face: Face) -> NDArray[np.float64]:
    return np.array([(face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2])


def test_iou() -> None:
    """Equal boxes overlap wholly, apart boxes not at all."""
    assert iou((0, 0, 2, 2), (0, 0, 2, 2)) == 1
    assert iou((0, 0, 2, 2), (1, 0, 3, 2)) == 1 / 3
    assert iou((0, 0, 2, 2), (5, 5, 6, 6)) == 0


def test_boxes_of_one_face_become_one_face() -> None:
    """Detectors that agree give one face with all their names; others stay apart, largest first."""
    boxes: list[tuple[Box, str]] = [((0, 0, 10, 10), "a"), ((1, 1, 11, 11), "b"), ((50, 50, 90, 90), "a")]

    faces = merge([Face(box, frozenset({name})) for box, name in boxes])

    assert [face.width for face in faces] == [40, 10]
    assert faces[1].found_by == {"a", "b"}


def test_two_people_are_found(engine: FaceAnonymizer, astronaut: Picture, admiral: Picture) -> None:
    """Both faces of a picture with two people are found, also in a large one."""
    pair = np.zeros((1200, 1600, 3), np.uint8)
    pair[100:612, 100:612] = astronaut
    pair[100 : 100 + admiral.shape[0], 900 : 900 + admiral.shape[1]] = admiral

    assert len(engine.find(pair)) == 2


def test_plain_surfaces_have_no_face(engine: FaceAnonymizer) -> None:
    """Neither a wall nor noise is a face."""
    assert engine.find(np.full((400, 400, 3), 200, np.uint8)) == ()
    assert engine.find(np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)) == ()


@pytest.mark.parametrize("name", ["brick", "coffee", "rocket", "retina", "grass", "page", "coins", "moon", "clock"])
def test_things_have_no_face(engine: FaceAnonymizer, name: str) -> None:
    """Walls, cups, engines, eyes' insides, lawns, writing and relief are none, at any angle."""
    image = np.asarray(getattr(skimage.data, name)())

    assert engine.find(image if image.ndim == 3 else np.dstack([image] * 3)) == ()


@pytest.mark.parametrize("view", [frontal_view, buccal_view])
def test_teeth_have_no_face(engine: FaceAnonymizer, view: object) -> None:
    """An intra-oral picture shows none, however it is turned."""
    for seed in range(4):
        picture = view(seed)  # type: ignore[operator]
        assert engine.find(picture) == ()
        assert engine.find(np.ascontiguousarray(np.rot90(picture))) == ()


def test_folds_of_cloth_are_no_face(engine: FaceAnonymizer, astronaut: Picture) -> None:
    """The one person of the picture is the only face found in it."""
    faces = engine.find(astronaut)

    assert len(faces) == 1
    assert len(faces[0].found_by) > 1


@pytest.mark.parametrize("roll", range(0, 360, 30))
def test_a_face_at_any_angle_is_found_and_its_angle_told(
    engine: FaceAnonymizer, astronaut: Picture, admiral: Picture, roll: int
) -> None:
    """However the picture is turned, the face is found where it lies, and its roll is right to fifteen degrees."""
    for image, centre, tilt in ((astronaut, (227, 126), 5), (admiral, (270, 240), 0)):
        picture, moved = rolled(image, roll)

        away = [np.linalg.norm(_middle(face) - moved @ (*centre, 1)) / face.width for face in engine.find(picture)]

        assert sorted(away)[0] < 0.25
        face = engine.find(picture)[int(np.argmin(away))]
        assert abs((face.roll - tilt - roll + 180) % 360 - 180) < 15


@pytest.mark.parametrize("yaw", [-80, -60, -45, 0, 45, 60, 80])
def test_a_face_from_any_side_is_found(engine: FaceAnonymizer, heads: tuple[Lifted, Lifted], yaw: int) -> None:
    """Half profiles and profiles, to the left and to the right, are found."""
    for head in heads:
        assert len(engine.find(turned(head, yaw))) == 1


def test_how_far_a_face_is_turned_is_told(engine: FaceAnonymizer, heads: tuple[Lifted, Lifted]) -> None:
    """A frontal face counts as little turned, a half profile as more, a profile as most."""
    for head in heads:
        angles = [engine.find(turned(head, yaw))[0].turned for yaw in (0, -50, -75)]

        assert angles[0] < 10 < angles[1] < 45
        assert angles[2] > angles[0] + 20


@pytest.mark.parametrize("yaw", [-80, -75, 75, 80])
def test_a_profile_with_hat_and_glasses_counts_as_turned(
    engine: FaceAnonymizer, heads: tuple[Lifted, Lifted], yaw: int
) -> None:
    """One detector takes such a profile for a face that looks at the camera; the other knows better."""
    assert engine.find(turned(heads[1], yaw))[0].turned > 20


@pytest.mark.parametrize(("width", "height"), [(40, 750), (60, 3000), (100, 3000)])
def test_small_faces_are_found_in_large_pictures(
    engine: FaceAnonymizer, admiral: Picture, width: int, height: int
) -> None:
    """Somebody small in the corner of a photograph with much in it, of up to twelve megapixels, is found."""
    scene = cv2.resize(skimage.data.coffee(), (height * 4 // 3, height), interpolation=cv2.INTER_CUBIC)
    small = cv2.resize(admiral, None, fx=width / 190, fy=width / 190, interpolation=cv2.INTER_AREA)
    y, x = (length - edge - 20 for length, edge in zip(scene.shape, small.shape[:2], strict=False))
    scene[y : y + small.shape[0], x : x + small.shape[1]] = small

    places = [_middle(face) - (x, y) for face in engine.find(scene)]

    assert any(np.abs(place - np.array([270, 240]) * width / 190).max() < 0.4 * width for place in places)


def test_a_face_that_fills_the_picture_is_found(engine: FaceAnonymizer, astronaut: Picture) -> None:
    """Three thousand pixels of face, cut off at brow and chin, are a face all the same."""
    close = cv2.resize(astronaut[80:175, 175:278], (3000, 2767), interpolation=cv2.INTER_CUBIC)

    assert engine.find(close)[0].width > 2000


def test_whom_dlib_sees_stands_upright(astronaut: Picture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A face that was taken for one upside down, mouth for brows, is the upright one that dlib's detector sees."""
    finder = FaceFinder(Recognizer())
    (upright,) = finder.find(astronaut)
    wrong = replace(upright, roll=-172.0, found_by=frozenset({"mediapipe-near"}))
    monkeypatch.setattr(finder, "_confirmed", lambda picture, leads, known: [wrong])

    (found,) = finder.find(np.ascontiguousarray(astronaut[:-1]))

    assert abs(found.roll - upright.roll) < 5
    assert found.found_by == {"mediapipe-near", "dlib-hog"}
    assert found.points is not None


def test_a_picture_is_searched_once(
    engine: FaceAnonymizer, astronaut: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same pixels are not searched again, and others are."""
    first = engine.find(astronaut)
    monkeypatch.setattr(Detector, "look", lambda *_: [])

    assert engine.find(astronaut.copy()) == first
    assert not any("mediapipe-near" in face.found_by for face in engine.find(astronaut[:, ::-1]))


def test_every_size_of_a_picture_shows_the_same() -> None:
    """A crop of a smaller copy equals the reduced crop of the picture itself, at any angle."""
    y, x = np.mgrid[:601, :803].astype(np.float32)
    scene = np.dstack([0.25 * x, 0.35 * y, 60 + 0.1 * (x + y)]).astype(np.uint8)

    for half in (20.0, 60.0, 150.0, 240.0):
        crop = Pyramid(scene).crop((400, 300), half, 30, 64).astype(int)
        expected = np.array([scene[300, 400]]).astype(int)
        assert np.abs(crop[31:33, 31:33].reshape(-1, 3) - expected).max() <= 4
        assert crop[32, 63, 0] - crop[32, 0, 0] == pytest.approx(
            0.25 * 2 * half * np.cos(np.radians(30)) * 63 / 64, abs=3
        )
