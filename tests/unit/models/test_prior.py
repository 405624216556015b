import cv2
import numpy as np
import pytest

from models import FaceAnonymizer
from models.lighting import blur
from models.prior import MEN, SUITED, WOMEN, LinearPrior


def test_no_change_between_equal_identities(engine: FaceAnonymizer) -> None:
    """An identity exchanged for itself asks for nothing."""
    latent = engine.prior.sample(np.random.default_rng(1), 1)[0]

    detail, shape = engine.prior.change(latent, latent)

    assert not detail.any()
    assert not shape.any()


def test_a_fainter_photograph_is_told_and_a_fainter_face_can_be_drawn(engine: FaceAnonymizer) -> None:
    """Detail of half the strength has half the contrast; at half the contrast a new face is drawn half as strong."""
    prior = engine.prior
    latent = prior.sample(np.random.default_rng(5), 1)[0]
    nobody, all_seen = np.zeros_like(latent), np.ones(prior.frame.inside.shape, np.float32)

    def drawn(contrast: float) -> np.ndarray:
        """The whole face, not only what distinguishes it: what would have to be added to no detail at all."""
        return prior.change(nobody, latent, contrast)[0] - prior.change(nobody, nobody, 0.0)[0]

    whole, half = drawn(1.0), drawn(0.5)
    told = [prior.project(one, all_seen, prior.frame.mean).contrast for one in (whole, half)]

    np.testing.assert_allclose(half, whole / 2, atol=1e-5)
    assert told[0] > 0.5
    assert told[1] == pytest.approx(told[0] / 2, rel=0.01)


def test_a_new_look_comes_to_rest_where_people_do(engine: FaceAnonymizer) -> None:
    """However far an identity lies from the mean, no place is lighter or darker than so many deviations of people; near
    the mean nothing is held back."""
    prior, farthest = engine.prior, 1.5
    nobody, far = np.zeros(prior.latent_size, np.float32), 4 * prior.sample(np.random.default_rng(8), 1)[0]
    many = [prior.change(nobody, one)[0][..., 0] for one in prior.sample(np.random.default_rng(9), 200)]
    deviation = np.std(many, axis=0)[prior.frame.inside]

    def drawn(latent: np.ndarray, farthest: float) -> np.ndarray:
        return np.abs(prior.change(nobody, latent, farthest=farthest)[0][..., 0])[prior.frame.inside]

    assert (drawn(far, np.inf) / deviation).max() > 3 * farthest
    assert (drawn(far, farthest) / deviation).max() < 1.2 * farthest
    np.testing.assert_allclose(drawn(far / 80, farthest), drawn(far / 80, np.inf), atol=1e-3)


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


def _showing(prior: LinearPrior, sex: tuple[float, float], age: float) -> np.ndarray:
    """An identity whose texture and shape show this much of the trait sex, and both this much of age."""
    shown = np.zeros(prior.latent_size, np.float32)
    for block, one in zip(prior.blocks, sex, strict=True):
        directions = np.stack([trait[block] / np.linalg.norm(trait[block]) for trait in prior.traits.values()])
        wanted = [{"sex": one, "age": age}[name] for name in prior.traits]
        shown[block] = np.linalg.pinv(directions) @ wanted
    return shown


def _traits(prior: LinearPrior, latents: np.ndarray, name: str) -> list[np.ndarray]:
    """Of texture and of shape, [N] each."""
    trait = prior.traits[name]
    return [latents[:, block] @ trait[block] / np.linalg.norm(trait[block]) for block in prior.blocks]


def test_draws_can_be_made_to_suit_a_face(engine: FaceAnonymizer) -> None:
    """Texture and shape each come nearer to the sex and age that were shown, and the draws still differ."""
    prior = engine.prior
    draws = prior.sample(np.random.default_rng(5), 8)
    shown = _showing(prior, (0.6, -0.2), 1.2)  # of a sex that is not plain

    suited = prior.suit(draws, shown)

    for name in prior.traits:
        wanted = _traits(prior, shown[None], name)
        for before, after, want in zip(_traits(prior, draws, name), _traits(prior, suited, name), wanted, strict=True):
            np.testing.assert_allclose(after - want, (1 - SUITED[name]) * (before - want), atol=1e-3)
    assert np.linalg.norm(suited[0] - suited[1]) > 0.9 * np.linalg.norm(draws[0] - draws[1]) - 2
    assert np.linalg.norm(suited - draws, axis=1).max() < 6


@pytest.mark.parametrize(("sex", "group"), [((1.0, 0.2), WOMEN), ((-0.3, 0.1), MEN), ((1.9, 1.6), (1.9, 1.6))])
def test_a_plain_sex_is_shown_as_plainly_as_by_others(
    engine: FaceAnonymizer, sex: tuple[float, float], group: tuple[float, float]
) -> None:
    """Where texture and shape together tell the sex, draws show it as its group does, or as this face if more."""
    prior = engine.prior
    suited = prior.suit(prior.sample(np.random.default_rng(5), 8), _showing(prior, sex, 0.0))

    for seen, wanted in zip(_traits(prior, suited, "sex"), group, strict=True):
        np.testing.assert_allclose(seen, wanted, atol=1e-3)


def test_traits_are_not_exaggerated_by_a_strong_rendering(engine: FaceAnonymizer) -> None:
    """Draws that will be rendered twice as strong are given half of the trait."""
    prior = engine.prior
    suited = prior.suit(prior.sample(np.random.default_rng(5), 8), _showing(prior, (1.8, 1.5), 0.0), (2.0, 3.0))

    texture, shape = _traits(prior, suited, "sex")
    np.testing.assert_allclose(texture, 0.9, atol=1e-3)
    np.testing.assert_allclose(shape, 0.5, atol=1e-3)


def test_a_halved_prior_draws_the_same_in_a_quarter_of_the_pixels(engine: FaceAnonymizer) -> None:
    """A change in the halved frame is the whole one's, four pixels in one; shapes are the same."""
    whole, half = engine.prior, engine.prior.halved
    before, after = whole.sample(np.random.default_rng(6), 2)

    texture, shape = whole.change(before, after)
    small, small_shape = half.change(before, after)

    inner = half.frame.border > 0.03
    wanted = cv2.resize(texture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)[inner]
    assert small.shape == (whole.frame.side // 2, whole.frame.side // 2, 3)
    np.testing.assert_allclose(small[inner][:, 0], wanted[:, 0], atol=1e-4)
    for colour in (1, 2):  # of which both frames keep a quarter of their own resolution
        assert np.corrcoef(small[inner][:, colour], wanted[:, colour])[0, 1] > 0.95
    np.testing.assert_allclose(small_shape, shape, atol=1e-6)
    np.testing.assert_array_equal(half.suit(after[None], before), whole.suit(after[None], before))


def test_a_halved_prior_explains_a_face_alike(engine: FaceAnonymizer) -> None:
    """Projected onto the halved prior, a face has the identity that the whole one reads in it."""
    whole, half = engine.prior, engine.prior.halved
    nobody = np.zeros(whole.latent_size, np.float32)
    detail = whole.change(nobody, whole.sample(np.random.default_rng(7), 1)[0])[0]
    small = cv2.resize(detail, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)

    told, told_small = (
        prior.project(one, np.ones(one.shape[:2], np.float32), prior.frame.mean).latent[: whole.texture_size]
        for prior, one in ((whole, detail), (half, small))
    )

    assert float(told @ told_small) > 0.95 * float(np.linalg.norm(told) * np.linalg.norm(told_small))
