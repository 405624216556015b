"""Teach the networks that tell a drawn face from a photographed one.

    python -m models.training.critic --portraits DIR --out models/weights/critic.safetensors [--cache FILE]

Each portrait that `models/weights/split.json` does not hold out is given several random identities, some of them bolder
or paler than the engine's own and some chosen for distance alone, small, as the engine compares its candidates. Each
network sees a portrait and what was made of it side by side, all altered by the same hands: mirrored, turned,
recoloured, blurred and noisy. Making them takes a quarter of an hour on two cores and can be kept in `--cache`.
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
from numpy.typing import NDArray
from torch.nn import functional

from models.anonymizer import FaceAnonymizer
from models.critic import JURY, SIDE, WEIGHTS, CriticNet, prepare
from models.mesh import Array
from models.regions import Region
from models.training.portraits import read_each, to_learn_from
from models.weights import FOLDER, save

LOG = logging.getLogger(__name__)

RANDOM, EXTREME, FAR = 6, 2, 1  # results of each portrait: plain draws, bold ones, the farthest of many
DRAWS = 10  # among which the farthest is sought
EPOCHS = 90
PAIRS = 48  # portraits in a batch, each with a result of it
RATE = 4e-3
KEEPS: tuple[frozenset[Region], ...] = (frozenset(), frozenset({"mouth"}), frozenset({"nose"}), frozenset({"eyes"}))


@dataclass(frozen=True)
class Example:
    """A portrait's head and results of it, uint8 [SIDE, SIDE, 3] and [N, SIDE, SIDE, 3]."""

    name: str
    original: NDArray[np.uint8]
    results: NDArray[np.uint8]


def results_of(engine: FaceAnonymizer, image: NDArray[np.uint8], rng: np.random.Generator) -> list[NDArray[np.uint8]]:
    """The head of the largest face, then RANDOM + EXTREME + FAR results of it; nothing where it cannot be replaced."""
    model = next((found for face in engine.find(image)[:1] if (found := engine.explain(image, face))), None)
    if model is None:
        return []
    trying = engine.trying(image, model)
    out = [trying.crop(trying.small)]

    texture, shape = engine.prior.blocks

    def draws(count: int) -> Array:
        latents = engine.sample(rng, count)
        latents[:, : shape.stop] = engine.prior.suit(latents[:, : shape.stop], model.projection.latent)
        return latents

    for number, latent in enumerate(draws(RANDOM + EXTREME)):
        plain = number < RANDOM
        latent[texture] *= rng.uniform(*((0.45, 1.2) if plain else (1.0, 1.5)))
        latent[shape] *= rng.uniform(*((0.2, 1.2) if plain else (1.0, 1.6)))
        keep = KEEPS[rng.integers(1, len(KEEPS))] if rng.random() < 0.2 else KEEPS[0]
        out.append(trying.crop(trying.render(latent, keep)))
    for _ in range(FAR):
        tried = [trying.render(latent, KEEPS[0]) for latent in draws(DRAWS)]
        out.append(trying.crop(tried[int(np.argmax(trying.distances(tried)))]))
    return out


def _make(paths: Sequence[Path], seed: int) -> list[Example]:
    cv2.setNumThreads(1)
    engine = FaceAnonymizer.load()
    made = []
    for name, image, rng in read_each(paths, seed):
        if crops := results_of(engine, image, rng):
            made.append(Example(name, crops[0], np.stack(crops[1:])))
            LOG.info("%s", name)
    return made


def make(paths: Sequence[Path], seed: int = 0, processes: int | None = None) -> list[Example]:
    """Examples of portraits, in parallel; a portrait without a replaceable face gives none."""
    parts = processes or os.cpu_count() or 1
    # Forked processes would hang on what the threads of the parent hold.
    with ProcessPoolExecutor(parts, get_context("spawn")) as pool:
        found = pool.map(_make, [paths[k::parts] for k in range(parts)], [seed] * parts)
        return [example for part in found for example in part]


