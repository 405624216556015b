"""A stream turned or mirrored without decoding it (what EXIF calls orientation; ISO/IEC 10918-1 A.3.3).

Mirroring a block of cosines changes the sign of its odd frequencies, and turning it over the diagonal swaps rows and
columns; no coefficient is rounded. What stands partly filled at the right or lower edge must stay there, so a
picture is mirrored only along a side that is a multiple of its MCU.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from service.jpeg.coefficients import handled
from service.jpeg.library import NAMES, opened, written

_SIGNS: Final = np.where(np.arange(8) % 2 == 0, 1, -1).astype(np.int16)
_STEPS: Final[dict[int, tuple[bool, bool, bool]]] = {
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}  # EXIF orientation: over the diagonal, then left to right, then upside down


def upright(data: bytes, orientation: int) -> bytes | None:
    """The stripped 8-bit stream as EXIF `orientation` (2 to 8) says it should be seen.

    None where that cannot be done without loss, because a side to mirror is no multiple of the MCU.
    """
    diagonal, sideways, over = _STEPS[orientation]
    stream = handled(data)
    wide, high = (side // 8 for side in stream.mcu)
    across, down = (stream.height, stream.width) if diagonal else (stream.width, stream.height)
    if diagonal:
        wide, high = high, wide
    if (sideways and across % (8 * wide)) or (over and down % (8 * high)):
        return None
    with opened(data) as jpeg:
        for name in NAMES[: len(stream.components)]:
            setattr(jpeg, name, _turned(getattr(jpeg, name), diagonal, sideways, over))
        if diagonal:
            _swap_sides(jpeg)
        return written(jpeg, stream)


def _turned(blocks: NDArray[np.int16], diagonal: bool, sideways: bool, over: bool) -> NDArray[np.int16]:
    """Blocks [rows, columns, 8, 8]: within a block the first axis is the vertical frequency."""
    if diagonal:
        blocks = blocks.transpose(1, 0, 3, 2)
    if sideways:
        blocks = blocks[:, ::-1] * _SIGNS
    if over:
        blocks = blocks[::-1] * _SIGNS[:, None]
    return np.ascontiguousarray(blocks)


def _swap_sides(jpeg: Any) -> None:
    """Width and height, sampling factors and quantisation tables change places as the blocks do."""
    jpeg.height, jpeg.width = jpeg.width, jpeg.height
    jpeg.block_dims = np.asarray(jpeg.block_dims)[:, ::-1].copy()
    jpeg.samp_factor = np.asarray(jpeg.samp_factor)[:, ::-1].copy()
    jpeg.qt = np.ascontiguousarray(jpeg.qt.transpose(0, 2, 1))
