"""The evaluation from beginning to end: measure in processes, summarise, attack, judge, write."""

import multiprocessing
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from models.evaluation import attacking, diversity, fairness, figures, gate, measure, report, sheets, verification
from models.evaluation.consistency import summarise_pairs
from models.evaluation.looking import Look, readable, stacked
from models.evaluation.making import MODES
from models.evaluation.measure import Measured, Setting
from models.evaluation.portraits import Portrait, find_pairs, find_portraits
from models.evaluation.targets import judge

Progress = Callable[[str, int, int], None]
T = TypeVar("T")

CARRIERS = 5
BATCH = 10
SHEET_PORTRAITS = 24
AVERAGED = 8  # portraits that are given several identities


@dataclass(frozen=True)
class Plan:
    """What to evaluate: folders of pictures, how many, and with how many processes.

    training: portraits that the generator learned from; they calibrate the judges, and sampled identities are compared
    with them (default: the evaluated faces). names: the files of `faces` to take; see `portraits.find_portraits`.
    modes: those of the engine that are measured. judges: the folder of the independent judges' weights. cache: where
    results and looks are kept for another run. averaging: results of one patient that are averaged.
    ablation: portraits on which the finishing steps are taken apart.
    """

    faces: Path
    out: Path
    pairs: Path | None = None
    training: Path | None = None
    table: Path | None = None
    names: Path | None = None
    judges: Path | None = None
    cache: Path | None = None
    modes: tuple[str, ...] = tuple(MODES)
    limit: int | None = None
    identities: int = 500
    averaging: int = 8
    ablation: int = 40
    seed: int = 0
    device: str = "cpu"
    processes: int = 2

    @property
    def setting(self) -> Setting:
        return Setting(self.modes, self.device, self.judges, self.cache, self.seed)


def evaluate(plan: Plan, progress: Progress = lambda what, done, total: None) -> dict[str, Any]:
    """Run the plan, write report.json, report.md, figures and contact sheets to `plan.out`, and return the report.

    `progress(what, done, total)` is called after each unit of work. Raises FileNotFoundError for an empty folder.
    """
    began = time.monotonic()
    portraits = find_portraits(plan.faces, plan.limit, plan.table, plan.names)
    plan.out.mkdir(parents=True, exist_ok=True)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(plan.processes, spawn, measure.start_process, (plan.setting,)) as pool:
        run = _Run(plan, pool, progress)
        measured = run.portraits(portraits)
        paired = run.pairs(find_pairs(plan.pairs) if plan.pairs else [])
        crowd = run.crowd(portraits)
        bench = run.bench(measured, crowd, portraits)
        facts: dict[str, Any] = {
            "generator": pool.submit(measure.facts, plan.setting).result()[0],
            "seed": plan.seed,
            "calibration": len(crowd),
            "thresholds": bench.limits,
            "fairness": bench.fairness,
            **report.summarise_faces(measured, bench),
            "pairs": summarise_pairs(paired, bench.limits, _by_judge(crowd.values(), list(bench.limits))),
            "attacks": attacking.attack_portraits(measured, list(bench.limits))
            | {
                "parts": attacking.attack_parts(paired, list(crowd.values())),
                "averaging": attacking.attack_averages(run.many(portraits), measured, list(bench.limits)),
            },
            "ablation": run.ablation(portraits, bench),
            "identities": run.identities(portraits, crowd),
        }
    facts["targets"] = judge(facts)
    facts["sheets"] = _sheets(measured, paired, plan.out)
    facts["figures"] = figures.draw(facts, plan.out)
    facts["seconds_total"] = time.monotonic() - began
    report.write_report(facts, plan.out)
    return facts


def _sheets(measured: Sequence[Measured], paired: Sequence[measure.PairLooks], folder: Path) -> list[str]:
    rows = [(one.tile, {result.method: result.tile for result in one.results}) for one in measured if one.results]
    shown = rows[:SHEET_PORTRAITS]
    modes, others = [[one for one in measure.METHODS if (one in MODES) == own] for own in (True, False)]
    modes = [name for name in modes if all(name in tiles for _, tiles in shown)]
    blank = np.full((sheets.TILE, sheets.TILE, 3), 255, np.uint8)
    paths = sheets.write_sheets(
        [[own, *(tiles[name] for name in modes)] for own, tiles in shown], ["original", *modes], folder
    )
    paths += sheets.write_sheets(
        [[own, *(tiles.get(name, blank) for name in others)] for own, tiles in shown[: sheets.ROWS]],
        ["original", *others],
        folder,
        "baselines",
    )
    labels = ["first", "second", *(name for mode in modes for name in (mode, mode))]
    paths += sheets.write_sheets([list(pair.tiles) for pair in paired], labels, folder, "pairs")
    return [path.name for path in paths]


def _by_judge(looks: Iterable[Look], judges: Sequence[str]) -> dict[str, np.ndarray]:
    """Embeddings of those whom every judge can read, row for row."""
    known = [look for look in looks if readable(look, judges)]
    return {name: stacked(known, name) for name in judges} if known else {}


