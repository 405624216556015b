"""The report: targets, groups, and a document that a person can read."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from models import REGIONS
from models.evaluation.fairness import FEWEST, Stranger, by_group
from models.evaluation.figures import draw
from models.evaluation.grain import Grain
from models.evaluation.looking import Look
from models.evaluation.making import MODES
from models.evaluation.markdown import markdown
from models.evaluation.measure import FaceResult, Measured
from models.evaluation.portraits import Portrait
from models.evaluation.preservation import Preservation
from models.evaluation.report import Bench, summarise_faces, write_report
from models.evaluation.semantics import Change
from models.evaluation.sheets import TILE, tile, write_sheets
from models.evaluation.targets import judge
from models.evaluation.utility import Sighting

BENCH = Bench({"dlib": {"0.1 %": 0.5, "1 %": 0.6}}, ["mtcnn"], {"dlib": np.eye(8, 128, dtype=np.float32)})


def _look(value: float) -> Look:
    vector = np.zeros(128, np.float32)
    vector[0] = value
    return Look(None, {"mtcnn": (0.0, 0.0, 9.0, 9.0)}, {"dlib": vector})


def _measured(name: str, value: float, distance: float, group: str = "female") -> Measured:
    """Somebody at `value` on a line, whose results lie `distance` farther."""
    change = Change(0.0, None, 0.95, 1.0, 0.02)
    results = [
        FaceResult(
            name=name,
            method=mode,
            groups={"gender": group},
            look=_look(value + distance),
            sighting=Sighting({"mtcnn": 0.95}, frozenset({"mtcnn"})),
            semantics=dict.fromkeys(REGIONS, change),
            tile=np.zeros((TILE, TILE, 3), np.uint8),
            preservation=Preservation(10, 0.0, None),
            grain=Grain(1.1, 1.0, 1.0),
            seconds=0.5,
            megapixels=1.0,
        )
        for mode in MODES
    ]
    portrait = Portrait(Path(name), {"gender": group})
    return Measured(portrait, np.zeros((TILE, TILE, 3), np.uint8), _look(value), None, tuple(results))


def _report(distance: float) -> dict:
    people = [_measured(f"{number}.jpg", 10 * number, distance) for number in range(6)]
    report = {
        "generator": "test-1",
        "seed": 0,
        "calibration": 7,
        "thresholds": BENCH.limits,
        **summarise_faces([*people, _measured("man.jpg", 90, distance, "male")], BENCH),
        "pairs": {},
        "attacks": {"parts": {}},
        "ablation": {},
        "identities": {},
        "sheets": ["sheet-01.png"],
        "figures": [],
        "seconds_total": 60.0,
    }
    return report | {"targets": judge(report)}


def test_targets_are_met_or_missed_by_the_figures() -> None:
    """Distant results meet every measured target, recognised ones miss it, and what was not measured is not judged."""
    good, bad = _report(0.8), _report(0.4)

    assert all(row["met"] for row in good["targets"])
    missed = {row["name"] for row in bad["targets"] if not row["met"]}
    assert missed == {
        f"{mode}: verified against its own photograph at 0.1 % false matches, worst judge"
        for mode in ("standard", "keep-mouth")
    }
    assert not any("pairs" in row["name"] for row in good["targets"])


def test_rates_and_ranks_come_from_the_judges() -> None:
    """A distance between the two thresholds counts at the looser one; the nearest original is the own one."""
    standard = _report(0.55)["methods"]["standard"]

    assert standard["same_photo"]["dlib"]["verified"]["0.1 %"]["hits"] == 0
    assert standard["same_photo"]["dlib"]["verified"]["1 %"]["hits"] == 7
    assert standard["held_by_gate"]["hits"] == 7
    assert standard["rank1"]["dlib"]["hits"] == 7
    assert standard["alike"]["dlib"]["1 %"]["hits"] == 0
    assert standard["grain"]["neighbours"]["good"]["share"] == 1


def test_small_groups_are_not_reported() -> None:
    """A group of one person has no figures of its own, a group of six has."""
    groups = _report(0.8)["methods"]["standard"]["groups"]["gender"]

    assert list(groups) == ["female"]
    assert groups["female"]["held_by_gate"]["of"] == 6


def test_a_group_is_shown_beside_its_judges_own_errors() -> None:
    """Where strangers of a group lie close, the report says so, and what is verified at the group's own threshold."""
    women = [Stranger({"gender": "female"}, _look(0.1 * number).embeddings) for number in range(FEWEST)]
    men = [Stranger({"gender": "male"}, _look(100 + 10 * number).embeddings) for number in range(FEWEST - 1)]
    bench = replace(BENCH, fairness=by_group([*women, *men], BENCH.limits))
    people = [
        _measured(f"{sex}-{number}.jpg", 10 * number, 0.55, sex) for sex in ("female", "male") for number in range(6)
    ]
    report = _report(0.55) | summarise_faces(people, bench) | {"fairness": bench.fairness}

    female, male = (report["methods"]["standard"]["groups"]["gender"][sex] for sex in ("female", "male"))
    text = markdown(report)

    assert female["same_photo"]["dlib"]["verified"]["1 %"]["share"] == 1
    assert female["own_threshold"]["dlib"]["share"] == 0
    assert male["own_threshold"]["dlib"] is None
    wrong = bench.fairness["gender"]["female"]["dlib"]["false_matches"]["1 %"]
    assert f"| {100 * wrong:.1f} % among 20 people |" in text
    assert "| 0.0 % among 19 people | too few (19) |" in text


def test_the_least_changed_faces_come_first() -> None:
    """The per-face lines of a method begin with those that a person should look at."""
    figures = summarise_faces([_measured("far.jpg", 0, 0.9), _measured("near.jpg", 10, 0.4)], BENCH)

    assert [line["file"] for line in figures["faces"] if line["method"] == "standard"] == ["near.jpg", "far.jpg"]


def test_report_files_hold_the_same_figures(tmp_path: Path) -> None:
    """report.json can be read back whole; report.md names targets, methods, groups and the paper's rows."""
    report = _report(0.4)

    write_report(report, tmp_path)

    assert json.loads((tmp_path / "report.json").read_text())["methods"]["standard"]["held_by_gate"]["hits"] == 7
    text = markdown(report)
    assert "| 1.000 | at most 0.05 | **no** |" in text
    assert "## By gender" in text
    assert "*VerA keep-mouth*" in text
    assert "nothing of them was run again" in text
    assert (tmp_path / "report.md").read_text() == text


def test_figures_are_drawn(tmp_path: Path) -> None:
    """Each judge gets its distances and its rates as pictures."""
    names = draw(_report(0.4), tmp_path)

    assert names == ["distances-dlib.png", "verified-dlib.png"]
    assert all((tmp_path / name).stat().st_size > 5000 for name in names)


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
