"""Networks in TensorFlow.js' format on numbers whose answer is known."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.evaluation.graphs import Graph


def _text(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def _graph(folder: Path, nodes: list[dict[str, Any]], weights: dict[str, np.ndarray]) -> Graph:
    nodes = [{"name": "in", "op": "Placeholder"}, *({"name": name, "op": "Const"} for name in weights), *nodes]
    listed = [
        {"name": name, "shape": list(one.shape), "dtype": "float32", "quantization": {"dtype": "float16"}}
        if one.dtype == np.float16
        else {"name": name, "shape": list(one.shape), "dtype": str(one.dtype)}
        for name, one in weights.items()
    ]
    content = {"modelTopology": {"node": nodes}, "weightsManifest": [{"weights": listed}]}
    (folder / "net.json").write_text(json.dumps(content))
    (folder / "net.bin").write_bytes(b"".join(one.tobytes() for one in weights.values()))
    return Graph(folder / "net.json")


def _convolution(op: str, stride: int, padding: str) -> list[dict[str, Any]]:
    attributes = {
        "strides": {"list": {"i": ["1", str(stride), str(stride), "1"]}},
        "padding": {"s": _text(padding)},
    }
    return [{"name": "out", "op": op, "input": ["in", "kernel"], "attr": attributes}]


def test_same_padding_gives_the_larger_share_to_the_end(tmp_path: Path) -> None:
    """A stride of two over four pixels pads one column at the right and none at the left, as TensorFlow does."""
    kernel = np.array([1, 10, 100], np.float32).reshape(1, 3, 1, 1)
    graph = _graph(tmp_path, _convolution("Conv2D", 2, "SAME"), {"kernel": kernel})

    out = graph(torch.tensor([1.0, 2, 3, 4]).reshape(1, 1, 4, 1), "out")

    assert out.reshape(-1).tolist() == [321, 43]


def test_each_channel_has_its_own_kernel(tmp_path: Path) -> None:
    """A depthwise convolution multiplies each channel with its own weights, which may come as half precision."""
    kernel = np.array([2, 3], np.float16).reshape(1, 1, 2, 1)
    graph = _graph(tmp_path, _convolution("DepthwiseConv2dNative", 1, "VALID"), {"kernel": kernel})

    assert graph(torch.ones(1, 1, 1, 2), "out").reshape(-1).tolist() == [2, 3]


def test_a_fused_product_adds_and_activates_in_order(tmp_path: Path) -> None:
    """Bias first, then the activation, over the mean of the picture."""
    mean = {"name": "mean", "op": "Mean", "input": ["in", "axes"]}
    fused = {"fused_ops": {"list": {"s": [_text("BiasAdd"), _text("Relu")]}}}
    nodes = [mean, {"name": "out", "op": "_FusedMatMul", "input": ["mean", "w", "b"], "attr": fused}]
    weights = {
        "axes": np.array([1, 2], np.int32),
        "w": np.array([[1, -1]], np.float32),
        "b": np.array([0.5, 1], np.float32),
    }

    out = _graph(tmp_path, nodes, weights)(torch.tensor([1.0, 3.0]).reshape(1, 1, 2, 1), "out")

    assert out.tolist() == [[2.5, 0.0]]


def test_what_is_not_understood_is_refused(tmp_path: Path) -> None:
    """An unknown operation and weights that do not fit their list are errors, not wrong numbers."""
    graph = _graph(tmp_path, [{"name": "out", "op": "Cumsum", "input": ["in"]}], {"w": np.zeros(2, np.float32)})

    with pytest.raises(ValueError, match="Cumsum"):
        graph(torch.zeros(1), "out")
    (tmp_path / "net.bin").write_bytes(b"\0" * 9)
    with pytest.raises(ValueError, match="do not fit"):
        Graph(tmp_path / "net.json")