def augment(crops: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Mirror, turn, shift, scale, recolour, blur and add noise, each picture in its own way; [N, 3, SIDE, SIDE]."""
    count = len(crops)

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(count, *shape, generator=generator)

    angle, scale = uniform(-0.12, 0.12), uniform(0.9, 1.1)
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    cosine, sine, shift = torch.cos(angle) * scale, torch.sin(angle) * scale, uniform(-0.08, 0.08, 2)
    rows = [cosine * mirror, -sine, shift[:, 0], sine * mirror, cosine, shift[:, 1]]
    grid = functional.affine_grid(torch.stack(rows, 1).reshape(count, 2, 3), list(crops.shape), align_corners=False)
    crops = functional.grid_sample(crops, grid, padding_mode="border", align_corners=False)
    crops = crops * uniform(0.8, 1.2, 3, 1, 1) + uniform(-0.15, 0.15, 1, 1, 1)
    light = functional.interpolate(uniform(-0.12, 0.12, 1, 3, 3), (SIDE, SIDE), mode="bicubic")
    crops = crops + light
    blurred = functional.avg_pool2d(functional.pad(crops, (1, 1, 1, 1), mode="replicate"), 3, 1)
    crops = torch.lerp(crops, blurred, uniform(0, 1.3, 1, 1, 1))
    noise = torch.randn(crops.shape, generator=generator) * uniform(0, 0.1, 1, 1, 1)
    return (crops + noise).clamp(-1, 1)


def learn(network: CriticNet, examples: Sequence[Example], epochs: int = EPOCHS, seed: int = 0) -> None:
    """Train: each portrait once an epoch, with one result of itself beside it, so that no person is learned."""
    generator = torch.Generator().manual_seed(seed)
    originals = prepare([example.original for example in examples])
    results = torch.stack([prepare(list(example.results)) for example in examples])
    size = min(PAIRS, len(examples))
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.02)
    steps = epochs * (len(examples) // size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=max(steps, 2), pct_start=0.15)
    network.train()
    for epoch in range(epochs):
        order, total = torch.randperm(len(examples), generator=generator), 0.0
        for batch in order[: len(order) // size * size].split(size):
            which = torch.randint(results.shape[1], (len(batch),), generator=generator)
            pictures = augment(torch.cat([originals[batch], results[batch, which]]), generator)
            answers = torch.cat([torch.zeros(len(batch)), torch.ones(len(batch))])
            loss = functional.binary_cross_entropy_with_logits(network(pictures), answers)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        if epoch % 10 == 9:
            LOG.info("epoch %d: loss %.4f", epoch + 1, total / (len(order) // size))
    network.eval()


@torch.inference_mode()
def scores(network: CriticNet, examples: Sequence[Example]) -> tuple[Array, Array]:
    """Logits of originals [N] and of results [N, R]."""
    network.eval()
    originals = network(prepare([example.original for example in examples])).numpy()
    results = np.stack([network(prepare(list(example.results))).numpy() for example in examples])
    return originals, results


def area(originals: Array, results: Array) -> float:
    """Area under the curve: how often a result looks more drawn than an original; chance is 0.5."""
    return float((results.ravel()[:, None] > originals[None]).mean())


def together(networks: Sequence[CriticNet]) -> dict[str, torch.Tensor]:
    """The parameters of all networks, as `models.critic.Critic` reads them."""
    return {f"{number}.{name}": one for number, net in enumerate(networks) for name, one in net.state_dict().items()}


def save_examples(path: Path, examples: Sequence[Example]) -> None:
    np.savez_compressed(
        path,
        names=[example.name for example in examples],
        originals=np.stack([example.original for example in examples]),
        results=np.stack([example.results for example in examples]),
    )


def load_examples(path: Path) -> list[Example]:
    with np.load(path) as kept:
        return [
            Example(str(n), o, r) for n, o, r in zip(kept["names"], kept["originals"], kept["results"], strict=True)
        ]


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portraits", type=Path, required=True)
    parser.add_argument("--names", type=Path, default=FOLDER / "split.json", help="its held-out portraits are not used")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--cache", type=Path, help="examples (.npz), made where there are none")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    options = parser.parse_args()
    if options.cache and options.cache.is_file():
        examples = load_examples(options.cache)
    else:
        examples = make(to_learn_from(options.portraits, options.names))
        if options.cache:
            save_examples(options.cache, examples)
    networks = []
    for number in range(JURY):
        torch.manual_seed(number)
        networks.append(CriticNet())
        learn(networks[-1], examples, options.epochs, seed=number)
        LOG.info("network %d on its own examples: %.3f", number, area(*scores(networks[-1], examples)))
    provenance = {"portraits": f"{len(examples)} official portraits, CivilServiceUSA (MIT)"}
    save(options.out, together(networks), "critic-1", provenance | {"epochs": str(options.epochs)})


if __name__ == "__main__":
    main()
