"""The masks of a map, read back from its bytes without the library that made it."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread

from service.segmentation.words import TYPES

Masks = NDArray[np.bool_]


def segmented(data: bytes) -> dict[str, Masks]:
    """The masks of a Segmentation of ours by what they say, bool [frames, H, W] each; ValueError for another object."""
    ds = dcmread(BytesIO(data))
    kinds = [str(item.SegmentedPropertyTypeCodeSequence[0].CodeValue) for item in ds.get("SegmentSequence", [])]
    frames, left = divmod(int(ds.get("NumberOfFrames") or 0), max(1, len(kinds)))
    if not kinds or not set(kinds) <= set(TYPES.values()) or left or not frames:
        raise ValueError("no map of what is synthetic")
    bits = np.unpackbits(np.frombuffer(ds.PixelData, np.uint8), bitorder="little")
    shape = len(kinds), frames, int(ds.Rows), int(ds.Columns)
    masks = bits[: int(np.prod(shape))].reshape(shape)
    return {kind.lower(): mask.astype(np.bool_) for kind, mask in zip(kinds, masks, strict=True)}
