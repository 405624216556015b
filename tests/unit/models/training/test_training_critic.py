import copy
from pathlib import Path

import numpy as np
import torch

from models import FaceAnonymizer
from models.critic import JURY, SIDE, Critic, CriticNet
from models.training.critic import (
    EXTREME,
    FAR,
    RANDOM,
    Example,
    area,
    augment,
    learn,
    load_examples,
    results_of,
    save_examples,
    scores,
    together,
)
from models.weights import save


def _examples(count: int) -> list[Example]:
    """Noise, and results that are much brighter in the middle."""
    rng = np.random.default_rng(0)
    found = []
    for number in range(count):
        original = rng.integers(60, 120, (SIDE, SIDE, 3)).astype(np.uint8)
        results = np.repeat(original[None], 3, 0)
        results[:, 25:55, 25:55] += 110
        found.append(Example(f"{number}.jpg", original, results))
    return found


def test_a_portrait_gives_itself_and_different_results(engine: FaceAnonymizer, astronaut: np.ndarray) -> None:
    """The first crop is the photograph's, the others are results of it, no two alike; a wall gives nothing."""
    original, *results = results_of(engine, astronaut, np.random.default_rng(0))

    assert len(results) == RANDOM + EXTREME + FAR
    changes = [np.abs(result.astype(int) - original).mean() for result in results]
    assert min(changes) > 1
    assert len({result.tobytes() for result in results}) == len(results)
    assert results_of(engine, np.full((300, 300, 3), 120, np.uint8), np.random.default_rng(0)) == []


def test_every_picture_is_altered_in_its_own_way() -> None:
    """Equal pictures come out different, in range, and the same again for the same seed."""
    crops = torch.rand(1, 3, SIDE, SIDE).repeat(4, 1, 1, 1) * 2 - 1

    first, again = (augment(crops, torch.Generator().manual_seed(1)) for _ in range(2))

    assert torch.equal(first, again)
    assert first.abs().max() <= 1
    assert all((first[0] - other).abs().mean() > 0.01 for other in first[1:])


def test_what_is_learned_tells_results_and_can_be_saved(tmp_path: Path) -> None:
    """Results that differ plainly are told from originals that were not seen, and the weights come back from disk."""
    torch.manual_seed(0)
    network, examples = CriticNet(), _examples(24)

    learn(network, examples[:16], epochs=12)
    originals, results = scores(network, examples[16:])
    save(tmp_path / "w.safetensors", together([copy.deepcopy(network) for _ in range(JURY)]), "critic-test", {})

    assert originals.shape == (8,)
    assert results.shape == (8, 3)
    assert area(originals, results) > 0.95
    again = Critic(tmp_path / "w.safetensors").drawn([example.original for example in examples[16:]])
    np.testing.assert_allclose(again, originals, atol=1e-4)


def test_examples_come_back_from_disk(tmp_path: Path) -> None:
    """Names and pictures are what they were."""
    save_examples(tmp_path / "e.npz", _examples(2))

    for kept, made in zip(load_examples(tmp_path / "e.npz"), _examples(2), strict=True):
        assert kept.name == made.name
        np.testing.assert_array_equal(kept.original, made.original)
        np.testing.assert_array_equal(kept.results, made.results)
