"""Two networks that tell how much a face looks drawn: heavy brows, patches of light, a beard's shadow on a woman.

They learned from portraits and what the engine makes of them (`models.training.critic`), blurred, recoloured and
jittered, so that they judge what a person would see and not the fingerprints of the rendering. They compare candidates
for a new identity on one photograph; they are no measure of an anonymized picture's quality.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.mesh import Array, Similarity, upright, warp_down
from models.weights import FOLDER, load

SIDE = 80  # pixels of its picture
REACH = 0.75  # half of what it sees, in the larger side of the face: hair and neck belong to the impression
JURY = 2  # networks, each from its own start: a choice finds what one of them overlooks
WIDTHS = (24, 40, 56, 80, 112)
WEIGHTS = FOLDER / "critic.safetensors"


class CriticNet(nn.Module):
    """float [N, 3, SIDE, SIDE], -1..1, to logits [N]: above 0, drawn rather than photographed."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inner, outer in zip((3, *WIDTHS[:-1]), WIDTHS, strict=True):
            layers += [nn.Conv2d(inner, outer, 3, 2, 1, bias=False), nn.BatchNorm2d(outer), nn.ReLU(True)]
            layers += [nn.Conv2d(outer, outer, 3, 1, 1, groups=outer // 8, bias=False), nn.BatchNorm2d(outer)]
            layers += [nn.ReLU(True)]
        self.body = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(WIDTHS[-1], 1))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self.head(self.body(pictures))
        return answer[:, 0]


def crop(image: NDArray[np.uint8], vertices: Array, similarity: Similarity) -> NDArray[np.uint8]:
    """The upright head, RGB uint8 [SIDE, SIDE, 3].

    Args:
        image: RGB uint8 [H, W, 3]; vertices: [468, 3] of the face in it; similarity: from it to the mean face.
    """
    low, high = vertices[:, :2].min(0), vertices[:, :2].max(0)
    x, y = ((low + high) / 2).tolist()
    return warp_down(
        image, upright((x, y), REACH * float((high - low).max()), similarity.yaw_pitch_roll[2], SIDE), SIDE
    )


def prepare(crops: Sequence[NDArray[np.uint8]]) -> torch.Tensor:
    """What `CriticNet` takes, of `crop`s."""
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 127.5 - 1


class Critic:
    """Not for several threads at a time."""

    def __init__(self, weights: Path = WEIGHTS, device: str = "cpu") -> None:
        """Raises `models.weights.WeightsError` when the weights are missing or damaged."""
        tensors, self.version = load(weights)
        self._networks = [CriticNet().eval() for _ in range(JURY)]
        for number, network in enumerate(self._networks):
            prefix = f"{number}."
            own = {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}
            network.load_state_dict(own)
            network.to(device)
        self._device = device

    @torch.inference_mode()
    def drawn(self, crops: Sequence[NDArray[np.uint8]]) -> Array:
        """How much each of these looks drawn: mean logits float32 [N], larger is worse."""
        pictures = prepare(crops).to(self._device)
        found: Array = torch.stack([network(pictures) for network in self._networks]).mean(0).cpu().numpy()
        return found
