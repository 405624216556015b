"""The contact sheet outlines what really stayed equal, and is written whole."""

from pathlib import Path

import numpy as np
from PIL import Image

from service.demo.sheet import Cell, preserved_inside, write_sheet


def _face() -> tuple[np.ndarray, np.ndarray]:
    """A picture, and one in which a square is replaced but for an island inside it."""
    original = np.random.default_rng(1).integers(0, 200, (200, 200, 3), np.uint8)
    result = original.copy()
    result[40:160, 40:160] += 20
    result[100:140, 80:120] = original[100:140, 80:120]
    return original, result


def test_only_enclosed_equal_pixels_are_outlined() -> None:
    """The island of equal pixels inside the face is found exactly; the equal background is not."""
    original, result = _face()

    mask = preserved_inside(original, result)

    expected = np.zeros((200, 200), bool)
    expected[100:140, 80:120] = True
    assert np.array_equal(mask, expected)


def test_nothing_is_outlined_when_nothing_was_preserved() -> None:
    """A face that was replaced whole has no island, and neither has a picture that stayed as it was."""
    original, result = _face()
    result[40:160, 40:160] = 255

    assert not preserved_inside(original, result).any()
    assert not preserved_inside(original, original).any()


def test_sheet_has_a_column_for_each_patient(tmp_path: Path) -> None:
    """Two patients with two photographs each, one of which never came out, make one readable picture file."""
    original, result = _face()
    cells = [Cell("frontal", "note", original, result), Cell("lost", "held", original, None)]

    write_sheet([("Patient A", cells), ("Patient B", cells)], tmp_path / "sheet.png")

    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 1800
        assert sheet.height > 900
