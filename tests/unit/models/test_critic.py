"""The critic judges faces that it was not taught: photographs that packages carry, and results of them."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from models import FaceAnonymizer, drawing
from models.critic import SIDE, Critic, CriticNet, crop
from models.mesh import fit_similarity
from models.weights import WeightsError


@pytest.fixture(scope="module", name="critic")
def _critic() -> Critic:
    return Critic()


def _head(engine: FaceAnonymizer, image: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    return crop(image, vertices, fit_similarity(vertices, engine.prior.frame.mean))


def test_a_bold_identity_looks_more_drawn_than_a_photograph(
    engine: FaceAnonymizer,
    critic: Critic,
    astronaut: np.ndarray,
    meshes: tuple[np.ndarray, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of identities of twice the usual strength most look drawn beside the photograph; less so on the whole where a new
    look comes to rest as far from the mean as people do."""
    bold = 2 * engine.sample(np.random.default_rng(0), 5)

    def judged() -> np.ndarray:
        results = [engine.anonymize(astronaut, latent).image for latent in bold]
        return critic.drawn([_head(engine, image, meshes[0]) for image in results])

    bounded = judged()
    monkeypatch.setattr(drawing, "FARTHEST", np.inf)
    unbounded = judged()

    assert np.sort(unbounded)[1] > critic.drawn([_head(engine, astronaut, meshes[0])])[0] + 1
    assert bounded.mean() < unbounded.mean()


def test_the_head_stands_upright_however_the_picture_is_turned(
    engine: FaceAnonymizer, astronaut: np.ndarray, meshes: tuple[np.ndarray, np.ndarray]
) -> None:
    """A picture turned by a quarter gives the same crop as the upright one, but for interpolation."""
    turned = np.ascontiguousarray(np.rot90(astronaut, -1))
    vertices = meshes[0].copy()
    vertices[:, 0], vertices[:, 1] = astronaut.shape[0] - 1 - meshes[0][:, 1], meshes[0][:, 0]

    upright, back = _head(engine, astronaut, meshes[0]), _head(engine, turned, vertices)

    assert upright.shape == (SIDE, SIDE, 3)
    smooth = [cv2.GaussianBlur(one, (0, 0), 1.5).astype(int) for one in (upright, back)]
    assert np.abs(smooth[0] - smooth[1]).mean() < 3


def test_a_choice_looks_less_drawn_than_chance(engine: FaceAnonymizer, critic: Critic, astronaut: np.ndarray) -> None:
    """Of proposals the critic thinks better than of draws that nobody chose; several, for one scatters by a unit."""
    model = engine.explain(astronaut, engine.find(astronaut)[0])
    assert model is not None

    def judged(latents: list[np.ndarray]) -> float:
        results = [engine.anonymize(astronaut, latent).image for latent in latents]
        return float(critic.drawn([crop(one, model.vertices, model.similarity) for one in results]).mean())

    chosen = [engine.propose(astronaut, np.random.default_rng(seed)) for seed in range(8)]

    assert judged(chosen) < judged(list(engine.sample(np.random.default_rng(9), 16)))


def test_lost_weights_are_named(tmp_path: Path) -> None:
    """Without its weights the critic says which file is missing."""
    with pytest.raises(WeightsError, match=r"lost\.safetensors"):
        Critic(tmp_path / "lost.safetensors")


def test_the_network_is_small() -> None:
    """Under a quarter of a million numbers, so that a round of candidates costs milliseconds."""
    assert sum(one.numel() for one in CriticNet().parameters()) < 250_000
