"""The map of a finished picture: which of its pixels were made, and which are the source's to the bit."""

from enum import IntEnum
from io import BytesIO
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from service.pixels.replacing import Replaced
from service.pixels.writing import Written


class Part(IntEnum):
    """What a pixel of the map says about the same pixel of the written file."""

    UNTOUCHED = 0  # decodes as in the source
    SYNTHETIC = 1  # was made, or shares a JPEG block with what was made
    PRESERVED = 2  # was asked to stay and did, to the bit
    COVERED = 3  # hidden under grey


_PALETTE: Final = (0, 0, 0, 214, 51, 132, 25, 135, 84, 108, 117, 125)
_FASTEST: Final = 1


def draw_map(replaced: Replaced, written: Written) -> bytes:
    """A palette PNG of the picture's size with one `Part` for each pixel; it holds nothing else of the picture."""
    parts = np.zeros(replaced.image.shape[:2], dtype=np.uint8)
    if written.kept is not None:
        parts[~written.kept] = Part.SYNTHETIC
    for left, top, right, bottom in replaced.covered:
        parts[int(top) : int(bottom), int(left) : int(right)] = Part.COVERED
    if written.exact is not None:
        parts[written.exact] = Part.PRESERVED
    image = PillowImage.frombuffer("P", (parts.shape[1], parts.shape[0]), parts, "raw", "P", 0, 1)
    image.putpalette(_PALETTE)
    stream = BytesIO()
    image.save(stream, "PNG", compress_level=_FASTEST)
    return stream.getvalue()


def read_map(data: bytes) -> NDArray[np.uint8]:
    """The parts, uint8 [H, W]."""
    with PillowImage.open(BytesIO(data), formats=["PNG"]) as image:
        return cast(NDArray[np.uint8], np.array(image))
