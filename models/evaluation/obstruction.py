"""Does what stands before a face stay as it was? Known things are drawn on portraits, found, and looked for again.

    python -m models.evaluation.obstruction --faces DIR --out DIR [--names models/weights/split.json] [--limit 24]

Own measures, after those of segmentation (recall, intersection over union; Everingham et al., IJCV 2010): of the part
of a thing that lies on the face, how much was found; of a clean face's skin, how much was taken for a thing; after the
face was replaced, by how many grey levels the thing changed, and how much its straight edges bent. For that, the
profile across an edge is looked for in the result at many places along it, and the largest departure of these shifts
from a line is reported, in percent of the inter-ocular distance. Writes obstruction.json and a contact sheet.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models import FaceAnonymizer, renderer
from models.cover import COVERED, CoverFinder
from models.evaluation.occluders import OCCLUDERS, Array, Picture, Scene, draw
from models.evaluation.portraits import Portrait, find_portraits
from models.evaluation.sheets import tile, write_sheets
from models.frame import Frame
from models.lighting import split, to_log
from models.mesh import Similarity
from models.occlusion import bridge_edges, in_photograph

LONGEST = 1024  # pixels; larger portraits are reduced
GLASSES = 0.04  # portraits with glasses of their own are left out: nobody drew where they are
PLACES = 24  # along an edge
SEARCH = 0.12  # of the inter-ocular distance: how far an edge is looked for
BLIND = frozenset({"ear-rings"})  # beside the face, where the finder does not look
CARRIED = "glasses"  # in the names of what goes where the face goes, so that its pixels lie elsewhere afterwards


@dataclass(frozen=True)
class Found:
    """One thing on one portrait.

    recall, overlap: of its part on the face, None where it has none; change: mean absolute difference inside it, grey
    levels, None for glasses, which are carried; bend: largest departure of its straight edges from a line, percent of
    the inter-ocular distance, None without such edges; replaced: whether the face was replaced at all.
    """

    portrait: str
    thing: str
    recall: float | None
    overlap: float | None
    change: float | None
    bend: float | None
    replaced: bool


@dataclass(frozen=True)
class _Face:
    image: Picture
    vertices: Array
    similarity: Similarity
    box: tuple[float, float, float, float]


class Bench:
    def __init__(self, engine: FaceAnonymizer) -> None:
        self._engine, self._finder = engine, CoverFinder()

    @property
    def frame(self) -> Frame:
        return self._engine.prior.frame

    def face(self, portrait: Portrait) -> _Face | None:
        """None where no face is found, or one with glasses."""
        image = portrait.read()
        scale = LONGEST / max(image.shape[:2])
        if scale < 1:
            image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        for face in self._engine.find(image)[:1]:
            model = self._engine.explain(image, face)
            if model is not None:
                texture, facing = self.frame.pull(image, model.vertices)
                if bridge_edges(split(texture, self.frame.skin * facing).detail[..., 0], self.frame) < GLASSES:
                    return _Face(image, model.vertices, model.similarity, face.box)
        return None

    def false_alarm(self, face: _Face) -> float:
        """Share of a clean face's visible skin that is taken for something before it."""
        texture, facing = self.frame.pull(face.image, face.vertices)
        skin = (self.frame.skin > 0.5) & (facing > 0.4)
        return float((self._covered(texture, facing)[skin] > COVERED).mean())

    def measure(self, name: str, face: _Face, thing: str, latent: Array) -> tuple[Found, tuple[Picture, Picture]]:
        """What was found of a thing, and the pictures before and after the face was replaced."""
        painted, scene = draw(face.image, face.similarity, face.vertices, self.frame.mean, thing)
        # Another frame would be drawn over glasses: what is measured is how the old one would go with the face.
        shown = latent[: self._engine.prior.latent_size] if CARRIED in thing else latent
        result = self._engine.anonymize(painted, shown, bystanders=np.random.default_rng(0))
        there = scene.alpha > 0.9 * scene.alpha.max()
        recall, overlap = self._overlap(painted, face, scene) if thing not in BLIND else (None, None)
        moved = CARRIED in thing
        change = None if moved else float(np.abs(result.image[there].astype(int) - painted[there]).mean())
        bends = [bend(painted, result.image, line, scene.unit) for line in scene.lines]
        known = [one for one in bends if one is not None]
        found = Found(name, thing, recall, overlap, change, max(known) if known else None, bool(result.faces))
        return found, (painted, result.image)

    def _covered(self, texture: Array, facing: Array) -> Array:
        cover = self._finder.find(texture, facing, self.frame)
        return np.maximum(cover.hard, cover.hair)

    def _overlap(self, painted: Picture, face: _Face, scene: Scene) -> tuple[float | None, float | None]:
        vertices = self._engine._mesher.fit(painted, face.box)
        if vertices is None:
            return 0.0, 0.0
        texture, facing = self.frame.pull(painted, vertices)
        crop = left, top, width, height = renderer.surroundings(vertices, *painted.shape[:2])
        places = renderer.places(self.frame, vertices, crop)
        found = cv2.resize(in_photograph(self._covered(texture, facing), places, self.frame), (width, height)) > COVERED
        seen = cv2.remap(facing * self.frame.inside, places, None, cv2.INTER_LINEAR)
        on_face = cv2.resize(seen, (width, height)) > 0.4
        there = (scene.alpha[top : top + height, left : left + width] > 0.5 * scene.alpha.max()) & on_face
        if there.sum() < 0.02 * scene.unit**2:
            return None, None
        return float(found[there].mean()), float((found & there).sum() / ((found & on_face) | there).sum())


