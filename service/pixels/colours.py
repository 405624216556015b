"""Decoded samples as a viewer shows them (PS3.3 C.7.6.3.1.2)."""

from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels.processing import apply_color_lut, convert_color_space

from service.errors import Quarantined
from service.states import Cause

Image = NDArray[np.uint8]

GREY: Final = frozenset({"MONOCHROME1", "MONOCHROME2"})
PALETTE: Final = "PALETTE COLOR"
INTERPRETATIONS: Final = {
    1: GREY | {PALETTE},
    3: frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"}),
}
_YBR: Final = frozenset({"YBR_FULL", "YBR_FULL_422"})


def shown(samples: NDArray[Any], interpretation: str, ds: Dataset) -> Image:
    """RGB uint8 [H, W, 3] from stored samples uint8 [H, W] or [H, W, 3]; `ds` has the palette, where there is one."""
    if interpretation == PALETTE:
        samples = _looked_up(samples.reshape(samples.shape[:2]), ds)
    elif interpretation == "MONOCHROME1":
        samples = ~samples
    elif interpretation in _YBR:
        samples = convert_color_space(samples, interpretation, "RGB")
    planes = samples.reshape(samples.shape[0], samples.shape[1], -1)
    return cast(Image, np.ascontiguousarray(np.broadcast_to(planes, (*planes.shape[:2], 3)), dtype=np.uint8))


def _looked_up(indices: NDArray[Any], ds: Dataset) -> NDArray[Any]:
    """Through the palette (C.7.6.3.1.5, C.7.6.3.1.6); 16-bit entries lose their lower half."""
    if any(f"Segmented{colour}PaletteColorLookupTableData" in ds for colour in ("Red", "Green", "Blue")):
        raise Quarantined(Cause.UNSUPPORTED, "a palette in segments")
    colours = apply_color_lut(indices, ds)
    return colours >> 8 if colours.dtype == np.uint16 else colours
