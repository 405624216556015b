"""Pictures back into a data set (PS3.5 8, A.4; PS3.3 C.7.6.1.1.5, C.7.6.3, C.7.6.6)."""

from collections.abc import Sequence as Many
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders.base import get_encoder
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import (
    JPEG2000,
    UID,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from service.codes import Code
from service.errors import Quarantined
from service.jpeg import Spliced, Stream, describe, sequential, splice
from service.pixels.picture import BLOCKS, Image, Picture
from service.pixels.profiles import state
from service.pixels.replacing import Mask, Replaced
from service.settings import Syntax
from service.states import Cause
from service.storage_classes import MULTI_FRAME, OPHTHALMIC_PHOTOGRAPHY_8_BIT, SECONDARY_CAPTURES

WRITABLE: Final[dict[Syntax, UID]] = {
    "explicit-little-endian": ExplicitVRLittleEndian,
    "jpeg-2000-lossless": JPEG2000Lossless,
    "jpeg-ls-lossless": JPEGLSLossless,
    "rle-lossless": RLELossless,
}
"""What a route may choose for pictures that cannot be written in the syntax they came in; none of them loses anything,
because what is preserved and what was never touched must come out as it was."""

_ENCODERS: Final = {JPEG2000Lossless: "pylibjpeg", RLELossless: "pylibjpeg", JPEGLSLossless: "pyjpegls"}
_WITHOUT_LOSS: Final = {JPEG2000: JPEG2000Lossless, JPEGLSNearLossless: JPEGLSLossless}
_LOSSY_COMPRESSION: Final = Code("113040", "DCM", "Lossy Compression")  # CID 7203
_LUMINANCE: Final = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True, eq=False)
class WrittenFrame:
    """How one frame was written.

    `kept`: bool [H, W], the pixels that every decoder reproduces from the source, None for all of them; `exact`: those
    of the region to preserve (a JPEG's blocks round it inward), None where no region was asked for; `digest`: SHA-256
    of what is preserved, taken from the source: JPEG coefficients, or pixel values in raster order.
    """

    kept: Mask | None = None
    exact: Mask | None = None
    digest: str | None = None


@dataclass(frozen=True, eq=False)
class Written:
    syntax: UID
    frames: tuple[WrittenFrame, ...]

    @property
    def digest(self) -> str | None:
        """Of what is preserved: a single frame's own, of several frames SHA-256 over theirs in their order."""
        digests = [frame.digest for frame in self.frames if frame.digest is not None]
        return digests[0] if len(digests) == 1 else sha256("".join(digests).encode()).hexdigest() if digests else None


def write(
    ds: Dataset, pictures: Many[Picture], replaced: Many[Replaced], otherwise: UID = ExplicitVRLittleEndian
) -> Written:
    """Put the pixels of all frames and everything that describes them into a cleaned data set.

    A JPEG stays a JPEG with its own blocks wherever nothing changed, untouched ones keep their very bytes; any other
    source is written without loss: uncompressed where it came so, in its own syntax where that can be encoded, else in
    `otherwise`, one of WRITABLE.
    """
    first = pictures[0]
    if len({(p.rgb.shape, p.grey, p.inverted, p.jpeg is None, p.colours) for p in pictures}) > 1:
        raise Quarantined(Cause.UNSUPPORTED, "frames of different kinds in one object")
    ds.Rows, ds.Columns = first.rgb.shape[:2]
    ds.SamplesPerPixel = 1 if first.grey else 3
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    if not first.grey:
        ds.PlanarConfiguration = 0
    state(ds, first.colours.space)
    _write_frames(ds, len(pictures))
    streams = [picture.jpeg for picture in pictures if picture.jpeg is not None]
    if streams and first.syntax in BLOCKS:
        return _write_blocks(ds, pictures, streams, replaced)
    if streams and all(result.is_untouched for result in replaced):
        return _write_as_is(ds, first, streams)
    return _write_lossless(ds, pictures, replaced, otherwise)


