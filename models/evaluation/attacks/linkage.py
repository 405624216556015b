"""Linkage: is this result the same patient as that original? A classifier that was trained on such couples.

The attacker owns the product: results and originals of people of their own, from which a logistic regression learns
what of a face survives (how judges' numbers differ, component by component). It is tried on people whom it never saw.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.evaluation.attacks.scores import Matrix, figures, folds

PARTS = 5
AXES = 24  # principal components of each judge's numbers
STRENGTH = 1e-2


def linkage(results: Mapping[str, NDArray], originals: Mapping[str, NDArray]) -> dict[str, Any]:
    """Cross-validated over people: row i of `results` and of `originals` (by judge, [N, d]) is one person."""
    count = len(next(iter(originals.values())))
    likeness = np.full((count, count), -np.inf)
    for tested in folds(count, PARTS):
        known = np.setdiff1d(np.arange(count), tested)
        features = _Features(originals, known)
        weights = _learn(features.couples(results, originals, known, known))
        # All originals stand in the gallery; those that the classifier knew can only mislead it.
        likeness[tested] = _score(features.couples(results, originals, tested, np.arange(count)), weights)
    return figures(likeness, np.arange(count))


class _Features:
    """How two faces differ, judge by judge: squared differences of whitened components, and the distance."""

    def __init__(self, originals: Mapping[str, NDArray], known: NDArray) -> None:
        self._maps = {}
        for name, vectors in originals.items():
            rows = vectors[known]
            middle = rows.mean(0)
            _, strengths, axes = np.linalg.svd(rows - middle, full_matrices=False)
            count = min(AXES, len(rows) - 1)
            scale = strengths[:count] / np.sqrt(len(rows)) + 1e-6
            self._maps[name] = (middle, (axes[:count].T / scale), float(np.linalg.norm(rows - middle, axis=1).mean()))

    def couples(
        self, results: Mapping[str, NDArray], originals: Mapping[str, NDArray], probes: NDArray, gallery: NDArray
    ) -> Matrix:
        """[P, G, f]"""
        parts = []
        for name, (middle, axes, size) in self._maps.items():
            one, other = (rows - middle for rows in (results[name][probes], originals[name][gallery]))
            inner = (one @ axes)[:, None] - (other @ axes)[None]
            whole = np.linalg.norm(one[:, None] - other[None], axis=2)[..., None] / size
            parts += [np.minimum(inner**2, 9) / 3, 5 * whole]
        return np.concatenate(parts, 2)


def _learn(couples: Matrix) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logistic regression on couples [N, N, f] whose diagonal is one person; own couples weigh as much as others."""
    count = len(couples)
    inputs = torch.from_numpy(couples.reshape(count * count, -1)).double()
    own = torch.eye(count, dtype=torch.double).reshape(-1)
    weight = torch.where(own > 0, 0.5 / own.sum(), 0.5 / (1 - own).sum())
    middle = inputs.mean(0)
    slopes = torch.zeros(inputs.shape[1], dtype=torch.double, requires_grad=True)
    offset = torch.zeros(1, dtype=torch.double, requires_grad=True)
    search = torch.optim.LBFGS([slopes, offset], max_iter=60, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        search.zero_grad()
        logits = (inputs - middle) @ slopes + offset
        value = torch.nn.functional.binary_cross_entropy_with_logits(logits, own, weight, reduction="sum")
        value = value + STRENGTH * (slopes**2).sum()
        value.backward()
        return value

    search.step(loss)
    return slopes.detach(), offset.detach(), middle


def _score(couples: Matrix, weights: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> Matrix:
    slopes, offset, middle = weights
    scores: Matrix = ((torch.from_numpy(couples).double() - middle) @ slopes + offset).numpy()
    return scores
