"""A small U-Net (Ronneberger, Fischer and Brox, MICCAI 2015), for networks that judge faces place by place."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional


class UNet(nn.Module):
    """float [N, channels, H, W] to logits [N, answers, H, W]; H and W are multiples of 2 ** (len(widths) - 1).

    `widths`: channels of its levels, each half as wide and as high as the one before.
    """

    def __init__(self, channels: int, widths: Sequence[int], answers: int) -> None:
        super().__init__()
        before = (channels, *widths[:-1])
        self.down = nn.ModuleList(
            _block(a, b, 1 if k == 0 else 2) for k, (a, b) in enumerate(zip(before, widths, strict=True))
        )
        self.up = nn.ModuleList(_block(a + b, a, 1) for a, b in pairwise(widths))
        self.last = nn.Conv2d(widths[0], answers, 1)

    def levels(self, picture: torch.Tensor) -> list[torch.Tensor]:
        """What its levels on the way up see, from that of the whole size to the one but the narrowest."""
        kept = []
        for level, block in enumerate(self.down):
            picture = block(picture if level == 0 else functional.max_pool2d(picture, 2))
            kept.append(picture)
        seen = []
        for level in reversed(range(len(self.up))):
            wide = functional.interpolate(picture, scale_factor=2.0, mode="nearest")
            picture = self.up[level](torch.cat([kept[level], wide], 1))
            seen.append(picture)
        return seen[::-1]

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self.last(self.levels(picture)[0])
        return answer


def _block(inner: int, outer: int, layers: int) -> nn.Sequential:
    parts: list[nn.Module] = []
    for number in range(layers):
        parts += [
            nn.Conv2d(inner if number == 0 else outer, outer, 3, padding=1, bias=False),
            nn.BatchNorm2d(outer),
            nn.ReLU(True),
        ]
    return nn.Sequential(*parts)
