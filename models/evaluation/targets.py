"""What the faces are held to: one line per figure, so that a report says at once what is met and what is not."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Report = dict[str, Any]
Reader = Callable[[Report], float | None]

STRICT = "0.1 %"


@dataclass(frozen=True)
class Target:
    """`read` takes the figure out of a report (None: not measured); `limit` is inclusive."""

    name: str
    read: Reader
    limit: float
    at_least: bool = False

    def met(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


def find(report: Any, *path: str) -> Any:
    """What lies at a path of keys, or None where one is missing."""
    for key in path:
        if not isinstance(report, dict) or key not in report:
            return None
        report = report[key]
    return report


def _worst(readers: list[Reader], worst: Callable[..., float]) -> Reader:
    def read(report: Report) -> float | None:
        values = [value for reader in readers if (value := reader(report)) is not None]
        return worst(values) if values else None

    return read


def _at(*path: str) -> Reader:
    return lambda report: find(report, *path)


def _over_judges(section: str, method: str, *path: str) -> Reader:
    """The highest over all judges; `path` follows the judge's name."""

    def read(report: Report) -> float | None:
        base = find(report, section, method, *(("judges",) if section == "pairs" else (path[0],))) or {}
        rest = path if section == "pairs" else path[1:]
        return max((value for judge in base if (value := find(base[judge], *rest)) is not None), default=None)

    return read


MODES = ("standard", "keep-mouth", "keep-nose", "keep-eyes")
KEPT = {"mouth": "keep-mouth", "nose": "keep-nose", "eyes": "keep-eyes"}


def _modes(*path: str) -> list[Reader]:
    return [_at("methods", mode, *path) for mode in MODES]


def _other_photo(mode: str, limit: float, stage: str = "other_photo", note: str = "") -> Target:
    name = f"{mode}: verified against another photograph at 0.1 % false matches{note}, worst judge"
    return Target(name, _over_judges("pairs", mode, stage, "verified", STRICT, "share"), limit)


def _same_photo(mode: str, limit: float) -> Target:
    name = f"{mode}: verified against its own photograph at 0.1 % false matches, worst judge"
    return Target(name, _over_judges("methods", mode, "same_photo", "verified", STRICT, "share"), limit)


TARGETS = (
    Target("preserved region: worst l1", _worst(_modes("preservation", "worst_l1"), max), 0.0),
    *(
        Target(f"{region} kept: IoU of the region", _at("methods", mode, "semantics", region, "overlap"), limit, True)
        for (region, mode), limit in zip(KEPT.items(), (0.90, 0.93, 0.76), strict=True)
    ),
    Target("detection by MTCNN, worst mode", _worst(_modes("utility", "mtcnn", "found", "share"), min), 0.99, True),
    Target("detection by dlib, worst mode", _worst(_modes("utility", "dlib-hog", "found", "share"), min), 1.0, True),
    Target("box IoU by MTCNN, worst mode", _worst(_modes("utility", "mtcnn", "overlap"), min), 0.92, True),
    Target("box IoU by dlib, worst mode", _worst(_modes("utility", "dlib-hog", "overlap"), min), 0.94, True),
    *(_other_photo(mode, limit) for mode, limit in zip(MODES, (0.01, 0.02, 0.05, 0.10), strict=True)),
    *(_other_photo(mode, 0.01, "after_gate", " after the gate") for mode in MODES),
    Target("standard: rank-1 among all, other photograph", _over_judges("pairs", "standard", "rank1", "share"), 0.03),
    Target(
        "keep-mouth: rank-1 among all, other photograph", _over_judges("pairs", "keep-mouth", "rank1", "share"), 0.03
    ),
    _same_photo("standard", 0.05),
    _same_photo("keep-mouth", 0.15),
    Target(
        "pairs: the gate takes both results for one person",
        _at("pairs", "standard", "judges", "dlib", "together_at_gate", "share"),
        0.97,
        True,
    ),
    Target(
        "results of different patients taken for one at 1 % false matches, worst judge",
        _over_judges("methods", "standard", "alike", "1 %", "share"),
        0.02,
    ),
    Target(
        "grain of synthetic skin within 0.7 to 1.3 of the real skin there, standard",
        _at("methods", "standard", "grain", "own", "good", "share"),
        0.95,
        True,
    ),
    Target("sampled identities within 0.5 of a training portrait", _at("identities", "memorisation", "too_close"), 0.0),
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
