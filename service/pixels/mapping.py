"""The map of a finished picture: which of its pixels were made, and which are the source's to the bit."""

from collections.abc import Sequence
from enum import IntEnum
from io import BytesIO
from typing import IO, Final, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL.PngImagePlugin import PngInfo

from service.pixels.replacing import Replaced
from service.pixels.writing import Written, WrittenFrame


class Part(IntEnum):
    """What a pixel of the map says about the same pixel of the written file."""

    UNTOUCHED = 0  # decodes as in the source
    SYNTHETIC = 1  # was made, or shares a JPEG block with what was made
    PRESERVED = 2  # was asked to stay and did, to the bit
    COVERED = 3  # hidden under grey


_PALETTE: Final = (0, 0, 0, 214, 51, 132, 25, 135, 84, 108, 117, 125)
_FASTEST: Final = 1
_FRAMES: Final = "Frames"


def draw_map(replaced: Sequence[Replaced], written: Written) -> bytes:
    """A palette PNG with one `Part` for each pixel, frames one below the other."""
    parts = np.concatenate([frame_parts(*each) for each in zip(replaced, written.frames, strict=True)])
    image = PillowImage.frombuffer("P", (parts.shape[1], parts.shape[0]), parts, "raw", "P", 0, 1)
    image.putpalette(_PALETTE)
    note = PngInfo()
    if len(replaced) > 1:
        note.add_text(_FRAMES, str(len(replaced)))
    stream = BytesIO()
    image.save(stream, "PNG", compress_level=_FASTEST, pnginfo=note)
    return stream.getvalue()


def frame_parts(replaced: Replaced, written: WrittenFrame) -> NDArray[np.uint8]:
    """The parts of one frame, uint8 [H, W]."""
    parts = np.zeros(replaced.image.shape[:2], dtype=np.uint8)
    if written.kept is not None:
        parts[~written.kept] = Part.SYNTHETIC
    for left, top, right, bottom in replaced.covered:
        parts[int(top) : int(bottom), int(left) : int(right)] = Part.COVERED
    if replaced.hidden is not None:
        parts[replaced.hidden] = Part.COVERED
    if written.exact is not None:
        parts[written.exact] = Part.PRESERVED
    return parts


def map_size(file: IO[bytes]) -> tuple[int, int, int]:
    """(width, height, number of frames), from the head of a map."""
    with PillowImage.open(file, formats=["PNG"]) as image:
        frames = int(image.info.get(_FRAMES, 1))
        return image.width, image.height // frames, frames


def read_map(data: bytes, frame: int = 0) -> NDArray[np.uint8]:
    """The parts of one frame, uint8 [H, W]."""
    return cast(NDArray[np.uint8], read_maps(data)[frame])


def read_maps(data: bytes) -> NDArray[np.uint8]:
    """The parts of all frames, uint8 [frames, H, W]."""
    with PillowImage.open(BytesIO(data), formats=["PNG"]) as image:
        frames = int(image.info.get(_FRAMES, 1))
        return np.array(image).reshape(frames, image.height // frames, image.width)
