"""Diversity and memorisation: a sampled identity must be nobody in the training set, and not always the same body.

Each sampled identity is rendered on a carrier portrait and embedded. Memorisation: the distance to the nearest training
portrait, the carrier left out (that distance is `privacy`'s). Diversity: distances among identities on one carrier.
"""

import numpy as np
from numpy.typing import NDArray

from models.recognizer import SAME_PERSON

TOO_CLOSE = 0.5


def memorised(
    identities: NDArray[np.float32], carriers: NDArray[np.int64], training: NDArray[np.float32]
) -> dict[str, float | int | None]:
    """Nearest training portraits.

    `identities` float32 [N, 128]; `carriers` [N]: the row of `training` that carried each identity, -1 for a carrier
    that is not in it; `training` float32 [M, 128].
    """
    nearest = []
    for embedding, carrier in zip(identities, carriers, strict=True):
        distances = np.linalg.norm(training - embedding, axis=1)
        if carrier >= 0:
            distances[carrier] = np.inf
        nearest.append(float(distances.min()))
    return {
        "identities": len(identities),
        "training_portraits": len(training),
        "nearest": min(nearest, default=None),
        "nearest_median": float(np.median(nearest)) if nearest else None,
        "too_close": sum(distance < TOO_CLOSE for distance in nearest),
    }


def diverse(identities: NDArray[np.float32], carriers: NDArray[np.int64]) -> dict[str, float | int | None]:
    """Distances between different identities that were rendered on the same carrier."""
    apart: list[float] = []
    for carrier in np.unique(carriers):
        group = identities[carriers == carrier]
        rows, columns = np.triu_indices(len(group), 1)
        apart.extend(np.linalg.norm(group[rows] - group[columns], axis=1).tolist())
    return {
        "couples": len(apart),
        "distance_median": float(np.median(apart)) if apart else None,
        "same_person_share": sum(distance < SAME_PERSON for distance in apart) / len(apart) if apart else None,
    }
