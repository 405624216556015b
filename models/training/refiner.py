"""Teach the network that makes a new face's drawing look photographed.

    python -m models.training.refiner --portraits DIR --out models/weights/refiner.safetensors
        [--cache FILE] [--steps 1800] [--device cuda]

Every portrait that `models/weights/split.json` does not hold out is unrolled into the common frame and given several
random identities there. Two networks learn against each other (Goodfellow et al., NeurIPS 2014; the relativistic loss
of Jolicoeur-Martineau, ICLR 2019, for couples): one corrects the drawing, the other tells the corrected face from the
portrait that it was drawn on. Both see one person under one mask, so that skin tone, light and what the mask hides tell
nothing. The correction is kept small, and is held to leave the identity's coefficients as they were drawn, or it would
learn to bring the old face back.
"""

import argparse
import logging
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from models import renderer
from models.anonymizer import FaceAnonymizer
from models.mesh import Array
from models.prior import LinearPrior
from models.refiner import SIDE, WEIGHTS, RefinerNet, picture_of
from models.training.portraits import read_each, to_learn_from
from models.training.precision import half_where_native
from models.weights import FOLDER, save

LOG = logging.getLogger(__name__)

DRAWS = 10  # identities of each portrait
BOLDNESS = (0.7, 1.6)  # of a draw's texture, times the usual
SHOWN = (1.6, 2.4)  # how many times as strong a drawing shows its traits; see `models.choosing`
BATCH = 16
RATE = 1e-3
SMALL, TRUE = 1.5, 4.0  # what a correction costs for its size, and for what it takes from the identity
LEFT = 0.05  # share of an identity, squared, that may go for nothing


@dataclass(frozen=True)
class Drawn:
    """Portraits in the common frame, float32.

    look: [N, 4, SIDE, SIDE], see `refiner.look_of`; changes: [N, DRAWS, 3, SIDE, SIDE], the drawings of identities;
    free: [N, SIDE, SIDE], 0..1, where a face may change.
    """

    look: torch.Tensor
    changes: torch.Tensor
    free: torch.Tensor


class Judge(nn.Module):
    """float [N, 4, SIDE, SIDE] (a face and its mask) to logits [N, h, w]: larger, photographed rather than drawn.

    Portraits and what was made of them go through it in one batch, whose statistics they share.
    """

    def __init__(self, widths: Sequence[int] = (24, 48, 80, 112)) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inner, outer in zip((4, *widths[:-1]), widths, strict=True):
            layers += [nn.Conv2d(inner, outer, 4, 2, 1), nn.BatchNorm2d(outer), nn.LeakyReLU(0.2, True)]
        self.body = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self.body(faces)
        return answer[:, 0]


def draw(engine: FaceAnonymizer, image: np.ndarray, rng: np.random.Generator) -> tuple[Array, Array, Array] | None:
    """One portrait's share of `Drawn`; None where its face cannot be replaced."""
    model = next((found for face in engine.find(image)[:1] if (found := engine.explain(image, face))), None)
    if model is None:
        return None
    prior = engine.prior
    latents = prior.sample(rng, DRAWS)
    latents[:, prior.blocks[0]] *= rng.uniform(*BOLDNESS, (DRAWS, 1))
    latents = prior.suit(latents, model.projection.latent, SHOWN)
    gain = renderer.gain(prior, frozenset())
    taper = prior.frame.taper[..., None]
    changes = [_small(taper * renderer.drawing(prior, model, latent * gain)[0]) for latent in latents]
    return model.look, np.stack(changes), _small(renderer.free(prior, model))[0]


def _small(field: Array) -> Array:
    small = cv2.resize(field, (SIDE, SIDE), interpolation=cv2.INTER_AREA).reshape(SIDE, SIDE, -1)
    return np.ascontiguousarray(small.transpose(2, 0, 1), np.float32)


def _draw(paths: Sequence[Path], seed: int) -> list[tuple[Array, Array, Array]]:
    cv2.setNumThreads(1)
    engine = FaceAnonymizer.load()
    made = []
    for name, image, rng in read_each(paths, seed):
        if (drawn := draw(engine, image, rng)) is not None:
            made.append(drawn)
            LOG.info("%s", name)
    return made


def make(paths: Sequence[Path], seed: int = 0, processes: int | None = None) -> Drawn:
    """Draw identities on portraits, in parallel."""
    parts = processes or os.cpu_count() or 1
    # Forked processes would hang on what the threads of the parent hold.
    with ProcessPoolExecutor(parts, get_context("spawn")) as pool:
        found = pool.map(_draw, [paths[k::parts] for k in range(parts)], [seed] * parts)
        looks, changes, free = zip(*(one for part in found for one in part), strict=True)
    return Drawn(*(torch.from_numpy(np.stack(part)) for part in (looks, changes, free)))


class Identity:
    """How much of an identity is left in a drawing: its least-squares coefficients at the network's size."""

    def __init__(self, prior: LinearPrior, device: torch.device) -> None:
        units = np.eye(prior.latent_size, dtype=np.float32)[: prior.texture_size]
        rows = np.stack([_small(prior.change(np.zeros_like(unit), unit)[0]) for unit in units])
        basis = torch.from_numpy(rows.reshape(len(rows), -1)).to(device)
        system = basis @ basis.T + 0.3 * torch.eye(len(basis), device=device)
        self._read = torch.linalg.solve(system, basis)

    def lost(self, change: torch.Tensor, correction: torch.Tensor) -> torch.Tensor:
        """Share of the identity, squared, that a correction takes or adds, [N]; both [N, 3, SIDE, SIDE]."""
        drawn, taken = (field.flatten(1) @ self._read.T for field in (change, correction))
        return taken.square().sum(1) / drawn.square().sum(1).clamp(min=1e-3)


