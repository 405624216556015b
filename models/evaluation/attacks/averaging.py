"""Averaging: many results of one patient, each with another identity, in the hope that the strangers cancel out.

The gateway gives a patient one identity for good; this is what leaks when identities are drawn anew all the same (the
database was lost, the generator renewed, or the patient sent through several gateways).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.attacks.scores import cosines, figures


def averaging(results: NDArray, originals: NDArray) -> dict[str, Any]:
    """Mean embeddings of 1, 2, 4 ... and all results against the originals.

    Args:
        results: [P, n, d], n results of each of P people under one judge.
        originals: [G, d], the people's originals first, then those of others.

    Returns:
        by number of results, the figures and the median distance from the own original.
    """
    people, count, _ = results.shape
    own = np.arange(people)
    steps = sorted({min(2**power, count) for power in range(count.bit_length() + 1)})
    out = {}
    for step in steps:
        means = results[:, :step].mean(1)
        # Means of strangers lie near the middle of all faces: the direction tells, the length does not.
        table = cosines((means - means.mean(0)).astype(float), (originals - originals.mean(0)).astype(float))
        distance = np.linalg.norm(means - originals[:people], axis=1)
        out[str(step)] = figures(table, own) | {"distance_median": float(np.median(distance))}
    return out
