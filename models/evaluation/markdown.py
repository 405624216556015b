"""The report for people: report.md."""

from collections.abc import Iterator, Sequence
from typing import Any

from models.evaluation import judges, published
from models.evaluation.fairness import FEWEST
from models.evaluation.targets import MODES, STRICT, find
from models.regions import REGIONS

Rows = Sequence[Sequence[str]]
_PUBLISHED = (
    "Rows in italics are published by the paper's supplement, on other pictures; nothing of them was run again."
)

_FAIR = (
    "One threshold for everybody lets some groups' strangers pass more often than others': \"own false matches\" are "
    "couples of different people of the group that the judge takes for one person at the common threshold, on "
    'originals. "At the group\'s own 1 %" the threshold is the distance below which 1 % of these couples fall; what '
    f"gap is left there is not the judge's. Groups of fewer than {FEWEST} people are too few for that."
)


def markdown(report: dict[str, Any]) -> str:
    return "\n".join(_parts(report)) + "\n"


def _parts(report: dict[str, Any]) -> Iterator[str]:
    yield (
        f"# Evaluation of {report['generator']}\n\n"
        f"{report['portraits']} portraits, each given an identity of its own (seed {report['seed']}) as a new patient's"
        f" first photograph is; {report['seconds_total'] / 60:.1f} minutes. Portraits without a face that could be"
        f" found: {len(report['without_face'])}. Shares stand with Wilson's 95 % interval.\n"
    )
    yield _section("Targets", ("figure", "value", "wanted", "met"), [_target(row) for row in report["targets"]])
    yield _judges(report)
    yield from _deidentification(report)
    yield from _pairs(report)
    yield from _attacks(report["attacks"])
    yield from _semantics(report)
    yield from _utility(report)
    yield from _ablation(report)
    yield _grain(report)
    yield from _groups(report)
    for name, figures in report["identities"].items():
        rows = [(key.replace("_", " "), _number(value)) for key, value in figures.items()]
        yield _section(f"Sampled identities: {name}", ("figure", "value"), rows)
    yield "\n".join(f"![{name}]({name})" for name in [*report["figures"], *report["sheets"]])


def _judges(report: dict[str, Any]) -> str:
    rows = [(name, *(_number(one[rate]) for rate in one)) for name, one in report["thresholds"].items()]
    rates = list(next(iter(report["thresholds"].values()), {}))
    text = _section("Judges and their thresholds", ("judge", *(f"distance at {rate}" for rate in rates)), rows)
    few = (
        ""
        if set(report["thresholds"]) - judges.CHOOSING
        else " The independent judges' weights were not given: whoever judges has a say when an identity is chosen."
    )
    return f"{text}\nFrom {report['calibration']} originals of different people; distances are Euclidean.{few}\n"


def _deidentification(report: dict[str, Any]) -> Iterator[str]:
    for judge in report["thresholds"]:
        rows = []
        for name, figures in report["methods"].items():
            seen = figures["same_photo"][judge]
            rows.append(
                (
                    name,
                    *(_share(one) for one in seen["verified"].values()),
                    _share(figures["rank1"][judge]),
                    _number(seen["distance_median"]),
                    _share(figures["alike"][judge].get("1 %")),
                    _share(figures["held_by_gate"]),
                )
            )
        columns = ("method", *(f"verified at {rate}" for rate in report["thresholds"][judge]), "rank-1")
        more = ("median distance", "different patients alike at 1 %", "held by the gate")
        yield _section(f"De-identification, same photograph: {judge}", (*columns, *more), rows)


