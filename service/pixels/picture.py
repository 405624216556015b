"""From a data set to a picture in memory, with every size checked before anything is unpacked."""

from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from pydicom import Dataset, FileDataset
from pydicom.encaps import generate_frames
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    RLELossless,
)

from service.errors import Quarantined
from service.jpeg import JpegError, describe, strip, with_colour
from service.settings import Limits
from service.states import Cause

Image = NDArray[np.uint8]

_JPEG: Final = frozenset({JPEGBaseline8Bit, JPEGExtended12Bit})
_JPEG_2000: Final = frozenset({JPEG2000Lossless, JPEG2000, HTJ2KLossless, HTJ2KLosslessRPCL})
_PLUGIN: Final = {RLELossless: "pylibjpeg"} | dict.fromkeys(_JPEG_2000, "pylibjpeg")
_PHOTOMETRIC: Final = {
    1: frozenset({"MONOCHROME2"}),
    3: frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"}),
}


@dataclass(frozen=True, eq=False)
class Picture:
    """One decoded photograph.

    `rgb`: uint8 [H, W, 3] as a viewer shows it (grey pictures have three equal channels); `jpeg`: the source's
    stripped JPEG stream, whose markers agree with `rgb` about colour, None for any other syntax; `encoded_size`:
    bytes of the frame as it came.
    """

    rgb: Image
    grey: bool
    syntax: UID
    encoded_size: int
    jpeg: bytes | None = None


def decode(ds: FileDataset, limits: Limits) -> Picture:
    """Decode the single frame of a photograph (PS3.3 C.7.6.3, PS3.5 8).

    Raises Quarantined: TOO_MANY_PIXELS by the header's or the stream's size, before either is trusted;
    UNSUPPORTED for several frames, palettes, more than 8 bits; UNDECODABLE_PIXELS for whatever does not fit.
    """
    try:
        return _decode(ds, limits)
    except Quarantined:
        raise
    except Exception as error:  # decoders raise anything on hostile input
        raise Quarantined(Cause.UNDECODABLE_PIXELS) from error


def single_frame(ds: Dataset) -> bytes:
    """The one encapsulated frame, its fragments joined (PS3.5 A.4)."""
    return next(generate_frames(ds.PixelData, number_of_frames=1))


def _decode(ds: FileDataset, limits: Limits) -> Picture:
    syntax = ds.file_meta.TransferSyntaxUID
    height, width, samples = _checked_header(ds, limits)
    if syntax in _JPEG:
        return _decode_jpeg(ds, (height, width, samples), syntax, limits)
    size = len(ds.PixelData)
    if syntax.is_encapsulated:
        frame = single_frame(ds)
        size = len(frame)
        _check_codestream(frame, syntax, (height, width, samples), limits)
    pixels: NDArray[Any] = pixel_array(ds, decoding_plugin=_PLUGIN.get(syntax, ""))
    if pixels.dtype != np.uint8 or pixels.shape[:2] != (height, width):
        raise Quarantined(Cause.UNDECODABLE_PIXELS, "size or depth")
    return Picture(_three_channels(pixels), samples == 1, syntax, size)


def _checked_header(ds: Dataset, limits: Limits) -> tuple[int, int, int]:
    height, width = int(ds.Rows), int(ds.Columns)
    samples = int(ds.get("SamplesPerPixel", 1))
    _check_size(width, height, limits)
    if int(ds.get("NumberOfFrames", None) or 1) != 1:
        raise Quarantined(Cause.UNSUPPORTED, "several frames")
    depth = (ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.get("PixelRepresentation", 0))
    if depth != (8, 8, 7, 0):
        raise Quarantined(Cause.UNSUPPORTED, "not 8 bits per sample")
    if str(ds.PhotometricInterpretation) not in _PHOTOMETRIC.get(samples, ()):
        raise Quarantined(Cause.UNSUPPORTED, "photometric interpretation")
    return height, width, samples


def _check_size(width: int, height: int, limits: Limits) -> None:
    if width < 1 or height < 1:
        raise Quarantined(Cause.UNDECODABLE_PIXELS, "no size")
    if width * height > limits.max_megapixels * 1_000_000:
        raise Quarantined(Cause.TOO_MANY_PIXELS)


def _decode_jpeg(ds: Dataset, shape: tuple[int, int, int], syntax: UID, limits: Limits) -> Picture:
    try:
        jpeg = strip(single_frame(ds))
    except JpegError as error:
        raise Quarantined(Cause.UNDECODABLE_PIXELS, str(error)) from error
    stream = describe(jpeg)
    _check_size(stream.width, stream.height, limits)
    if stream.precision != 8:
        raise Quarantined(Cause.UNSUPPORTED, "not 8 bits per sample")
    if (stream.height, stream.width, len(stream.components)) != shape:
        raise Quarantined(Cause.UNDECODABLE_PIXELS, "header and picture differ in size")
    grey = shape[2] == 1
    if not grey and stream.says_ycc is None:
        # Without a marker a decoder takes YCbCr for granted, but the header may say RGB: write down what it says.
        jpeg = with_colour(jpeg, ycc=str(ds.PhotometricInterpretation) != "RGB")
    pixels = simplejpeg.decode_jpeg(jpeg, "gray" if grey else "rgb", strict=True)
    return Picture(_three_channels(pixels), grey, syntax, len(jpeg), jpeg)


def _check_codestream(frame: bytes, syntax: UID, shape: tuple[int, int, int], limits: Limits) -> None:
    """Compare the size that a compressed frame states with the header's, so that it cannot unpack to more."""
    if syntax in _JPEG_2000:
        found, depth = _jpeg_2000_size(frame)
    else:
        if len(frame) > 2 * shape[0] * shape[1] * shape[2] + 1024:
            raise Quarantined(Cause.UNDECODABLE_PIXELS, "more run lengths than pixels")
        return
    _check_size(found[1], found[0], limits)
    if found != shape or depth != 8:
        raise Quarantined(Cause.UNDECODABLE_PIXELS, "header and picture differ in size")


def _jpeg_2000_size(frame: bytes) -> tuple[tuple[int, int, int], int]:
    """(rows, columns, components) and depth from the SIZ segment (ISO/IEC 15444-1 A.5.1)."""
    if frame[:4] != b"\xff\x4f\xff\x51":
        raise Quarantined(Cause.UNDECODABLE_PIXELS, "no JPEG 2000 codestream")
    right, bottom, left, top = (int.from_bytes(frame[at : at + 4], "big") for at in range(8, 24, 4))
    components = int.from_bytes(frame[40:42], "big")
    depths = {frame[42 + 3 * index] + 1 for index in range(components)}
    return (bottom - top, right - left, components), depths.pop() if len(depths) == 1 else 0


def _three_channels(pixels: NDArray[Any]) -> Image:
    grey = pixels.reshape(pixels.shape[0], pixels.shape[1], -1)
    return cast(Image, np.ascontiguousarray(np.broadcast_to(grey, (*grey.shape[:2], 3))))
