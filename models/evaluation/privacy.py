"""De-identification: does the recogniser still take the result for the person in the source?

Verification: the Euclidean distance of dlib's 128-d embeddings, below 0.6 = the same person (the threshold that the
network was trained for). Re-identification, as FALCO and its successors report it: the nearest neighbour of the result
among the gallery of all sources is its own source; chance is one in the gallery's size.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.recognizer import SAME_PERSON


def recognised(distances: Sequence[float | None]) -> dict[str, float | int | None]:
    """How many are still recognised, and how the distances lie.

    None stands for a result in which the recogniser could read no face; it counts as not recognised and is
    reported on its own, because a face that is gone is not a success either.
    """
    known = np.array([distance for distance in distances if distance is not None])
    below = int((known < SAME_PERSON).sum())
    return {
        "faces": len(distances),
        "unreadable": len(distances) - len(known),
        "recognised": below,
        "recognised_share": below / len(distances) if distances else None,
        "distance_min": _quantile(known, 0),
        "distance_p05": _quantile(known, 0.05),
        "distance_median": _quantile(known, 0.5),
    }


def reidentified(
    sources: Sequence[NDArray[np.float32] | None], results: Sequence[NDArray[np.float32] | None]
) -> dict[str, float | int | None]:
    """Rank-1 re-identification: `results[i]` came from `sources[i]`; both are embeddings of 128 numbers."""
    gallery = [(index, embedding) for index, embedding in enumerate(sources) if embedding is not None]
    probes = [(index, embedding) for index, embedding in enumerate(results) if embedding is not None]
    if not gallery or not probes:
        return {"gallery": len(gallery), "probes": len(probes), "reidentified": 0, "reidentified_share": None}
    names = np.array([index for index, _ in gallery])
    vectors = np.stack([embedding for _, embedding in gallery])
    hits = sum(
        int(names[np.argmin(np.linalg.norm(vectors - embedding, axis=1))]) == index for index, embedding in probes
    )
    return {
        "gallery": len(gallery),
        "probes": len(probes),
        "reidentified": hits,
        "reidentified_share": hits / len(probes),
    }


def _quantile(values: NDArray[np.float64], share: float) -> float | None:
    return float(np.quantile(values, share)) if values.size else None
