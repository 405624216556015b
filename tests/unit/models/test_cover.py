"""Things are drawn on a public-domain portrait by the evaluation's own painters, which the training never saw."""

from pathlib import Path

import numpy as np
import pytest

from models import FaceAnonymizer
from models.cover import CHANNELS, SIDE, CoverFinder, CoverNet, picture_of
from models.evaluation.occluders import draw
from models.mesh import fit_similarity
from models.weights import WeightsError

# On a face of 120 pixels; of what is thinner the evaluation tells on larger ones.
FOUND = ["round wire glasses", "square dark glasses", "hand", "gloved hand", "surgical mask", "cheek retractor"]


@pytest.fixture(scope="module", name="finder")
def _finder() -> CoverFinder:
    return CoverFinder()


def test_bare_skin_is_not_covered(
    engine: FaceAnonymizer, finder: CoverFinder, astronaut: np.ndarray, meshes: tuple[np.ndarray, np.ndarray]
) -> None:
    """At most three in a hundred places of a bare face's skin are taken for something before it."""
    frame = engine.prior.frame
    texture, facing = frame.pull(astronaut, meshes[0])

    cover = finder.find(texture, facing, frame)
    covered = np.maximum(cover.hard, cover.hair)

    assert (covered[(frame.skin > 0.5) & (facing > 0.4)] > 0.5).mean() < 0.03


def test_a_shadow_is_not_a_thing(
    engine: FaceAnonymizer, finder: CoverFinder, astronaut: np.ndarray, meshes: tuple[np.ndarray, np.ndarray]
) -> None:
    """Half a face in hard shadow is still a bare face."""
    frame = engine.prior.frame
    texture, facing = frame.pull(astronaut, meshes[0])
    side = np.clip((np.arange(frame.side) - frame.side / 2) / 12, 0, 1).astype(np.float32)
    texture = texture * (0.4 + 0.6 * side)[None, :, None]

    cover = finder.find(texture, facing, frame)
    covered = np.maximum(cover.hard, cover.hair)

    assert (covered[(frame.skin > 0.5) & (facing > 0.4)] > 0.5).mean() < 0.05


@pytest.mark.parametrize("thing", FOUND)
def test_what_stands_before_a_face_is_found(
    engine: FaceAnonymizer,
    finder: CoverFinder,
    astronaut: np.ndarray,
    meshes: tuple[np.ndarray, np.ndarray],
    thing: str,
) -> None:
    """Most of the part of a thing that lies on the face is found, wherever it is and whatever it is made of."""
    frame, vertices = engine.prior.frame, meshes[0]
    painted, scene = draw(astronaut, fit_similarity(vertices, frame.mean), vertices, frame.mean, thing)
    texture, facing = frame.pull(painted, vertices)
    there, _ = frame.pull(np.dstack([(255 * scene.alpha / scene.alpha.max()).astype(np.uint8)] * 3), vertices)

    cover = finder.find(texture, facing, frame)
    covered = np.maximum(cover.hard, cover.hair)

    on_face = (there[..., 0] > 160) & (facing > 0.4) & (frame.border > 0.035)
    assert on_face.sum() > 100
    assert (covered[on_face] > 0.5).mean() > 0.7


def test_glasses_are_hard(
    engine: FaceAnonymizer, finder: CoverFinder, astronaut: np.ndarray, meshes: tuple[np.ndarray, np.ndarray]
) -> None:
    """Frames before the eyes keep their place; they are never taken for hair, which moves with the head."""
    frame, vertices = engine.prior.frame, meshes[0]
    painted, _ = draw(astronaut, fit_similarity(vertices, frame.mean), vertices, frame.mean, "square dark glasses")
    texture, facing = frame.pull(painted, vertices)

    cover = finder.find(texture, facing, frame)

    eyes = slice(int(frame.uv[105, 1]), int(frame.uv[195, 1])), slice(frame.side // 5, -frame.side // 5)
    assert (cover.hard[eyes] > 0.5).mean() > 0.05
    assert (cover.hair[eyes] > 0.5).mean() == 0


def test_the_network_sees_no_exposure(
    engine: FaceAnonymizer, astronaut: np.ndarray, meshes: tuple[np.ndarray, np.ndarray]
) -> None:
    """A face at two thirds of the light gives the network nearly the same picture."""
    frame = engine.prior.frame
    texture, facing = frame.pull(astronaut, meshes[0])

    bright, dark = (picture_of(texture * share, facing, frame) for share in (1.0, 0.66))

    assert bright.shape == (CHANNELS, SIDE, SIDE)
    assert np.median(np.abs(bright - dark)) < 0.02


def test_lost_weights_are_named(tmp_path: Path) -> None:
    """Without its weights the finder says which file is missing."""
    with pytest.raises(WeightsError, match=r"lost\.safetensors"):
        CoverFinder(tmp_path / "lost.safetensors")


def test_the_network_is_small() -> None:
    """Under a quarter of a million numbers, so that it costs milliseconds."""
    assert sum(one.numel() for one in CoverNet().parameters()) < 250_000
