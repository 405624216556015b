"""Teach the network that finds the lenses of glasses.

    python -m models.training.lenses --portraits DIR --out models/weights/lenses.safetensors [--steps 800]

Glasses of all kinds are painted at random on portraits that `models/weights/split.json` does not hold out and that show
none of their own; the network learns where their lenses and their rims lie.
"""

import argparse
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import Dataset

from models.cover import CoverFinder
from models.frame import Frame
from models.lenses import APART, HEIGHT, WEIGHTS, WIDTH, LensNet, eyes_of, picture_of, to_crop
from models.lighting import blur, split
from models.mesh import Array, Mesher
from models.occlusion import bridge_edges, glasses
from models.prior import LinearPrior
from models.training.cover import batches, weights_of
from models.training.portraits import read_each, to_learn_from
from models.training.precision import half_where_native
from models.weights import FOLDER, save

LOG = logging.getLogger(__name__)

GLASSES: Final = 0.03  # strength of horizontal edges across the bridge of the nose, log units a pixel
FINER: Final = 2  # times as fine as the network's crop: there glasses are painted
BATCH: Final = 16
RATE: Final = 3e-3
NONE: Final = 0.06  # share of the examples that show no glasses
METALS: Final = np.array([[200, 200, 205], [190, 160, 110], [120, 115, 112], [45, 42, 42]])  # RGB
_SHIFT: Final = 4  # binary places of the coordinates that OpenCV draws


@dataclass(frozen=True)
class Bare:
    """The eyes of somebody without glasses.

    crop: RGB uint8 [FINER * HEIGHT, FINER * WIDTH, 3]; eyes: [2, 2], pixels of it; turned: sine of the angle by which
    the head is turned to the right of the picture.
    """

    crop: np.ndarray
    eyes: Array
    turned: float


def bare(paths: Iterable[Path], frame: Frame, mesher: Mesher) -> list[Bare]:
    """Of the portraits those without glasses."""
    found, covers = [], CoverFinder()
    for _, image, _ in read_each(paths, 0):
        vertices = _mesh(image, mesher)
        if vertices is None:
            continue
        texture, facing = frame.pull(image, vertices)
        if bridge_edges(split(texture, frame.skin * facing).detail[..., 0], frame) > GLASSES:
            continue
        if glasses(covers.find(texture, facing, frame).hard, frame).any():
            continue
        to = to_crop(vertices, FINER)
        crop = cv2.warpAffine(image, to, (FINER * WIDTH, FINER * HEIGHT), borderMode=cv2.BORDER_REPLICATE)
        eyes = eyes_of(vertices)
        turned = float((eyes[1] - eyes[0])[2] / np.linalg.norm(eyes[1] - eyes[0]))
        found.append(Bare(crop, (eyes[:, :2] @ to[:, :2].T + to[:, 2]).astype(np.float32), turned))
    return found


def _mesh(image: np.ndarray, mesher: Mesher) -> Array | None:
    height, width = image.shape[:2]
    return mesher.fit(image, (0.2 * width, 0.2 * height, 0.8 * width, 0.8 * height))


