"""The choice asks its dear judge as little as it can, and that changes nothing but the time."""

import zlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from models import FaceAnonymizer, choosing
from models.face_model import FaceModel


class _Trying:
    """Identities instead of pictures; how far one lies from the face is as good as random, and always the same."""

    own = np.zeros(128, np.float32)

    def __init__(self, face: FaceModel) -> None:
        self.face, self.rendered, self.judged = face, 0, 0

    def render(self, latent: np.ndarray, preserve: frozenset[str]) -> np.ndarray:
        self.rendered += 1
        return latent

    def crop(self, picture: np.ndarray) -> np.ndarray:
        return picture

    def distances(self, pictures: Sequence[np.ndarray]) -> list[float]:
        self.judged += len(pictures)
        return [0.4 + 0.5 * _chance(one, 1) for one in pictures]

    def strangeness(self, crowns: np.ndarray) -> list[float]:
        return [_chance(one, 4) for one in crowns]

    def cost(self, picture: np.ndarray) -> float:
        return 0.2 * _chance(picture, 3)

    def oddity(self, picture: np.ndarray, shape: np.ndarray, preserve: frozenset[str]) -> float:
        return 0.1 * _chance(picture, 5)


class _Critic:
    def drawn(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        return np.array([8 * _chance(one, 2) - 4 for one in crops], np.float32)


def _chance(latent: np.ndarray, salt: int) -> float:
    return zlib.crc32(latent.tobytes(), salt) / 2**32


@pytest.fixture(scope="module", name="face")
def _face(engine: FaceAnonymizer, astronaut: np.ndarray) -> FaceModel:
    found = engine.explain(astronaut, engine.find(astronaut)[0])
    assert found is not None
    return replace(found, hair=None)


def _chosen(engine: FaceAnonymizer, trying: object, seed: int) -> np.ndarray:
    return choosing.choose(trying, engine.prior, _Critic(), np.random.default_rng(seed), frozenset(), np.inf)


@pytest.mark.parametrize("seed", range(5))
def test_groups_choose_whom_one_by_one_would(
    engine: FaceAnonymizer, face: FaceModel, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """However many the recogniser sees at a time, the same identity is chosen."""
    chosen = []
    for size in (1, choosing.GROUP, 5, choosing.DRAWS):
        monkeypatch.setattr(choosing, "GROUP", size)
        chosen.append(_chosen(engine, _Trying(face), seed))

    for other in chosen[1:]:
        np.testing.assert_array_equal(chosen[0], other)


def test_what_cannot_win_is_not_looked_at(engine: FaceAnonymizer, face: FaceModel) -> None:
    """The recogniser sees less than half of all the candidates."""
    trying = _Trying(face)

    _chosen(engine, trying, 0)

    blocks = 2 * (choosing.ROUNDS - 1)
    assert 0 < trying.rendered - choosing.DRAWS * (3 + blocks) <= blocks  # the joint steps
    assert 0 < trying.judged < trying.rendered / 2
