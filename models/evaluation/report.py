"""From measurements to figures, for everybody together and group by group."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.evaluation import preservation, privacy, utility
from models.evaluation.markdown import markdown
from models.evaluation.measure import MODES, FaceResult

_SMALLEST_GROUP = 5  # a share of fewer people says nothing


def summarise_faces(results: Sequence[FaceResult]) -> dict[str, Any]:
    """`modes`: the figures of each mode; `faces`: one line for each portrait and mode, the least changed first."""
    detectors = sorted({name for result in results for name in result.sighting.found_by})
    return {
        "portraits": len({result.name for result in results}),
        "modes": {mode: _mode([one for one in results if one.mode == mode], detectors) for mode in MODES},
        "faces": [_line(result) for result in sorted(results, key=_least_changed)],
    }


def write_report(report: dict[str, Any], folder: Path) -> None:
    (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    (folder / "report.md").write_text(markdown(report), encoding="utf-8")


def _mode(results: Sequence[FaceResult], detectors: Sequence[str]) -> dict[str, Any]:
    return {
        **_privacy_and_detection(results, detectors),
        "reidentification": privacy.reidentified([one.source for one in results], [one.result for one in results]),
        "preservation": preservation.summarise([one.preservation for one in results]),
        "seconds": _seconds(results),
        "unreplaced": sum(one.unreplaced for one in results),
        "groups": {
            grouping: {
                group: _privacy_and_detection(members, detectors)
                for group in sorted({one.groups[grouping] for one in results if grouping in one.groups})
                if len(members := [one for one in results if one.groups.get(grouping) == group]) >= _SMALLEST_GROUP
            }
            for grouping in sorted({grouping for one in results for grouping in one.groups})
        },
    }


def _privacy_and_detection(results: Sequence[FaceResult], detectors: Sequence[str]) -> dict[str, Any]:
    return {
        "privacy": privacy.recognised([one.distance for one in results]),
        "detection": utility.detection([one.sighting for one in results], detectors),
    }


def _seconds(results: Sequence[FaceResult]) -> dict[str, float]:
    if not results:
        return {}
    seconds = np.array([one.seconds for one in results])
    return {
        "median": float(np.median(seconds)),
        "p95": float(np.quantile(seconds, 0.95)),
        "megapixels_median": float(np.median([one.megapixels for one in results])),
    }


def _least_changed(result: FaceResult) -> float:
    return np.inf if result.distance is None else result.distance


def _line(result: FaceResult) -> dict[str, Any]:
    return {
        "file": result.name,
        "mode": result.mode,
        "distance": result.distance,
        "found_by": sorted(result.sighting.found_by),
        "preserved_l1": result.preservation.l1,
        "preserved_pixels": result.preservation.pixels,
        "unreplaced": result.unreplaced,
        "seconds": result.seconds,
    }
