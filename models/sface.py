"""SFace (Zhong et al., IEEE TIP 2021), a second recogniser, of other descent than the gate's.

It has a say in which identity a patient gets, so that a face that hides from one recogniser does not stand open to
another. The network is that of OpenCV's Model Zoo (Apache-2.0; see `weights/sface.txt`), a MobileNet whose depthwise
and pointwise convolutions alternate; the factors of its normalisations are folded into them.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from models.aligning import aligned
from models.mesh import Array
from models.weights import FOLDER, load

SIDE = 112  # pixels of its picture
WIDTHS = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
HALVING = (2, 4, 6, 12)  # numbers of the widths before which a picture is halved
SIZE = 128
WEIGHTS = FOLDER / "sface.safetensors"


class SFaceNet(nn.Module):
    """float [N, 3, SIDE, SIDE], RGB 0..255, to descriptors float [N, SIZE] of length 1."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(*_layers())
        self.last = nn.Linear(WIDTHS[-1] * (SIDE // 2 ** len(HALVING)) ** 2, SIZE)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        seen = self.body((pictures - 127.5) / 128)
        answer: torch.Tensor = functional.normalize(self.last(seen.flatten(1)))
        return answer


def _layers() -> Iterator[nn.Module]:
    yield from (nn.Conv2d(3, WIDTHS[0], 3, padding=1), nn.PReLU(WIDTHS[0]))
    for number, (inner, outer) in enumerate(pairwise(WIDTHS), start=1):
        stride = 2 if number in HALVING else 1
        yield from (nn.Conv2d(inner, inner, 3, stride, 1, groups=inner), nn.PReLU(inner))
        yield from (nn.Conv2d(inner, outer, 1), nn.PReLU(outer))


class SFace:
    """Not for several threads at a time."""

    def __init__(self, weights: Path = WEIGHTS, device: str = "cpu") -> None:
        """Raises `models.weights.WeightsError` when the weights are missing or damaged."""
        tensors, self.version = load(weights)
        self._network = SFaceNet()
        self._network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
        self._network.eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._device = device

    @torch.inference_mode()
    def embed(self, images: Sequence[NDArray[np.uint8]], vertices: Array) -> Array:
        """Descriptors float32 [N, SIZE], each of length 1, of a face in RGB uint8 [H, W, 3] pictures of one size.

        vertices: [468, 3] in pixels, where the face is in all of them. Two descriptors of one person lie less than
        1.128 apart (OpenCV's figure); of couples of 601 portraits 0.1 % lie within 1.10, half of them within 1.32.
        """
        crops = np.stack([aligned(image, vertices, SIDE) for image in images])
        pictures = torch.from_numpy(crops).to(self._device).permute(0, 3, 1, 2).float()
        found: Array = self._network(pictures).cpu().numpy()
        return found
