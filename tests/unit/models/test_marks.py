"""Moles do not follow a person into the new face."""

import cv2
import numpy as np
import pytest

from models import FaceAnonymizer, marks
from models.face_model import FaceModel
from models.frame import Frame
from models.lighting import blur
from models.mesh import Array

SPOT = 232, 82  # row and column in the frame: on the cheek
SIZE = 3  # times the astronaut's, so that a mole has some pixels


@pytest.fixture(name="frame")
def _frame(engine: FaceAnonymizer) -> Frame:
    return engine.prior.frame


@pytest.fixture(name="skin")
def _skin(frame: Frame) -> Array:
    """Log detail of plain skin with pores."""
    pores = np.random.default_rng(1).standard_normal((frame.side, frame.side)).astype(np.float32)
    return np.repeat((0.02 * pores)[..., None], 3, 2)


def _everywhere(frame: Frame) -> Array:
    return np.ones((frame.side, frame.side), np.float32)


def _dark(skin: Array, row: int, column: int, radius: int, depth: float = 0.5) -> None:
    cv2.circle(light := np.zeros(skin.shape[:2], np.float32), (column, row), radius, depth, -1)
    skin[..., 0] -= blur(light, 1.0)


def test_a_mole_is_found_and_nothing_else(frame: Frame, skin: Array) -> None:
    """One dark spot on a cheek: that, with a margin, and no other place of it."""
    _dark(skin, *SPOT, 3)

    found = marks.find(skin, _everywhere(frame), frame)

    rows, columns = np.nonzero(found)
    assert found[SPOT]
    assert np.hypot(rows - SPOT[0], columns - SPOT[1]).max() < 12


@pytest.mark.parametrize("kind", ["pores", "freckles", "a wrinkle", "a shadow", "covered", "in an eye"])
def test_what_is_no_mole_stays(frame: Frame, skin: Array, kind: str) -> None:
    """Skin, what it has many of, lines, broad shadows, what a hand hides, and everything about the eyes."""
    bare = _everywhere(frame)
    match kind:
        case "freckles":
            for row, column in np.ndindex(frame.side // 6, frame.side // 6):
                _dark(skin, 6 * row, 6 * column, 1, 0.5)
        case "a wrinkle":
            skin[SPOT[0] : SPOT[0] + 2, SPOT[1] - 25 : SPOT[1] + 25] -= 0.5
        case "a shadow":
            _dark(skin, *SPOT, 25)
        case "covered":
            _dark(skin, *SPOT, 3)
            bare[SPOT[0] - 20 : SPOT[0] + 20, SPOT[1] - 20 : SPOT[1] + 20] = 0
        case "in an eye":
            column, row = frame.uv[33].astype(int).tolist()
            _dark(skin, row, column, 3)

    assert not marks.find(skin, bare, frame).any()


def test_a_bridge_has_the_tone_of_what_is_around(frame: Frame, skin: Array) -> None:
    """The mole goes from the detail, and everything away from it stays as it was."""
    _dark(skin, *SPOT, 3)
    where = marks.find(skin, _everywhere(frame), frame)

    bridged = marks.bridged(skin, where)

    away = cv2.dilate(where.astype(np.uint8), np.ones((9, 9))) == 0
    assert abs(float(bridged[SPOT][0])) < 0.06
    assert np.allclose(bridged[away], skin[away], atol=1e-3)


def test_filling_leaves_no_hole_and_nothing_smooth() -> None:
    """In the place of a mole lies skin as bright and as rough as beside it; the rest of the picture is untouched."""
    plain = np.clip(np.random.default_rng(2).normal(150, 8, (200, 200, 3)), 0, 255).astype(np.uint8)
    image = plain.copy()
    cv2.circle(image, (90, 110), 9, (60, 40, 30), -1)

    filled = marks.filled(image, np.array([[90, 110, 12]], np.float32))

    inner = filled[103:118, 83:98].astype(float)
    rows, columns = np.nonzero((filled != image).any(2))
    assert abs(inner.mean() - 150) < 3
    assert 0.6 < inner.std() / 8 < 1.3
    assert np.hypot(columns - 90, rows - 110).max() < 16


@pytest.mark.parametrize("place", [(0, 0), (199, 0), (100, 199)])
def test_a_mole_at_the_edge_of_the_picture_is_filled(place: tuple[int, int]) -> None:
    """Where half of its surroundings are out of the picture the other half tells its tone."""
    image = np.full((200, 200, 3), 150, np.uint8)
    cv2.circle(image, place, 6, (60, 40, 30), -1)

    filled = marks.filled(image, np.array([[*place, 9]], np.float32))

    assert filled.shape == image.shape
    assert np.abs(filled.astype(int) - 150).max() <= 2


def _large(astronaut: np.ndarray) -> np.ndarray:
    return cv2.resize(astronaut, None, fx=SIZE, fy=SIZE, interpolation=cv2.INTER_CUBIC)


def _explained(engine: FaceAnonymizer, image: np.ndarray) -> FaceModel:
    face = engine.explain(image, engine.find(image)[0])
    assert face is not None
    return face


@pytest.mark.parametrize(("vertex", "stays"), [(205, False), (2, True)])
def test_a_mole_goes_with_the_old_face_unless_it_is_preserved(
    engine: FaceAnonymizer, astronaut: np.ndarray, vertex: int, stays: bool
) -> None:
    """One on the cheek is gone from a result that keeps the nose; one on the nose is there, as it was."""
    clean = _large(astronaut)
    x, y = _explained(engine, clean).vertices[vertex, :2].round().astype(int).tolist()
    image = cv2.circle(clean.copy(), (x, y), 4, (40, 25, 20), -1, cv2.LINE_AA)
    latent = engine.prior.sample(np.random.default_rng(6), 1)[0]

    result, without = (engine.anonymize(one, latent, frozenset({"nose"})).image for one in (image, clean))

    near = np.s_[y - 40 : y + 41, x - 40 : x + 41]
    if stays:
        assert np.array_equal(result[y - 4 : y + 5, x - 4 : x + 5], image[y - 4 : y + 5, x - 4 : x + 5])
    else:
        assert (result[near].mean(2) - without[near].mean(2)).min() > -0.25 * result[near].mean()
