"""Weights on disk: safetensors, with provenance in the metadata and a digest that is checked."""

import hashlib
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

FOLDER = Path(__file__).parent / "weights"


class WeightsError(Exception):
    """The weights are missing or are not what they were when they were made."""


def digest(tensors: dict[str, torch.Tensor]) -> str:
    """SHA-256 over names, types, shapes and values, hex."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        total.update(tensor.view(torch.uint8).numpy().tobytes() if tensor.dim() else tensor.numpy().tobytes())
    return total.hexdigest()


def save(path: Path, tensors: dict[str, torch.Tensor], name: str, provenance: dict[str, str]) -> None:
    """Write the weights with `name`, their digest and `provenance` (strings) in the metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, provenance | {"name": name, "digest": digest(tensors)})


def load(path: Path) -> tuple[dict[str, torch.Tensor], str]:
    """Read and check weights; returns them and their version, `name+digest8`.

    Raises:
        WeightsError: the file is missing, damaged, or was changed after it was made.
    """
    if not path.is_file():
        raise WeightsError(f"the weights {path.name} are missing")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no dict
    except Exception as error:
        raise WeightsError(f"the weights {path.name} cannot be read") from error
    found = digest(tensors)
    if found != metadata.get("digest"):
        raise WeightsError(f"the weights {path.name} do not match their digest")
    return tensors, f"{metadata['name']}+{found[:8]}"
