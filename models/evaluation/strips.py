"""Strips of one synthetic person, one thing changed along each: contact sheets after VerA's Figures 1 to 4."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from models import FaceAnonymizer
from models.control import Change, Control, Part, Person, Picture
from models.evaluation.sheets import tile, write_sheets
from models.evaluation.turning import Turn, plot, read_pose, response
from models.mesh import Box, Mesher, roll_of

STEPS = 7
CHANGES: tuple[Change, ...] = ("structure", "texture", "both")
Range = tuple[float, float]


@dataclass(frozen=True)
class Wishes:
    """What to draw: ranges of degrees and of age in years, expressions with strengths, regions. Nothing by default."""

    yaw: Range | None = None
    pitch: Range | None = None
    years: Range | None = None
    expressions: tuple[str, ...] = ()
    regions: tuple[Part, ...] = ()


@dataclass
class Drawn:
    """Files that were written, and for yaw and pitch the figures of `turning.response`."""

    files: list[str] = field(default_factory=list)
    turns: dict[str, dict[str, Any]] = field(default_factory=dict)


def draw(engine: FaceAnonymizer, photograph: Picture, wishes: Wishes, seed: int, folder: Path) -> Drawn:
    """Anonymize the photograph, then change the person that came out; sheets and plots go to `folder`.

    Raises:
        ValueError: no face was found that could be changed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    control, mesher = Control(engine), Mesher()
    control.see(photograph)
    person = control.see(engine.anonymize(photograph, engine.propose(photograph, rng), bystanders=rng).image)
    done = Drawn()
    for axis, limits in (("yaw", wishes.yaw), ("pitch", wishes.pitch)):
        if limits is not None:
            _turns(control, mesher, person, axis, limits, folder, done)
    if wishes.years is not None:
        steps = _steps(wishes.years)
        _strip(
            person,
            [control.age(person, one) for one in steps],
            [f"{one:.0f} years" for one in steps],
            "age",
            folder,
            done,
        )
    strengths = np.linspace(-1, 1, STEPS).tolist()
    for name in wishes.expressions:
        pictures = [control.express(person, name, one) for one in strengths]
        _strip(person, pictures, [f"{name} {one:+.1f}" for one in strengths], f"expression-{name}", folder, done)
    if wishes.regions:
        _regions(control, person, engine.propose(person.image, rng), wishes.regions, folder, done)
    return done


def _turns(
    control: Control, mesher: Mesher, person: Person, axis: str, limits: Range, folder: Path, done: Drawn
) -> None:
    steps = _steps(limits)
    pictures = [control.turn(person, *((one, 0) if axis == "yaw" else (0, one))) for one in steps]
    turns = []
    for asked, picture in zip(steps, pictures, strict=True):
        pose = read_pose(mesher, picture, _box(person), roll_of(person.model.vertices), control.prior.frame.mean)
        if pose is not None:
            turns.append(Turn(asked, *pose))
    if len(turns) > 2:
        done.turns[axis] = response(turns, axis)
        if find_spec("matplotlib") is not None:
            Image.fromarray(plot(turns, axis)).save(folder / f"{axis}-plot.png")
            done.files.append(f"{axis}-plot.png")
    _strip(person, pictures, [f"{axis} {one:+.0f}°" for one in steps], axis, folder, done)


def _regions(control: Control, person: Person, other: Any, parts: Sequence[Part], folder: Path, done: Drawn) -> None:
    """A row for each region, alone and (from the second on) with all before it."""
    rows = []
    for number, part in enumerate(parts):
        sets = [frozenset({part}), frozenset(parts[: number + 1])]
        pictures = [control.regions(person, other, chosen, change) for chosen in sets for change in CHANGES]
        rows.append([tile(picture, _box(person)) for picture in (person.image, *pictures)])
    labels = ["person", *(f"alone: {one}" for one in CHANGES), *(f"with those above: {one}" for one in CHANGES)]
    done.files += [path.name for path in write_sheets(rows, labels, folder, "regions")]


def _strip(
    person: Person, pictures: Sequence[Picture], labels: Sequence[str], name: str, folder: Path, done: Drawn
) -> None:
    row = [tile(picture, _box(person)) for picture in pictures]
    done.files += [path.name for path in write_sheets([row], labels, folder, name)]


def _box(person: Person) -> Box:
    (left, top), (right, bottom) = person.model.vertices[:, :2].min(0), person.model.vertices[:, :2].max(0)
    return float(left), float(top), float(right), float(bottom)


def _steps(limits: Range) -> list[float]:
    values: list[float] = np.linspace(*limits, STEPS).tolist()
    return values
