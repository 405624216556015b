"""`veragate control`: sheets of one synthetic person."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from service.cli import app
from service.demo.patients import PATIENTS

runner = CliRunner()


def test_each_wish_becomes_a_sheet(tmp_path: Path) -> None:
    """Yaw is drawn and measured, an expression and a region have sheets of their own."""
    Image.fromarray(PATIENTS[0].frontal()).resize((360, 450)).save(tmp_path / "photo.png")
    call = ["control", tmp_path / "photo.png", "--yaw", "-12:12", "--expression", "smile", "--regions", "nose"]

    done = runner.invoke(app, [*map(str, call), "--out", str(tmp_path / "out"), "--json"])

    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["files"] == ["yaw-plot.png", "yaw-01.png", "expression-smile-01.png", "regions-01.png"]
    assert told["turns"]["yaw"]["slope"] > 0.1
    assert all((tmp_path / "out" / name).stat().st_size > 5000 for name in told["files"])


@pytest.mark.parametrize(
    ("options", "answer"),
    [([], "say what to change"), (["--yaw", "20"], "two numbers"), (["--regions", "hat"], "not hat")],
    ids=["nothing", "no range", "unknown region"],
)
def test_a_wrong_call_is_explained(tmp_path: Path, options: list[str], answer: str) -> None:
    """A call that asks for nothing or for something unknown ends with 2 and says what is known."""
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(tmp_path / "photo.png")

    done = runner.invoke(app, ["control", str(tmp_path / "photo.png"), "--out", str(tmp_path / "out"), *options])

    assert done.exit_code == 2
    assert answer in " ".join(done.output.replace("│", " ").split())


def test_a_photograph_without_a_face_is_said_so(tmp_path: Path) -> None:
    """Nobody to change: exit code 1 and one sentence."""
    Image.fromarray(np.full((200, 200, 3), 90, np.uint8)).save(tmp_path / "photo.png")

    done = runner.invoke(app, ["control", str(tmp_path / "photo.png"), "--out", str(tmp_path / "out"), "--yaw", "-9:9"])

    assert done.exit_code == 1
    assert "no face was found" in done.output