def preserved_digest(image: Image, mask: Mask) -> str:
    """SHA-256, hex, of the RGB values inside the mask, in raster order."""
    return sha256(image[mask].tobytes()).hexdigest()


def _write_frames(ds: Dataset, count: int) -> None:
    """How many frames, where the object is of a kind that has some, and that they are pages, not a film."""
    if count > 1 or ds.get("SOPClassUID") in MULTI_FRAME:
        ds.NumberOfFrames = count
    if count > 1 or ds.get("SOPClassUID") == OPHTHALMIC_PHOTOGRAPHY_8_BIT:
        ds.FrameIncrementPointer = Tag("PageNumberVector")
        ds.PageNumberVector = list(range(1, count + 1))


def _write_blocks(ds: Dataset, pictures: Many[Picture], streams: list[bytes], replaced: Many[Replaced]) -> Written:
    made = [_spliced(*each) for each in zip(pictures, streams, replaced, strict=True)]
    described = [describe(data) for data, _ in made]
    labels = {_photometric(ds, pictures[0], stream) for stream in described}
    if len(labels) > 1:
        raise Quarantined(Cause.UNSUPPORTED, "frames of different kinds in one object")
    ds.PhotometricInterpretation = labels.pop()
    _put(ds, [data for data, _ in made])
    sizes = [sum(map(len, streams))]
    if not all(result.is_untouched for result in replaced):
        ds.DerivationCodeSequence = Sequence([_LOSSY_COMPRESSION.item()])
        sizes.append(sum(len(data) for data, _ in made))
    _append_history(ds, pictures, sizes)
    baseline = all(stream.baseline for stream in described)
    return Written(JPEGBaseline8Bit if baseline else JPEGExtended12Bit, tuple(frame for _, frame in made))


def _spliced(picture: Picture, source: bytes, replaced: Replaced) -> tuple[bytes, WrittenFrame]:
    if replaced.is_untouched:
        return (sequential(source) if describe(source).progressive else source), WrittenFrame()
    image = ~replaced.image if picture.inverted else replaced.image
    done: Spliced = splice(source, image, replaced.changed, replaced.preserved)
    exact = None if replaced.preserved is None else done.exact & replaced.preserved
    return done.data, WrittenFrame(done.exact, exact, done.digest)


def _write_as_is(ds: Dataset, first: Picture, streams: list[bytes]) -> Written:
    """Streams of a syntax without an encoder, when no pixel changed."""
    ds.PhotometricInterpretation = _grey_or(first, "RGB")
    _put(ds, streams)
    _say_what_is_known(ds)
    return Written(first.syntax, tuple(WrittenFrame() for _ in streams))


def _write_lossless(ds: Dataset, pictures: Many[Picture], replaced: Many[Replaced], otherwise: UID) -> Written:
    first = pictures[0]
    syntax = _syntax_for(first.syntax, otherwise)
    encoded = _encoded(syntax)
    ds.PhotometricInterpretation = _grey_or(first, "YBR_RCT" if encoded == JPEG2000Lossless else "RGB")
    frames = [_samples(*each) for each in zip(pictures, replaced, strict=True)]
    if encoded == ExplicitVRLittleEndian:
        data = b"".join(frame.tobytes() for frame in frames)
        ds.add_new("PixelData", "OB", data + b"\0" * (len(data) % 2))
    else:
        _put(ds, [encode(frame, ds, encoded) for frame in frames])
    if first.method is not None:
        _append_history(ds, pictures, [sum(picture.encoded_size for picture in pictures)])
    else:
        _say_what_is_known(ds)
    kept = tuple(_kept(*each) for each in zip(pictures, replaced, strict=True))
    return Written(encoded if encoded == JPEGLSLossless else syntax, kept)


def _syntax_for(source: UID, otherwise: UID) -> UID:
    """Big endian, implicit and deflated sources are uncompressed pictures, and stay that."""
    if not source.is_encapsulated:
        return ExplicitVRLittleEndian
    return source if _encoded(source) in _ENCODERS else otherwise


