"""From measurements to figures, for everybody together and group by group."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from models.evaluation import fairness, frechet, gate, preservation, semantics, utility, verification
from models.evaluation.grain import GOOD
from models.evaluation.looking import Embedding, Look
from models.evaluation.markdown import markdown
from models.evaluation.measure import METHODS, FaceResult, Measured
from models.evaluation.shares import share

SMALLEST_GROUP = 5  # a share of fewer people says nothing


@dataclass(frozen=True)
class Bench:
    """What results are held against: judges with their thresholds for false matches, detectors, reference pictures.

    reference: embeddings by judge of originals, for Fréchet distances; fairness: see `fairness.by_group`.
    """

    limits: Mapping[str, Mapping[str, float]]
    detectors: Sequence[str]
    reference: Mapping[str, np.ndarray]
    fairness: Mapping[str, Any] = field(default_factory=dict)


def summarise_faces(measured: Sequence[Measured], bench: Bench) -> dict[str, Any]:
    """`methods`: the figures of each; `faces`: one line for each portrait and method, the least changed first."""
    sources = {one.portrait.path.name: one.source for one in measured if one.source is not None}
    results = [result for one in measured for result in one.results]
    by_method = {name: [one for one in results if one.method == name] for name in METHODS}
    return {
        "portraits": len(sources),
        "without_face": [one.portrait.path.name for one in measured if one.source is None],
        "methods": {name: _method(rows, sources, bench) for name, rows in by_method.items() if rows},
        "frechet_floor": {judge: frechet.floor(rows) for judge, rows in bench.reference.items()},
        "faces": sorted((_line(one, sources) for one in results), key=_least_changed),
    }


def summarise_variants(rows: Sequence[Mapping[str, FaceResult]], bench: Bench) -> dict[str, Any]:
    """Each variant of the engine's finishing: Fréchet distance, boxes, grain."""
    names = list(next((row for row in rows if row), {}))
    by_variant = {name: [row[name] for row in rows if name in row] for name in names}
    return {
        name: {
            "frechet": {judge: _frechet(results, judge, one) for judge, one in bench.reference.items()},
            "utility": utility.detection([row.sighting for row in results], bench.detectors),
            "grain": _grain(results),
        }
        for name, results in by_variant.items()
    }


