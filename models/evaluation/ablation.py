"""Switching the engine's finishing steps off one by one: Table 3 of VerA's supplement.

An engine whose finishing can be taken apart names its steps (`steps`, such as "blending" and "correction") and gives a
copy of itself with fewer of them (`with_steps`). One that cannot has a single variant, and its report says so.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

from models import FaceAnonymizer


@dataclass(frozen=True)
class Variant:
    """`name` lists the steps that are on, or "none"."""

    name: str
    engine: FaceAnonymizer


def variants(engine: FaceAnonymizer) -> list[Variant]:
    """All subsets of the engine's steps, from none to all; [] when it has no steps to take apart."""
    whole: Any = engine
    steps = sorted(getattr(engine, "steps", ()))
    if not steps:
        return []
    subsets = [chosen for count in range(len(steps) + 1) for chosen in combinations(steps, count)]
    return [Variant(" + ".join(chosen) or "none", whole.with_steps(frozenset(chosen))) for chosen in subsets]
