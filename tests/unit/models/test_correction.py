import cv2
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


def test_what_is_barely_fine_is_matched_too() -> None:
    """In a smooth photograph all detail is about as broad as the filter; too strong detail still comes down to it."""
    broad = [
        cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 1, (96, 96)).astype(np.float32), (0, 0), 1.0)
        for seed in (1, 2)
    ]
    source, result = (
        torch.from_numpy(np.tile(128 + strength * one / one.std(), (1, 3, 1, 1)).astype(np.float32))
        for strength, one in zip((2.0, 3.6), broad, strict=True)
    )

    matched = match_grain(result, source, _calm())

    assert _detail(result) / _detail(source) > 2.5
    assert 0.7 < _detail(matched) / _detail(source) < 1.3


def _detail(picture: torch.Tensor) -> float:
    """Energy of what is finer than about 1.2 pixels."""
    light = picture[0, 0].log().numpy()
    return float((light - cv2.GaussianBlur(light, (0, 0), 1.2)).var())


def test_an_edge_is_not_overdrawn() -> None:
    """Beside an edge between two flat tones nothing gets lighter or darker than the tones are."""
    edge = torch.full((1, 3, 96, 96), 80.0)
    edge[..., 48:] = 160

    matched = match_grain(edge + _noise(6) - 128, edge + _noise(2) - 128, _calm())
    plain = match_grain(edge, _noise(0.1), _calm())

    assert float(plain.min()) > 79
    assert float(plain.max()) < 161
    assert float(matched.max()) < float((edge + _noise(6) - 128).max())


def test_what_was_smoothed_on_purpose_is_not_raised_again() -> None:
    """Where hairs were taken away no grain comes back, and too much is still taken away."""
    smooth = _noise(2)

    torch.testing.assert_close(match_grain(smooth, _noise(4), _calm(1)), smooth, atol=1e-3, rtol=0)
    assert match_grain(_noise(9), _noise(4), _calm(1)).std() < 6


def test_broad_forms_are_no_grain() -> None:
    """A gradient stays as it was."""
    ramp = torch.linspace(60, 200, 96).repeat(96, 1)[None, None].repeat(1, 3, 1, 1)

    torch.testing.assert_close(match_grain(ramp, _noise(4), _calm()), ramp, atol=0.5, rtol=0)


def test_what_moved_keeps_the_grain_that_it_had() -> None:
    """Hair that came to lie on smooth skin stays as rough as it was where it came from."""
    source = _noise(9)
    source[..., 48:] = 128
    shift = 40
    result = source.roll(shift, 3)
    flow = torch.zeros(1, 2, 96, 96)
    flow[:, 0] = -shift

    still, followed = (match_grain(result, source, _calm(), one) for one in (None, flow))

    came = np.s_[..., 56:80]
    assert float(still[came].std()) < 0.6 * float(result[came].std())
    assert float(followed[came].std()) > 0.9 * float(result[came].std())
