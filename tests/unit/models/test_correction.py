import numpy as np
import torch

from models.correction import match_grain


def _noise(strength: float) -> torch.Tensor:
    grain = np.random.default_rng(0).normal(0, strength, (1, 1, 96, 96))
    return torch.from_numpy(np.repeat(128 + grain, 3, 1).astype(np.float32))


def _calm(value: float = 0.0) -> torch.Tensor:
    return torch.full((1, 1, 96, 96), value)


def test_grain_is_brought_to_the_photographs_own() -> None:
    """Too much fine detail is taken away and a little too little is raised; lightness stays."""
    source = _noise(4)

    coarse, smooth = (match_grain(_noise(strength), source, _calm()) for strength in (9, 3.2))

    assert abs(float(coarse.std() / source.std()) - 1) < 0.25
    assert abs(float(smooth.std() / source.std()) - 1) < 0.1
    assert abs(float(coarse.mean()) - 128) < 1


def test_what_was_smoothed_on_purpose_is_not_raised_again() -> None:
    """Where hairs were taken away no grain comes back, and too much is still taken away."""
    smooth = _noise(2)

    torch.testing.assert_close(match_grain(smooth, _noise(4), _calm(1)), smooth, atol=1e-3, rtol=0)
    assert match_grain(_noise(9), _noise(4), _calm(1)).std() < 6


def test_broad_forms_are_no_grain() -> None:
    """A gradient stays as it was."""
    ramp = torch.linspace(60, 200, 96).repeat(96, 1)[None, None].repeat(1, 3, 1, 1)

    torch.testing.assert_close(match_grain(ramp, _noise(4), _calm()), ramp, atol=0.5, rtol=0)
