"""How much of a gap between groups of people is the judge's own?

A judge that is held to one threshold over all couples takes some groups' strangers for one person more often than
others', and so their results, too, for the people they were made of. Beside a group's verification therefore stands
its own rate of false matches at that threshold, and what is verified at the threshold that the group's own couples of
different people set. That judges differ so is the finding of NIST's FRVT part 3 (Grother, Ngan and Hanaoka, NISTIR
8280, 2019); the own threshold is this project's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.evaluation.shares import share
from models.evaluation.verification import Embedding, couples, thresholds

FEWEST = 20  # people: 190 couples, of which 1 % are two
RATE = "1 %"  # at which a group's own threshold is set


@dataclass(frozen=True)
class Stranger:
    """One original of one person: its groups, grouping to group, and what each judge reads in it."""

    groups: Mapping[str, str]
    embeddings: Mapping[str, Embedding]


def by_group(crowd: Sequence[Stranger], limits: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """Figures by grouping, group and judge; `limits` are the thresholds over all couples, by judge and rate.

    people: how many the group has; false_matches: for each rate, the share of couples of different people of the group
    below the common threshold (couples share people, so Wilson's interval would be too narrow and none is given), None
    for fewer than two; threshold: the distance below which 1 % of these couples fall, None for fewer than FEWEST
    people.
    """
    out: dict[str, Any] = {}
    for grouping in sorted({key for one in crowd for key in one.groups}):
        members: dict[str, list[Stranger]] = {}
        for one in crowd:
            if grouping in one.groups:
                members.setdefault(one.groups[grouping], []).append(one)
        out[grouping] = {
            group: {judge: _own([one.embeddings[judge] for one in people], own) for judge, own in limits.items()}
            for group, people in sorted(members.items())
        }
    return out


def verified(distances: Sequence[float | None], own: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The share of distances below a group's own threshold, as `by_group` tells it; None where it has none."""
    limit = None if own is None else own["threshold"]
    return None if limit is None else share(one is not None and one < limit for one in distances)


def _own(originals: Sequence[Embedding], limits: Mapping[str, float]) -> dict[str, Any]:
    apart = couples(originals)
    return {
        "people": len(originals),
        "false_matches": {
            rate: float((apart < limit).mean()) if apart.size else None for rate, limit in limits.items()
        },
        "threshold": thresholds(originals)[RATE] if len(originals) >= FEWEST else None,
    }
