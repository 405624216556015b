"""Carrying out an edit at the photograph's own resolution, in torch (CPU or CUDA)."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from models.correction import match_grain, sampling_grid
from models.lighting import OFFSET
from models.renderer import Edit

FINE = 4.0  # pixels of the edit's own grid: hairs and pores are finer
LIT = 255 + OFFSET  # white, as the logarithm sees it
LEAST = 0.03  # log units by which anything may brighten


def apply(image: NDArray[np.uint8], edit: Edit, device: torch.device, correct: bool = True) -> NDArray[np.uint8]:
    """The crop of `edit` after the edit: uint8 [height, width, 3] from RGB `image` [H, W, 3].

    Without `correct` hairs stay in brows that became skin, and the grain is left as it comes (to be measured).
    """
    crop = image[edit.top : edit.top + edit.height, edit.left : edit.left + edit.width]
    source = torch.from_numpy(np.ascontiguousarray(crop)).to(device).permute(2, 0, 1)[None].float()
    size = (edit.height, edit.width)
    flow = _enlarge(edit.flow, size, device)
    ratio = _enlarge(edit.ratio, size, device)
    moved = functional.grid_sample(
        source, sampling_grid(flow), mode="bicubic", padding_mode="border", align_corners=True
    )
    soften = _enlarge(edit.soften, size, device)
    block = max(round(FINE * edit.width / edit.flow.shape[1]), 2)
    ratio = _below_white(ratio, _coarse(moved.amax(1, keepdim=True), block))
    if correct:
        moved = moved - soften * (moved - _coarse(moved, block))
    result = (moved + OFFSET) * ratio.exp() - OFFSET
    if correct:
        result = match_grain(result, source, soften, flow)
    still = (flow.abs().amax(1, keepdim=True) < 0.02) & (ratio.abs().amax(1, keepdim=True) < 1e-3)
    result = torch.where(still, source, result)
    return result.clamp_(0, 255).round_().to(torch.uint8)[0].permute(1, 2, 0).cpu().numpy()


def _below_white(ratio: torch.Tensor, brightest: torch.Tensor) -> torch.Tensor:
    """Log ratios [1, 3, H, W] by which what shines already, by its brightest channel, gets no patch of white.

    Half of the room below white is free; what would go beyond all of it comes to rest there.
    """
    room = (LIT / (brightest.clamp(0, 255) + OFFSET)).log().clamp_min(LEAST)
    lighter = ratio.mean(1, keepdim=True).clamp_min(0)
    return ratio - lighter * (1 - (1 + (lighter / room) ** 4) ** -0.25)


def _coarse(image: torch.Tensor, block: int) -> torch.Tensor:
    """The image [1, 3, H, W] without what is finer than `block` pixels."""
    small = functional.avg_pool2d(image, block, ceil_mode=True, count_include_pad=False)
    return functional.interpolate(small, image.shape[2:], mode="bilinear", align_corners=False)


def _enlarge(field: NDArray[np.float32], size: tuple[int, int], device: torch.device) -> torch.Tensor:
    """[h, w, c] to [1, c, H, W]."""
    small = torch.from_numpy(np.ascontiguousarray(field)).to(device).permute(2, 0, 1)[None]
    if small.shape[2:] == size:
        return small
    return functional.interpolate(small, size, mode="bilinear", align_corners=False)
