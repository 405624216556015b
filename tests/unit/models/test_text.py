from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models import TextFinder, WeightsError
from service.demo.intraoral import buccal_view, frontal_view
from tests.support.labels import Label, draw, labels

LIGHT, DARK = (240, 240, 240), (25, 25, 30)


@pytest.fixture(scope="module")
def finder() -> TextFinder:
    return TextFinder()


def backdrop(seed: int = 3) -> NDArray[np.uint8]:
    """A soft wall with grain, 720 x 960."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(90, 170, (6, 8, 3)).astype(np.uint8)
    wall = cv2.resize(coarse, (960, 720), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    return np.clip(wall + rng.normal(0, 5, wall.shape), 0, 255).astype(np.uint8)


def labelled(height: int, ink: tuple[int, int, int], box: bool) -> NDArray[np.uint8]:
    """The wall with a label whose capitals are `height` pixels tall and stand on row 600, from column 90 on."""
    picture, scale, text = backdrop(), height / 21, "Zanzibar Q. 1987"
    (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 2)
    if box:
        cv2.rectangle(picture, (82, 592 - high), (98 + wide, 610), DARK if ink == LIGHT else LIGHT, -1)
    cv2.putText(picture, text, (90, 600), cv2.FONT_HERSHEY_SIMPLEX, scale, ink, 1 if height < 16 else 2, cv2.LINE_AA)
    return picture


@pytest.mark.parametrize("height", [10, 20, 40])
@pytest.mark.parametrize(("ink", "box"), [(LIGHT, True), (DARK, True), (LIGHT, False)])
def test_a_label_is_found_where_it_stands(
    finder: TextFinder, height: int, ink: tuple[int, int, int], box: bool
) -> None:
    """A patient's label is found in several sizes, light on dark and dark on light, and its box covers it."""
    found = finder.find(labelled(height, ink, box))
    assert found
    assert min(b[0] for b in found) < 94
    assert max(b[2] for b in found) > 90 + 7 * height
    assert 600 - 2.5 * height < min(b[1] for b in found) < 604 - height
    assert 598 < max(b[3] for b in found) < 600 + 2.5 * height


def test_walls_and_teeth_are_no_text(finder: TextFinder) -> None:
    """A plain background and drawn rows of teeth are not taken for writing."""
    for picture in (backdrop(1), frontal_view(1), buccal_view(2)):
        assert finder.find(picture) == ()


def test_labels_cards_rulers_and_handwriting_are_found(finder: TextFinder) -> None:
    """Of forty pieces of writing of all kinds and sizes, most of them turned, none from twelve pixels on is missed."""
    missed = [label for label in labels(40, seed=2) if not _is_found(finder, label)]
    assert len(missed) <= 2
    assert all(label.height < 12 for label in missed)


def _is_found(finder: TextFinder, label: Label) -> bool:
    picture, (left, top, right, bottom) = draw(label)
    across, down = (left + right) / 2, (top + bottom) / 2
    return any(x0 < across < x1 and y0 < down < y1 for x0, y0, x1, y1 in finder.find(picture))


@pytest.mark.parametrize("text", ["Zanzibar Quentin", "Иванова Ольга"])
def test_a_tilted_line_is_as_thick_as_its_letters(finder: TextFinder, text: str) -> None:
    """A large line across the picture is found, although the upright box around it is taller than any line may be."""
    assert _is_found(finder, Label("card", text, 60, 30, seed=4))


@pytest.mark.parametrize("size", [25, 40])
def test_stars_are_no_text(finder: TextFinder, size: int) -> None:
    """Stars as on a flag, which at one size look like writing to the network, are passed over."""
    rng, picture = np.random.default_rng(2), np.full((720, 960, 3), (30, 36, 90), np.uint8)
    for _ in range(6):
        middle = rng.integers(size, 960 - size), rng.integers(size, 720 - size)
        angles = np.arange(10) * np.pi / 5 + rng.random()
        radii = np.where(np.arange(10) % 2, size * 0.4, size)
        points = np.stack([middle[0] + radii * np.cos(angles), middle[1] + radii * np.sin(angles)], axis=-1)
        cv2.fillPoly(picture, [points.astype(np.int32)], (225, 225, 220), cv2.LINE_AA)
    assert finder.find(cv2.GaussianBlur(picture, (0, 0), 2)) == ()


@pytest.mark.parametrize("size", [(1, 1), (16, 2000), (2000, 9)])
def test_pictures_of_any_shape_are_looked_at(finder: TextFinder, size: tuple[int, int]) -> None:
    """Tiny and narrow pictures are no error."""
    assert finder.find(np.full((*size, 3), 130, np.uint8)) == ()


@pytest.mark.parametrize("content", [None, b"something else"])
def test_weights_that_were_changed_are_not_used(tmp_path: Path, content: bytes | None) -> None:
    """Weights that are missing or damaged are an error with their name."""
    if content:
        (tmp_path / "text_detector.onnx").write_bytes(content)
    with pytest.raises(WeightsError, match="text_detector"):
        TextFinder(tmp_path / "text_detector.onnx")
