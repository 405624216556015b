from pathlib import Path

import numpy as np
import pytest
import torch

from models import FaceAnonymizer
from models.refiner import SIDE, Refiner
from models.training.refiner import DRAWS, Drawn, Identity, draw, learn, seen
from models.weights import save

CPU = torch.device("cpu")


@pytest.fixture(scope="module", name="identity")
def _identity(engine: FaceAnonymizer) -> Identity:
    return Identity(engine.prior, CPU)


def _spotted(count: int) -> Drawn:
    """Plain faces on which every drawing is one bright patch, as no face has it."""
    look = torch.zeros(count, 4, SIDE, SIDE)
    look[:, :3] += 0.05 * torch.randn(look[:, :3].shape, generator=torch.Generator().manual_seed(0))
    look[:, 3] = 1
    changes = torch.zeros(count, DRAWS, 3, SIDE, SIDE)
    changes[:, :, 0, 30:60, 30:60] = 0.4
    return Drawn(look, changes, torch.ones(count, SIDE, SIDE))


def test_a_portrait_gives_its_look_and_different_drawings(engine: FaceAnonymizer, astronaut: np.ndarray) -> None:
    """One face gives its look, drawings of which no two are alike, and where it may change; a wall gives nothing."""
    drawn = draw(engine, astronaut, np.random.default_rng(0))

    assert drawn is not None
    look, changes, free = drawn
    assert look.shape == (4, SIDE, SIDE)
    assert changes.shape == (DRAWS, 3, SIDE, SIDE)
    assert free.shape == (SIDE, SIDE)
    assert 0 <= free.min() < free.max() <= 1 + 1e-5
    assert len({change.tobytes() for change in changes}) == DRAWS
    assert draw(engine, np.full((300, 300, 3), 120, np.uint8), np.random.default_rng(0)) is None


def test_bringing_the_old_face_back_is_a_loss_of_identity(engine: FaceAnonymizer, identity: Identity) -> None:
    """A correction that takes a drawing back loses all of its identity, one that adds a speck nearly nothing."""
    latent = engine.prior.sample(np.random.default_rng(1), 1)[0]
    detail, _ = engine.prior.change(np.zeros_like(latent), latent)
    small = torch.from_numpy(detail).permute(2, 0, 1)[None]
    change = torch.nn.functional.interpolate(small, (SIDE, SIDE), mode="area")
    speck = torch.zeros_like(change)
    speck[..., 40:42, 40:42] = 0.2

    assert identity.lost(change, -change).item() == pytest.approx(1, abs=1e-3)
    assert identity.lost(change, speck).item() < 0.1


def test_portrait_and_result_are_altered_by_the_same_hand() -> None:
    """Equal faces stay equal in brightness and place, but for noise, and others get other brightness."""
    faces, mask = torch.rand(4, 3, SIDE, SIDE), torch.ones(8, 1, SIDE, SIDE)

    pictures = seen(torch.cat([faces, faces]), mask, torch.Generator().manual_seed(0))

    couples = (pictures[:4] - pictures[4:])[:, :3].abs().mean((1, 2, 3))
    assert couples.max() < 0.06
    change = (pictures[:4, :3].mean((2, 3)) - faces.mean((2, 3))).abs()
    assert change.max() > 0.03


def test_a_patch_that_no_portrait_has_is_taken_back(identity: Identity, tmp_path: Path) -> None:
    """After a short training the corrector darkens a bright patch and leaves its surroundings; its weights are kept."""
    network = learn(_spotted(24), identity, 80, CPU, batch=6)
    save(tmp_path / "w.safetensors", network.state_dict(), "refiner-test", {})

    drawn = _spotted(1)
    change = np.repeat(np.repeat(drawn.changes[0, 0].permute(1, 2, 0).numpy(), 4, 0), 4, 1)
    more = Refiner(tmp_path / "w.safetensors").refine(drawn.look[0].numpy(), change)

    inside, outside = more[140:220, 140:220, 0].mean(), more[280:, 280:, 0].mean()
    assert inside < -0.03
    assert inside < outside - 0.03
