"""Teach the network that finds what stands before a face.

    python -m models.training.cover --portraits DIR --out models/weights/cover.safetensors [--steps 1000] [--start FILE]

Portraits that `models/weights/split.json` does not hold out are unrolled into the common frame; on each, things are
painted at random (`models.training.clutter`) and the network learns where. Portraits with glasses of their own are left
out: nobody drew their outlines. What already hangs into a face (its own hair) is neither taught nor forbidden.
"""

import argparse
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from models.cover import WEIGHTS, CoverNet, picture_of
from models.frame import Frame
from models.lighting import blur, split
from models.mesh import Array, Mesher, fit_similarity
from models.occlusion import bridge_edges
from models.prior import LinearPrior
from models.training.clutter import paint
from models.training.precision import half_where_native
from models.training.prior import Portrait, read
from models.weights import FOLDER, load, save

LOG = logging.getLogger(__name__)
T = TypeVar("T")

GLASSES = 0.03  # strength of horizontal edges across the bridge of the nose, log units a pixel
BATCH = 16
RATE = 3e-3
HAIR_SHARE = 0.15  # of the examples teach what is hair
ODD = 0.34  # log units
BORDER = 0.012  # of the side of the frame: nearer to its edge nothing is judged
MARGIN = 19  # pixels of the frame around own hair that are not judged
SWATCH = 128  # pixels


@dataclass(frozen=True)
class Bare:
    """A face without anything before it: texture uint8 [T, T, 3], facing float32 [T, T], `judged` bool [T, T]."""

    texture: np.ndarray
    facing: Array
    judged: np.ndarray


def register(portrait: Portrait, prior: LinearPrior) -> Bare | None:
    """None for a face with glasses of its own."""
    frame = prior.frame
    texture, facing = frame.pull(portrait.image, portrait.vertices)
    detail = split(texture, frame.skin * facing).detail
    if bridge_edges(detail[..., 0], frame) > GLASSES:
        return None
    aligned = fit_similarity(portrait.vertices, frame.mean).apply(portrait.vertices)
    residual = detail - prior.project(detail, facing, aligned).explained
    own = own_hair(residual[..., 0], frame)
    return Bare(texture.astype(np.uint8), facing, (facing > 0.3) & (own == 0) & (frame.border > BORDER))


def own_hair(residual: Array, frame: Frame) -> np.ndarray:
    """Where hair may hang into a face: what the prior does not explain and reaches in from outside; uint8 [T, T].

    `residual` is log lightness [T, T].
    """
    odd = (np.abs(blur(residual, 4.0)) > ODD) & frame.inside
    for name in ("brows", "eyes", "lips", "nose"):
        odd &= ~frame.features[name]
    _, labels = cv2.connectedComponents(odd.astype(np.uint8))
    at_edge = np.unique(labels[(frame.border > 0) & (frame.border < 0.04)])
    hair = np.isin(labels, at_edge[at_edge > 0]).astype(np.uint8)
    return np.asarray(cv2.dilate(hair, np.ones((MARGIN, MARGIN), np.uint8)))


def swatches(portraits: list[Portrait]) -> list[Array]:
    """Pieces of the photographs above and beside the faces: hair, walls, clothes."""
    out = []
    for portrait in portraits:
        low, high = portrait.vertices[:, :2].min(0), portrait.vertices[:, :2].max(0)
        width, height = high - low
        for x, y in ((low[0] + 0.3 * width, low[1] - 0.32 * height), (low[0], high[1] + 0.1 * height)):
            left, top, side = int(max(x, 0)), int(max(y, 0)), int(0.35 * width)
            piece = portrait.image[top : top + side, left : left + side]
            if min(piece.shape[:2]) > 16:
                out.append(cv2.resize(piece, (SWATCH, SWATCH), interpolation=cv2.INTER_AREA).astype(np.float32))
    return out


