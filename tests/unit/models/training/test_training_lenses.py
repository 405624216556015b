from pathlib import Path

import numpy as np
import torch

from models.lenses import HEIGHT, WIDTH, LensFinder, LensNet
from models.training.cover import weights_of
from models.training.lenses import BATCH, FINER, Bare, Examples, learn, paint
from models.weights import save

EYES = np.array([[FINER * (WIDTH / 2 - 42), 100], [FINER * (WIDTH / 2 + 42), 100]], np.float32)


def _bare() -> Bare:
    return Bare(np.full((FINER * HEIGHT, FINER * WIDTH, 3), (200, 160, 140), np.uint8), EYES, 0.1)


def test_an_example_is_the_same_each_time() -> None:
    """The picture and what is to be found in it depend on seed and number alone."""
    first, second = (Examples([_bare()], 4, seed=0)[2] for _ in range(2))

    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
    assert first[0].shape == (6, HEIGHT, WIDTH)
    assert first[1].shape == (2, HEIGHT, WIDTH)


def test_painted_lenses_lie_before_the_eyes() -> None:
    """In all of twenty pairs but those that show none."""
    painted = [paint(_bare(), np.random.default_rng(seed)) for seed in range(20)]
    worn = [lenses for _, lenses, _ in painted if lenses.any()]

    assert len(worn) > 15
    for lenses in worn:
        assert all(lenses[int(y), int(x)] > 0.5 for x, y in EYES)
        assert lenses[:10].max() == 0


def test_what_is_learned_can_be_saved_and_used(tmp_path: Path) -> None:
    """Batches change the network, and its weights come back from disk as they were."""
    torch.manual_seed(0)
    network = LensNet()
    before = weights_of(network)

    learn(network, Examples([_bare()], 3 * BATCH, seed=0), workers=0)
    save(tmp_path / "w.safetensors", weights_of(network), "lenses-test", {})

    after = weights_of(network)
    assert not torch.equal(before["last.weight"], after["last.weight"])
    finder = LensFinder(tmp_path / "w.safetensors")
    found = finder.probability(np.full((HEIGHT, WIDTH, 3), 150, np.uint8), EYES / FINER)
    assert found.shape == (2, HEIGHT, WIDTH)
