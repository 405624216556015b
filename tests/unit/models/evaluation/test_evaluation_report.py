"""The report: targets, groups, and a document that a person can read."""

import json
from pathlib import Path

import numpy as np

from models.evaluation.markdown import markdown
from models.evaluation.measure import MODES, FaceResult
from models.evaluation.preservation import Preservation
from models.evaluation.report import summarise_faces, write_report
from models.evaluation.sheets import TILE, tile, write_sheets
from models.evaluation.targets import judge
from models.evaluation.utility import Sighting


def _result(name: str, mode: str, distance: float, group: str = "female") -> FaceResult:
    return FaceResult(
        name=name,
        mode=mode,
        groups={"gender": group},
        seconds=0.5,
        megapixels=1.0,
        unreplaced=0,
        distance=distance,
        source=np.zeros(128, np.float32),
        result=np.full(128, distance, np.float32),
        sighting=Sighting(frozenset({"dlib-hog"}), 0.9),
        preservation=Preservation(10, 0.0, None),
        tile=np.zeros((TILE, TILE, 3), np.uint8),
    )


def _report(distance: float) -> dict:
    results = [_result(f"{number}.jpg", mode, distance) for mode in MODES for number in range(6)]
    results += [_result("man.jpg", mode, distance, "male") for mode in MODES]
    report = {
        "generator": "test-1",
        "seed": 0,
        "without_face": [],
        **summarise_faces(results),
        "pairs": {},
        "identities": {},
        "sheets": ["sheet-01.png"],
        "seconds_total": 60.0,
    }
    return report | {"targets": judge(report)}


def test_targets_are_met_or_missed_by_the_figures() -> None:
    """Distant results meet every measured target, recognised ones miss it, and what was not measured is not judged."""
    good, bad = _report(0.8), _report(0.5)

    assert all(row["met"] for row in good["targets"])
    missed = {row["name"] for row in bad["targets"] if not row["met"]}
    assert "standard: share recognised" in missed
    assert "keep-eyes: share recognised" in missed
    assert not any("pairs" in row["name"] for row in good["targets"])


def test_small_groups_are_not_reported() -> None:
    """A group of one person has no figures of its own, a group of six has."""
    groups = _report(0.8)["modes"]["standard"]["groups"]["gender"]

    assert list(groups) == ["female"]
    assert groups["female"]["privacy"]["faces"] == 6


def test_the_least_changed_faces_come_first() -> None:
    """The per-face lines begin with those that a person should look at."""
    figures = summarise_faces([_result("far.jpg", "standard", 0.9), _result("near.jpg", "standard", 0.4)])

    assert [line["file"] for line in figures["faces"]] == ["near.jpg", "far.jpg"]


def test_report_files_hold_the_same_figures(tmp_path: Path) -> None:
    """report.json can be read back whole, and report.md names targets, modes and groups."""
    report = _report(0.5)

    write_report(report, tmp_path)

    assert json.loads((tmp_path / "report.json").read_text())["modes"]["standard"]["privacy"]["recognised"] == 7
    text = markdown(report)
    assert "| standard: share recognised | 1.000 | at most 0 | **no** |" in text
    assert "## By gender" in text
    assert (tmp_path / "report.md").read_text() == text


def test_tiles_are_never_enlarged() -> None:
    """A small face keeps its own pixels in the middle of its tile, so that the sheet shows what there is."""
    image = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)

    square = tile(image, None)

    assert square.shape == (TILE, TILE, 3)
    edge = (TILE - 40) // 2
    assert np.array_equal(square[edge : edge + 40, edge : edge + 40], image)


def test_sheets_have_four_rows(tmp_path: Path) -> None:
    """Five portraits make two pages."""
    rows = [[np.zeros((TILE, TILE, 3), np.uint8)] * 2] * 5

    assert [path.name for path in write_sheets(rows, ["original", "standard"], tmp_path)] == [
        "sheet-01.png",
        "sheet-02.png",
    ]
