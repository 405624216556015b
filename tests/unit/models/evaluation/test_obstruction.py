import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from models.evaluation.obstruction import bend, run
from models.evaluation.portraits import find_portraits


def _ruler(curve: float) -> np.ndarray:
    """A dark line across a light picture, bent downwards by `curve` pixels in its middle."""
    picture = np.full((160, 240, 3), 210, np.uint8)
    across = np.linspace(20, 220, 80)
    points = np.stack([across, 80 + curve * np.sin((across - 20) / 200 * np.pi)], 1)
    cv2.polylines(picture, [np.round(points * 16).astype(np.int32)], False, (30, 30, 30), 5, cv2.LINE_AA, 4)
    return picture


def test_a_straight_edge_does_not_bend() -> None:
    """An edge that stayed, or moved and turned as a whole, is straight."""
    straight, line = _ruler(0), (np.array([20.0, 80.0]), np.array([220.0, 80.0]))
    turned = cv2.warpAffine(straight, cv2.getRotationMatrix2D((120, 80), 0.8, 1), (240, 160), borderValue=(210,) * 3)

    assert bend(straight, straight, line, 60) == pytest.approx(0, abs=0.01)
    assert bend(straight, turned, line, 60) < 1


def test_a_bent_edge_is_measured() -> None:
    """What an edge departs from a line is found, in percent of the distance between the eyes."""
    line = (np.array([20.0, 80.0]), np.array([220.0, 80.0]))

    found = bend(_ruler(0), _ruler(4), line, 60)

    assert found is not None
    assert 2 < found < 7


def test_a_face_is_measured_with_things_before_it(tmp_path: Path, astronaut: np.ndarray) -> None:
    """Each thing is drawn, found and looked for again; figures and a contact sheet are written."""
    (tmp_path / "faces").mkdir()
    Image.fromarray(astronaut).save(tmp_path / "faces" / "one.png")

    report = run(find_portraits(tmp_path / "faces"), tmp_path / "out", ("square dark glasses", "surgical mask"))

    glasses = report["things"]["square dark glasses"]
    assert glasses["replaced"] == 1
    assert glasses["recall"] > 0.8
    assert glasses["change"] is None
    assert glasses["bend"] < 4
    assert report["things"]["surgical mask"]["recall"] > 0.9
    assert report["things"]["surgical mask"]["change"] < 4
    assert report["false_alarm"] < 0.05
    assert json.loads((tmp_path / "out" / "obstruction.json").read_text()) == report
    assert list((tmp_path / "out").glob("obstruction-*.png"))
