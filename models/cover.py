"""The network that tells a bare face from what stands before it: frames, hands, masks, instruments, strands of hair.

It looks at the face unrolled into the common frame, in logarithms and against the face's own skin, so that tone and
exposure do not matter. It learned from portraits on which such things (and shadows and make-up, which it must not take
for them) were painted: `models.training.cover`.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from models.frame import Frame
from models.lighting import blur, to_log
from models.mesh import Array
from models.unet import UNet
from models.weights import FOLDER, load

COVERED = 0.5  # of what `CoverFinder.find` returns: from here a place is covered
CERTAIN = 0.25  # probability from which something is there: bare skin stays far below it
POSSIBLE = 0.12  # and from which it goes on, where it hangs together with what is certain: thin frames fade
EDGE = 0.018  # of the frame's side: nearer to its edge nothing begins, since the network was taught little there
SPECK = 0.0003  # of the frame: what is smaller is a mole or a catch-light
HAIRY = 0.2  # probability from which it is hair: few of the things in training were
SIDE = 192  # pixels of its picture
WIDTHS = (12, 16, 32, 48, 64)
CHANNELS = 7
HAIR = 2  # level of the network, each half as wide as the one before, at which hair is told from what is hard
WEIGHTS = FOLDER / "cover.safetensors"


class CoverNet(UNet):
    """float [N, CHANNELS, SIDE, SIDE] to logits [N, 2, SIDE, SIDE]: covered, and by hair where it is."""

    def __init__(self) -> None:
        super().__init__(CHANNELS, WIDTHS, 1)
        self.hair = nn.Sequential(nn.Conv2d(WIDTHS[HAIR], 16, 3, padding=1), nn.ReLU(True), nn.Conv2d(16, 1, 1))

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        seen = self.levels(picture)
        hair = functional.interpolate(self.hair(seen[HAIR]), scale_factor=2.0**HAIR, mode="nearest")
        return torch.cat([self.last(seen[0]), hair], 1)


def picture_of(texture: Array, facing: Array, frame: Frame) -> Array:
    """What the network sees: float32 [CHANNELS, SIDE, SIDE].

    Args:
        texture: RGB 0..255 [T, T, 3] in the frame; facing: [T, T], 0 where the camera does not see the face.
    """
    log = to_log(texture)
    seen = (facing > 0.3) & (frame.skin > 0.5)
    if seen.any():
        log = log - np.median(log[seen][::7], 0)
    fine = np.abs(log[..., 0] - cv2.GaussianBlur(log[..., 0], (0, 0), 1.5))
    layers = np.dstack([log, fine * 4, facing * frame.inside])
    small = cv2.resize(layers, (SIDE, SIDE), interpolation=cv2.INTER_AREA).transpose(2, 0, 1)
    return np.concatenate([np.clip(small, -3, 3), _places()]).astype(np.float32)


@lru_cache(1)
def _places() -> Array:
    across = np.linspace(-1, 1, SIDE, dtype=np.float32)
    return np.stack([np.broadcast_to(np.abs(across), (SIDE, SIDE)), np.broadcast_to(across[:, None], (SIDE, SIDE))])


@dataclass(frozen=True)
class Cover:
    """What stands before a face, float32 [T, T], 0..1: what is hard keeps place and look, hair moves with the head."""

    hard: Array
    hair: Array


class CoverFinder:
    """Not for several threads at a time."""

    def __init__(self, weights: Path = WEIGHTS, device: str = "cpu") -> None:
        """Raises `models.weights.WeightsError` when the weights are missing or damaged."""
        tensors, self.version = load(weights)
        self._network = CoverNet()
        self._network.load_state_dict(tensors)
        self._network.eval().to(device)
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._device = device

    def find(self, texture: Array, facing: Array, frame: Frame) -> Cover:
        """What stands before a face; arguments as for `picture_of`."""
        covered, hair = self.probability(texture, facing, frame)
        seen, inner = (facing > 0.2) & frame.inside, frame.border > EDGE
        certain = (covered > CERTAIN) & seen & inner
        if not certain.any():
            return Cover(np.zeros_like(covered), np.zeros_like(covered))
        possible = seen & (covered > np.where(inner, POSSIBLE, 0.5))
        _, labels, stats, _ = cv2.connectedComponentsWithStats(possible.astype(np.uint8))
        real = np.bincount(labels[certain], minlength=len(stats)) > SPECK * frame.side**2
        found = cv2.dilate(real[labels].astype(np.float32), np.ones((3, 3)))
        # Hair hangs in from above and from the sides; before the eyes it would be taken for thin frames.
        falls = (np.arange(frame.side)[:, None] < frame.uv[[105, 334], 1].min()) | (frame.border < 0.1)
        is_hair = falls & (blur(hair * found, 6.0) > HAIRY * blur(found, 6.0))
        return Cover(np.where(is_hair, 0, found).astype(np.float32), blur(found * is_hair, 1.5))

    @torch.inference_mode()
    def probability(self, texture: Array, facing: Array, frame: Frame) -> tuple[Array, Array]:
        """How likely each place is covered, and how likely what covers it is hair: two float32 [T, T], 0..1."""
        picture = torch.from_numpy(picture_of(texture, facing, frame))[None].to(self._device)
        answer = self._network(picture.to(memory_format=torch.channels_last))
        found = torch.sigmoid(answer)[0].cpu().numpy().transpose(1, 2, 0)
        wide = cv2.resize(found, (frame.side, frame.side), interpolation=cv2.INTER_LINEAR)
        return wide[..., 0] * frame.inside, wide[..., 1]