def paint(one: Bare, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """A pair of glasses on somebody: RGB 0..255 float32 [H, W, 3], and 0..1 [H, W], lenses and rims; its size is FINER.

    Everything is in parts of the distance of the eyes, some 63 mm.
    """
    picture, height, width = one.crop.astype(np.float32), *one.crop.shape[:2]
    lenses, lines = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    if rng.random() < NONE:
        return picture, lenses, lines
    apart = FINER * APART
    axis = one.eyes[1] - one.eyes[0]
    narrow = float(np.linalg.norm(axis)) / apart  # of a turned head
    outline = _shape(rng)
    low, turn = rng.uniform(-0.04, 0.16), rng.normal(0, 0.02)
    outwards = max(rng.uniform(0.0, 0.1), np.abs(outline[:, 0]).max() - 0.5 + rng.uniform(0.08, 0.16))
    ahead = rng.uniform(0.1, 0.3)
    base = axis / np.linalg.norm(axis)
    base = np.array([base[0] - turn * base[1], base[1] + turn * base[0]])
    down = np.array([-base[1], base[0]])
    loops = []
    for sign, eye in zip((-1, 1), one.eyes, strict=True):
        near = -sign * one.turned  # the nearer lens is larger, the other one is seen from its side; both stand forward
        x = sign * (outline[:, 0] + outwards) * (narrow + 0.25 * near) + ahead * one.turned
        y = (outline[:, 1] + low) * (1 + 0.08 * near)
        loops.append(eye + apart * (x[:, None] * base + y[:, None] * down))
    kind = rng.choice(["full", "half", "none"], p=[0.66, 0.2, 0.14])
    thick = apart * float(np.exp(rng.uniform(np.log(0.012), np.log(0.1)))) if kind != "none" else 0.0
    metal = thick < 0.035 * apart
    for loop, eye in zip(loops, one.eyes, strict=True):
        inside = _filled(loop, height, width)
        lenses = np.maximum(lenses, inside)
        picture = _lens(picture, inside, eye, apart, kind == "none" or rng.random() < 0.3, rng)
    heavy = np.clip(-outline[:, 1] / np.abs(outline[:, 1]).max(), -1, 1)  # of the upper half
    grown = 1 + rng.choice([0, 0, 0.4, 1.0]) * np.maximum(heavy, 0) - rng.choice([0, 0.3]) * np.maximum(-heavy, 0)
    drawn = heavy > (rng.uniform(-0.2, 0.3) if kind == "half" else -2)
    if kind != "none":
        for loop in loops:
            lines = np.maximum(lines, _stroke(loop, thick * grown, drawn, height, width))
    lines = np.maximum(lines, _joints(loops, base, down, apart, max(thick, 0.015 * apart), metal, rng, height, width))
    fall = np.array([[1, 0, rng.uniform(-6, 6)], [0, 1, rng.uniform(2, 16)]], np.float32)
    shadow = blur(cv2.warpAffine(np.maximum(lines, 0.2 * lenses), fall, (width, height)), rng.uniform(2, 9))
    picture = picture * np.exp(-rng.uniform(0, 0.5) * shadow[..., None] * rng.uniform(0.7, 1.2, 3))
    ink = _ink(lines, metal, rng)
    alpha = rng.uniform(0.25, 0.6) if not metal and rng.random() < 0.22 else rng.uniform(0.85, 1)
    if alpha < 0.7:  # clear plastic shows its edges
        rims = np.clip(cv2.morphologyEx(lines, cv2.MORPH_GRADIENT, np.ones((3, 3))), 0, 1)
        ink = ink + (rims * rng.uniform(-70, 60))[..., None]
    cover = (lines * alpha)[..., None]
    picture = picture * (1 - cover) + ink * cover
    if rng.random() < 0.5:  # the light along an upper edge
        above = np.clip(
            lines - cv2.warpAffine(lines, np.array([[1, 0, 0], [0, 1, 2]], np.float32), (width, height)), 0, 1
        )
        picture += (blur(above, 1.0) * rng.uniform(0, 90))[..., None]
    return np.clip(picture, 0, 255).astype(np.float32), lenses, lines


def _shape(rng: np.random.Generator, points: int = 120) -> Array:
    """A lens [n, 2] around its middle, outwards and down, in parts of the eyes' distance."""
    half_width = rng.uniform(0.33, 0.5)
    half_height = half_width * rng.uniform(0.42, 1.05)
    angles = np.linspace(0, 2 * np.pi, points, endpoint=False)
    cos, sin = np.cos(angles), np.sin(angles)
    upper, lower = rng.uniform(2, 6), rng.uniform(1.8, 4)
    power = np.where(sin < 0, upper, lower)
    out = np.stack([np.sign(cos) * np.abs(cos) ** (2 / power), np.sign(sin) * np.abs(sin) ** (2 / power)], 1)
    out[:, 0] *= 1 - rng.uniform(-0.05, 0.22) * np.maximum(out[:, 1], 0)  # narrower below
    out[:, 0] -= rng.uniform(-0.02, 0.14) * out[:, 1]  # a pilot's lean outwards and up
    out[:, 1] -= rng.uniform(-0.14, 0.2) * np.maximum(out[:, 0], 0) * (out[:, 1] < 0)  # cat's eyes rise outwards
    wave = np.cos(2 * angles + rng.uniform(0, 6)) * rng.uniform(0, 0.03) + np.cos(3 * angles + rng.uniform(0, 6)) * 0.02
    out *= 1 + wave[:, None]
    return (out * (half_width, half_height)).astype(np.float32)


def _lens(picture: Array, inside: Array, eye: Array, apart: float, edged: bool, rng: np.random.Generator) -> Array:
    """What lies behind a lens: bent, tinted, and with what is mirrored in it."""
    height, width = inside.shape
    if rng.random() < 0.7:
        zoom = rng.uniform(0.9, 1.06)
        y, x = np.mgrid[:height, :width].astype(np.float32)
        x, y = eye[0] + (x - eye[0]) / zoom, eye[1] + (y - eye[1]) / zoom
        bent = cv2.remap(picture, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)
        picture = np.where(inside[..., None] > 0.5, bent, picture)
    if rng.random() < 0.35:
        picture = picture * np.exp(-rng.uniform(0, 0.3) * inside[..., None] * rng.uniform(0.5, 1.3, 3))
    if rng.random() < 0.25:  # glare
        centre = eye + rng.uniform(-0.35, 0.35, 2) * apart
        glare = np.zeros_like(inside)
        axes = (rng.uniform(0.02, 0.25, 2) * apart).astype(int) + 1
        cv2.ellipse(glare, tuple(map(int, centre)), tuple(map(int, axes)), rng.uniform(0, 180), 0, 360, 1.0, -1)
        tone = rng.choice([0, 1]) * rng.uniform(0.4, 1, 3) + 0.2
        picture = picture + (blur(glare, rng.uniform(1, 12)) * inside * rng.uniform(10, 120))[..., None] * tone
    if edged:
        edge = np.abs(inside - cv2.erode(inside, np.ones((3, 3)), iterations=int(rng.integers(1, 3))))
        picture = picture + (blur(edge, 0.7) * rng.choice([-1, 1]) * rng.uniform(8, 55))[..., None]
    return picture.astype(np.float32)


def _joints(
    loops: list[Array],
    base: Array,
    down: Array,
    apart: float,
    thick: float,
    metal: bool,
    rng: np.random.Generator,
    height: int,
    width: int,
) -> Array:
    """The bridge, nose pads, hinges and temples, 0..1 [H, W]."""
    out = np.zeros((height, width), np.float32)
    inner = [loops[0][(loops[0] @ base).argmax()], loops[1][(loops[1] @ base).argmin()]]
    tall = float(np.ptp(loops[0] @ down))
    for _ in range(1 + int(metal and rng.random() < 0.25)):
        rise = rng.uniform(-0.35, 0.0) * tall
        ends = [end + rise * down + (0.01 * apart) * side * base for end, side in zip(inner, (-1, 1), strict=True)]
        arch = (ends[0] + ends[1]) / 2 + down * rng.uniform(-0.12, 0.03) * apart
        step = np.linspace(0, 1, 20)[:, None]
        curve = (1 - step) ** 2 * ends[0] + 2 * step * (1 - step) * arch + step**2 * ends[1]
        wide = np.full(len(curve), thick * rng.uniform(0.6, 1.5))
        out = np.maximum(out, _stroke(curve, wide, np.ones(len(curve), bool), height, width, closed=False))
    if metal and rng.random() < 0.6:
        for end, side in zip(inner, (-1, 1), strict=True):
            spot = end + rng.uniform(0.02, 0.06) * apart * side * -base + down * rng.uniform(0.02, 0.16) * apart
            size = (max(int(0.018 * apart), 1), int(rng.uniform(0.03, 0.06) * apart))
            cv2.ellipse(out, tuple(map(int, spot)), size, side * rng.uniform(5, 25), 0, 360, rng.uniform(0.2, 0.7), -1)
    lift, slope = rng.uniform(-0.42, 0.0) * tall, rng.uniform(-0.12, 0.12)
    for loop, side in ((loops[0], -1), (loops[1], 1)):
        start = loop[(side * (loop @ base)).argmax()] + lift * down - side * 0.02 * apart * base
        length = rng.uniform(0.04, 0.16) if rng.random() < 0.5 else 1.0
        end = start + side * length * apart * base + slope * length * apart * down
        wide = np.full(2, thick * rng.uniform(0.7, 1.8))
        out = np.maximum(out, _stroke(np.stack([start, end]), wide, np.ones(2, bool), height, width, closed=False))
    return out


def _ink(lines: Array, metal: bool, rng: np.random.Generator) -> Array:
    """Colours [H, W, 3] of rims."""
    height, width = lines.shape
    if metal:
        tone = METALS[rng.integers(len(METALS))] * rng.uniform(0.6, 1.2)
        strength = 0.6
    elif rng.random() < 0.55:
        tone, strength = rng.uniform(12, 70) * rng.uniform(0.75, 1.25, 3), 0.25
    else:
        tone, strength = rng.uniform(30, 215, 3), 0.3
    field = blur(rng.standard_normal((height, width)).astype(np.float32), float(rng.uniform(4, 25)))
    field /= float(field.std())
    ink = np.asarray(tone) * np.exp(strength * field * rng.uniform(0, 1))[..., None]
    if not metal and rng.random() < 0.25:  # tortoise-shell
        spots = blur(rng.standard_normal((height, width)).astype(np.float32), float(rng.uniform(2, 6)))
        ink = np.where(spots[..., None] > spots.std() * 0.3, ink, rng.uniform(60, 170) * np.array([1, 0.65, 0.35]))
    return np.asarray(ink, np.float32)


def _filled(loop: Array, height: int, width: int) -> Array:
    out = np.zeros((height, width), np.uint8)
    cv2.fillPoly(out, [_fixed(loop)], 255, cv2.LINE_AA, _SHIFT)
    return out.astype(np.float32) / 255


def _stroke(points: Array, wide: Array, drawn: np.ndarray, height: int, width: int, closed: bool = True) -> Array:
    """A line through `points` as wide as `wide` tells of each, where it is `drawn`; 0..1 [H, W]."""
    out = np.zeros((height, width), np.uint8)
    for k in range(len(points) if closed else len(points) - 1):
        after = (k + 1) % len(points)
        if drawn[k] and drawn[after]:
            pair = _fixed(np.stack([points[k], points[after]]))
            cv2.line(out, pair[0].tolist(), pair[1].tolist(), 255, max(round(float(wide[k])), 1), cv2.LINE_AA, _SHIFT)
    return out.astype(np.float32) / 255


def _fixed(points: Array) -> np.ndarray:
    return np.round(points * 2**_SHIFT).astype(np.int32)


def example(one: Bare, rng: np.random.Generator) -> tuple[Array, Array]:
    """What the network sees of a painted pair, and what it shall answer, float32 [2, HEIGHT, WIDTH]."""
    if rng.random() < 0.5:
        one = Bare(
            one.crop[:, ::-1], (one.eyes[::-1] * (-1, 1) + (one.crop.shape[1] - 1, 0)).astype(np.float32), -one.turned
        )
    picture, lenses, lines = paint(one, rng)
    size = (WIDTH, HEIGHT)
    # As meshes lie: a little off, and turned.
    turn, zoom = rng.normal(0, 0.03), np.exp(rng.normal(0, 0.06)) / FINER
    matrix = zoom * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = np.array([FINER * WIDTH / 2, FINER * HEIGHT / 2])
    shift = np.array(size) / 2 + rng.normal(0, 3, 2) - matrix @ middle
    to = np.column_stack([matrix, shift]).astype(np.float32)
    softness = float(rng.choice([0.8, 0.8, 1.2, 2.0, 3.5]))
    seen = cv2.warpAffine(blur(picture, softness), to, size, borderMode=cv2.BORDER_REPLICATE)
    seen = seen * np.exp(rng.normal(0, 0.15)) + rng.normal(0, rng.uniform(0, 5), seen.shape)
    if rng.random() < 0.1:
        seen = np.repeat(seen.mean(2, keepdims=True), 3, 2)
    answers = cv2.warpAffine(blur(np.dstack([lenses, lines]), 0.8), to, size)
    eyes = one.eyes @ to[:, :2].T + to[:, 2] + rng.normal(0, 1, (2, 2))
    return (
        picture_of(np.clip(seen, 0, 255).astype(np.uint8), eyes.astype(np.float32)),
        (answers > 0.4).astype(np.float32).transpose(2, 0, 1),
    )


class Examples(Dataset[tuple[Array, Array]]):
    """`count` painted pairs, the same ones for the same seed."""

    def __init__(self, people: list[Bare], count: int, seed: int) -> None:
        self._people, self._count, self._seed = people, count, seed

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        cv2.setNumThreads(1)
        rng = np.random.default_rng([self._seed, index])
        return example(self._people[rng.integers(len(self._people))], rng)


def loss_of(logits: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
    """Cross entropy and overlap (Dice) of both answers; [N, 2, HEIGHT, WIDTH]."""
    entropy = functional.binary_cross_entropy_with_logits(logits, answers)
    found = torch.sigmoid(logits)
    both, total = (found * answers).sum((2, 3)), (found + answers).sum((2, 3))
    return entropy + 0.5 * (1 - (2 * both + 40) / (total + 40)).mean()


def learn(network: LensNet, examples: Examples, workers: int = 1) -> None:
    """Train on all examples once."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    loader = batches(examples, BATCH, workers)
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-4)
    steps = max(len(examples) // BATCH, 2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps, pct_start=0.1)
    for step, (picture, answers) in enumerate(loader):
        with half_where_native(torch.device("cpu")):
            logits = network(picture.to(memory_format=torch.channels_last)).float()
        loss = loss_of(logits, answers)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 25 == 0:
            LOG.info("batch %d: loss %.4f", step, loss.item())
    network.eval()


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portraits", type=Path, required=True)
    parser.add_argument("--names", type=Path, default=FOLDER / "split.json", help="its held-out portraits are not used")
    parser.add_argument("--prior", type=Path, default=FOLDER / "linear_prior.safetensors")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--steps", type=int, default=800)
    options = parser.parse_args()
    people = bare(to_learn_from(options.portraits, options.names), LinearPrior.load(options.prior).frame, Mesher())
    LOG.info("%d people without glasses", len(people))
    torch.manual_seed(0)
    network = LensNet()
    learn(network, Examples(people, options.steps * BATCH, seed=0))
    provenance = {"portraits": f"{len(people)} official portraits, CivilServiceUSA (MIT)", "steps": str(options.steps)}
    save(options.out, weights_of(network), "lenses-1", provenance)


if __name__ == "__main__":
    main()
