import numpy as np
import pytest

from models import FaceAnonymizer
from models.training import clutter
from models.training.clutter import Canvas


@pytest.fixture(name="canvas")
def _canvas(engine: FaceAnonymizer) -> Canvas:
    side = engine.prior.frame.side
    bare = np.zeros((side, side), np.float32)
    skin = np.full((side, side, 3), (200, 160, 140), np.float32)
    return Canvas(skin, bare, bare, engine.prior.frame, [np.full((32, 32, 3), 60, np.float32)])


@pytest.mark.parametrize("painter", clutter.COVERING, ids=lambda painter: painter.__name__)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_painted_is_told(canvas: Canvas, painter: clutter.Painter, seed: int) -> None:
    """Where a thing is said to be, the face looks otherwise; and a thing never covers all of it."""
    before = canvas.texture.copy()

    painter(canvas, np.random.default_rng(seed))

    covered = canvas.covered > 0
    changed = np.abs(canvas.texture - before).max(2)
    assert covered.any()
    assert covered.mean() < 0.95
    assert (changed[covered] > 2).mean() > 0.6


@pytest.mark.parametrize("painter", [clutter.side_light, clutter.cast_shadow, clutter.shine, clutter.make_up])
def test_light_and_paint_cover_nothing(canvas: Canvas, painter: clutter.Painter) -> None:
    """Shadows, gleams and make-up change the face and are no thing before it."""
    before = canvas.texture.copy()

    painter(canvas, np.random.default_rng(4))

    assert canvas.covered.max() == 0
    assert np.abs(canvas.texture - before).max() > 2


def test_only_hair_is_hair(canvas: Canvas) -> None:
    """Locks are told apart from what is hard, and what lies over them takes their place."""
    clutter.fringe(canvas, np.random.default_rng(1))
    hair = canvas.hair.copy()

    canvas.lay(np.ones_like(hair), np.zeros(3, np.float32))

    assert hair.max() == 1
    assert canvas.hair.max() == 0
    assert canvas.covered.min() == 1


def test_the_same_seed_paints_the_same(engine: FaceAnonymizer) -> None:
    """Training can be repeated."""
    skin = np.full((engine.prior.frame.side,) * 2 + (3,), 150, np.float32)
    swatch = [np.full((32, 32, 3), 60, np.float32)]

    first, second = (clutter.paint(skin, engine.prior.frame, swatch, np.random.default_rng(9)) for _ in range(2))

    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
