from pathlib import Path

import pytest
import torch

from models.weights import FOLDER, WeightsError, load, save


def test_weights_come_back_with_their_version(tmp_path: Path) -> None:
    """What was saved is loaded, and the version names its digest."""
    save(tmp_path / "w.safetensors", {"a": torch.arange(4), "side": torch.tensor(3)}, "toy-1", {"by": "a test"})

    tensors, version = load(tmp_path / "w.safetensors")

    assert tensors["a"].tolist() == [0, 1, 2, 3]
    assert version.startswith("toy-1+")
    assert len(version) == len("toy-1+") + 8


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    """One flipped bit in the values is noticed."""
    path = tmp_path / "w.safetensors"
    save(path, {"a": torch.arange(4)}, "toy-1", {})
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)

    with pytest.raises(WeightsError, match="digest"):
        load(path)


@pytest.mark.parametrize("content", [None, b"", b"not weights at all"])
def test_missing_or_damaged_weights_are_named(tmp_path: Path, content: bytes | None) -> None:
    """A missing or unreadable file is an error that names it."""
    path = tmp_path / "lost.safetensors"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(WeightsError, match=r"lost\.safetensors"):
        load(path)


def test_shipped_weights_stay_small() -> None:
    """No weight file is larger than 45 MB."""
    sizes = [path.stat().st_size for path in FOLDER.glob("*.safetensors")]
    assert sizes
    assert max(sizes) < 45_000_000
