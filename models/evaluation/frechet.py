"""Fréchet distance of two sets of pictures in a named feature space (Heusel et al., NeurIPS 2017).

The paper's tables use Inception's features, whose weights no package carries; here the spaces are the judges'. The
distance of two halves of the originals stands beside it as the floor: with few pictures even equal sets lie apart, so
figures compare within one report and not with others.
"""

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 32  # leading principal components of the reference; more cannot be estimated from a hundred pictures


def frechet(features: NDArray[np.float32], reference: NDArray[np.float32]) -> float | None:
    """Distance of two sets [n, d] as normal distributions in the reference's leading components; None for tiny sets."""
    count = min(DIMENSIONS, len(features) // 2, len(reference) // 2, reference.shape[1])
    if count < 2:
        return None
    middle = reference.mean(0)
    axes = np.linalg.svd(reference - middle, full_matrices=False)[2][:count].T
    (mean_a, cov_a), (mean_b, cov_b) = (_moments((one - middle) @ axes) for one in (features, reference))
    root = _root(cov_a)
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cov_b @ root), 0)).sum()
    return float(((mean_a - mean_b) ** 2).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * cross)


def floor(reference: NDArray[np.float32]) -> float | None:
    """The distance of every other picture of the reference from the rest."""
    return frechet(reference[0::2], reference[1::2])


def _moments(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return values.mean(0), np.cov(values, rowvar=False)


def _root(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(matrix)
    root: NDArray[np.float64] = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return root
