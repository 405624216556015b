"""Which pictures an evaluation looks at."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.evaluation.portraits import Portrait, find_pairs, find_portraits


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    for number in range(10):
        Image.new("RGB", (8, 6), (number, 0, 0)).save(tmp_path / f"{number}.jpg")
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "portraits.csv").write_text(
        "file,gender,birth_year,age_at_most,ethnicity\n3.jpg,female,1980,41,white\n4.jpg,male,1940,80,\n"
    )
    return tmp_path


def test_groups_come_from_the_table_beside_the_faces(folder: Path) -> None:
    """A portrait's groups are read from portraits.csv; an empty cell is no group, a picture without a row has none."""
    portraits = {portrait.path.name: portrait.groups for portrait in find_portraits(folder)}

    assert portraits["3.jpg"] == {"gender": "female", "ethnicity": "white", "age": "under 45"}
    assert portraits["4.jpg"] == {"gender": "male", "age": "75 and over"}
    assert portraits["5.jpg"] == {}
    assert len(portraits) == 10


def test_a_limit_is_spread_over_the_folder(folder: Path) -> None:
    """A limited run takes pictures from the beginning to the end, not the first few."""
    assert [portrait.path.name for portrait in find_portraits(folder, limit=4)] == ["0.jpg", "2.jpg", "5.jpg", "7.jpg"]


def test_a_list_of_names_chooses(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Only the named files are taken, from a plain list or from the held-out list that the training wrote."""
    lists = tmp_path_factory.mktemp("lists")
    (lists / "held-out.txt").write_text("1.jpg\n7.jpg\nabsent.jpg\n")
    (lists / "split.json").write_text('{"held_out": ["1.jpg", "7.jpg"]}')

    for names in ("held-out.txt", "split.json"):
        assert [portrait.path.name for portrait in find_portraits(folder, names=lists / names)] == ["1.jpg", "7.jpg"]


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    """A folder without pictures is said so instead of giving a report about nothing."""
    with pytest.raises(FileNotFoundError, match="no pictures"):
        find_portraits(tmp_path)


def test_pairs_need_both_photographs(tmp_path: Path) -> None:
    """Files NAMEa and NAMEb make a pair; a photograph without its partner is left out."""
    for name in ("01a.jpg", "01b.jpg", "02a.jpg", "03b.png"):
        Image.new("RGB", (8, 6)).save(tmp_path / name)

    assert [(first.path.name, second.path.name) for first, second in find_pairs(tmp_path)] == [("01a.jpg", "01b.jpg")]


def test_orientation_is_applied(tmp_path: Path) -> None:
    """A picture whose EXIF says that it lies on its side is read upright."""
    picture = Image.fromarray(np.zeros((6, 8, 3), np.uint8))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "side.jpg", exif=exif)

    assert Portrait(tmp_path / "side.jpg").read().shape == (8, 6, 3)
