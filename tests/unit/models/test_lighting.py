import numpy as np

from models.lighting import OFFSET, split, to_channels, to_log


def _texture() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.uniform(60, 200, (128, 128, 3)).astype(np.float32)


def test_log_mixing_is_undone() -> None:
    """Going to lightness and colour differences and back changes no value."""
    texture = _texture()

    back = np.exp(to_channels(to_log(texture))) - OFFSET

    np.testing.assert_allclose(back, texture, atol=1e-2)


def test_light_goes_into_the_field_and_not_into_the_detail() -> None:
    """A light that grows from left to right leaves the detail as it was."""
    texture = _texture()
    light = np.linspace(0.7, 1.3, 128, dtype=np.float32)[None, :, None]
    lit = (texture + OFFSET) * light - OFFSET
    skin = np.ones((128, 128), np.float32)

    plain, shaded = split(texture, skin), split(lit, skin)

    inner = slice(24, -24)
    assert np.abs(plain.detail - shaded.detail)[inner, inner].mean() < 0.02
    assert np.abs(plain.field - shaded.field)[inner, inner, 0].max() > 0.15
