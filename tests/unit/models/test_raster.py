import numpy as np

from models import FaceAnonymizer


def test_a_linear_function_is_drawn_exactly(engine: FaceAnonymizer) -> None:
    """Interpolating the vertices' own places gives each pixel its own place."""
    frame = engine.prior.frame

    drawn = frame.raster.image(frame.uv)

    rows, columns = np.nonzero(frame.raster.mask)
    error = np.abs(drawn[rows, columns] - np.stack([columns, rows], 1))
    assert np.percentile(error, 99) < 0.6
    assert frame.raster.mask.mean() > 0.6
