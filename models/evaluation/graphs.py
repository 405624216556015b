"""Networks in TensorFlow.js' graph format, run in torch: what the independent judges' weights come in.

Only the operations that small image networks use. A graph is the folder's NAME.json (nodes and a list of weights) and
NAME.bin (the weights, one after the other, perhaps as half precision).
"""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

Tensor = torch.Tensor
Attributes = dict[str, Any]


class Graph:
    """One network; call it with a batch [N, H, W, C] and the name of the node that is wanted."""

    def __init__(self, path: Path) -> None:
        content = json.loads(path.read_text(encoding="utf-8"))
        self.nodes = {node["name"]: node for node in content["modelTopology"]["node"]}
        self._weights = _weights(content["weightsManifest"], path.with_suffix(".bin").read_bytes())

    def __call__(self, batch: Tensor, output: str) -> Tensor:
        with torch.inference_mode():
            return self._value(output, {}, batch)

    def _value(self, name: str, known: dict[str, Tensor], batch: Tensor) -> Tensor:
        name = name.split(":")[0]
        if name not in known:
            node = self.nodes[name]
            inputs = [self._value(one, known, batch) for one in node.get("input", []) if not one.startswith("^")]
            if node["op"] == "Const":
                known[name] = self._weights[name]
            elif node["op"] == "Placeholder":
                known[name] = batch
            elif node["op"] in _OPERATIONS:
                known[name] = _OPERATIONS[node["op"]](inputs, node.get("attr", {}))
            else:
                raise ValueError(f"the operation {node['op']} is not known")
        return known[name]


def _weights(manifest: list[dict[str, Any]], raw: bytes) -> dict[str, Tensor]:
    weights, offset = {}, 0
    for weight in (one for group in manifest for one in group["weights"]):
        kind = np.dtype(weight.get("quantization", {}).get("dtype", weight["dtype"]))
        count = int(np.prod(weight["shape"], dtype=int))
        values = np.frombuffer(raw, kind, count, offset).reshape(weight["shape"])
        weights[weight["name"]] = torch.from_numpy(values.astype(np.dtype(weight["dtype"])))
        offset += count * kind.itemsize
    if offset != len(raw):
        raise ValueError("the weights do not fit their list")
    return weights


def _text(value: str) -> str:
    return base64.b64decode(value).decode()


def _convolve(inputs: list[Tensor], attributes: Attributes, each: bool) -> Tensor:
    """A convolution over all channels, or over `each` channel on its own."""
    image, kernel = inputs[0].permute(0, 3, 1, 2), inputs[1]
    height, width, channels, _ = kernel.shape
    stride = [int(one) for one in attributes["strides"]["list"]["i"]][1:3]
    kernel = kernel.permute(2, 3, 0, 1).reshape(-1, 1, height, width) if each else kernel.permute(3, 2, 0, 1)
    if _text(attributes["padding"]["s"]) == "SAME":
        rows, columns = _same(image.shape[2], height, stride[0]), _same(image.shape[3], width, stride[1])
        image = functional.pad(image, (*columns, *rows))
    done = functional.conv2d(image, kernel.contiguous(), stride=stride, groups=channels if each else 1)
    return done.permute(0, 2, 3, 1)


def _same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _fused(inputs: list[Tensor], attributes: Attributes) -> Tensor:
    done = inputs[0] @ inputs[1]
    for name in map(_text, attributes["fused_ops"]["list"]["s"]):
        done = done + inputs[2] if name == "BiasAdd" else _ACTIVATIONS[name](done)
    return done


def _reduce(inputs: list[Tensor], attributes: Attributes) -> Tensor:
    return inputs[0].mean(inputs[1].reshape(-1).tolist(), keepdim=bool(attributes.get("keep_dims", {}).get("b")))


def _pad(inputs: list[Tensor], attributes: Attributes) -> Tensor:
    return functional.pad(inputs[0], [one for pair in reversed(inputs[1].tolist()) for one in pair])


_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"Relu": torch.relu, "Sigmoid": torch.sigmoid}
_OPERATIONS: dict[str, Callable[[list[Tensor], Attributes], Tensor]] = {
    "Conv2D": lambda inputs, attributes: _convolve(inputs, attributes, each=False),
    "DepthwiseConv2dNative": lambda inputs, attributes: _convolve(inputs, attributes, each=True),
    "_FusedMatMul": _fused,
    "MatMul": lambda inputs, attributes: (
        inputs[0] @ (inputs[1].T if attributes.get("transpose_b", {}).get("b") else inputs[1])
    ),
    "Mean": _reduce,
    "Pad": _pad,
    "Reshape": lambda inputs, _: inputs[0].reshape(len(inputs[0]), -1),
    "Softmax": lambda inputs, _: torch.softmax(inputs[0], -1),
    "Sigmoid": lambda inputs, _: torch.sigmoid(inputs[0]),
    "Relu": lambda inputs, _: torch.relu(inputs[0]),
    "Add": lambda inputs, _: inputs[0] + inputs[1],
    "AddV2": lambda inputs, _: inputs[0] + inputs[1],
    "Sub": lambda inputs, _: inputs[0] - inputs[1],
    "Mul": lambda inputs, _: inputs[0] * inputs[1],
    "Minimum": lambda inputs, _: torch.minimum(inputs[0], inputs[1]),
    "Maximum": lambda inputs, _: torch.maximum(inputs[0], inputs[1]),
}
