"""Giving synthetic skin the grain of the photograph: noise, pores and JPEG's traces, as strong as they were there.

Fetching pixels from between pixels smooths them, and a new face's drawing brings fine detail of its own; both show
against the skin around. The finest detail is therefore scaled, place by place, to the energy that the photograph had
at the same place. VerA's prior-based correction, after its blending, is a step of the same kind and purpose.
"""

from typing import Final

import torch
from torch.nn import functional

from models.lighting import OFFSET

_BLOCK: Final = 8  # pixels over which energy is taken
_WINDOW: Final = 3  # blocks to each side over which it is compared: wide enough that an edge counts for little
_LEAST: Final = 1e-6  # log units squared: of detail fainter than this nothing is left to scale
_BOUNDS: Final = (0.0, 1.35)  # of the factor: from a plain Gaussian to noise that nobody sees grow
_PASSES: Final = 3  # of a binomial filter, together a Gaussian of 1.2 pixels


def match_grain(
    result: torch.Tensor, source: torch.Tensor, calm: torch.Tensor, flow: torch.Tensor | None = None
) -> torch.Tensor:
    """`result` [1, 3, H, W] (0..255) with the grain of `source` [1, 3, H, W].

    flow: [1, 2, H, W], offsets in pixels to where each pixel of the result came from: where hair came to lie on the
    forehead it keeps the grain of hair. None: nothing moved.
    calm: [1, 1, H, W], 0..1, where detail was taken away on purpose and must not be raised again.
    """
    if min(result.shape[2:]) < 4 * _BLOCK:
        return result
    fine = _fine(result)
    wanted = _energy(_fine(source))
    factor = _factor(fine, wanted if flow is None else _fetched(wanted, flow))
    factor = functional.interpolate(factor, result.shape[2:], mode="bilinear", align_corners=False)
    factor = torch.where(factor > 1, 1 + (factor - 1) * (1 - calm), factor)
    return (result + OFFSET).mul_(factor.sub_(1).mul_(fine).exp_()).sub_(OFFSET)


def sampling_grid(flow: torch.Tensor) -> torch.Tensor:
    """Offsets in pixels [1, 2, H, W] to the sampling grid of `grid_sample` [1, H, W, 2]."""
    height, width = flow.shape[2:]
    x = torch.arange(width, device=flow.device, dtype=torch.float32)[None, :] + flow[0, 0]
    y = torch.arange(height, device=flow.device, dtype=torch.float32)[:, None] + flow[0, 1]
    return torch.stack([2 * x / max(width - 1, 1) - 1, 2 * y / max(height - 1, 1) - 1], dim=-1)[None]


def _factor(fine: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """By what `fine` must be multiplied for the energy of what is fine afterwards to be `wanted`, [1, 1, H / 8, W / 8].

    No filter parts fine from coarse cleanly. With G for the smoothing, L for the picture and F = L - G L for its
    detail, f F + G L has the detail f F + (1 - f) G F: in a smooth photograph, whose detail is nearly all of it as
    broad as the filter, most stays however small the factor. The energy of that sum is a quadratic in f, which is
    solved.
    """
    passed = _smooth(fine)
    own, mixed, rest = (_blocks(one * other) for one, other in ((fine, fine), (fine, passed), (passed, passed)))
    own += _LEAST
    mixed, rest = _around(mixed / own), _around(rest / own)
    aim = torch.exp(wanted - _around(own.log()))
    square, half = 1 - 2 * mixed + rest, mixed - rest
    root = (half.square() - square * (rest - aim)).clamp_min(0).sqrt()
    return ((root - half) / square.clamp_min(_LEAST)).clamp(*_BOUNDS)


def _fetched(blocks: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
    """[1, 1, H / 8, W / 8], each block's from where its pixels came from."""
    grid = sampling_grid(_blocks(flow) / _BLOCK)
    return functional.grid_sample(blocks, grid, padding_mode="border", align_corners=True)


def _fine(image: torch.Tensor) -> torch.Tensor:
    """Log lightness [1, 1, H, W], only what is finer than about 1.2 pixels."""
    weights = torch.tensor([0.299, 0.587, 0.114], device=image.device)
    light = torch.einsum("nchw,c->nhw", image.clamp(0, 255), weights)[:, None].add_(OFFSET).log_()
    return light - _smooth(light)


def _smooth(field: torch.Tensor) -> torch.Tensor:
    """[1, 1, H, W] without what is finer than about 1.2 pixels."""
    for _ in range(_PASSES):
        for axis in (2, 3):
            field = _binomial(field, axis)
    return field


def _binomial(field: torch.Tensor, axis: int) -> torch.Tensor:
    """Each value with a quarter of both its neighbours; far quicker than a convolution of one channel."""
    length = field.shape[axis]
    out = field * 0.5
    out.narrow(axis, 1, length - 1).add_(field.narrow(axis, 0, length - 1), alpha=0.25)
    out.narrow(axis, 0, 1).add_(field.narrow(axis, 0, 1), alpha=0.25)
    out.narrow(axis, 0, length - 1).add_(field.narrow(axis, 1, length - 1), alpha=0.25)
    out.narrow(axis, length - 1, 1).add_(field.narrow(axis, length - 1, 1), alpha=0.25)
    return out


def _energy(fine: torch.Tensor) -> torch.Tensor:
    """Log of the energy around each block, [1, 1, H / 8, W / 8]: a mean of logarithms, in which edges count little."""
    return _around((_blocks(fine.square()) + _LEAST).log())


def _blocks(values: torch.Tensor) -> torch.Tensor:
    return functional.avg_pool2d(values, _BLOCK, ceil_mode=True, count_include_pad=False)


def _around(blocks: torch.Tensor) -> torch.Tensor:
    """Each block's mean with those around it."""
    return functional.avg_pool2d(blocks, 2 * _WINDOW + 1, 1, _WINDOW, count_include_pad=False)
