"""Figures for the report, where matplotlib is installed: distances to the own original, rates with their doubt."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from models.evaluation.targets import STRICT, find

_INK, _SOFT = "#1f3a4d", "#c9d4db"


def draw(report: dict[str, Any], folder: Path) -> list[str]:
    """Write the figures as PNG; returns their names, [] without matplotlib."""
    if find_spec("matplotlib") is None:
        return []
    names = []
    for judge in report["thresholds"]:
        names += [_distances(report, judge, folder), _rates(report, judge, folder)]
    return names


def _distances(report: dict[str, Any], judge: str, folder: Path) -> str:
    """How far each method's results lie from their own originals."""
    methods = list(report["methods"])
    values = [[line["distances"][judge] for line in report["faces"] if line["method"] == name] for name in methods]
    figure, axes = _canvas(len(methods))
    for row, known in enumerate(values):
        points = [one for one in known if one is not None]
        spread = np.linspace(-0.25, 0.25, len(points)) if len(points) > 1 else [0.0]
        axes.plot(points, row + np.asarray(spread), ".", color=_INK, markersize=4)
    for rate, limit in report["thresholds"][judge].items():
        axes.axvline(limit, color="#b3541e", linewidth=1)
        axes.text(limit, -0.8, rate, color="#b3541e", ha="center", fontsize=8)
    axes.set_xlabel(f"distance from the own original ({judge}); left of a line: taken for the same person")
    return _save(figure, axes, methods, folder / f"distances-{judge}.png")


def _rates(report: dict[str, Any], judge: str, folder: Path) -> str:
    """Verification against the same and another photograph, with intervals."""
    methods = list(report["methods"])
    figure, axes = _canvas(len(methods))
    for shift, colour, section in ((-0.15, _SOFT, "methods"), (0.15, _INK, "pairs")):
        for row, name in enumerate(methods):
            path = ("same_photo", judge) if section == "methods" else ("judges", judge, "other_photo")
            rate = find(report, section, name, *path, "verified", STRICT)
            if rate is not None and rate["share"] is not None:
                axes.plot([100 * rate["low"], 100 * rate["high"]], [row + shift] * 2, color=colour, linewidth=2)
                axes.plot([100 * rate["share"]], [row + shift], "o", color=colour, markersize=5)
    axes.set_xlabel(f"% verified by {judge} at {STRICT} false matches: light the same photograph, dark another one")
    axes.set_xlim(-2, 102)
    return _save(figure, axes, methods, folder / f"verified-{judge}.png")


def _canvas(rows: int) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 1.4 + 0.38 * rows), dpi=110)
    return figure, figure.subplots()


def _save(figure: Any, axes: Any, methods: Sequence[str], path: Path) -> str:
    axes.set_yticks(range(len(methods)), methods)
    axes.invert_yaxis()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(path)
    return path.name