def _read(look: Look, judges: Sequence[str]) -> dict[str, np.ndarray]:
    return {judge: one for judge in judges if (one := look.embeddings[judge]) is not None}


@dataclass(frozen=True)
class _Run:
    plan: Plan
    pool: Executor
    progress: Progress

    def portraits(self, portraits: list[Portrait]) -> list[Measured]:
        calls = [
            partial(measure.measure_portrait, portrait, index, _peers(portraits, index), self.plan.setting)
            for index, portrait in enumerate(portraits)
        ]
        return self._all("portraits", calls)

    def pairs(self, pairs: list[tuple[Portrait, Portrait]]) -> list[measure.PairLooks]:
        calls = [partial(measure.measure_pair, pair, index, self.plan.setting) for index, pair in enumerate(pairs)]
        return [one for one in self._all("pairs", calls) if one is not None]

    def crowd(self, portraits: list[Portrait]) -> dict[str, Look]:
        """Originals of as many people as there are, by file name; those in which a face is seen."""
        known = self._known(portraits)
        calls = [partial(measure.look_at, portrait, self.plan.setting) for portrait in known]
        looks = self._all("originals", calls)
        return {
            portrait.path.name: look
            for portrait, look in zip(known, looks, strict=True)
            if look.embeddings and all(one is not None for one in look.embeddings.values())
        }

    def _known(self, portraits: list[Portrait]) -> list[Portrait]:
        folder = self.plan.training
        if folder is None:
            return portraits
        # Another folder's pictures may bear the names of the table's and show other people.
        return find_portraits(folder, table=self.plan.table if folder == self.plan.faces else None)

    def bench(self, measured: Sequence[Measured], crowd: Mapping[str, Look], portraits: list[Portrait]) -> report.Bench:
        sources = [one.source for one in measured if one.source is not None]
        judges = list(next(iter([*sources, *crowd.values()])).embeddings) if sources or crowd else []
        limits = {
            name: verification.thresholds(list(stacked(crowd.values(), name)) if crowd else []) for name in judges
        }
        detectors = self.pool.submit(measure.facts, self.plan.setting).result()[1]
        groups = {portrait.path.name: portrait.groups for portrait in self._known(portraits)}
        strangers = [fairness.Stranger(groups[name], _read(look, judges)) for name, look in crowd.items()]
        return report.Bench(limits, detectors, _by_judge(sources, judges), fairness.by_group(strangers, limits))

    def many(self, portraits: list[Portrait]) -> list[list[Look]]:
        """Several results of the first portraits, each with an identity of its own."""
        if self.plan.averaging < 2:
            return []
        calls = [
            partial(measure.measure_many, portrait, index, self.plan.averaging, self.plan.setting)
            for index, portrait in enumerate(portraits[:AVERAGED])
        ]
        return self._all("many results of one", calls)

    def ablation(self, portraits: list[Portrait], bench: report.Bench) -> dict[str, Any]:
        count = min(self.plan.ablation, len(portraits))
        spread = [index * len(portraits) // count for index in range(count)]
        calls = [partial(measure.measure_ablation, portraits[index], index, self.plan.setting) for index in spread]
        return report.summarise_variants(self._all("ablation", calls), bench)

    def identities(self, portraits: list[Portrait], crowd: Mapping[str, Look]) -> dict[str, Any]:
        """Random identities on a few carriers, against every original."""
        if not crowd or not self.plan.identities:
            return {}
        carriers = [portrait for portrait in portraits if portrait.path.name in crowd][:CARRIERS] or portraits[:1]
        seeds = [
            range(first, min(first + BATCH, self.plan.identities)) for first in range(0, self.plan.identities, BATCH)
        ]
        batches = [(number % len(carriers), batch) for number, batch in enumerate(seeds)]
        rendered = self._all(
            "sampled identities",
            [
                partial(measure.measure_identities, carriers[which], batch, self.plan.setting)
                for which, batch in batches
            ],
        )
        readable = [
            (which, embedding)
            for (which, _), batch in zip(batches, rendered, strict=True)
            for embedding in batch
            if embedding is not None
        ]
        if not readable:
            return {}
        vectors = np.stack([embedding for _, embedding in readable])
        owners = np.array([which for which, _ in readable])
        row_of = {name: row for row, name in enumerate(crowd)}
        rows = np.array([row_of.get(carriers[which].path.name, -1) for which in owners])
        return {
            "memorisation": diversity.memorised(vectors, rows, _by_judge(crowd.values(), [gate.FIRST])[gate.FIRST]),
            "diversity": diversity.diverse(vectors, owners),
        }

    def _all(self, what: str, calls: Sequence[Callable[[], T]]) -> list[T]:
        futures = [self.pool.submit(call) for call in calls]
        results = []
        for future in futures:
            results.append(future.result())
            self.progress(what, len(results), len(futures))
        return results


def _peers(portraits: Sequence[Portrait], index: int) -> list[Portrait]:
    """Who is averaged with a portrait: the next ones of the same sex as far as it is known."""
    following = [*portraits[index + 1 :], *portraits[:index]]
    sex = portraits[index].groups.get("gender")
    return [one for one in following if one.groups.get("gender") == sex][:8]
