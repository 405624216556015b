"""How much of a gap between groups is the judge's own."""

import numpy as np
import pytest

from models.evaluation.fairness import FEWEST, Stranger, by_group, verified
from models.evaluation.verification import thresholds

JUDGES = ("near", "far")


def _crowd(group: str, count: int, spread: float, seed: int) -> list[Stranger]:
    """People of one group whose embeddings lie about `spread` apart for the first judge and 10 for the second."""
    rng = np.random.default_rng(seed)
    return [
        Stranger(
            {"ethnicity": group},
            {
                judge: (scale * rng.standard_normal(16)).astype(np.float32)
                for judge, scale in zip(JUDGES, (spread, 10), strict=True)
            },
        )
        for _ in range(count)
    ]


def test_a_group_set_closer_together_has_more_false_matches() -> None:
    """At the threshold that holds 1 % over all couples the close group has more, and its own threshold is smaller."""
    close, wide = _crowd("close", 30, 0.6, 0), _crowd("wide", 120, 1.0, 1)
    limits = {judge: thresholds([one.embeddings[judge] for one in (*close, *wide)]) for judge in JUDGES}

    groups = by_group([*close, *wide], limits)["ethnicity"]

    own = {name: figures["near"] for name, figures in groups.items()}
    assert own["close"]["people"] == 30
    assert own["close"]["false_matches"]["1 %"] > 0.1 > 0.01 > own["wide"]["false_matches"]["1 %"]
    assert own["close"]["threshold"] < limits["near"]["1 %"] < own["wide"]["threshold"]
    assert groups["close"]["far"]["false_matches"]["1 %"] < 0.03


def test_at_its_own_threshold_each_group_has_the_same_false_matches() -> None:
    """The threshold of a group lets 1 % of its own couples pass, however close they lie."""
    for spread in (0.6, 1.0):
        people = _crowd("one", 60, spread, 2)
        own = by_group(people, {"near": {"1 %": 1.0}})["ethnicity"]["one"]["near"]
        again = by_group(people, {"near": {"1 %": own["threshold"]}})["ethnicity"]["one"]["near"]

        assert again["false_matches"]["1 %"] == pytest.approx(0.01, abs=0.002)


def test_few_people_set_no_threshold() -> None:
    """A group one short of enough has false matches and no threshold of its own; somebody alone has neither."""
    limits = {"near": {"1 %": 1.0}}
    few, enough, alone = (
        by_group(_crowd("one", count, 1.0, 3), limits)["ethnicity"]["one"]["near"] for count in (FEWEST - 1, FEWEST, 1)
    )

    assert few["threshold"] is None
    assert few["false_matches"]["1 %"] is not None
    assert enough["threshold"] is not None
    assert alone["false_matches"]["1 %"] is None
    assert verified([0.1, None], few) is None
    assert verified([0.1], None) is None


def test_unreadable_results_are_not_verified_at_a_groups_threshold() -> None:
    """Of three results one lies near enough; one that cannot be read counts and is not verified."""
    figures = verified([0.4, 0.6, None], {"threshold": 0.5})

    assert figures is not None
    assert (figures["hits"], figures["of"]) == (1, 3)


def test_people_of_unknown_group_are_left_out() -> None:
    """Somebody without a group is in none."""
    nobody = Stranger({}, {"near": np.zeros(16, np.float32)})

    groups = by_group([*_crowd("one", 3, 1.0, 4), nobody], {"near": {"1 %": 1.0}})

    assert groups["ethnicity"]["one"]["near"]["people"] == 3
    assert by_group([nobody], {"near": {"1 %": 1.0}}) == {}
