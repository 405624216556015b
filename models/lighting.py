"""Dividing the light out of a face texture, in logarithms.

A texture is split into a smooth field (illumination and skin tone, measured on skin alone and
carried across brows, eyes and lips) and what is left, the detail. Quotients of pixel values become
differences, so a new detail under the photograph's own field is already lit (the ratio image of
Wen, Liu and Huang, CVPR 2003, for a diffuse surface).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mesh import Array

OFFSET = 12.0  # grey levels added before the logarithm: keeps the noise of dark pixels finite
CHROMA = 4  # colour is kept at a quarter of the resolution of lightness, as JPEG does
LIGHT_SIGMA = 0.085  # of the texture's side: smoother than this is light, finer is face


def to_log(rgb: NDArray[np.uint8] | Array) -> Array:
    """RGB 0..255 [H, W, 3] to (lightness, red - green, blue - green) of log values, float32."""
    logs = np.log(rgb.astype(np.float32) + OFFSET)
    return np.dstack(
        [logs @ np.array([0.299, 0.587, 0.114], np.float32), logs[..., 0] - logs[..., 1], logs[..., 2] - logs[..., 1]]
    )


def to_channels(log: Array) -> Array:
    """Inverse of the mixing in `to_log`: [H, W, 3] log ratios of R, G and B."""
    green = log[..., 0] - 0.299 * log[..., 1] - 0.114 * log[..., 2]
    return np.dstack([green + log[..., 1], green, green + log[..., 2]])


def blur(image: Array, sigma: float) -> Array:
    """Gaussian blur; wide ones are computed on a smaller picture, which nobody can tell."""
    factor = int(max(1, sigma // 4))
    if factor == 1:
        return cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    height, width = image.shape[:2]
    small = cv2.resize(image, (max(width // factor, 1), max(height // factor, 1)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / factor, borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def smooth_where(image: Array, weight: Array, sigma: float) -> Array:
    """Weighted Gaussian mean: `image` [H, W, C] seen through `weight` [H, W]; holes are bridged."""
    total = blur(weight, sigma)
    near = blur(image * weight[..., None], sigma) / np.maximum(total, 1e-4)[..., None]
    wide = blur(image * weight[..., None], 3 * sigma) / np.maximum(blur(weight, 3 * sigma), 1e-4)[..., None]
    trust = np.clip(total / 0.15, 0, 1)[..., None]
    return (near * trust + wide * (1 - trust)).astype(np.float32)


@dataclass(frozen=True)
class Texture:
    """One face in the common frame: log `field` (light and tone) and log `detail`, both [T, T, 3]."""

    field: Array
    detail: Array


def split(texture: Array, skin: Array) -> Texture:
    """Split a texture.

    Args:
        texture: RGB 0..255, [T, T, 3].
        skin: float32 [T, T], how far a pixel is visible bare skin, 0..1.
    """
    log = to_log(texture)
    field = smooth_where(log, skin, LIGHT_SIGMA * texture.shape[0])
    return Texture(field, log - field)
