import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from service.cli import app
from service.cli.show import _drawn
from service.errors import VeraGateError
from service.objects import to_bytes
from service.pixels import Part
from service.provenance import mark
from service.segmentation import segment
from tests.support.photographs import photograph, save, teeth


@pytest.fixture
def finished(tmp_path: Path) -> tuple[Path, Path]:
    """A photograph that says that it was de-identified, and its Segmentation."""
    return made(tmp_path)


def made(folder: Path, frames: int = 1) -> tuple[Path, Path]:
    ds = photograph(teeth(), "EV19")
    if frames > 1:
        ds.NumberOfFrames = frames
    ds.PatientName, ds.PatientID = "SUBJ^1", "0ABCDEFGHJKM"
    mark(ds, source=ds, model_version="fake-1", is_synthetic=True)
    data = to_bytes(ds, ds.file_meta.TransferSyntaxUID)
    parts = np.zeros((frames, 120, 160), np.uint8)
    parts[0, 30:90, 40:120], parts[0, 70:90, 60:100] = Part.SYNTHETIC, Part.PRESERVED
    parts[1:, 90:] = Part.SYNTHETIC
    segmentation = segment(data, parts, "fake-1")
    assert segmentation is not None
    (folder / "photograph.dcm").write_bytes(data)
    (folder / "map.dcm").write_bytes(segmentation)
    return folder / "photograph.dcm", folder / "map.dcm"


def shown(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["show", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_a_photograph_says_what_was_done_to_it(finished: tuple[Path, Path]) -> None:
    """Class, syntax, size and what was done are printed, as text and as JSON."""
    text = shown(finished[0])
    assert "VL Photographic Image Storage" in text
    assert "113100 Basic Application Confidentiality Profile" in text
    assert "160 x 120" in text
    assert json.loads(shown(finished[0], "--json"))["synthetic_data"] == "YES"


def test_a_segmentation_is_drawn(finished: tuple[Path, Path], tmp_path: Path) -> None:
    """The parts are printed with their shares, drawn in letters, and into a PNG where one is asked for."""
    text = shown(finished[1], "--png", tmp_path / "map.png")
    assert "synthetic 20.8 %, preserved 4.2 %" in text
    assert {"█", "▒", "·"} <= set(text)
    with Image.open(tmp_path / "map.png") as drawn:
        assert drawn.size == (160, 120)
        assert drawn.getpixel((80, 80)) == (25, 135, 84)
        assert drawn.getpixel((45, 35)) == (214, 51, 132)


def test_each_frame_is_drawn_under_its_number(tmp_path: Path) -> None:
    """Of a photograph of several frames each one's map is drawn, in letters and in the PNG one below the other."""
    text = shown(made(tmp_path, frames=3)[1], "--png", tmp_path / "map.png")
    first, second, third = text.split("frame ")[-3:]
    assert (first[:6], second[:6], third[:6]) == ("1 of 3", "2 of 3", "3 of 3")
    assert "▒" in first
    assert "▒" not in second
    assert second.rstrip().endswith("█" * 54)
    with Image.open(tmp_path / "map.png") as drawn:
        assert drawn.size == (160, 360)
        assert [drawn.getpixel((5, row)) for row in (100, 220, 340)] == [(32,) * 3, (214, 51, 132), (214, 51, 132)]


def test_the_drawing_keeps_the_pictures_shape() -> None:
    """A letter stands for a cell twice as high as wide; the picture is never wider than 64 letters."""
    lines = _drawn({"synthetic": np.ones((1, 1000, 1300), np.bool_)}).splitlines()
    assert 60 <= len(lines[0]) <= 64
    assert len(lines) == 24
    assert set("".join(lines)) == {"█"}


def test_what_was_not_de_identified_is_not_shown(tmp_path: Path) -> None:
    """An original, and a file that is no object, are refused with a sentence that says nothing about them."""
    save(photograph(teeth(), "EV19"), tmp_path / "original.dcm")
    (tmp_path / "other.dcm").write_bytes(b"nothing")
    for name in ("original.dcm", "other.dcm", "missing.dcm"):
        with pytest.raises(VeraGateError) as refused:
            shown(tmp_path / name)
        assert "Zanzibar" not in str(refused.value)
