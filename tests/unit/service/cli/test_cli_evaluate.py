"""`veragate evaluate` from the call to the report, on the two people of the demonstration."""

import json
from pathlib import Path

from PIL import Image
from typer.testing import CliRunner

from service.cli import app
from service.demo.patients import PATIENTS

runner = CliRunner()


def _save(folder: Path, **pictures: object) -> Path:
    folder.mkdir()
    for name, picture in pictures.items():
        Image.fromarray(picture).resize((360, 450)).save(folder / f"{name}.jpg", quality=95)
    return folder


def test_a_run_measures_every_part_and_writes_the_report(tmp_path: Path) -> None:
    """One portrait, one pair and two sampled identities give figures for each method, and sheets to look at."""
    patient, other = PATIENTS
    faces = _save(tmp_path / "faces", astronaut=patient.frontal(), admiral=other.frontal())
    pairs = _save(tmp_path / "pairs", Aa=patient.frontal(), Ab=patient.second_visit())
    (tmp_path / "names.txt").write_text("astronaut.jpg\n")
    call = ["evaluate", "--faces", faces, "--pairs", pairs, "--names", tmp_path / "names.txt", "--training", faces]
    call += ["--out", tmp_path / "out", "--cache", tmp_path / "cache", "--modes", "keep-eyes"]
    call += ["--identities", 2, "--averaging", 0, "--processes", 1]

    done = runner.invoke(app, list(map(str, call)))

    assert (tmp_path / "out" / "report.json").is_file(), done.output + repr(done.exception)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert done.exit_code == (0 if all(row["met"] for row in report["targets"]) else 1), done.output
    assert report["portraits"] == 1
    assert set(report["methods"]) == {"keep-eyes", "blur", "pixelation", "black box", "eye bar", "crop"}
    assert report["methods"]["keep-eyes"]["preservation"]["worst_l1"] == 0.0
    assert report["methods"]["keep-eyes"]["preservation"]["pictures"] == 1
    assert report["methods"]["eye bar"]["utility"]["mtcnn"]["found"]["of"] == 1
    assert report["methods"]["black box"]["utility"]["any"]["found"]["hits"] == 0
    assert report["pairs"]["original"]["judges"]["dlib"]["together_at_gate"]["share"] == 1
    assert report["pairs"]["keep-eyes"]["judges"]["dlib"]["other_photo"]["unreadable"] == 0
    assert report["identities"]["memorisation"]["identities"] == 2
    assert report["identities"]["memorisation"]["training_portraits"] == 2
    assert all((tmp_path / "out" / name).is_file() for name in report["sheets"] + report["figures"])
    assert "## Another photograph of the person: dlib" in (tmp_path / "out" / "report.md").read_text()
    kept = [path.name for path in (tmp_path / "cache").rglob("astronaut-*.json")]
    assert len(kept) == 5, kept  # the mode, and the four ways to finish a face


def test_unknown_modes_are_a_wrong_call(tmp_path: Path) -> None:
    """A mode that does not exist ends with 2."""
    faces = _save(tmp_path / "faces", astronaut=PATIENTS[0].frontal())

    done = runner.invoke(app, ["evaluate", "--faces", str(faces), "--out", str(tmp_path / "o"), "--modes", "keep-hat"])

    assert done.exit_code == 2
    assert "keep-hat" in done.output


def test_an_empty_folder_is_a_wrong_call(tmp_path: Path) -> None:
    """A folder without pictures ends with 2 and says so."""
    (tmp_path / "faces").mkdir()

    done = runner.invoke(app, ["evaluate", "--faces", str(tmp_path / "faces"), "--out", str(tmp_path / "out")])

    assert done.exit_code == 2
    assert "no pictures to evaluate" in " ".join(done.output.replace("│", " ").split())
