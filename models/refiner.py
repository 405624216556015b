"""The network that makes a new face's drawing look photographed: VerA's prior-based correction, in our reading.

A linear prior draws with averages: shadows without an edge, grey where a beard might be, light patches, brows like
paint. A small U-Net (Ronneberger, Fischer and Brox, MICCAI 2015) looks at the face in the common frame, with the new
drawing on it, and says what must still change in its logarithms. It learned from portraits what skin looks like
(`models.training.refiner`), and it is held to leave the identity as it was drawn.
"""

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from models.frame import Frame
from models.lighting import to_log
from models.mesh import Array
from models.weights import FOLDER, load

SIDE = 96  # pixels of its picture
CHANNELS = 9
WIDTHS = (16, 32, 48, 64)
LIMITS = (0.45, 0.12, 0.12)  # log units: the farthest that it goes in lightness, and in red and blue against green
WEIGHTS = FOLDER / "refiner.safetensors"


class RefinerNet(nn.Module):
    """float [N, CHANNELS, SIDE, SIDE] to a log change [N, 3, SIDE, SIDE] within LIMITS."""

    limits: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        before = (CHANNELS, *WIDTHS[:-1])
        self.down = nn.ModuleList(_block(a, b) for a, b in zip(before, WIDTHS, strict=True))
        self.up = nn.ModuleList(_block(a + b, a) for a, b in pairwise(WIDTHS))
        self.last = nn.Conv2d(WIDTHS[0], 3, 3, padding=1)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)
        self.register_buffer("limits", torch.tensor(LIMITS)[:, None, None], persistent=False)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        kept = []
        for level, block in enumerate(self.down):
            picture = block(picture if level == 0 else functional.avg_pool2d(picture, 2))
            kept.append(picture)
        for level in reversed(range(len(self.up))):
            wide = functional.interpolate(picture, scale_factor=2.0, mode="bilinear", align_corners=False)
            picture = self.up[level](torch.cat([kept[level], wide], 1))
        change: torch.Tensor = self.limits * torch.tanh(self.last(picture))
        return change


def _block(inner: int, outer: int) -> nn.Sequential:
    convolution = nn.Conv2d(inner, outer, 3, padding=1)
    return nn.Sequential(convolution, nn.GroupNorm(outer // 8, outer), nn.LeakyReLU(0.2, True))


def look_of(texture: Array, bare: Array, frame: Frame) -> Array:
    """A face before it changes, float32 [4, SIDE, SIDE]: log texture against its own skin, and where skin is bare.

    Args:
        texture: RGB 0..255 [T, T, 3] in the frame; bare: [T, T], 0..1, turned to the camera with nothing before it.
    """
    log = to_log(texture)
    skin = (bare > 0.5) & (frame.skin > 0.5)
    if skin.any():
        log = log - np.median(log[skin][::7], 0)
    small = cv2.resize(np.dstack([np.clip(log, -3, 3), bare]), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(small.transpose(2, 0, 1), np.float32)


def picture_of(look: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
    """What the network takes, [N, CHANNELS, SIDE, SIDE].

    look: [N, 4, SIDE, SIDE], of `look_of`; change: [N, 3, SIDE, SIDE], log units.
    """
    across = torch.linspace(-1, 1, SIDE, device=look.device)
    places = torch.stack([across.abs().expand(SIDE, SIDE), across[:, None].expand(SIDE, SIDE)])
    return torch.cat([look[:, :3] + change, change, look[:, 3:], places.expand(len(look), 2, SIDE, SIDE)], 1)


class Refiner:
    """Not for several threads at a time."""

    def __init__(self, weights: Path = WEIGHTS, device: str = "cpu") -> None:
        """Raises `models.weights.WeightsError` when the weights are missing or damaged."""
        tensors, self.version = load(weights)
        self._network = RefinerNet()
        self._network.load_state_dict(tensors)
        self._network.eval().to(device)
        self._device = device

    @torch.inference_mode()
    def refine(self, look: Array, change: Array) -> Array:
        """What must still change, float32 [T, T, 3] log units.

        Args:
            look: [4, SIDE, SIDE], as `look_of` returns it; change: [T, T, 3], the drawing of a new identity.
        """
        side = change.shape[0]
        small = cv2.resize(change, (SIDE, SIDE), interpolation=cv2.INTER_AREA).transpose(2, 0, 1)
        tensors = [torch.from_numpy(np.ascontiguousarray(one))[None].to(self._device) for one in (look, small)]
        more = self._network(picture_of(tensors[0], tensors[1]))[0].permute(1, 2, 0).cpu().numpy()
        return np.asarray(cv2.resize(more, (side, side), interpolation=cv2.INTER_LINEAR), np.float32)
