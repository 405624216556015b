"""The network of dlib's face descriptor (King, 2017; weights CC0) in torch: batches, and any device.

A residual network (He et al., CVPR 2016) of 29 convolutions, each followed by factors and offsets that were its batch
normalisation and are folded into it here. Where a block halves its picture, what goes past it is averaged in squares
of two, and whichever of the two is smaller, in channels or in pixels, is filled up with zeros.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from models.dlib_weights import Layer, Network, read
from models.mesh import Array
from models.weights import WeightsError

DIGEST = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"  # of the file in face_recognition_models
SIDE = 150  # pixels of a chip
SPAN = 256.0  # what dlib divides a channel by


class Convolution(nn.Module):
    """A convolution with the factors and offsets that follow it, folded."""

    weights: torch.Tensor
    offsets: torch.Tensor

    def __init__(self, layer: Layer, affine: Layer) -> None:
        super().__init__()
        gamma = _tensor(affine.weights)
        self.register_buffer("weights", _tensor(layer.weights) * gamma[:, None, None, None])
        self.register_buffer("offsets", _tensor(layer.offsets) * gamma + _tensor(affine.offsets))
        self._stride, self._padding = layer.stride, layer.padding

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        return functional.conv2d(picture, self.weights, self.offsets, self._stride, self._padding)


class Block(nn.Module):
    """Two convolutions and what goes past them, through `pool` where there is one."""

    def __init__(self, first: Convolution, second: Convolution, pool: Layer | None) -> None:
        super().__init__()
        self.first, self.second, self._pool = first, second, pool

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        changed = self.second(functional.relu_(self.first(picture)))
        pool = self._pool
        past = picture if pool is None else functional.avg_pool2d(picture, pool.window, pool.stride, pool.padding)
        shape = [max(sizes) for sizes in zip(changed.shape, past.shape, strict=True)]
        return functional.relu_(_filled(changed, shape) + _filled(past, shape))


class DescriptorNet(nn.Module):
    """float [N, 3, SIDE, SIDE], RGB 0..255, to descriptors float [N, 128]."""

    mean: torch.Tensor
    last: torch.Tensor

    def __init__(self, network: Network) -> None:
        """Raises ValueError where the layers are not those of the descriptor."""
        super().__init__()
        if network.size != (SIDE, SIDE):
            raise ValueError(f"a network for pictures of {network.size} pixels")
        layers = _Layers(network.layers)
        self.first = layers.convolution()
        layers.take("relu_")
        self._pool = layers.take("max_pool_2")
        self.blocks = nn.Sequential(*layers.blocks())
        layers.take("avg_pool_2")
        self.register_buffer("mean", torch.tensor(network.mean)[:, None, None])
        self.register_buffer("last", _tensor(layers.take("fc_2").weights))
        layers.end()

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        before = functional.relu_(self.first((pictures - self.mean) / SPAN))
        pooled = functional.max_pool2d(before, self._pool.window, self._pool.stride, self._pool.padding)
        answer: torch.Tensor = self.blocks(pooled).mean((2, 3)) @ self.last
        return answer


class Descriptor:
    """Tells faces apart: chips, as dlib cuts them, to numbers."""

    def __init__(self, path: Path, device: str = "cpu") -> None:
        """Raises `models.weights.WeightsError` when the weights are missing or are not dlib's."""
        try:
            self._network = DescriptorNet(read(path, DIGEST)).eval().to(device)
        except ValueError as error:
            raise WeightsError(f"the weights {path.name} are of another network: {error}") from error
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._device = device

    @torch.inference_mode()
    def of(self, chips: Sequence[NDArray[np.uint8]]) -> Array:
        """Descriptors float32 [N, 128] of chips, RGB uint8 [SIDE, SIDE, 3] each."""
        if not chips:
            return np.zeros((0, self._network.last.shape[1]), np.float32)
        pictures = torch.from_numpy(np.stack(chips)).to(self._device).permute(0, 3, 1, 2).float()
        # On a GPU torch would round the factors of convolutions to ten bits; a distance must not depend on the machine.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            found: Array = self._network(pictures).cpu().numpy()
        return found


class _Layers:
    """A network's layers, taken one after the other; ValueError where another one was to come."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = list(reversed(layers))

    def take(self, kind: str) -> Layer:
        if self.coming() != kind:
            raise ValueError(f"{self.coming()} in the place of {kind}")
        return self._layers.pop()

    def coming(self) -> str:
        return self._layers[-1].kind if self._layers else "the end"

    def end(self) -> None:
        if self._layers:
            raise ValueError(f"{self.coming()} in the place of the end")

    def convolution(self) -> Convolution:
        return Convolution(self.take("con_4"), self.take("affine_"))

    def blocks(self) -> Iterator[Block]:
        while self.coming() == "tag":
            self.take("tag")
            first = self.convolution()
            self.take("relu_")
            second = self.convolution()
            pool = self._past() if self.coming() == "tag" else None
            self.take("add_prev_")
            self.take("relu_")
            yield Block(first, second, pool)

    def _past(self) -> Layer:
        """What goes past a block that halves its picture: from one tag back to the other, and averaged."""
        self.take("tag")
        self.take("tag")
        return self.take("avg_pool_2")


def _tensor(values: Array | None) -> torch.Tensor:
    if values is None:
        raise ValueError("a layer without its numbers")
    return torch.from_numpy(values)


def _filled(picture: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Zeros after the last channel, row and column, up to `shape`."""
    channels, rows, columns = (wanted - own for wanted, own in zip(shape[1:], picture.shape[1:], strict=True))
    return functional.pad(picture, (0, columns, 0, rows, 0, channels)) if channels or rows or columns else picture
