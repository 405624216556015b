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
    """One portrait, one pair and two sampled identities give figures for every mode, and sheets to look at."""
    patient, other = PATIENTS
    faces = _save(tmp_path / "faces", astronaut=patient.frontal(), admiral=other.frontal())
    pairs = _save(tmp_path / "pairs", Aa=patient.frontal(), Ab=patient.second_visit())
    (tmp_path / "names.txt").write_text("astronaut.jpg\n")
    call = [
        "evaluate",
        "--faces",
        faces,
        "--pairs",
        pairs,
        "--names",
        tmp_path / "names.txt",
        "--out",
        tmp_path / "out",
    ]

    done = runner.invoke(app, [*map(str, call), "--identities", "2", "--processes", "1", "--training", str(faces)])

    assert (tmp_path / "out" / "report.json").is_file(), done.output + repr(done.exception)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert done.exit_code == (0 if all(row["met"] for row in report["targets"]) else 1), done.output
    assert report["portraits"] == 1
    assert set(report["modes"]) == {"standard", "keep-mouth", "keep-nose", "keep-eyes"}
    for mode, figures in report["modes"].items():
        assert figures["privacy"]["faces"] == 1
        assert figures["preservation"]["worst_l1"] == 0.0
        assert figures["preservation"]["pictures"] == (0 if mode == "standard" else 1)
    assert report["pairs"]["standard"]["combinations"] == 4
    assert report["identities"]["memorisation"]["identities"] == 2
    assert report["identities"]["memorisation"]["training_portraits"] == 2
    assert (tmp_path / "out" / report["sheets"][0]).is_file()
    assert "## Two photographs of one person" in (tmp_path / "out" / "report.md").read_text()


def test_an_empty_folder_is_a_wrong_call(tmp_path: Path) -> None:
    """A folder without pictures ends with 2 and says so."""
    (tmp_path / "faces").mkdir()

    done = runner.invoke(app, ["evaluate", "--faces", str(tmp_path / "faces"), "--out", str(tmp_path / "out")])

    assert done.exit_code == 2
    assert "no pictures to evaluate" in " ".join(done.output.replace("│", " ").split())
