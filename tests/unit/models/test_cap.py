"""A surgical cap over the hair, on two real photographs in the public domain."""

import cv2
import numpy as np
import pytest

from models import FaceAnonymizer
from models.cap import CapPainter
from models.mesh import LEFT_EYE, RIGHT_EYE, TOP

Picture = np.ndarray
IDENTITY = np.arange(4, dtype=np.float32)
HAIR = np.s_[28:58, 190:275]  # of the astronaut, above the forehead
UNLIKE = 0.2  # correlation: cloth alone has -.1 with her hair, cloth through which a tenth of it shines .33


@pytest.fixture(scope="module")
def painter() -> CapPainter:
    return CapPainter()


def _capped(
    painter: CapPainter,
    image: Picture,
    vertices: np.ndarray,
    identity: np.ndarray = IDENTITY,
    keep: np.ndarray | None = None,
    one_hue: bool = False,
) -> Picture:
    after = image.copy()
    painter.paint(after, vertices, identity, np.zeros(image.shape[:2], bool) if keep is None else keep, one_hue)
    return after


def _likeness(before: Picture, after: Picture) -> float:
    """Correlation of what is finer than a few pixels."""
    grey = [one.astype(np.float32).mean(2) for one in (before, after)]
    return float(np.corrcoef(*((one - cv2.blur(one, (9, 9))).ravel() for one in grey))[0, 1])


def test_nothing_of_the_hair_on_the_head_is_left_and_the_face_is(
    painter: CapPainter, astronaut: Picture, meshes: tuple[np.ndarray, np.ndarray]
) -> None:
    """Her curls are cloth from the hairline to beyond their outline; eyes, mouth, suit and the flag stay to the bit."""
    after = _capped(painter, astronaut, meshes[0])

    assert (after[HAIR] != astronaut[HAIR]).any(2).mean() > 0.99
    assert abs(_likeness(astronaut[HAIR], after[HAIR])) < UNLIKE
    below = int(meshes[0][RIGHT_EYE + LEFT_EYE, 1].min()) - 4
    assert np.array_equal(after[below:, 200:250], astronaut[below:, 200:250])
    assert np.array_equal(after[:, :90], astronaut[:, :90])
    assert np.array_equal(after[230:], astronaut[230:])


def test_what_is_kept_is_kept(painter: CapPainter, astronaut: Picture, meshes: tuple[np.ndarray, np.ndarray]) -> None:
    """A preserved region that reaches under the cap comes out as it went in."""
    keep = np.zeros(astronaut.shape[:2], bool)
    keep[30:90, 200:240] = True

    after = _capped(painter, astronaut, meshes[0], keep=keep)

    assert np.array_equal(after[keep], astronaut[keep])
    assert not np.array_equal(after[30:90, 240:260], astronaut[30:90, 240:260])


def test_one_patient_wears_one_cap(
    painter: CapPainter, astronaut: Picture, meshes: tuple[np.ndarray, np.ndarray]
) -> None:
    """The same identity gets the same cap to the bit, ten others between them at least three colours of cloth."""
    others = [np.full(4, number, np.float32) for number in range(10)]
    tones = [_capped(painter, astronaut, meshes[0], one)[20:50, 200:260].mean((0, 1)) for one in others]

    assert np.array_equal(_capped(painter, astronaut, meshes[0]), _capped(painter, astronaut, meshes[0]))
    assert len({tuple(np.round(tone / 24)) for tone in tones}) >= 3


def test_a_grey_photograph_stays_grey(
    painter: CapPainter, astronaut: Picture, meshes: tuple[np.ndarray, np.ndarray]
) -> None:
    """Cloth brings no colour where there is none."""
    grey = np.repeat(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)

    after = _capped(painter, grey, meshes[0], one_hue=True)

    assert (after[20:50, 200:260] != grey[20:50, 200:260]).any()
    assert np.ptp(after.astype(int), axis=2).max() <= 1


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_cap_sits_on_the_head_however_it_is_turned(
    painter: CapPainter, admiral: Picture, meshes: tuple[np.ndarray, np.ndarray], turns: int
) -> None:
    """On a photograph that lies on its side or upside down the same pixels change, give or take an edge."""
    upright = (_capped(painter, admiral, meshes[1]) != admiral).any(2)
    height, width = admiral.shape[:2]
    turned, x, y = np.ascontiguousarray(np.rot90(admiral, turns)), meshes[1][:, 0], meshes[1][:, 1]
    places = {1: (y, width - 1 - x), 2: (width - 1 - x, height - 1 - y), 3: (height - 1 - y, x)}[turns]
    vertices = np.column_stack([*places, meshes[1][:, 2]]).astype(np.float32)

    changed = np.rot90((_capped(painter, turned, vertices) != turned).any(2), -turns)

    assert upright.mean() > 0.05
    assert (changed & upright).sum() / (changed | upright).sum() > 0.95


def test_a_head_at_the_border_gets_what_there_is_room_for(
    painter: CapPainter, astronaut: Picture, meshes: tuple[np.ndarray, np.ndarray]
) -> None:
    """Cut off through the forehead and through one eye, nothing fails and the cap reaches the border."""
    top, left = int(meshes[0][TOP, 1]) + 2, int(meshes[0][RIGHT_EYE, 0].mean())
    part = np.ascontiguousarray(astronaut[top:, left:])

    after = _capped(painter, part, meshes[0] - np.array([left, top, 0], np.float32))

    assert (after[0] != part[0]).any()
    assert np.array_equal(after[150:], part[150:])


def test_an_engine_puts_it_on_whoever_it_replaces(engine: FaceAnonymizer, astronaut: Picture) -> None:
    """With a cap the new face and the preserved mouth are the same, and no hair is left."""
    latent = engine.sample(np.random.default_rng(3), 1)[0]

    bare, capped = (engine.anonymize(astronaut, latent, frozenset({"mouth"}), capped=one) for one in (False, True))

    assert np.array_equal(bare.preserved, capped.preserved)
    assert np.array_equal(capped.image[capped.preserved], astronaut[capped.preserved])
    assert np.array_equal(bare.image[125:175, 200:250], capped.image[125:175, 200:250])
    assert capped.synthetic[HAIR].mean() > 0.98
    assert abs(_likeness(bare.image[HAIR], capped.image[HAIR])) < UNLIKE