def seen(log: torch.Tensor, mask: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """What the judge sees of log textures [N, 3, SIDE, SIDE] under masks [N, 1, SIDE, SIDE]; one hand for each pair.

    The first half of a batch are portraits, the second what was made of them, altered alike: brightness, contrast, a
    shift, noise.
    """
    half, device = len(log) // 2, log.device

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        value = low + (high - low) * torch.rand(half, *shape, generator=generator).to(device)
        return torch.cat([value, value])

    cast = uniform(-0.15, 0.15, 3, 1, 1) * log.new_tensor([1, 0.4, 0.4])[:, None, None]
    log = log * uniform(0.85, 1.15, 1, 1, 1) + cast
    log = log + 0.03 * torch.randn(log.shape, generator=generator).to(device) * uniform(0, 1, 1, 1, 1)
    picture = torch.cat([log.clamp(-2, 1.5) * mask, mask], 1)
    rows, columns = (int(value) for value in torch.randint(-6, 7, (2,), generator=generator))
    return torch.roll(picture, (rows, columns), (2, 3))


def learn(
    drawn: Drawn, identity: Identity, steps: int, device: torch.device, batch: int = BATCH, seed: int = 0
) -> RefinerNet:
    """Train a corrector against a judge; returns the running mean of the corrector's weights."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    network, judge = RefinerNet().to(device), Judge().to(device)
    averaging = torch.optim.swa_utils.get_ema_multi_avg_fn(1 - 9 / max(steps, 90))
    mean = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=averaging)
    ours = torch.optim.Adam(network.parameters(), RATE, betas=(0.5, 0.99))
    theirs = torch.optim.Adam(judge.parameters(), RATE, betas=(0.5, 0.99))
    for step in range(steps):
        for optimiser in (ours, theirs):
            optimiser.param_groups[0]["lr"] = RATE * min(1.0, 20 * (step + 1) / steps, 4 * (1 - step / steps) + 0.02)
        look, change, free = (part.to(device) for part in _batch(drawn, batch, generator))
        mask = (look[:, 3:] * (free > 0)).clamp(0, 1)
        with half_where_native(device):
            correction = network(picture_of(look, change)).float() * free
            before, after = look[:, :3], look[:, :3] + change + correction
            masks = torch.cat([mask, mask])
            real, made = judge(seen(torch.cat([before, after.detach()]), masks, generator)).float().chunk(2)
        ahead = (real - made).mean((1, 2))
        loss = functional.softplus(made - real).mean()
        theirs.zero_grad()
        loss.backward()
        theirs.step()
        with half_where_native(device):
            real, made = judge(seen(torch.cat([before, after]), masks, generator)).float().chunk(2)
        size, lost = correction.abs().sum() / (3 * free.sum()), identity.lost(change, correction)
        fine = SMALL * size + TRUE * functional.relu(lost - LEFT).mean()
        cost = functional.softplus(real - made).mean() + fine
        ours.zero_grad()
        cost.backward()
        ours.step()
        mean.update_parameters(network)
        if step % 50 == 0:
            LOG.info(
                "step %d: judge %.3f, right in %.2f, size %.3f, identity lost %.3f",
                step, loss.item(), (ahead > 0).float().mean().item(), size.item(), lost.mean().item(),
            )  # fmt: skip
    network.load_state_dict(mean.module.state_dict())
    return network.cpu().eval()


def _batch(drawn: Drawn, count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """look, change and free of some portraits, each mirrored or not, under a drawing of one of its identities."""
    which = torch.randint(len(drawn.look), (count,), generator=generator)
    number = torch.randint(drawn.changes.shape[1], (count,), generator=generator)
    strong = 0.8 + 0.4 * torch.rand(count, 1, 1, 1, generator=generator)
    parts = [drawn.look[which].float(), drawn.changes[which, number].float() * strong, drawn.free[which, None].float()]
    mirror = torch.rand(count, generator=generator) < 0.5
    for part in parts:
        part[mirror] = part[mirror].flip(3)
    return parts[0], parts[1], parts[2]


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portraits", type=Path, required=True)
    parser.add_argument("--names", type=Path, default=FOLDER / "split.json", help="its held-out portraits are not used")
    parser.add_argument("--prior", type=Path, default=FOLDER / "linear_prior.safetensors")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--cache", type=Path, help="drawings (.pt), made where there are none")
    parser.add_argument("--steps", type=int, default=1800)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    if options.cache and options.cache.is_file():
        drawn = Drawn(*torch.load(options.cache, weights_only=True))
    else:
        drawn = make(to_learn_from(options.portraits, options.names))
        if options.cache:
            torch.save((drawn.look, drawn.changes.half(), drawn.free), options.cache)
    device = torch.device(options.device)
    identity = Identity(LinearPrior.load(options.prior), device)
    network = learn(drawn, identity, options.steps, device)
    provenance = {"portraits": f"{len(drawn.look)} official portraits, CivilServiceUSA (MIT)"}
    save(options.out, network.state_dict(), "refiner-1", provenance | {"steps": str(options.steps)})


if __name__ == "__main__":
    main()
