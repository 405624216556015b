"""What the faces are held to: one line per figure, so that a report says at once what is met and what is not."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Report = dict[str, Any]

SECOND_DETECTOR = "dlib-hog"


@dataclass(frozen=True)
class Target:
    """`read` takes the figure out of a report (None: not measured); `limit` is inclusive."""

    name: str
    read: Callable[[Report], float | None]
    limit: float
    at_least: bool = False

    def met(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


def _mode(mode: str, metric: str, key: str) -> Callable[[Report], float | None]:
    return lambda report: report["modes"].get(mode, {}).get(metric, {}).get(key)


def _second_detector(report: Report) -> float | None:
    shares = [mode["detection"]["found_share_by"].get(SECOND_DETECTOR) for mode in report["modes"].values()]
    return min((share for share in shares if share is not None), default=None)


def _worst_l1(report: Report) -> float | None:
    return max((mode["preservation"]["worst_l1"] for mode in report["modes"].values()), default=None)


def _pairs(key: str) -> Callable[[Report], float | None]:
    return lambda report: report.get("pairs", {}).get("standard", {}).get(key)


def _too_close(report: Report) -> float | None:
    return report.get("identities", {}).get("memorisation", {}).get("too_close")


TARGETS = (
    Target("standard: share recognised", _mode("standard", "privacy", "recognised_share"), 0.0),
    Target("standard: median distance", _mode("standard", "privacy", "distance_median"), 0.75, at_least=True),
    Target("keep-mouth: share recognised", _mode("keep-mouth", "privacy", "recognised_share"), 0.05),
    Target("keep-nose: share recognised", _mode("keep-nose", "privacy", "recognised_share"), 0.25),
    Target("keep-eyes: share recognised", _mode("keep-eyes", "privacy", "recognised_share"), 0.25),
    Target("face found by the second detector, worst mode", _second_detector, 0.98, at_least=True),
    Target("preserved region: worst l1", _worst_l1, 0.0),
    Target("pairs: results within 0.6 of each other", _pairs("results_within_share"), 0.90, at_least=True),
    Target("pairs: results within 0.6 of an original", _pairs("result_to_original_within_share"), 0.05),
    Target("sampled identities within 0.5 of a training portrait", _too_close, 0.0),
)


def judge(report: Report) -> list[dict[str, Any]]:
    """Each target that was measured: name, value, limit, at_least, met."""
    rows = []
    for target in TARGETS:
        value = target.read(report)
        if value is not None:
            row = {"name": target.name, "value": value, "limit": target.limit, "at_least": target.at_least}
            rows.append(row | {"met": target.met(value)})
    return rows
