"""The recogniser says what dlib's own code says, faster, and several faces at a time."""

import dlib
import numpy as np
import pytest

from models import Recognizer
from models.recognizer import LANDMARKS, NETWORK, model_file

Picture = np.ndarray


@pytest.fixture(scope="module", name="recognizer")
def _recognizer() -> Recognizer:
    return Recognizer.load()


@pytest.fixture(scope="module", name="faces")
def _faces(astronaut: Picture, admiral: Picture) -> list[Picture]:
    """Two people, plain and mirrored in poor light."""
    return [astronaut, admiral, *(np.ascontiguousarray(one[:, ::-1]) // 2 for one in (astronaut, admiral))]


def test_descriptors_are_those_of_dlib(recognizer: Recognizer, faces: list[Picture]) -> None:
    """dlib's own network, given the same box of the same picture, differs by less than 0.001."""
    points = dlib.shape_predictor(str(model_file(LANDMARKS)))
    network = dlib.face_recognition_model_v1(str(model_file(NETWORK)))
    for image in faces:
        box = recognizer.detect(image)[0]

        own = recognizer.embed(image, box)

        theirs = network.compute_face_descriptor(image, points(image, dlib.rectangle(*map(int, box))))
        assert own is not None
        assert own.dtype == np.float32
        assert own.shape == (128,)
        assert Recognizer.distance(own, np.array(theirs, np.float32)) < 0.001


def test_many_faces_are_described_as_one_by_one(recognizer: Recognizer, faces: list[Picture]) -> None:
    """Each in its place, None where no face is found, whatever else is asked at the same time."""
    empty = np.full((200, 200, 3), 90, np.uint8)
    box = recognizer.detect(faces[0])[0]

    together = recognizer.embed_many([(empty, None), (faces[0], box), (empty, None), *((one, None) for one in faces)])

    assert together[0] is None
    assert together[2] is None
    for one, alone in zip([*together[1:2], *together[3:]], [faces[0], *faces], strict=True):
        assert one is not None
        assert Recognizer.distance(one, recognizer.embed(alone)) < 1e-5


def test_nobody_to_describe(recognizer: Recognizer) -> None:
    """No picture, or none with a face, is no error."""
    empty = np.full((200, 200, 3), 90, np.uint8)

    assert recognizer.embed_many([]) == []
    assert recognizer.embed(empty) is None
