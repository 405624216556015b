"""What is seen of a picture: MTCNN, the judges' crops, and what is kept between runs."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models import FaceAnonymizer
from models.aligning import aligned
from models.evaluation import judges, looking
from models.evaluation.looking import Look, Observer
from models.evaluation.mtcnn import Mtcnn
from models.faces import iou
from models.mesh import Array

Picture = NDArray[np.uint8]


class _Brightness:
    """A judge that tells people by the mean of their crop, and counts how often it was asked."""

    name = "brightness"

    def __init__(self) -> None:
        self.asked = 0

    def embed(self, image: Picture, place: judges.Place) -> Array:
        self.asked += 1
        return aligned(image, place.vertices, 32).mean((0, 1)).astype(np.float32)


def test_mtcnn_finds_the_faces(astronaut: Picture, admiral: Picture, meshes: tuple[Array, Array]) -> None:
    """Each portrait has one face where the mesh lies, also beside another and enlarged; a plain picture has none."""
    detector = Mtcnn()
    for image, mesh in ((astronaut, meshes[0]), (admiral, meshes[1])):
        found = detector.detect(image)
        assert len(found) == 1
        assert iou(found[0], (*mesh[:, :2].min(0), *mesh[:, :2].max(0))) > 0.5
    pair = np.zeros((700, 1100, 3), np.uint8)
    pair[:512, :512], pair[: len(admiral), 580 : 580 + admiral.shape[1]] = astronaut, admiral

    assert len(detector.detect(pair)) == 2
    assert detector.detect(np.full((200, 300, 3), 90, np.uint8)) == []


def test_an_aligned_crop_is_upright_whatever_the_size(astronaut: Picture, meshes: tuple[Array, Array]) -> None:
    """A quarter turn and a picture four times as large give the same crop, but for its resampling."""
    own = aligned(astronaut, meshes[0], 112).astype(int)
    turned = np.stack([meshes[0][:, 1], 511 - meshes[0][:, 0], meshes[0][:, 2]], 1)
    large = np.repeat(np.repeat(astronaut, 4, 0), 4, 1)

    assert np.abs(own - aligned(np.rot90(astronaut).copy(), turned, 112)).mean() < 2
    assert np.abs(own - aligned(large, meshes[0] * 4 + (1.5, 1.5, 0), 112)).mean() < 6


def test_where_a_face_was_the_judges_look_again(engine: FaceAnonymizer, astronaut: Picture) -> None:
    """Of a blackened face no mesh and no box remain, and judges still judge the place where it was."""
    observer = Observer(engine.recognizer, [_Brightness()], Mtcnn())
    before = observer.look(astronaut)
    assert before.place is not None
    assert {"dlib-hog", "mtcnn"} <= set(before.boxes)
    left, top, right, bottom = map(int, before.place.box)
    hidden = astronaut.copy()
    hidden[top - 40 : bottom + 20, left - 20 : right + 20] = 0

    after = observer.look(hidden, before)

    assert after.place is None
    assert after.boxes == {}
    assert after.embeddings["brightness"] is not None
    assert observer.look(np.zeros((99, 99, 3), np.uint8)) == Look(None, {}, {"brightness": None})


def test_what_was_seen_is_kept(engine: FaceAnonymizer, astronaut: Picture, tmp_path: Path) -> None:
    """A second run with the same judges asks nobody again."""
    judge = _Brightness()
    first = Observer(engine.recognizer, [judge], None, tmp_path).look(astronaut)
    again = Observer(engine.recognizer, [judge], None, tmp_path).look(astronaut)

    assert judge.asked == 1
    np.testing.assert_array_equal(first.embeddings["brightness"], again.embeddings["brightness"])
    assert looking.Observer(engine.recognizer, [], None).detectors == ["mediapipe-near", "mediapipe-far", "dlib-hog"]
