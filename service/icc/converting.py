"""Colours of a profile that cannot be written anew, as sRGB."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from service.icc.reading import LARGEST


def is_readable(profile: bytes) -> bool:
    """Whether `to_srgb` can do anything with a profile."""
    return to_srgb(np.zeros((1, 1, 3), np.uint8), profile) is not None


def to_srgb(rgb: NDArray[np.uint8], profile: bytes) -> NDArray[np.uint8] | None:
    """RGB uint8 [H, W, 3] seen through `profile`, in sRGB; None where littleCMS cannot read it.

    Colorimetric, with black on black: what both spaces hold stays the same colour.
    """
    if len(profile) > LARGEST:
        return None
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        target, flags = ImageCms.createProfile("sRGB"), ImageCms.Flags.BLACKPOINTCOMPENSATION
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        picture = ImageCms.profileToProfile(Image.fromarray(rgb), source, target, intent, flags=flags)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    return None if picture is None else np.asarray(picture, np.uint8)