def example(bare: Bare, frame: Frame, pieces: list[Array], rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Picture, what is covered and where it is judged, all at the network's size."""
    texture, facing, judged = bare.texture.astype(np.float32), bare.facing, bare.judged
    if rng.random() < 0.5:
        texture, facing, judged = texture[:, ::-1], facing[:, ::-1], judged[:, ::-1]
    painted, covered = paint(texture, frame, pieces, rng)
    judged = judged | ((covered[..., 0] > 0.5) & (facing > 0.3))
    picture = picture_of(painted.astype(np.float32), np.ascontiguousarray(facing), frame)
    size = picture.shape[1:]
    small = cv2.resize(covered, size, interpolation=cv2.INTER_AREA)
    return (
        picture,
        (small > 0.4).astype(np.float32).transpose(2, 0, 1),
        cv2.resize(judged.astype(np.float32), size, interpolation=cv2.INTER_AREA),
    )


def loss_of(logits: torch.Tensor, covered: torch.Tensor, judged: torch.Tensor) -> torch.Tensor:
    """Cross entropy and overlap (Dice) where judged; all [N, SIDE, SIDE]."""
    entropy = functional.binary_cross_entropy_with_logits(logits, covered, judged, reduction="sum") / judged.sum()
    found = torch.sigmoid(logits) * judged
    both, total = (found * covered).sum((1, 2)), (found + covered * judged).sum((1, 2))
    return entropy + 0.5 * (1 - (2 * both + 60) / (total + 60)).mean()


def loss_of_hair(logits: torch.Tensor, hair: torch.Tensor, covered: torch.Tensor) -> torch.Tensor:
    """Cross entropy where something is."""
    entropy = functional.binary_cross_entropy_with_logits(logits, hair, covered, reduction="sum")
    return entropy / (covered.sum() + 1)


class Examples(Dataset[tuple[Array, Array, Array]]):
    """`count` painted faces, the same ones for the same seed."""

    def __init__(self, faces: list[Bare], pieces: list[Array], frame: Frame, count: int, seed: int) -> None:
        self._faces, self._pieces, self._frame, self._count, self._seed = faces, pieces, frame, count, seed

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> tuple[Array, Array, Array]:
        cv2.setNumThreads(1)
        rng = np.random.default_rng([self._seed, index])
        return example(self._faces[rng.integers(len(self._faces))], self._frame, self._pieces, rng)


def batches(examples: Dataset[T], size: int, workers: int) -> DataLoader[T]:
    """Whole batches of `examples`, made by so many processes, or by this one (0)."""
    # Forked processes would hang on what the threads of the parent hold.
    context = "spawn" if workers else None
    return DataLoader(examples, size, num_workers=workers, drop_last=True, multiprocessing_context=context)


def learn(network: CoverNet, examples: Examples, workers: int = 1) -> None:
    """Train on all examples once: first, on most of them, what is covered; then, of that, what is hair."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    loader = batches(examples, BATCH, workers)
    steps = round(len(examples) // BATCH * (1 - HAIR_SHARE))
    hairy = [parameter for name, parameter in network.named_parameters() if name.startswith("hair.")]
    others = [parameter for name, parameter in network.named_parameters() if not name.startswith("hair.")]
    optimiser = torch.optim.AdamW(others, RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=max(steps, 2), pct_start=0.1)
    for step, (picture, answers, judged) in enumerate(loader):
        if step == steps:
            network.eval()
            for parameter in others:
                parameter.requires_grad_(False)
            optimiser = torch.optim.AdamW(hairy, RATE)
        with half_where_native(torch.device("cpu")):
            logits = network(picture.to(memory_format=torch.channels_last)).float()
        covered, hair = answers.unbind(1)
        loss = loss_of(logits[:, 0], covered, judged) if step < steps else loss_of_hair(logits[:, 1], hair, covered)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step < steps:
            schedule.step()
        if step % 50 == 0:
            LOG.info("batch %d: loss %.4f", step, loss.item())
    network.eval()


def weights_of(network: nn.Module) -> dict[str, torch.Tensor]:
    """Its parameters, laid out in memory as `models.weights` wants them."""
    return {name: value.clone(memory_format=torch.contiguous_format) for name, value in network.state_dict().items()}


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portraits", type=Path, required=True)
    parser.add_argument("--names", type=Path, default=FOLDER / "split.json", help="its held-out portraits are not used")
    parser.add_argument("--prior", type=Path, default=FOLDER / "linear_prior.safetensors")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--start", type=Path, help="go on from these weights")
    parser.add_argument("--steps", type=int, default=1000)
    options = parser.parse_args()
    held_out = set(json.loads(options.names.read_text(encoding="utf-8"))["held_out"])
    portraits = [one for one in read(options.portraits, Mesher()) if one.name not in held_out]
    prior = LinearPrior.load(options.prior)
    found = [register(one, prior) for one in portraits]
    faces = [one for one in found if one is not None]
    LOG.info("%d of %d portraits", len(faces), len(portraits))
    torch.manual_seed(0)
    network = CoverNet()
    provenance = {"portraits": f"{len(faces)} official portraits, CivilServiceUSA (MIT)", "steps": str(options.steps)}
    if options.start:
        tensors, provenance["start"] = load(options.start)
        network.load_state_dict(tensors)
    learn(network, Examples(faces, swatches(portraits), prior.frame, options.steps * BATCH, seed=0))
    save(options.out, weights_of(network), "cover-1", provenance)


if __name__ == "__main__":
    main()