def write_report(report: dict[str, Any], folder: Path) -> None:
    (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    (folder / "report.md").write_text(markdown(report), encoding="utf-8")


def looks_of(rows: Sequence[FaceResult], judge: str) -> list[Embedding | None]:
    return [row.look.embeddings.get(judge) for row in rows]


def _method(rows: Sequence[FaceResult], sources: Mapping[str, Look], bench: Bench) -> dict[str, Any]:
    kept = [row.preservation for row in rows if row.preservation is not None]
    return {
        **_identity_and_utility(rows, sources, bench),
        "rank1": {judge: _rank1(rows, sources, judge) for judge in bench.limits},
        "alike": {judge: _alike(rows, judge, limits) for judge, limits in bench.limits.items()},
        "semantics": semantics.summarise([row.semantics for row in rows]),
        "frechet": {judge: _frechet(rows, judge, reference) for judge, reference in bench.reference.items()},
        "preservation": preservation.summarise(kept),
        "grain": _grain(rows),
        "seconds": _seconds(rows),
        "unreplaced": sum(row.unreplaced for row in rows),
        "groups": _groups(rows, sources, bench),
    }


def _identity_and_utility(rows: Sequence[FaceResult], sources: Mapping[str, Look], bench: Bench) -> dict[str, Any]:
    return {
        "same_photo": {
            judge: verification.verified(_distances(rows, sources, judge), limits)
            for judge, limits in bench.limits.items()
        },
        "held_by_gate": share(gate.holds(row.look, sources[row.name]) for row in rows),
        "utility": utility.detection([row.sighting for row in rows], bench.detectors),
    }


def _groups(rows: Sequence[FaceResult], sources: Mapping[str, Look], bench: Bench) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for grouping in sorted({key for row in rows for key in row.groups}):
        names = sorted({row.groups[grouping] for row in rows if grouping in row.groups})
        members = {name: [row for row in rows if row.groups.get(grouping) == name] for name in names}
        judges = bench.fairness.get(grouping, {})
        out[grouping] = {
            name: _identity_and_utility(group, sources, bench)
            | {"own_threshold": _own_threshold(group, sources, bench, judges.get(name, {}))}
            for name, group in members.items()
            if len(group) >= SMALLEST_GROUP
        }
    return out


def _own_threshold(
    rows: Sequence[FaceResult], sources: Mapping[str, Look], bench: Bench, own: Mapping[str, Any]
) -> dict[str, Any]:
    """For each judge, what is verified at the group's own threshold; None where it has none."""
    return {judge: fairness.verified(_distances(rows, sources, judge), own.get(judge)) for judge in bench.limits}


def _distances(rows: Sequence[FaceResult], sources: Mapping[str, Look], judge: str) -> list[float | None]:
    return [verification.apart(row.look.embeddings.get(judge), sources[row.name].embeddings.get(judge)) for row in rows]


def _rank1(rows: Sequence[FaceResult], sources: Mapping[str, Look], judge: str) -> dict[str, Any]:
    names = list(sources)
    gallery = [look.embeddings.get(judge) for look in sources.values()]
    return verification.first_rank(looks_of(rows, judge), gallery, [names.index(row.name) for row in rows])


def _alike(rows: Sequence[FaceResult], judge: str, limits: Mapping[str, float]) -> dict[str, Any]:
    """How often results of different patients are taken for one person, at each threshold of the originals."""
    known = [one for one in looks_of(rows, judge) if one is not None]
    apart = [float(np.linalg.norm(first - second)) for k, first in enumerate(known) for second in known[k + 1 :]]
    return verification.verified(apart, limits)["verified"]


def _frechet(rows: Sequence[FaceResult], judge: str, reference: np.ndarray) -> float | None:
    known = [one for one in looks_of(rows, judge) if one is not None]
    return frechet.frechet(np.stack(known), reference) if known else None


def _grain(rows: Sequence[FaceResult]) -> dict[str, Any]:
    """Median quotients of fine detail, and the share of pictures whose quotient is good."""
    grains = [row.grain for row in rows if row.grain is not None]
    columns = {key: [getattr(one, key) for one in grains] for key in ("neighbours", "before", "own")}
    known = {key: [value for value in values if value is not None] for key, values in columns.items()}
    return {
        key: {
            "median": float(np.median(values)) if values else None,
            "good": share(GOOD[0] <= value <= GOOD[1] for value in values),
        }
        for key, values in known.items()
        if grains
    }


def _seconds(rows: Sequence[FaceResult]) -> dict[str, float]:
    known = np.array([row.seconds for row in rows if row.seconds is not None])
    if not known.size:
        return {}
    return {
        "median": float(np.median(known)),
        "p95": float(np.quantile(known, 0.95)),
        "megapixels_median": float(np.median([row.megapixels for row in rows])),
    }


def _line(row: FaceResult, sources: Mapping[str, Look]) -> dict[str, Any]:
    source = sources[row.name].embeddings
    return {
        "file": row.name,
        "method": row.method,
        "distances": {judge: verification.apart(own, source.get(judge)) for judge, own in row.look.embeddings.items()},
        "found_by": sorted(row.look.boxes),
        "grain": None if row.grain is None else row.grain.neighbours,
        "preserved_l1": None if row.preservation is None else row.preservation.l1,
        "unreplaced": row.unreplaced,
        "seconds": row.seconds,
    }


def _least_changed(line: dict[str, Any]) -> tuple[str, float]:
    distance = line["distances"].get(gate.FIRST)
    return line["method"], np.inf if distance is None else distance
