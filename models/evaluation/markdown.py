"""The report for people: report.md."""

from collections.abc import Sequence
from typing import Any

from models.evaluation.targets import SECOND_DETECTOR


def markdown(report: dict[str, Any]) -> str:
    parts = [
        f"# Evaluation of {report['generator']}\n",
        f"{report['portraits']} portraits, each given an identity of its own (seed {report['seed']}) as a new patient's"
        f" first photograph is; {report['seconds_total'] / 60:.1f} minutes. Portraits without a face that could be"
        f" found: {len(report['without_face'])}.\n",
        "Distances are Euclidean, of dlib's 128-d embeddings; below 0.6 the recogniser takes two faces for one person."
        " The same recogniser guards the gateway's gate, so it is no independent witness.\n",
        _section("Targets", ("figure", "value", "wanted", "met"), [_target(row) for row in report["targets"]]),
        _section("Modes", _MODE_COLUMNS, [_mode_row(mode, figures) for mode, figures in report["modes"].items()]),
    ]
    groupings = sorted({grouping for figures in report["modes"].values() for grouping in figures["groups"]})
    parts += [_section(f"By {grouping}", _GROUP_COLUMNS, _group_rows(report, grouping)) for grouping in groupings]
    if report["pairs"]:
        rows = [_pair_row(mode, figures) for mode, figures in report["pairs"].items()]
        parts.append(_section("Two photographs of one person", _PAIR_COLUMNS, rows))
    for name, figures in report["identities"].items():
        rows = [(key.replace("_", " "), _number(value)) for key, value in figures.items()]
        parts.append(_section(f"Sampled identities: {name}", ("figure", "value"), rows))
    parts.append("\n".join(f"![{name}]({name})" for name in report["sheets"]))
    return "\n".join(parts) + "\n"


_MODE_COLUMNS = (
    *("mode", "recognised", "rank-1", "median", "p05", "unreadable", "found", "found by dlib", "box overlap"),
    *("worst l1", "worst PSNR", "s/face median", "s/face p95"),
)
_GROUP_COLUMNS = ("mode", "group", "faces", "recognised", "median", "found")
_PAIR_COLUMNS = ("mode", "pairs", "results within 0.6", "median", "originals' median", "result to original within 0.6")


def _mode_row(mode: str, figures: dict[str, Any]) -> tuple[str, ...]:
    seen, kept, found = figures["privacy"], figures["preservation"], figures["detection"]
    return (
        mode,
        _percent(seen["recognised_share"]),
        _percent(figures["reidentification"]["reidentified_share"]),
        _number(seen["distance_median"]),
        _number(seen["distance_p05"]),
        str(seen["unreadable"]),
        _percent(found["found_share"]),
        _percent(found["found_share_by"].get(SECOND_DETECTOR)),
        _number(found["overlap_median"]),
        _number(kept["worst_l1"]),
        "identical" if kept["worst_psnr"] is None else f"{kept['worst_psnr']:.1f} dB",
        _number(figures["seconds"].get("median")),
        _number(figures["seconds"].get("p95")),
    )


def _group_rows(report: dict[str, Any], grouping: str) -> list[tuple[str, ...]]:
    return [
        (
            mode,
            group,
            str(member["privacy"]["faces"]),
            _percent(member["privacy"]["recognised_share"]),
            _number(member["privacy"]["distance_median"]),
            _percent(member["detection"]["found_share"]),
        )
        for mode, figures in report["modes"].items()
        for group, member in figures["groups"].get(grouping, {}).items()
    ]


def _pair_row(mode: str, figures: dict[str, Any]) -> tuple[str, ...]:
    return (
        mode,
        str(figures["pairs"]),
        _percent(figures["results_within_share"]),
        _number(figures["results_median"]),
        _number(figures["originals_median"]),
        _percent(figures["result_to_original_within_share"]),
    )


def _target(row: dict[str, Any]) -> tuple[str, ...]:
    sign = "at least" if row["at_least"] else "at most"
    return row["name"], _number(row["value"]), f"{sign} {row['limit']:g}", "yes" if row["met"] else "**no**"


def _section(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join([f"## {title}\n", *(f"| {' | '.join(line)} |" for line in lines), ""])


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return str(value) if isinstance(value, int) else f"{value:.3f}"
