"""The evaluation from beginning to end: measure in processes, summarise, judge, write."""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from models.evaluation import consistency, diversity, measure, sheets
from models.evaluation.portraits import Portrait, find_pairs, find_portraits
from models.evaluation.report import summarise_faces, write_report
from models.evaluation.targets import judge

Progress = Callable[[str, int, int], None]
T = TypeVar("T")

_CARRIERS = 5
_BATCH = 10
_SHEET_PORTRAITS = 24


@dataclass(frozen=True)
class Plan:
    """What to evaluate: folders of pictures, how many, and with how many processes.

    `training` holds the portraits that the generator learned from; sampled identities are compared with them (default:
    with the evaluated faces). `names` lists the files of `faces` to take; see `portraits.find_portraits`.
    """

    faces: Path
    out: Path
    pairs: Path | None = None
    training: Path | None = None
    table: Path | None = None
    names: Path | None = None
    limit: int | None = None
    identities: int = 500
    seed: int = 0
    device: str = "cpu"
    processes: int = 2


def evaluate(plan: Plan, progress: Progress = lambda what, done, total: None) -> dict[str, Any]:
    """Run the plan, write report.json, report.md and contact sheets to `plan.out`, and return the report.

    `progress(what, done, total)` is called after each unit of work. Raises FileNotFoundError for an empty folder.
    """
    began = time.monotonic()
    portraits = find_portraits(plan.faces, plan.limit, plan.table, plan.names)
    plan.out.mkdir(parents=True, exist_ok=True)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(plan.processes, spawn, measure.start_process, (plan.device,)) as pool:
        run = _Run(plan, pool, progress)
        measured = run.portraits(portraits)
        report = {
            "generator": pool.submit(measure.generator_version, plan.device).result(),
            "seed": plan.seed,
            "without_face": [
                portrait.path.name for portrait, (_, rows) in zip(portraits, measured, strict=True) if not rows
            ],
            **summarise_faces([result for _, results in measured for result in results]),
            "pairs": run.pairs(find_pairs(plan.pairs) if plan.pairs else []),
            "identities": run.identities(portraits),
        }
    rows = [[own, *(result.tile for result in results)] for own, results in measured if results]
    paths = sheets.write_sheets(rows[:_SHEET_PORTRAITS], ["original", *measure.MODES], plan.out)
    report |= {
        "targets": judge(report),
        "sheets": [path.name for path in paths],
        "seconds_total": time.monotonic() - began,
    }
    write_report(report, plan.out)
    return report


@dataclass(frozen=True)
class _Run:
    plan: Plan
    pool: Executor
    progress: Progress

    def portraits(self, portraits: list[Portrait]) -> list[tuple[measure.Picture, list[measure.FaceResult]]]:
        calls = [
            partial(measure.measure_portrait, portrait, index, self.plan.device, self.plan.seed)
            for index, portrait in enumerate(portraits)
        ]
        return self._all("portraits", calls)

    def pairs(self, pairs: list[tuple[Portrait, Portrait]]) -> dict[str, Any]:
        calls = [
            partial(measure.measure_pair, pair, index, self.plan.device, self.plan.seed)
            for index, pair in enumerate(pairs)
        ]
        measured = self._all("pairs", calls)
        return {mode: consistency.summarise([one[mode] for one in measured]) for mode in measure.MODES} if pairs else {}

    def identities(self, portraits: list[Portrait]) -> dict[str, Any]:
        """Random identities on a few carriers, against every training portrait."""
        training = self._training(portraits) if self.plan.identities else {}
        if not training:
            return {}
        carriers = [portrait for portrait in portraits if portrait.path.name in training][:_CARRIERS] or portraits[:1]
        seeds = [
            range(first, min(first + _BATCH, self.plan.identities)) for first in range(0, self.plan.identities, _BATCH)
        ]
        batches = [(number % len(carriers), batch) for number, batch in enumerate(seeds)]
        rendered = self._all(
            "sampled identities",
            [partial(measure.measure_identities, carriers[which], batch, self.plan.device) for which, batch in batches],
        )
        names = [carrier.path.name for carrier in carriers]
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
        row_of = {name: row for row, name in enumerate(training)}
        rows = np.array([row_of.get(names[which], -1) for which in owners])
        return {
            "memorisation": diversity.memorised(vectors, rows, np.stack(list(training.values()))),
            "diversity": diversity.diverse(vectors, owners),
        }

    def _training(self, portraits: list[Portrait]) -> dict[str, measure.Embedding]:
        known = find_portraits(self.plan.training) if self.plan.training else portraits
        calls = [partial(measure.embed_portrait, portrait, self.plan.device) for portrait in known]
        embedded = self._all("training portraits", calls)
        return {
            portrait.path.name: embedding
            for portrait, embedding in zip(known, embedded, strict=True)
            if embedding is not None
        }

    def _all(self, what: str, calls: Sequence[Callable[[], T]]) -> list[T]:
        futures = [self.pool.submit(call) for call in calls]
        results = []
        for future in futures:
            results.append(future.result())
            self.progress(what, len(results), len(futures))
        return results
