"""AE titles that a tired eye takes for one another."""

import pytest

from service.configuring.titles import look_alikes


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("CAMERA", "camera"),
        ("PACSO1", "PACS01"),
        ("ROOM_1", "ROOM-1"),
        ("SCANNER", "SCANER"),
        ("ARCHIVE", "ARCHIVF"),
        ("STORE", "STORES"),
    ],
)
def test_titles_that_are_taken_for_one_another_are_named(first: str, second: str) -> None:
    """Case, signs that look alike, and one character more, less or other make a pair."""
    assert list(look_alikes([first, second])) == [tuple(sorted((first, second)))]


@pytest.mark.parametrize(
    ("first", "second"), [("CAMERA1", "CAMERA2"), ("CAM", "CAR"), ("RESEARCH", "ARCHIVE"), ("ROOM9", "ROOM10")]
)
def test_titles_that_are_meant_to_differ_are_left_alone(first: str, second: str) -> None:
    """Numbered devices, very short titles and titles with two differences make no pair."""
    assert list(look_alikes([first, second])) == []
