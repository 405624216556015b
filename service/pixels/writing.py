"""A picture back into a data set (PS3.5 8, A.4; PS3.3 C.7.6.1.1.5, C.7.6.3)."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders.base import get_encoder
from pydicom.sequence import Sequence
from pydicom.uid import (
    JPEG2000,
    UID,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    RLELossless,
)

from service.codes import Code
from service.jpeg import describe, sequential, splice
from service.pixels.picture import Image, Picture
from service.pixels.replacing import Mask, Replaced

_ENCODERS: Final = {JPEG2000Lossless: "pylibjpeg", RLELossless: "pylibjpeg"}
_LOSSY_COMPRESSION: Final = Code("113040", "DCM", "Lossy Compression")  # CID 7203
_JPEG_METHOD: Final = "ISO_10918_1"
_LOSSY: Final = {JPEG2000: "ISO_15444_1"}
_LUMINANCE: Final = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True, eq=False)
class Written:
    """How the pixels were written.

    `kept`: bool [H, W], the pixels that every decoder reproduces from the source, None for all of them; `exact`: those
    of the region to preserve (a JPEG's blocks round it inward), None where no region was asked for; `digest`: SHA-256
    of what is preserved, taken from the source: JPEG coefficients, or pixel values in raster order.
    """

    syntax: UID
    kept: Mask | None = None
    exact: Mask | None = None
    digest: str | None = None


def write(ds: Dataset, picture: Picture, replaced: Replaced) -> Written:
    """Put pixels and everything that describes them into a cleaned data set.

    A JPEG stays a JPEG with its own blocks wherever nothing changed, an untouched one keeps its very bytes; any
    other source is written without loss, in its own syntax where that can be encoded, else Explicit VR Little Endian.
    """
    ds.Rows, ds.Columns = picture.rgb.shape[:2]
    ds.SamplesPerPixel = 1 if picture.grey else 3
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    if not picture.grey:
        ds.PlanarConfiguration = 0
    if picture.jpeg is not None:
        return _write_jpeg(ds, picture, picture.jpeg, replaced)
    return _write_lossless(ds, picture, replaced)


def preserved_digest(image: Image, mask: Mask) -> str:
    """SHA-256, hex, of the RGB values inside the mask, in raster order."""
    return sha256(image[mask].tobytes()).hexdigest()


def _write_jpeg(ds: Dataset, picture: Picture, source: bytes, replaced: Replaced) -> Written:
    data, kept, exact, proof = source, None, None, None
    if not replaced.is_untouched:
        spliced = splice(source, replaced.image, replaced.changed, replaced.preserved)
        data, kept, proof = spliced.data, spliced.exact, spliced.digest
        if replaced.preserved is not None:
            exact = spliced.exact & replaced.preserved
    elif describe(source).progressive:
        data = sequential(source)
    stream = describe(data)
    ds.PhotometricInterpretation = _photometric(picture, ycc=stream.says_ycc is not False, across=stream.subsampling[0])
    ds.add_new("PixelData", "OB", encapsulate([data]))
    ds["PixelData"].is_undefined_length = True
    if not replaced.is_untouched:
        ds.DerivationCodeSequence = Sequence([_LOSSY_COMPRESSION.item()])
    _append_history(ds, picture, _JPEG_METHOD, [len(source)] if replaced.is_untouched else [len(source), len(data)])
    return Written(JPEGBaseline8Bit if stream.baseline else JPEGExtended12Bit, kept, exact, proof)


def _write_lossless(ds: Dataset, picture: Picture, replaced: Replaced) -> Written:
    image: NDArray[np.uint8] = _grey(replaced.image) if picture.grey else replaced.image
    syntax = picture.syntax if picture.syntax in _ENCODERS else ExplicitVRLittleEndian
    ds.PhotometricInterpretation = "MONOCHROME2" if picture.grey else "RGB"
    if syntax == JPEG2000Lossless and not picture.grey:
        ds.PhotometricInterpretation = "YBR_RCT"
    if syntax == ExplicitVRLittleEndian:
        data = image.tobytes()
        ds.add_new("PixelData", "OB", data + b"\0" * (len(data) % 2))
    else:
        ds.add_new("PixelData", "OB", encapsulate([_encode(image, ds, syntax)]))
        ds["PixelData"].is_undefined_length = True
    if picture.syntax in _LOSSY:
        _append_history(ds, picture, _LOSSY[picture.syntax], [picture.encoded_size])
    elif "LossyImageCompression" not in ds:
        ds.LossyImageCompression = ""  # Type 2 (PS3.3 C.8.12.1); nobody said what came before
    kept = None if replaced.is_untouched else ~replaced.changed
    if replaced.preserved is None:
        return Written(syntax, kept)
    return Written(syntax, kept, replaced.preserved, preserved_digest(picture.rgb, replaced.preserved))


def _encode(image: NDArray[np.uint8], ds: Dataset, syntax: UID) -> bytes:
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


def _photometric(picture: Picture, *, ycc: bool, across: int) -> str:
    """The label that fits what the stream holds; 4:2:0 goes by the name of 4:2:2, as cameras have it (PS3.5 8.2.1)."""
    if picture.grey:
        return "MONOCHROME2"
    if not ycc:
        return "RGB"
    return "YBR_FULL_422" if across > 1 else "YBR_FULL"


def _append_history(ds: Dataset, picture: Picture, method: str, sizes: list[int]) -> None:
    """One ratio and one method for each lossy compression that the pixels went through, the source's first.

    `sizes` are the bytes of the source's stream and, where there is one, of ours; what the source states about its
    own stream is kept where ratios and methods fit together.
    """
    raw = picture.rgb.shape[0] * picture.rgb.shape[1] * (1 if picture.grey else 3)
    ratios = _list(ds, "LossyImageCompressionRatio")
    methods = _list(ds, "LossyImageCompressionMethod")
    if ratios and len(ratios) == len(methods):
        sizes = sizes[1:]
    else:
        ratios, methods = [], []
    ds.LossyImageCompression = "01"
    ds.LossyImageCompressionRatio = [*ratios, *(f"{raw / size:.2f}" for size in sizes)]
    ds.LossyImageCompressionMethod = [*methods, *(method for _ in sizes)]


def _list(ds: Dataset, keyword: str) -> list[str]:
    value = ds.get(keyword)
    if value is None:
        return []
    return [str(part) for part in value] if not isinstance(value, (str, float)) else [str(value)]


def _grey(image: Image) -> NDArray[np.uint8]:
    grey: NDArray[np.uint8] = np.rint(image @ _LUMINANCE).astype(np.uint8)
    return grey
