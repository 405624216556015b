import numpy as np

from models import FaceAnonymizer
from models.faces import iou, merge


def test_iou() -> None:
    """Equal boxes overlap wholly, apart boxes not at all."""
    assert iou((0, 0, 2, 2), (0, 0, 2, 2)) == 1
    assert iou((0, 0, 2, 2), (1, 0, 3, 2)) == 1 / 3
    assert iou((0, 0, 2, 2), (5, 5, 6, 6)) == 0


def test_boxes_of_one_face_become_one_face() -> None:
    """Detectors that agree give one face with all their names; others stay apart, largest first."""
    faces = merge([((0, 0, 10, 10), "a"), ((1, 1, 11, 11), "b"), ((50, 50, 90, 90), "a")])

    assert [face.width for face in faces] == [40, 10]
    assert faces[1].found_by == {"a", "b"}


def test_two_people_are_found(engine: FaceAnonymizer, astronaut: np.ndarray, admiral: np.ndarray) -> None:
    """Both faces of a picture with two people are found, also in a large one."""
    pair = np.zeros((1200, 1600, 3), np.uint8)
    pair[100:612, 100:612] = astronaut
    pair[100 : 100 + admiral.shape[0], 900 : 900 + admiral.shape[1]] = admiral

    assert len(engine.find(pair)) == 2


def test_plain_surfaces_have_no_face(engine: FaceAnonymizer) -> None:
    """Neither a wall nor noise is a face."""
    assert engine.find(np.full((400, 400, 3), 200, np.uint8)) == ()
    assert engine.find(np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)) == ()


def test_folds_of_cloth_are_no_face(engine: FaceAnonymizer, astronaut: np.ndarray) -> None:
    """The one person of the picture is the only face found in it."""
    faces = engine.find(astronaut)

    assert len(faces) == 1
    assert len(faces[0].found_by) > 1
