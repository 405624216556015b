"""De-identification: does a judge still take a result for the person in a photograph?

Verification at a fixed rate of false matches: the threshold is the distance below which only 0.1 % or 1 % of the
couples of different people's originals fall, for each judge anew (the usual protocol since NIST's FRVT). Rank-1, as
FALCO and its successors report it: the nearest of a gallery is the person; chance is one in the gallery's size. Two
attacks: `same photo` compares a result with its own original, whose hair, outline, clothes and light it shares (the
worst case); `other photo` compares it with another photograph of the person.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.shares import share

RATES = {"0.1 %": 0.001, "1 %": 0.01}  # of false matches

Embedding = NDArray[np.float32]


def thresholds(originals: Sequence[Embedding]) -> dict[str, float]:
    """The distance that holds each rate of false matches among different people; {} for fewer than two."""
    apart = couples(originals)
    return {name: float(np.quantile(apart, rate)) for name, rate in RATES.items()} if apart.size else {}


def couples(originals: Sequence[Embedding]) -> NDArray[np.float32]:
    """The distances of all couples, [N (N - 1) / 2]."""
    if len(originals) < 2:
        return np.zeros(0, np.float32)
    vectors = np.stack(originals)
    return np.concatenate([np.linalg.norm(vectors[k + 1 :] - vectors[k], axis=1) for k in range(len(vectors) - 1)])


def verified(distances: Sequence[float | None], limits: Mapping[str, float]) -> dict[str, Any]:
    """For each rate of false matches, the share of distances below its threshold.

    None is a result in which no face can be read: not verified, and counted apart as `unreadable`.
    """
    known = np.array([one for one in distances if one is not None])
    return {
        "verified": {
            name: share(one is not None and one < limit for one in distances) for name, limit in limits.items()
        },
        "unreadable": len(distances) - len(known),
        "distance_median": float(np.median(known)) if known.size else None,
        "distance_p05": float(np.quantile(known, 0.05)) if known.size else None,
    }


def apart(first: Embedding | None, second: Embedding | None) -> float | None:
    """Euclidean distance; None where a face could not be read."""
    return None if first is None or second is None else float(np.linalg.norm(first - second))


def first_rank(
    probes: Sequence[Embedding | None], gallery: Sequence[Embedding | None], own: Sequence[int]
) -> dict[str, Any]:
    """The share of probes whose nearest in the gallery is its entry `own[i]`; unreadable probes miss.

    A result of which nothing can be read cannot lead to anybody, and a person whom the gallery lacks is left out.
    """
    names = [index for index, one in enumerate(gallery) if one is not None]
    if not names:
        return share([]) | {"gallery": 0}
    vectors = np.stack([one for one in gallery if one is not None])
    hits = [
        probe is not None and names[int(np.argmin(np.linalg.norm(vectors - probe, axis=1)))] == index
        for probe, index in zip(probes, own, strict=True)
        if gallery[index] is not None
    ]
    return share(hits) | {"gallery": len(names)}
