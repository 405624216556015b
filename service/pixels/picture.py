"""From a data set to pictures in memory, with every size checked before anything is unpacked.

for frame in range(count_frames(ds, limits)):
    picture = decode(ds, limits, frame)
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from pydicom import Dataset, FileDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    UID,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    RLELossless,
)

from service.errors import Quarantined
from service.jpeg import JpegError, Stream, describe, profile_of, strip, with_colour
from service.pixels.codestreams import JPEG_2000, JPEG_LS, describe_frame
from service.pixels.colours import GREY, INTERPRETATIONS, PALETTE, shown
from service.pixels.colours import Image as Image
from service.pixels.frames import split_frames
from service.pixels.profiles import UNKNOWN, Colours, settle, stated
from service.settings import Limits
from service.states import Cause

BLOCKS: Final = frozenset({JPEGBaseline8Bit, JPEGExtended12Bit})  # JPEG with DCT coefficients
_PREDICTED: Final = frozenset({JPEGLossless, JPEGLosslessSV1})
_PLUGIN: Final = {RLELossless: "pylibjpeg"} | dict.fromkeys(JPEG_2000, "pylibjpeg") | dict.fromkeys(JPEG_LS, "pyjpegls")
_JPEG_METHOD: Final = "ISO_10918_1"
_COLOURS_DIFFER: Final = "header and picture differ in colour"


@dataclass(frozen=True, eq=False)
class Picture:
    """One decoded frame of a photograph.

    `rgb`: uint8 [H, W, 3] as a viewer shows it (grey pictures have three equal channels); `jpeg`: the source's
    stripped JPEG stream, whose markers agree with `rgb` about colour, None for any other syntax; `encoded_size`:
    bytes of the frame as it came; `inverted`: whether the source stores black as its highest value; `method`: how the
    source's own syntax lost something, None where it lost nothing; `colours`: what the values of `rgb` mean.
    """

    rgb: Image
    grey: bool
    syntax: UID
    encoded_size: int
    jpeg: bytes | None = None
    inverted: bool = False
    method: str | None = None
    colours: Colours = UNKNOWN

    @property
    def browsable(self) -> bytes | None:
        """The stream, where anything that shows JPEG shows it as `rgb`."""
        return self.jpeg if self.syntax in BLOCKS and not self.inverted else None


def count_frames(ds: Dataset, limits: Limits) -> int:
    """How many frames the header promises; raises Quarantined where that is none, or more than can be worked on."""
    try:
        value = ds.get("NumberOfFrames", None)
        count = 1 if value in (None, "") else int(value)
        pixels = int(ds.Rows) * int(ds.Columns)
    except Exception as error:
        raise Quarantined(Cause.UNDECODABLE_PIXELS) from error
    if count < 1:
        raise Quarantined(Cause.UNDECODABLE_PIXELS, "no frames")
    if count > 1 and (count > limits.max_frames or count * pixels > limits.max_total_megapixels * 1_000_000):
        raise Quarantined(Cause.TOO_MANY_PIXELS, f"{count} frames")
    return count


def decode(ds: FileDataset, limits: Limits, frame: int = 0) -> Picture:
    """Decode one frame of a photograph (PS3.3 C.7.6.3, PS3.5 8).

    Raises Quarantined: TOO_MANY_PIXELS by the header's or the stream's size, before either is trusted;
    UNSUPPORTED for more than 8 bits and kinds of colour without a rule; UNDECODABLE_PIXELS for whatever does not fit.
    """
    count = count_frames(ds, limits)
    try:
        picture, embedded = _decode(ds, limits, frame, count)
        return _with_colours(picture, stated(ds) or embedded)
    except Quarantined:
        raise
    except Exception as error:  # decoders raise anything on hostile input
        raise Quarantined(Cause.UNDECODABLE_PIXELS) from error


def single_frame(ds: Dataset, frame: int = 0) -> bytes:
    """One encapsulated frame, its fragments joined (PS3.5 A.4)."""
    return split_frames(ds, int(ds.get("NumberOfFrames", None) or 1))[frame]


def _with_colours(picture: Picture, profile: bytes | None) -> Picture:
    """With what the profile says; a picture that had to be converted is not what its stream holds any more."""
    rgb, colours = settle(picture.rgb, picture.grey, profile)
    return replace(picture, rgb=rgb, jpeg=None if colours.is_converted else picture.jpeg, colours=colours)


def _decode(ds: FileDataset, limits: Limits, frame: int, count: int) -> tuple[Picture, bytes | None]:
    """The frame, and the colour profile that its stream brought along."""
    syntax = ds.file_meta.TransferSyntaxUID
    shape = _checked_header(ds, limits)
    if not syntax.is_encapsulated:
        return _decode_native(ds, shape, syntax, frame, count), None
    data = split_frames(ds, count)[frame]
    if syntax in BLOCKS:
        return _decode_blocks(ds, data, shape, syntax, limits), profile_of(data)
    if syntax in _PREDICTED:
        return _decode_predicted(ds, data, shape, syntax, limits), profile_of(data)
    return _decode_frame(ds, data, shape, syntax, limits), None


def _checked_header(ds: Dataset, limits: Limits) -> tuple[int, int, int]:
    height, width = int(ds.Rows), int(ds.Columns)
    samples = int(ds.get("SamplesPerPixel", 1))
    _check_size(width, height, limits)
    depth = (ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.get("PixelRepresentation", 0))
    if depth != (8, 8, 7, 0):
        raise Quarantined(Cause.UNSUPPORTED, "not 8 bits per sample")
    if str(ds.PhotometricInterpretation) not in INTERPRETATIONS.get(samples, ()):
        raise Quarantined(Cause.UNSUPPORTED, "photometric interpretation")
    return height, width, samples


def _check_size(width: int, height: int, limits: Limits) -> None:
    if width < 1 or height < 1:
        raise Quarantined(Cause.UNDECODABLE_PIXELS, "no size")
    if width * height > limits.max_megapixels * 1_000_000:
        raise Quarantined(Cause.TOO_MANY_PIXELS)


def _decode_native(ds: FileDataset, shape: tuple[int, int, int], syntax: UID, frame: int, count: int) -> Picture:
    height, width, samples = shape
    interpretation = str(ds.PhotometricInterpretation)
    if interpretation in ("YBR_RCT", "YBR_ICT"):
        raise Quarantined(Cause.UNDECODABLE_PIXELS, _COLOURS_DIFFER)
    size = height * width * (2 if interpretation == "YBR_FULL_422" else samples)
    if not 0 <= len(ds.PixelData) - count * size <= 1:  # a byte of padding
        raise Quarantined(Cause.UNDECODABLE_PIXELS, "header and picture differ in size")
    pixels = pixel_array(ds, raw=True, index=frame, decoding_plugin="")
    return _picture(ds, pixels, shape, syntax, size)


def _decode_frame(ds: FileDataset, data: bytes, shape: tuple[int, int, int], syntax: UID, limits: Limits) -> Picture:
    """A frame of a syntax that pydicom has a decoder for; the codestream must be what the header says."""
    found = describe_frame(data, syntax, shape)
    _check_size(found.shape[1], found.shape[0], limits)
    if found.shape != shape or found.depth != 8:
        raise Quarantined(Cause.UNDECODABLE_PIXELS, "header and picture differ in size")
    interpretation = str(ds.PhotometricInterpretation)
    if syntax in JPEG_2000:
        interpretation = _after_transform(interpretation, transformed=found.transformed)
    elif interpretation in ("YBR_RCT", "YBR_ICT"):
        raise Quarantined(Cause.UNDECODABLE_PIXELS, _COLOURS_DIFFER)
    pixels = pixel_array(_alone(ds, data, interpretation), raw=True, decoding_plugin=_PLUGIN[syntax])
    return _picture(ds, pixels, shape, syntax, len(data), interpretation, found.method)


def _after_transform(interpretation: str, *, transformed: bool) -> str:
    """What the samples are once the codec undid its own transform; a header that denies it would change colours."""
    if transformed and interpretation in ("RGB", "YBR_RCT", "YBR_ICT"):
        return "RGB"
    if transformed or interpretation in ("YBR_RCT", "YBR_ICT"):
        raise Quarantined(Cause.UNDECODABLE_PIXELS, _COLOURS_DIFFER)
    return interpretation


def _alone(ds: FileDataset, data: bytes, interpretation: str) -> FileDataset:
    """A data set with nothing but one frame, for a decoder that shall not look at anything else."""
    alone = FileDataset("", {}, file_meta=ds.file_meta, is_implicit_VR=False, is_little_endian=True)
    for keyword in ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit"):
        setattr(alone, keyword, ds[keyword].value)
    alone.SamplesPerPixel, alone.PixelRepresentation = ds.get("SamplesPerPixel", 1), 0
    alone.PhotometricInterpretation = "MONOCHROME2" if alone.SamplesPerPixel == 1 else interpretation
    if alone.SamplesPerPixel > 1:
        alone.PlanarConfiguration = ds.get("PlanarConfiguration", 0) or 0
    alone.PixelData = encapsulate([data])
    return alone


def _decode_blocks(ds: Dataset, data: bytes, shape: tuple[int, int, int], syntax: UID, limits: Limits) -> Picture:
    jpeg, stream = _stripped(data, shape, limits)
    interpretation = str(ds.PhotometricInterpretation)
    if stream.lossless or interpretation == PALETTE:
        raise Quarantined(Cause.UNDECODABLE_PIXELS, "a JPEG of another kind than the header says")
    grey = shape[2] == 1
    if not grey and stream.says_ycc is None:
        # Without a marker a decoder takes YCbCr for granted, but the header may say RGB: write down what it says.
        jpeg = with_colour(jpeg, ycc=interpretation != "RGB")
    pixels = simplejpeg.decode_jpeg(jpeg, "gray" if grey else "rgb", strict=True)
    plain = shown(pixels, interpretation if grey else "RGB", ds)
    return Picture(plain, grey, syntax, len(jpeg), jpeg, interpretation == "MONOCHROME1", _JPEG_METHOD)


def _decode_predicted(ds: Dataset, data: bytes, shape: tuple[int, int, int], syntax: UID, limits: Limits) -> Picture:
    """A JPEG that predicts samples in place of transforming them: what is stored is what the header says it is."""
    jpeg, stream = _stripped(data, shape, limits)
    interpretation = str(ds.PhotometricInterpretation)
    if not stream.lossless or interpretation in ("YBR_FULL_422", "YBR_RCT", "YBR_ICT"):
        raise Quarantined(Cause.UNDECODABLE_PIXELS, "a JPEG of another kind than the header says")
    jpeg = jpeg if shape[2] == 1 else with_colour(jpeg, ycc=False)
    pixels = simplejpeg.decode_jpeg(jpeg, "gray" if shape[2] == 1 else "rgb", strict=True)
    return _picture(ds, pixels, shape, syntax, len(jpeg), jpeg=jpeg if interpretation in ("RGB", *GREY) else None)


def _stripped(data: bytes, shape: tuple[int, int, int], limits: Limits) -> tuple[bytes, Stream]:
    try:
        jpeg = strip(data)
    except JpegError as error:
        raise Quarantined(Cause.UNDECODABLE_PIXELS, str(error)) from error
    stream = describe(jpeg)
    _check_size(stream.width, stream.height, limits)
    if stream.precision != 8:
        raise Quarantined(Cause.UNSUPPORTED, "not 8 bits per sample")
    if (stream.height, stream.width, len(stream.components)) != shape:
        raise Quarantined(Cause.UNDECODABLE_PIXELS, "header and picture differ in size")
    return jpeg, stream


def _picture(
    ds: Dataset,
    pixels: NDArray[Any],
    shape: tuple[int, int, int],
    syntax: UID,
    size: int,
    interpretation: str | None = None,
    method: str | None = None,
    jpeg: bytes | None = None,
) -> Picture:
    if pixels.dtype != np.uint8 or pixels.shape[:2] != shape[:2] or pixels.size != shape[0] * shape[1] * shape[2]:
        raise Quarantined(Cause.UNDECODABLE_PIXELS, "size or depth")
    interpretation = interpretation or str(ds.PhotometricInterpretation)
    plain = shown(pixels, interpretation, ds)
    return Picture(plain, interpretation in GREY, syntax, size, jpeg, interpretation == "MONOCHROME1", method)
