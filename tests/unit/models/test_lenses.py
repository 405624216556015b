"""Lenses of glasses, on a real wearer and on glasses that were painted on somebody without."""

import cv2
import numpy as np
import pytest

from models import FaceAnonymizer, turn_head
from models.lenses import APART, HEIGHT, WIDTH, Lenses, LensFinder, eyes_of, to_crop
from models.training.lenses import FINER, Bare, paint

Picture = np.ndarray
PAINTED = 12  # pairs
OVERLAP = 0.85  # intersection over union, in the median of those found; eyelids or rounder outlines come to .6


@pytest.fixture(scope="module")
def finder() -> LensFinder:
    return LensFinder()


def _inside(lenses: Lenses) -> np.ndarray:
    """Bool [HEIGHT, WIDTH]."""
    out = np.zeros((HEIGHT, WIDTH), np.uint8)
    for outline in lenses.outlines:
        cv2.fillPoly(out, [np.round(outline).astype(np.int32)], 1)
    return out > 0


def _wearing(image: Picture, vertices: np.ndarray, seed: int) -> tuple[Picture, np.ndarray]:
    """The photograph with painted glasses, and its lenses [HEIGHT, WIDTH]."""
    to = to_crop(vertices, FINER)
    size = (FINER * WIDTH, FINER * HEIGHT)
    eyes = (eyes_of(vertices)[:, :2] @ to[:, :2].T + to[:, 2]).astype(np.float32)
    painted, lenses, _ = paint(Bare(cv2.warpAffine(image, to, size), eyes, 0.0), np.random.default_rng(seed))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    back = cv2.warpAffine(painted, to, image.shape[1::-1], flags=flags)
    shown = cv2.warpAffine(np.ones(size[::-1], np.float32), to, image.shape[1::-1], flags=flags) > 0.99
    after = np.where(shown[..., None], back, image).astype(np.uint8)
    return after, cv2.resize(lenses, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) > 0.5


def test_lenses_of_a_wearer_lie_around_her_eyes(
    finder: LensFinder, admiral: Picture, meshes: tuple[np.ndarray, np.ndarray]
) -> None:
    """Each outline goes round one eye, both are alike, and a rim runs on them."""
    found = finder.find(admiral, meshes[1])

    assert found is not None
    eyes = eyes_of(meshes[1])[:, :2] @ found.to_crop[:, :2].T + found.to_crop[:, 2]
    for outline, eye, other in zip(found.outlines, eyes, eyes[::-1], strict=True):
        assert cv2.pointPolygonTest(outline, eye.tolist(), False) > 0
        assert cv2.pointPolygonTest(outline, other.tolist(), False) < 0
    wide = [np.ptp(outline, axis=0) / APART for outline in found.outlines]
    assert np.allclose(*wide, atol=0.12)
    assert 0.01 < found.thick / APART < 0.15


def test_painted_lenses_are_found_where_they_are(
    finder: LensFinder, astronaut: Picture, meshes: tuple[np.ndarray, np.ndarray]
) -> None:
    """Of any kind, on somebody whom the network never saw: most are found, and those in their place."""
    overlaps = []
    for seed in range(PAINTED):
        image, lenses = _wearing(astronaut, meshes[0], seed)
        found = finder.find(image, meshes[0])
        if found is not None:
            inside = _inside(found)
            overlaps.append((inside & lenses).sum() / (inside | lenses).sum())

    assert len(overlaps) > 0.6 * PAINTED
    assert np.median(overlaps) > OVERLAP


def test_who_wears_none_has_none(finder: LensFinder, astronaut: Picture, meshes: tuple[np.ndarray, np.ndarray]) -> None:
    """Eyes and brows are no glasses."""
    assert finder.find(astronaut, meshes[0]) is None


def test_lenses_of_a_turned_head_are_of_one_shape(finder: LensFinder, engine: FaceAnonymizer, admiral: Picture) -> None:
    """The farther one is narrower, and both are found."""
    turned = turn_head(admiral, 25)
    model = engine.explain(turned, engine.find(turned)[0])
    assert model is not None

    found = finder.find(turned, model.vertices)

    assert found is not None
    right, left = (np.ptp(outline[:, 0]) for outline in found.outlines)
    assert left < 0.95 * right


def test_a_part_of_a_photograph_shows_the_same_lenses(
    finder: LensFinder, admiral: Picture, meshes: tuple[np.ndarray, np.ndarray]
) -> None:
    """Points of a reduced part lie where they lie in the whole."""
    found = finder.find(admiral, meshes[1])
    assert found is not None

    moved = found.moved(0.5, 100, 60)

    there = eyes_of(meshes[1])[:, :2]
    part = (there - (100, 60)) * 0.5
    np.testing.assert_allclose(
        part @ moved.to_crop[:, :2].T + moved.to_crop[:, 2],
        there @ found.to_crop[:, :2].T + found.to_crop[:, 2],
        atol=0.01,
    )