def _pairs(report: dict[str, Any]) -> Iterator[str]:
    for judge in report["thresholds"] if report["pairs"] else ():
        rows = []
        for name, figures in report["pairs"].items():
            seen = figures["judges"][judge]
            rows.append(
                (
                    name,
                    *(_share(one) for one in seen["other_photo"]["verified"].values()),
                    _share(seen["after_gate"]["verified"].get(STRICT)),
                    f"{_share(seen['rank1'])} of {seen['rank1']['gallery']}",
                    _share(seen["together"]["verified"].get("1 %")),
                    _number(seen["together"]["distance_median"]),
                )
            )
        columns = ("method", *(f"verified at {rate}" for rate in report["thresholds"][judge]))
        more = (f"after the gate at {STRICT}", "rank-1", "both results one person at 1 %", "median of both results")
        yield _section(f"Another photograph of the person: {judge}", (*columns, *more), rows)


def _attacks(attacks: dict[str, Any]) -> Iterator[str]:
    columns = ("attack", "rank-1", "by lot", "AUC (lot: 0.5)", "verified at 1 %")
    rows = [
        (f"{name}, {which}", *_attack(figures))
        for name in ("linkage", "inversion")
        for which, figures in attacks.get(name, {}).items()
    ]
    rows += [
        (f"{region} alone, {method}", *_attack(figures))
        for region, methods in attacks.get("parts", {}).items()
        for method, figures in methods.items()
    ]
    rows += [
        (f"mean of {count} results, {judge}", *_attack(figures))
        for judge, counts in attacks.get("averaging", {}).items()
        for count, figures in counts.items()
    ]
    if rows:
        yield _section("Attacks", columns, rows)


def _attack(figures: dict[str, Any]) -> tuple[str, ...]:
    rank = figures["rank1"]
    return _share(rank), _percent(rank["chance"]), _number(figures["auc"]["value"]), _share(figures["verified"])


def _semantics(report: dict[str, Any]) -> Iterator[str]:
    def joined(figures: dict[str, Any], key: str) -> str:
        return " / ".join(_number(figures[region][key]) for region in REGIONS)

    def row(name: str, figures: dict[str, Any]) -> tuple[str, ...]:
        found = " / ".join(
            "∞" if figures[region]["psnr"] is None else _number(figures[region]["psnr"]) for region in REGIONS
        )
        rest = (joined(figures, key) for key in ("overlap", "offset", "offset_interocular"))
        return name, joined(figures, "l1"), found, *rest

    rows = [row(name, figures["semantics"]) for name, figures in report["methods"].items()]
    rows += [(f"*{name}*", *(f"*{one}*" for one in line), "") for name, line in published.SEMANTICS.items()]
    columns = ("method", *published.SEMANTICS_COLUMNS, "offset in inter-ocular distances")
    yield _section("Regions (the paper's Table 1)", columns, rows)
    yield _PUBLISHED + "\n"


def _utility(report: dict[str, Any]) -> Iterator[str]:
    spaces = list(report["frechet_floor"])

    def row(name: str, figures: dict[str, Any]) -> tuple[str, ...]:
        seen = figures["utility"]
        distances = " / ".join(_number(figures["frechet"].get(space)) for space in spaces)
        overlap = " / ".join(_number(find(seen, one, "overlap")) for one in ("mtcnn", "dlib-hog"))
        found = " / ".join(_share(find(seen, one, "found")) for one in ("mtcnn", "dlib-hog"))
        return name, distances, overlap, found, _share(seen["any"]["found"])

    floor = " / ".join(_number(one) for one in report["frechet_floor"].values())
    rows: list[Sequence[str]] = [("originals, one half against the other", floor, "", "", "")]
    rows += [row(name, figures) for name, figures in report["methods"].items()]
    rows += [(f"*{name}*", *(f"*{one}*" for one in line), "") for name, line in published.UTILITY.items()]
    columns = ("method", f"Fréchet distance ({' / '.join(spaces)})", *published.UTILITY_COLUMNS[1:], "any detector")
    yield _section("Utility (the paper's Table 2)", columns, rows)
    yield f"{_PUBLISHED} Their first column is FID in Inception's space, to FFHQ / CelebA-HQ.\n"


