"""Switching the engine's finishing steps off one by one: Table 3 of VerA's supplement.

The engine names its finishing steps (`steps`, such as "blending" and "correction") and gives a
copy of itself with fewer of them (`with_steps`).
"""

from dataclasses import dataclass
from itertools import combinations

from models import FaceAnonymizer


@dataclass(frozen=True)
class Variant:
    """`name` lists the steps that are on, or "none"."""

    name: str
    engine: FaceAnonymizer


def variants(engine: FaceAnonymizer) -> list[Variant]:
    """All subsets of the engine's steps, from none to all."""
    steps = sorted(engine.steps)
    subsets = [chosen for count in range(len(steps) + 1) for chosen in combinations(steps, count)]
    return [Variant(" + ".join(chosen) or "none", engine.with_steps(frozenset(chosen))) for chosen in subsets]