def bend(before: Picture, after: Picture, line: tuple[Array, Array], unit: float) -> float | None:
    """Largest departure from a line of the shifts of an edge, percent of `unit`; None for an edge that is too short."""
    start, end = (np.asarray(point, np.float32) for point in line)
    length = float(np.linalg.norm(end - start))
    if length < 0.2 * unit:
        return None
    across = np.array([-(end - start)[1], (end - start)[0]], np.float32) / length
    reach = SEARCH * unit
    steps = np.arange(-2 * reach, 2 * reach, 0.25, dtype=np.float32)
    shifts = []
    for share in np.linspace(0.08, 0.92, PLACES):
        places = start + (end - start) * share + steps[:, None] * across
        first, second = (_profile(picture, places.astype(np.float32)) for picture in (before, after))
        if (shift := _shift(first, second, round(reach / 0.25))) is not None:
            shifts.append((share, shift * 0.25))
    if len(shifts) < PLACES // 2:
        return None
    along, moved = np.array(shifts).T
    rest = moved - np.polyval(np.polyfit(along, moved, 1), along)
    return float(100 * np.percentile(np.abs(rest), 90) / unit)


def _profile(picture: Picture, places: Array) -> Array:
    lightness = to_log(picture)[..., 0]
    sampled: Array = cv2.remap(lightness, places[None, :, 0], places[None, :, 1], cv2.INTER_LINEAR)[0]
    return sampled


def _shift(before: Array, after: Array, reach: int) -> float | None:
    """By how many samples the middle of a profile moved; None where it shows no edge or lies outside the picture."""
    core = before[reach:-reach]
    if np.ptp(core) < 0.15:
        return None
    pattern, strip = (np.diff(one).astype(np.float32)[None] for one in (core, after))
    score = cv2.matchTemplate(strip, pattern, cv2.TM_CCOEFF_NORMED)[0]
    return float(np.argmax(score) - reach) if score.max() > 0.5 else None


def summarise(found: Sequence[Found]) -> dict[str, dict[str, float | None]]:
    """Means over portraits for each thing; bend is the 90th percentile."""
    table = {}
    for thing in dict.fromkeys(one.thing for one in found):
        rows = [one for one in found if one.thing == thing]
        table[thing] = {
            "portraits": len(rows),
            "recall": _mean([one.recall for one in rows]),
            "overlap": _mean([one.overlap for one in rows]),
            "change": _mean([one.change for one in rows]),
            "bend": _high([one.bend for one in rows]),
            "replaced": _mean([float(one.replaced) for one in rows]),
        }
    return table


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _high(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.percentile(known, 90)) if known else None


def run(portraits: Sequence[Portrait], out: Path, things: Sequence[str] = tuple(OCCLUDERS)) -> dict[str, Any]:
    """Measure every thing on every clean portrait; writes to `out` and returns what obstruction.json holds."""
    bench, found, alarms = Bench(engine := FaceAnonymizer.load()), [], []
    rows: list[list[NDArray[np.uint8]]] = []
    for number, portrait in enumerate(portraits):
        if (face := bench.face(portrait)) is None:
            continue
        alarms.append(bench.false_alarm(face))
        latent = engine.sample(np.random.default_rng(number), 1)[0]
        for thing in things:
            one, (before, after) = bench.measure(portrait.path.name, face, thing, latent)
            found.append(one)
            if len(rows) < len(things) and thing == things[len(rows)]:
                rows.append([tile(before, face.box), tile(after, face.box)])
    report = {"false_alarm": _mean(alarms), "things": summarise(found), "each": [asdict(one) for one in found]}
    out.mkdir(parents=True, exist_ok=True)
    (out / "obstruction.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    write_sheets(rows, ["with a thing drawn on it", "after"], out, "obstruction")
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--names", type=Path)
    parser.add_argument("--limit", type=int)
    options = parser.parse_args()
    report = run(find_portraits(options.faces, options.limit, names=options.names), options.out)
    print(json.dumps({key: report[key] for key in ("false_alarm", "things")}, indent=1))  # noqa: T201 - the result


if __name__ == "__main__":
    main()
