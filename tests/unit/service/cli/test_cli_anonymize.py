"""`veragate anonymize` as a script sees it: exit codes, report, and what is said."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from typer.testing import CliRunner

from service.cli import app
from service.demo.intraoral import frontal_view
from service.demo.patients import PATIENTS
from service.errors import ConfigurationError, VeraGateError

runner = CliRunner()


@pytest.fixture(scope="module", name="face")
def _face(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("faces") / "portrait.jpg"
    Image.fromarray(PATIENTS[0].frontal()).resize((480, 600)).save(path, quality=92)
    return path


def test_a_written_file_ends_with_0_and_a_report(face: Path, tmp_path: Path) -> None:
    """The report names the result, its faces with boxes and distances, and the generator."""
    done = runner.invoke(
        app, ["anonymize", str(face), "--out", str(tmp_path), "--report", str(tmp_path / "report.json")]
    )

    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["written"] == 1
    assert report["files"][0]["result"] == str(tmp_path / "portrait.png")
    assert report["files"][0]["faces"][0]["distance"] >= 0.6
    assert len(report["files"][0]["faces"][0]["box"]) == 4
    assert "1 of 1 files written." in done.output


def test_a_held_file_ends_with_3(face: Path, tmp_path: Path) -> None:
    """One file without a face among others: the others are written, it is named with its cause."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "portrait.jpg").write_bytes(face.read_bytes())
    Image.fromarray(frontal_view(3, 600, 400)).save(tmp_path / "in" / "teeth.png")

    done = runner.invoke(app, ["anonymize", str(tmp_path / "in"), "--out", str(tmp_path / "out")])

    assert done.exit_code == 3
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["portrait.png"]
    assert "teeth.png: There should be a face in it, but none was found." in done.output


def test_writing_is_held_or_covered_as_asked(face: Path, tmp_path: Path) -> None:
    """A name in a picture ends with 3 and a plain sentence; with `--text blank` the file is written without it."""
    with Image.open(face) as picture:
        ImageDraw.Draw(picture).rectangle((0, 540, 480, 600), fill=(235, 235, 230))
        ImageDraw.Draw(picture).text((20, 552), "Zanzibar 1987", fill=(20, 20, 30), font=ImageFont.load_default(36))
        picture.save(tmp_path / "label.png")
    call = ["anonymize", str(tmp_path / "label.png"), "--out", str(tmp_path / "out")]

    done = runner.invoke(app, call)
    assert done.exit_code == 3
    assert "There is text in the picture" in done.output
    assert not (tmp_path / "out").exists()

    done = runner.invoke(app, [*call, "--text", "blank", "--report", str(tmp_path / "report.json")])
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "report.json").read_text())["files"][0]["texts_covered"] >= 1


def test_a_plain_backdrop_is_made_as_asked(face: Path, tmp_path: Path) -> None:
    """What lies behind the person becomes one tone, and the report says what became of it; another word is refused."""
    call = ["anonymize", str(face), "--out", str(tmp_path), "--report", str(tmp_path / "report.json")]
    assert runner.invoke(app, [*call, "--backdrop", "pink"]).exit_code == 2

    done = runner.invoke(app, [*call, "--backdrop", "plain"])

    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "report.json").read_text())["files"][0]["backdrop"] == "plain"
    with Image.open(face) as before, Image.open(tmp_path / "portrait.png") as after:
        spreads = [np.asarray(picture.convert("RGB"))[:60, :60].std((0, 1)).max() for picture in (before, after)]
    assert spreads[1] < 4 < spreads[0]


def test_a_cap_is_put_on_as_asked(face: Path, tmp_path: Path) -> None:
    """The hair goes under cloth of one tone; another word is refused."""
    call = ["anonymize", str(face), "--out", str(tmp_path)]
    assert runner.invoke(app, [*call, "--hair", "wig"]).exit_code == 2

    done = runner.invoke(app, [*call, "--hair", "cap"])

    assert done.exit_code == 0, done.output
    with Image.open(face) as before, Image.open(tmp_path / "portrait.png") as after:
        hair = [np.asarray(picture.convert("L"), np.float32)[60:110, 170:300] for picture in (before, after)]
    fine = [np.diff(part, axis=1).ravel() for part in hair]
    assert abs(np.corrcoef(*fine)[0, 1]) < 0.2


def test_an_unreadable_file_ends_with_4(tmp_path: Path) -> None:
    """A file that is no picture is named, and the exit code says so."""
    (tmp_path / "broken.jpg").write_text("no picture")

    done = runner.invoke(app, ["anonymize", str(tmp_path / "broken.jpg"), "--out", str(tmp_path / "out")])

    assert done.exit_code == 4
    assert "0 of 1 files written." in done.output


@pytest.mark.parametrize(
    "wrong",
    [
        ["--preserve", "ears"],
        ["--subject", "a", "--identity-seed", "1"],
        ["--device", "abacus"],
        ["--text", "read"],
        ["--identity-seed", "-1"],
    ],
)
def test_a_wrong_call_ends_with_2(face: Path, tmp_path: Path, wrong: list[str]) -> None:
    """Regions that do not exist and options that exclude each other are refused before any work."""
    done = runner.invoke(app, ["anonymize", str(face), "--out", str(tmp_path / "out"), *wrong])

    assert done.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_a_subject_needs_the_gateways_configuration(face: Path, tmp_path: Path) -> None:
    """--subject without a configuration is one sentence, since there is no stored identity to use."""
    done = runner.invoke(
        app,
        ["anonymize", str(face), "--out", str(tmp_path), "--subject", "a", "--config", str(tmp_path / "absent.toml")],
    )

    assert isinstance(done.exception, ConfigurationError)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    """An input that does not exist is named."""
    done = runner.invoke(app, ["anonymize", str(tmp_path / "absent.jpg"), "--out", str(tmp_path / "out")])

    assert isinstance(done.exception, VeraGateError)
    assert "absent.jpg does not exist" in str(done.exception)