def _encoded(syntax: UID) -> UID:
    """The syntax to encode in so that nothing is lost; JPEG 2000 (.91) may hold a codestream without loss."""
    return _WITHOUT_LOSS.get(syntax, syntax)


def _samples(picture: Picture, replaced: Replaced) -> NDArray[np.uint8]:
    if not picture.grey:
        return replaced.image
    grey: NDArray[np.uint8] = np.rint(replaced.image @ _LUMINANCE).astype(np.uint8)
    return ~grey if picture.inverted else grey


def _kept(picture: Picture, replaced: Replaced) -> WrittenFrame:
    kept = None if replaced.is_untouched else ~replaced.changed
    if replaced.preserved is None:
        return WrittenFrame(kept)
    return WrittenFrame(kept, replaced.preserved, preserved_digest(picture.rgb, replaced.preserved))


def encode(image: NDArray[np.uint8], ds: Dataset, syntax: UID) -> bytes:
    """One frame without loss, as the header of `ds` describes it."""
    return get_encoder(syntax).encode(
        image,
        encoding_plugin=_ENCODERS[syntax],
        rows=ds.Rows,
        columns=ds.Columns,
        samples_per_pixel=ds.SamplesPerPixel,
        bits_allocated=8,
        bits_stored=8,
        pixel_representation=0,
        number_of_frames=1,
        photometric_interpretation=ds.PhotometricInterpretation,
        planar_configuration=0,
    )


def _put(ds: Dataset, frames: list[bytes]) -> None:
    ds.add_new("PixelData", "OB", encapsulate(frames))
    ds["PixelData"].is_undefined_length = True


def _photometric(ds: Dataset, picture: Picture, stream: Stream) -> str:
    """The label that fits what the stream holds; 4:2:0 goes by the name of 4:2:2, as cameras have it (PS3.5 8.2.1).

    Among photographs so does 4:4:4, because YBR_FULL is none of the values that they may have (PS3.3 C.8.12.1.1.1).
    """
    if picture.grey:
        return _grey_or(picture, "")
    if stream.says_ycc is False:
        return "RGB"
    is_plain = stream.subsampling[0] == 1 and ds.get("SOPClassUID") in SECONDARY_CAPTURES
    return "YBR_FULL" if is_plain else "YBR_FULL_422"


def _grey_or(picture: Picture, colour: str) -> str:
    if not picture.grey:
        return colour
    return "MONOCHROME1" if picture.inverted else "MONOCHROME2"


def _say_what_is_known(ds: Dataset) -> None:
    """Type 2 where nobody said what came before (PS3.3 C.8.12.1)."""
    if "LossyImageCompression" not in ds:
        ds.LossyImageCompression = ""


def _append_history(ds: Dataset, pictures: Many[Picture], sizes: list[int]) -> None:
    """One ratio and one method for each lossy compression that the pixels went through, the source's first.

    `sizes` are the bytes of the source's streams and, where there are any, of ours; what the source states about its
    own stream is kept where ratios and methods fit together.
    """
    height, width = pictures[0].rgb.shape[:2]
    raw = len(pictures) * height * width * (1 if pictures[0].grey else 3)
    ratios = _list(ds, "LossyImageCompressionRatio")
    methods = _list(ds, "LossyImageCompressionMethod")
    if ratios and len(ratios) == len(methods):
        sizes = sizes[1:]
    else:
        ratios, methods = [], []
    ds.LossyImageCompression = "01"
    ds.LossyImageCompressionRatio = [*ratios, *(f"{raw / size:.2f}" for size in sizes)]
    ds.LossyImageCompressionMethod = [*methods, *(pictures[0].method or "" for _ in sizes)]


def _list(ds: Dataset, keyword: str) -> list[str]:
    value = ds.get(keyword)
    if value is None:
        return []
    return [str(part) for part in value] if not isinstance(value, (str, float)) else [str(value)]
