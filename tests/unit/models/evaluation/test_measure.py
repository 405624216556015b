"""What is compared is made under one identity, which is chosen once."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from models.evaluation import measure
from models.evaluation.measure import Setting
from models.evaluation.portraits import Portrait


class Engine:
    """Draws a new identity each time it is asked, and remembers what it was given."""

    version = "1"

    def __init__(self, steps: frozenset[str] = frozenset({"blending", "correction"}), log: list[Any] | None = None):
        self.steps, self.log = steps, [] if log is None else log

    def with_steps(self, steps: frozenset[str]) -> "Engine":
        return Engine(steps, self.log)

    def propose(self, image: np.ndarray, rng: np.random.Generator, preserve: frozenset[str]) -> np.ndarray:
        self.log.append("asked")
        return rng.standard_normal(3)

    def anonymize(
        self, image: np.ndarray, latent: np.ndarray, preserve: frozenset[str], bystanders: object, capped: bool
    ) -> Any:
        self.log.append((tuple(sorted(self.steps)), tuple(latent), capped))
        return SimpleNamespace(image=image, preserved=np.zeros(image.shape[:2], bool), unreplaced=())


@pytest.fixture(name="engine")
def _engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine()
    place = SimpleNamespace(vertices=np.zeros((468, 3), np.float32), box=(0, 0, 16, 16))
    observer = SimpleNamespace(look=lambda *_: SimpleNamespace(place=place))
    monkeypatch.setattr(measure, "_tools", lambda _: SimpleNamespace(engine=engine, observer=observer))
    monkeypatch.setattr(measure, "_measure", lambda *values: values[4])
    return engine


def _portrait(folder: Path, name: str) -> Portrait:
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(folder / name)
    return Portrait(folder / name)


def test_the_steps_are_compared_on_one_identity(engine: Engine, tmp_path: Path) -> None:
    """Each subset of the finishing steps finishes the same face, which was chosen with all of them."""
    results = measure.measure_ablation(_portrait(tmp_path, "a.png"), 3, Setting())

    asked, *finished = engine.log
    assert set(results) == {"none", "blending", "correction", "blending + correction"}
    assert asked == "asked"
    assert len({steps for steps, *_ in finished}) == 4
    assert len({latent for _, latent, _ in finished}) == 1


def test_both_photographs_of_a_pair_get_one_identity_for_each_mode(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is chosen once a mode, on the first photograph, and differs between modes."""
    monkeypatch.setattr(measure, "BASELINES", {})
    pair = _portrait(tmp_path, "1a.png"), _portrait(tmp_path, "1b.png")

    looks = measure.measure_pair(pair, 0, Setting(modes=("standard", "keep-mouth")))

    made = [entry for entry in engine.log if entry != "asked"]
    assert looks is not None
    assert engine.log.count("asked") == 2
    assert made[0] == made[1]
    assert made[2] == made[3]
    assert made[0] != made[2]


def test_a_cap_is_put_on_the_same_identity(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a cap and without, a photograph shows one person, who is chosen once."""
    monkeypatch.setattr(measure, "BASELINES", {})
    pair = _portrait(tmp_path, "1a.png"), _portrait(tmp_path, "1b.png")

    measure.measure_pair(pair, 0, Setting(modes=("standard", "standard-capped")))

    made = [entry for entry in engine.log if entry != "asked"]
    assert engine.log.count("asked") == 1
    assert len({latent for _, latent, _ in made}) == 1
    assert [capped for *_, capped in made] == [False, False, True, True]
