from pathlib import Path

import numpy as np
import torch

from models import FaceAnonymizer
from models.cover import CoverFinder, CoverNet
from models.training.cover import BATCH, Bare, Examples, learn, weights_of
from models.weights import save


def _examples(engine: FaceAnonymizer, count: int) -> Examples:
    frame = engine.prior.frame
    skin = np.full((frame.side, frame.side, 3), (200, 160, 140), np.uint8)
    bare = Bare(skin, frame.inside.astype(np.float32), frame.border > 0.03)
    return Examples([bare], [np.full((32, 32, 3), 60, np.float32)], frame, count, seed=0)


def test_an_example_is_the_same_each_time(engine: FaceAnonymizer) -> None:
    """The picture, what is covered and what is judged depend on seed and number alone."""
    first, second = (_examples(engine, 4)[2] for _ in range(2))

    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
    picture, answers, judged = first
    assert answers.shape == (2, *picture.shape[1:])
    assert judged.shape == picture.shape[1:]
    assert (answers[1] <= answers[0]).all()


def test_what_is_learned_can_be_saved_and_used(engine: FaceAnonymizer, tmp_path: Path) -> None:
    """Batches change the network in both of its answers, and its weights come back from disk as they were."""
    torch.manual_seed(0)
    network = CoverNet()
    before = weights_of(network)

    learn(network, _examples(engine, 6 * BATCH), workers=0)
    save(tmp_path / "w.safetensors", weights_of(network), "cover-test", {})

    after = weights_of(network)
    assert not torch.equal(before["last.weight"], after["last.weight"])
    assert not torch.equal(before["hair.0.weight"], after["hair.0.weight"])
    finder, frame = CoverFinder(tmp_path / "w.safetensors"), engine.prior.frame
    covered, hair = finder.probability(np.full((frame.side, frame.side, 3), 150, np.float32), frame.border, frame)
    assert covered.shape == hair.shape == (frame.side, frame.side)
