"""MediaPipe's networks answer as they do of themselves."""

import collections

import numpy as np
import pytest
from mediapipe.python import solution_base

from models.solutions import solutions


def test_each_picture_has_an_answer_of_its_own(astronaut: np.ndarray) -> None:
    """A face that was found stays found when the next picture, a wall, has none."""
    network = solutions.face_detection.FaceDetection(model_selection=0)

    face = network.process(astronaut)
    wall = network.process(np.full_like(astronaut, 120))

    assert len(face.detections) == 1
    assert wall.detections is None


def test_the_answer_is_what_mediapipe_would_say(astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its own named tuples in their place again, the same boxes, points and scores come out."""
    ours = solutions.face_detection.FaceDetection(model_selection=1).process(astronaut)

    monkeypatch.setattr(solution_base, "collections", collections)
    theirs = solutions.face_detection.FaceDetection(model_selection=1).process(astronaut)

    assert isinstance(theirs, type)
    assert [str(one) for one in ours.detections] == [str(one) for one in theirs.detections]
