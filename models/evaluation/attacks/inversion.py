"""Inverting the prior: the source's coefficients, guessed from the result's.

The attacker has the generator, explains results with it as the gateway explains photographs, and has learned on people
of their own how a source's coefficients follow from a result's (ridge regression). A method that only turned or
mirrored the coefficients would be undone by this.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.attacks.scores import Matrix, cosines, figures, folds, ridge
from models.lighting import split
from models.mesh import Array, fit_similarity
from models.prior import LinearPrior

PARTS = 5
STRENGTH = 3.0


def read_latent(prior: LinearPrior, image: NDArray[np.uint8], vertices: Array) -> NDArray[np.float32]:
    """The identity that the prior reads in a picture, float32 [L], as somebody would who only has the weights."""
    texture, facing = prior.frame.pull(image, vertices)
    detail = split(texture, prior.frame.skin * facing).detail
    aligned = fit_similarity(vertices, prior.frame.mean).apply(vertices)
    return prior.project(detail, facing, aligned).latent


def inversion(results: NDArray, sources: NDArray) -> dict[str, Any]:
    """Cross-validated over people: latents [N, L] as the prior reads them in results and in sources.

    Besides the figures: `cosine`, the mean likeness of guess and truth (chance 0), and `unlearned`, the figures when
    the result's coefficients are taken as they are.
    """
    count = len(results)
    guesses = np.zeros(sources.shape)
    for tested in folds(count, PARTS):
        known = np.setdiff1d(np.arange(count), tested)
        inputs, outputs = results[known].mean(0), sources[known].mean(0)
        slopes = ridge((results[known] - inputs).astype(float), (sources[known] - outputs).astype(float), STRENGTH)
        guesses[tested] = (results[tested] - inputs) @ slopes
    truth = sources - sources.mean(0)
    table = cosines(guesses, truth)
    return figures(table, np.arange(count)) | {
        "cosine": {"value": float(np.diagonal(table).mean()), "chance": _others(table)},
        "unlearned": figures(cosines(results - results.mean(0), truth), np.arange(count)),
    }


def _others(table: Matrix) -> float:
    return float(table[~np.eye(len(table), dtype=bool)].mean())
