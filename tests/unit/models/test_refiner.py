"""The refiner corrects drawings on a face that it was not taught: a photograph in the public domain."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models import FaceAnonymizer, Region, renderer
from models.refiner import CHANNELS, LIMITS, SIDE, Refiner, RefinerNet
from models.renderer import FaceModel
from models.weights import WeightsError


@pytest.fixture(scope="module", name="refiner")
def _refiner() -> Refiner:
    return Refiner()


@pytest.fixture(scope="module", name="model")
def _model(engine: FaceAnonymizer, astronaut: np.ndarray) -> FaceModel:
    model = engine.explain(astronaut, engine.find(astronaut)[0])
    assert model is not None
    return model


def test_a_correction_is_bounded_and_leaves_the_identity(
    engine: FaceAnonymizer, refiner: Refiner, model: FaceModel
) -> None:
    """What the network adds to a drawing is not nothing, stays in its limits and is far smaller than the drawing."""
    latent = engine.prior.sample(np.random.default_rng(2), 1)[0] * renderer.gain(engine.prior, frozenset())
    texture, _ = renderer.drawing(engine.prior, model, latent)

    more = refiner.refine(model.look, texture)

    assert more.shape == texture.shape
    assert (np.abs(more).max((0, 1)) <= np.float32(LIMITS)).all()
    free = renderer.free(engine.prior, model)
    assert 0.02 < np.abs(more * free).sum() / np.abs(texture).sum() < 0.7


def test_no_colour_comes_into_a_grey_photograph(engine: FaceAnonymizer, astronaut: np.ndarray) -> None:
    """A grey photograph is grey after the correction too."""
    grey = np.repeat(astronaut.mean(2, keepdims=True).astype(np.uint8), 3, 2)

    result = engine.anonymize(grey, engine.sample(np.random.default_rng(1), 1)[0]).image

    assert (result != grey).any()
    assert np.ptp(result.astype(int), axis=2).max() == 0


def test_the_correction_can_be_left_out_and_spares_what_is_preserved(
    engine: FaceAnonymizer, astronaut: np.ndarray
) -> None:
    """With and without it results differ in the face; a preserved mouth is the photograph's in both."""
    mouth: frozenset[Region] = frozenset({"mouth"})
    latent = engine.sample(np.random.default_rng(1), 1)[0]
    plain = engine.with_steps(frozenset({"blending"}))

    results = [one.anonymize(astronaut, latent, mouth) for one in (engine, plain)]

    assert (results[0].image != results[1].image).any(2).sum() > 2000
    for result in results:
        np.testing.assert_array_equal(result.image[result.preserved], astronaut[result.preserved])


def test_an_untaught_network_corrects_nothing() -> None:
    """Training starts from no correction at all."""
    assert RefinerNet()(torch.rand(2, CHANNELS, SIDE, SIDE)).abs().max() == 0


def test_lost_weights_are_named(tmp_path: Path) -> None:
    """Without its weights the refiner says which file is missing."""
    with pytest.raises(WeightsError, match=r"lost\.safetensors"):
        Refiner(tmp_path / "lost.safetensors")
