import numpy as np
import pytest

from models.guided import coefficients


@pytest.mark.parametrize("channels", [0, 3])
def test_a_coarse_matte_takes_the_photographs_edge(channels: int) -> None:
    """A matte that ends four pixels too early ends, filtered, where the photograph's own edge is."""
    guide = np.full((60, 60, 3), (0.2, 0.5, 0.3), np.float32)
    guide[:, 30:] = (0.8, 0.5, 0.4)
    guide = guide if channels else np.ascontiguousarray(guide[..., 0])
    rough = np.zeros((60, 60), np.float32)
    rough[:, 34:] = 1

    slope, offset = coefficients(guide, rough, 12, 1e-4)
    found = (slope * guide).reshape(60, 60, -1).sum(2) + offset

    assert slope.shape == guide.shape
    assert offset.dtype == np.float32
    assert found[30, 31] - found[30, 28] > 3 * abs(found[30, 34] - found[30, 31])
    assert found[30, 31] > 0.5 > found[30, 28]
