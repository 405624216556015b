"""Shares with the doubt that few people leave: Wilson's interval (1927), right for shares near 0 and 1 too."""

import math
from collections.abc import Iterable
from typing import Any

_Z = 1.96  # of the normal distribution: 95 %


def share(hits: Iterable[bool]) -> dict[str, Any]:
    """`share` of hits with `low` and `high` (95 %), `hits` and `of`; all None when there is nothing to count."""
    outcomes = list(hits)
    count, total = sum(outcomes), len(outcomes)
    if not total:
        return {"share": None, "low": None, "high": None, "hits": 0, "of": 0}
    low, high = wilson(count, total)
    return {"share": count / total, "low": low, "high": high, "hits": count, "of": total}


def wilson(hits: int, total: int) -> tuple[float, float]:
    """The interval in which the true share lies with 95 %."""
    part, extra = hits / total, _Z**2 / total
    middle = (part + extra / 2) / (1 + extra)
    reach = _Z * math.sqrt(part * (1 - part) / total + extra / (4 * total)) / (1 + extra)
    return max(middle - reach, 0.0), min(middle + reach, 1.0)
