"""The skin that a new face wears is the person's, and not what stood in its place."""

import numpy as np
import pytest

from models import FaceAnonymizer, skin
from models.frame import Frame
from models.lighting import blur
from models.mesh import Array
from models.skin import borrowed

CHEEK = slice(215, 245), slice(70, 100)  # of the frame: plain skin on the picture's left
OTHER = CHEEK[0], slice(384 - 100, 384 - 70)


@pytest.fixture(name="frame")
def _frame(engine: FaceAnonymizer) -> Frame:
    return engine.prior.frame


@pytest.fixture(name="rough")
def _rough(frame: Frame) -> Array:
    """Skin as rough everywhere."""
    return _noise(frame, 5, 0.02)


def _noise(frame: Frame, seed: int, strength: float) -> Array:
    grey = np.random.default_rng(seed).standard_normal((frame.side, frame.side)).astype(np.float32)
    grey = blur(grey, 2.0)
    return np.repeat((strength * grey / grey.std())[..., None], 3, 2)


def _alike(one: Array, other: Array) -> float:
    return float(np.corrcoef(one[..., 0].ravel(), other[..., 0].ravel())[0, 1])


def test_it_comes_from_the_other_half_of_the_face(frame: Frame, rough: Array) -> None:
    """Both cheeks in sight: each wears the mirrored other one, as strong, and keeps nothing of its own."""
    worn = borrowed(rough, np.ones((frame.side, frame.side), np.float32), frame)

    assert worn.shape == (frame.side, frame.side, 3)
    assert worn.dtype == np.float32
    assert _alike(worn[CHEEK], rough[:, ::-1][CHEEK]) > 0.9
    assert abs(_alike(worn[CHEEK], rough[CHEEK])) < 0.3
    assert 0.6 < worn[CHEEK].std() / rough[CHEEK].std() < 1.1


def test_a_cheek_whose_other_is_out_of_sight_wears_its_own(frame: Frame, rough: Array) -> None:
    """Turned away or covered, the other half has nothing to lend, and its garbage comes nowhere."""
    bare = np.ones((frame.side, frame.side), np.float32)
    bare[:, frame.side // 2 :] = 0
    rough[:, frame.side // 2 :] = 5

    worn = borrowed(rough, bare, frame)

    assert _alike(worn[CHEEK], rough[CHEEK]) > 0.9
    assert np.abs(worn[OTHER]).max() == 0
    assert np.abs(worn).max() < 0.2


@pytest.mark.parametrize("side", [CHEEK, OTHER])
def test_no_mole_stands_out(frame: Frame, rough: Array, side: tuple[slice, slice]) -> None:
    """A dark spot on either cheek is worn by neither as more than the roughness around it."""
    row, column = (part.start + 15 for part in side)
    rough[row - 3 : row + 4, column - 3 : column + 4] -= 0.6

    worn = borrowed(rough, np.ones((frame.side, frame.side), np.float32), frame)

    for cheek in (CHEEK, OTHER):
        assert worn[cheek].min() > -0.07


def test_lines_of_features_are_not_lent(frame: Frame, rough: Array) -> None:
    """Brows, nostrils and lips are what the new face brings."""
    worn = borrowed(rough, np.ones((frame.side, frame.side), np.float32), frame)

    spared = frame.unlined < 0.02
    assert spared.sum() > 500
    assert np.abs(worn[spared]).max() < 0.02 * np.abs(rough).max()


def test_what_is_borrowed_does_not_go_with_the_old_face(
    engine: FaceAnonymizer, astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A face is explained so that this much of it stays, in lightness and in colour."""
    found = engine.find(astronaut)[0]
    lent = list[Array]()

    def keeping(residual: Array, bare: Array, frame: Frame) -> Array:
        lent.append(borrowed(residual, bare, frame))
        return lent[-1]

    monkeypatch.setattr(skin, "borrowed", keeping)
    worn = engine.explain(astronaut, found)
    monkeypatch.setattr(skin, "borrowed", lambda residual, bare, frame: np.zeros_like(residual))
    bare = engine.explain(astronaut, found)

    assert worn is not None
    assert bare is not None
    assert lent[0][CHEEK].std((0, 1)).min() > 0.001
    assert np.allclose(bare.residual - worn.residual, lent[0], atol=1e-5)
