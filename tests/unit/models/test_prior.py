import numpy as np

from models import FaceAnonymizer
from models.lighting import blur
from models.prior import SUITED


def test_no_change_between_equal_identities(engine: FaceAnonymizer) -> None:
    """An identity exchanged for itself asks for nothing."""
    latent = engine.prior.sample(np.random.default_rng(1), 1)[0]

    detail, shape = engine.prior.change(latent, latent)

    assert not detail.any()
    assert not shape.any()


def test_identities_are_symmetric(engine: FaceAnonymizer) -> None:
    """What distinguishes two identities is the same on both sides of the face: light is not identity."""
    first, second = engine.prior.sample(np.random.default_rng(2), 2)

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


def test_draws_can_be_made_to_suit_a_face(engine: FaceAnonymizer) -> None:
    """Texture and shape each come nearer to the sex and age that were shown, and the draws still differ."""
    prior = engine.prior
    draws, shown = np.split(prior.sample(np.random.default_rng(5), 9), [8])

    suited = prior.suit(draws, shown[0])

    for block in prior.blocks:
        for name, trait in prior.traits.items():
            unit = trait[block] / np.linalg.norm(trait[block])
            wanted = np.clip(shown[0, block] @ unit, -2, 2)
            far, near = (np.abs(rows[:, block] @ unit - wanted) for rows in (draws, suited))
            np.testing.assert_allclose(near, (1 - SUITED[name]) * far, atol=1e-3)
    assert np.linalg.norm(suited[0] - suited[1]) > 0.9 * np.linalg.norm(draws[0] - draws[1]) - 2
    assert np.linalg.norm(suited - draws, axis=1).max() < 6
