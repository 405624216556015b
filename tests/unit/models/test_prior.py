import numpy as np

from models import FaceAnonymizer
from models.lighting import blur


def test_no_change_between_equal_identities(engine: FaceAnonymizer) -> None:
    """An identity exchanged for itself asks for nothing."""
    latent = engine.sample(np.random.default_rng(1), 1)[0]

    detail, shape = engine.prior.change(latent, latent)

    assert not detail.any()
    assert not shape.any()


def test_identities_are_symmetric(engine: FaceAnonymizer) -> None:
    """What distinguishes two identities is the same on both sides of the face: light is not identity."""
    first, second = engine.sample(np.random.default_rng(2), 2)

    detail, _ = engine.prior.change(first, second)

    lightness = blur(detail[..., 0], 3.0)
    inside = engine.prior.frame.inside & engine.prior.frame.inside[:, ::-1]
    asymmetry = (lightness - lightness[:, ::-1])[inside].std() / lightness[inside].std()
    assert asymmetry < 0.25


def test_samples_are_finite_and_differ(engine: FaceAnonymizer) -> None:
    """Draws stay on the shell of typical faces, and one seed gives one draw."""
    draws = engine.sample(np.random.default_rng(3), 64)

    assert draws.shape == (64, engine.latent_size)
    assert draws.dtype == np.float32
    assert np.abs(draws).max() <= 2.5
    np.testing.assert_array_equal(draws, engine.sample(np.random.default_rng(3), 64))
    assert np.linalg.norm(draws[0] - draws[1]) > 5
