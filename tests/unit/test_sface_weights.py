"""Writing SFace's weights anew: folding changes what they are, not what they do."""

from itertools import pairwise

import numpy as np
import torch
from torch.nn import functional

from models.sface import HALVING, SIDE, SIZE, WIDTHS, SFaceNet
from tools.sface import CONVOLUTION, LINEAR, NAMES, Values, folded, weights_of

BLOCK = 64


def _invented(rng: np.random.Generator) -> Values:
    """Values with the names and shapes of the Model Zoo's file; weights are small, variances near one."""
    values: Values = {}

    def quantise(name: str, rows: int, columns: int) -> None:
        blocks = max(columns // BLOCK, 1)
        values[f"{name}_quantized"] = rng.integers(-128, 128, (rows, columns)).astype(np.int8)
        values[f"{name}_scales"] = rng.uniform(0.5, 1.5, (rows, blocks)).astype(np.float32) / 60 / columns**0.5
        values[f"{name}_zero_point"] = rng.integers(-20, 20, (rows, blocks)).astype(np.int8)

    def normalise(name: str, size: int) -> None:
        for part, low, high in (("gamma", 0.5, 1.5), ("beta", -0.5, 0.5), ("moving_mean", -0.5, 0.5)):
            values[f"{name}_{part}"] = rng.uniform(low, high, size).astype(np.float32)
        values[f"{name}_moving_var"] = rng.uniform(0.5, 1.5, size).astype(np.float32)

    widths = [(WIDTHS[0], 27)]
    for inner, outer in pairwise(WIDTHS):
        widths += [(inner, 9), (outer, inner)]
    for name, (rows, columns) in zip(NAMES, widths, strict=True):
        quantise(f"{name}_conv2d_weight", rows, columns)
        normalise(f"{name}_batchnorm", rows)
        values[f"{name}_relu_gamma"] = rng.uniform(0.1, 0.4, (rows, 1, 1)).astype(np.float32)
    normalise("bn1", WIDTHS[-1])
    normalise("fc1", SIZE)
    quantise("pre_fc1_weight", SIZE, WIDTHS[-1] * 49)
    quantise("pre_fc1_bias", 1, SIZE)
    for part in ("quantized", "scales", "zero_point"):
        values[f"pre_fc1_bias_{part}"] = values[f"pre_fc1_bias_{part}"][0]
    return values


def _as_published(values: Values, picture: torch.Tensor) -> torch.Tensor:
    """The graph of the Model Zoo's file, operation by operation."""

    def weights(name: str, *shape: int) -> torch.Tensor:
        return torch.from_numpy(weights_of(values, name, shape)).float()

    def normalised(seen: torch.Tensor, name: str, least: float) -> torch.Tensor:
        gamma, beta, mean, variance = (
            torch.from_numpy(values[f"{name}_{part}"]) for part in ("gamma", "beta", "moving_mean", "moving_var")
        )
        return functional.batch_norm(seen, mean, variance, gamma, beta, eps=least)

    seen = (picture - 127.5) * 0.0078125
    for place, name in enumerate(NAMES):
        depthwise = name.endswith("_dw")
        rows = len(values[f"{name}_batchnorm_gamma"])
        kernel = (3, 3) if place == 0 or depthwise else (1, 1)
        weight = weights(f"{name}_conv2d_weight", rows, 1 if depthwise else seen.shape[1], *kernel)
        stride = 2 if depthwise and (place + 1) // 2 in HALVING else 1
        seen = functional.conv2d(seen, weight, None, stride, kernel[0] // 2, groups=rows if depthwise else 1)
        seen = normalised(seen, f"{name}_batchnorm", CONVOLUTION)
        seen = functional.prelu(seen, torch.from_numpy(values[f"{name}_relu_gamma"]).flatten())
    seen = normalised(seen, "bn1", LINEAR).flatten(1)
    seen = functional.linear(seen, weights("pre_fc1_weight", SIZE, seen.shape[1]), weights("pre_fc1_bias", SIZE))
    return functional.normalize(normalised(seen, "fc1", LINEAR))


def test_folding_leaves_descriptors_as_they_were() -> None:
    """Invented weights give the same descriptor folded and layer by layer, but for the rounding to halves."""
    values = _invented(np.random.default_rng(0))
    network = SFaceNet()
    network.load_state_dict({name: one.float() for name, one in folded(values).items()})
    spots = torch.rand(2, 3, 7, 7, generator=torch.Generator().manual_seed(1))
    pictures = 255 * functional.interpolate(spots, (SIDE, SIDE))

    with torch.inference_mode():
        found, wanted = network(pictures), _as_published(values, pictures)

    assert (found - wanted).norm(dim=1).max() < 0.005
    assert (wanted[0] - wanted[1]).norm() > 0.02
