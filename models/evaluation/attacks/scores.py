"""From a table of likenesses to the figures that all attacks report."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.shares import share

Matrix = NDArray[np.float64]


def figures(likeness: Matrix, own: NDArray[np.int64]) -> dict[str, Any]:
    """How well probes (rows) are matched with the gallery (columns).

    Args:
        likeness: [P, G], higher is more alike.
        own: [P], the column of each probe's person.

    Returns:
        rank1 (chance is 1 / G), auc of own against other couples (chance 0.5), and verified: the share of own couples
        that are more alike than all but 1 % of the others (chance 0.01).
    """
    probes, gallery = likeness.shape
    mine = likeness[np.arange(probes), own]
    others = np.ones(likeness.shape, bool)
    others[np.arange(probes), own] = False
    rest = likeness[others]
    return {
        "rank1": share((likeness.argmax(1) == own).tolist()) | {"chance": 1 / gallery, "gallery": gallery},
        "auc": {"value": _auc(mine, rest), "chance": 0.5},
        "verified": share((mine > np.quantile(rest, 0.99)).tolist()) | {"chance": 0.01},
    }


def cosines(first: Matrix, second: Matrix) -> Matrix:
    """[P, d] and [G, d] to [P, G]."""
    units = [one / np.maximum(np.linalg.norm(one, axis=1, keepdims=True), 1e-9) for one in (first, second)]
    table: Matrix = units[0] @ units[1].T
    return table


def ridge(inputs: Matrix, outputs: Matrix, strength: float) -> Matrix:
    """Slopes [d, e] of a linear map from centred inputs [N, d] to centred outputs [N, e].

    strength: of the shrinking, in parts of the inputs' mean variance times N.
    """
    gram = inputs.T @ inputs
    slopes: Matrix = np.linalg.solve(
        gram + (strength * np.trace(gram) / len(gram) + 1e-9) * np.eye(len(gram)), inputs.T @ outputs
    )
    return slopes


def folds(count: int, parts: int) -> list[NDArray[np.int64]]:
    """People split into parts, by turns."""
    return [np.arange(first, count, parts) for first in range(min(parts, count))]


def _auc(mine: Matrix, rest: Matrix) -> float:
    order = np.sort(rest)
    below, upto = (np.searchsorted(order, mine, side=side) for side in ("left", "right"))
    return float((below + upto).mean() / 2 / len(rest))