def _ablation(report: dict[str, Any]) -> Iterator[str]:
    if not report["ablation"]:
        yield "## Ablation (the paper's Table 3)\n\nThis engine's finishing cannot be taken apart: one variant.\n"
        return
    rows: list[Sequence[str]] = [
        (
            name,
            " / ".join(_number(one) for one in figures["frechet"].values()),
            " / ".join(_number(find(figures, "utility", one, "overlap")) for one in ("mtcnn", "dlib-hog")),
            " / ".join(_share(find(figures, "utility", one, "found")) for one in ("mtcnn", "dlib-hog")),
            _number(find(figures, "grain", "neighbours", "median")),
        )
        for name, figures in report["ablation"].items()
    ]
    rows += [(f"*{name}*", *(f"*{one}*" for one in line), "") for name, line in published.ABLATION.items()]
    columns = ("steps", "Fréchet distance (published: FID)", "box IoU MTCNN / dlib", "detection MTCNN / dlib", "grain")
    yield _section("Ablation (the paper's Table 3)", columns, rows)


def _grain(report: dict[str, Any]) -> str:
    rows = []
    for mode in MODES:
        grain, seconds = (find(report, "methods", mode, key) or {} for key in ("grain", "seconds"))
        good = (_share(find(grain, key, "good")) for key in ("neighbours", "own"))
        medians = (_number(find(grain, key, "median")) for key in ("neighbours", "before", "own"))
        rows.append((mode, *medians, *good, _number(seconds.get("median")), _number(seconds.get("p95"))))
    columns = ("mode", "against surroundings", "the source had", "against the source's own skin")
    more = ("surroundings within 0.7–1.3", "own within 0.7–1.3", "s/face median", "s/face p95")
    return _section("Grain of the skin (energy of fine detail) and speed", (*columns, *more), rows)


def _groups(report: dict[str, Any]) -> Iterator[str]:
    judges = list(report["thresholds"])
    for grouping in sorted({key for figures in report["methods"].values() for key in figures["groups"]}):
        rows = [
            (
                mode,
                group,
                str(member["held_by_gate"]["of"]),
                _share(member["held_by_gate"]),
                *(one for judge in judges for one in _by_judge(report, grouping, group, member, judge)),
            )
            for mode in MODES
            for group, member in (find(report, "methods", mode, "groups", grouping) or {}).items()
        ]
        headed = (
            (f"{judge} at 1 %", f"{judge}'s own false matches there", f"{judge} at the group's own 1 %")
            for judge in judges
        )
        columns = ("mode", "group", "faces", "held by the gate", *(one for three in headed for one in three))
        yield _section(f"By {grouping}, same photograph", columns, rows)
        yield _FAIR + "\n"


def _by_judge(
    report: dict[str, Any], grouping: str, group: str, member: dict[str, Any], judge: str
) -> tuple[str, str, str]:
    """What is verified at the common threshold, how often strangers of the group are, and what at its own threshold."""
    verified = _share(find(member, "same_photo", judge, "verified", "1 %"))
    own = find(report, "fairness", grouping, group, judge)
    if own is None:
        return verified, "–", "–"
    wrong, people = own["false_matches"].get("1 %"), own["people"]
    among = "–" if wrong is None else f"{_percent(wrong)} among {people} people"
    fair = find(member, "own_threshold", judge)
    return verified, among, f"too few ({people})" if own["threshold"] is None else _share(fair)


def _target(row: dict[str, Any]) -> tuple[str, ...]:
    sign = "at least" if row["at_least"] else "at most"
    return row["name"], _number(row["value"]), f"{sign} {row['limit']:g}", "yes" if row["met"] else "**no**"


def _section(title: str, columns: Sequence[str], rows: Rows) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join([f"## {title}\n", *(f"| {' | '.join(line)} |" for line in lines), ""])


def _share(figures: dict[str, Any] | None) -> str:
    if figures is None or figures.get("share") is None:
        return "–"
    return f"{_percent(figures['share'])} ({100 * figures['low']:.0f}–{100 * figures['high']:.0f})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, int):
        return str(value)
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"
