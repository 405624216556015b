"""A file from a camera or a phone: recognised by its bytes, checked before it is decoded, upright and bare behind.

A JPEG that is upright keeps its entropy-coded data byte for byte; one that is not is turned by its coefficients
where its sides allow it, else its pixels are stored without a second loss. Position, camera, comments, previews and
whatever hangs on to the file stay here. Of a colour profile only the numbers come along (`service.icc`); a picture
whose profile cannot be written anew has its colours converted, and is stored without a second loss too.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import Final

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from service.errors import VeraGateError
from service.icc import ADOBE_RGB, SRGB, Space, Unfit, is_readable, read_space, to_srgb, written
from service.jpeg import JpegError, describe, profile_of, sequential, strip, upright, with_colour
from service.jpeg.segments import SOS, segments
from service.pixels import settle
from service.settings import Limits

LARGEST_FILE: Final = 100 << 20
SMALLEST_SIDE: Final = 64
_MOST_SCANS: Final = 64  # a progressive picture has about ten; each costs as much as the whole picture
_ORIENTATION: Final = 0x0112
_INTEROPERABILITY: Final = 0xA005
_DEPTH: Final = 24  # where a PNG has its bits per sample (ISO/IEC 15948 11.2.2)
_LOOK_SIDE: Final = 1024

_HEIC: Final = "This is a HEIC picture, as iPhones take them. Set the camera to Most Compatible, or export it as JPEG."
_KINDS: Final = (
    (0, b"II*\0", "This is a TIFF picture; export it as JPEG or PNG."),
    (0, b"MM\0*", "This is a TIFF or raw picture; export it as JPEG or PNG."),
    (0, b"GIF8", "This is a GIF picture; upload the photograph that it was made from."),
    (0, b"BM", "This is a BMP picture; export it as PNG."),
    (8, b"WEBP", "This is a WebP picture; export it as JPEG."),
    (0, b"%PDF", "This is a PDF document; upload the photographs themselves."),
    (0, b"PK\3\4", "This is an archive; unpack it and upload the photographs themselves."),
    (128, b"DICM", "This is a DICOM object; send it to the gateway over DICOM."),
    (4, b"ftypheic", _HEIC),
    (4, b"ftypheix", _HEIC),
    (4, b"ftypmif1", _HEIC),
    (4, b"ftypmsf1", _HEIC),
    (4, b"ftypavif", "This is an AVIF picture; export it as JPEG."),
    (4, b"ftyp", "This is a video; upload photographs."),
)


class NotTaken(VeraGateError):
    """The file does not become a photograph; the message is a sentence for whoever uploads it."""


@dataclass(frozen=True)
class Arrived:
    """data: a stripped JPEG, or where `is_jpeg` is false a PNG of 8 bits, grey or RGB, without anything else in it;
    lossy_ratio: how strongly a picture that is stored without loss was compressed before, None if it was not;
    space: what its colours are, None where the file does not say.
    """

    data: bytes
    is_jpeg: bool
    lossy_ratio: float | None = None
    space: Space | None = None


def arrive(data: bytes, limits: Limits) -> Arrived:
    """Raises NotTaken with what is wrong, or what it is instead of a picture."""
    if not data:
        raise NotTaken("The file is empty.")
    try:
        if data.startswith(b"\xff\xd8"):
            return _jpeg(data, limits)
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return _png(data, limits)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise NotTaken("The picture says that it is larger than any photograph.") from error
    except (JpegError, UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise NotTaken("The file is damaged or incomplete; copy it from the camera again.") from error
    raise NotTaken(_what_it_is(data))


def preview(arrived: Arrived, side: int = _LOOK_SIDE) -> NDArray[np.uint8]:
    """The picture about `side` pixels wide or high, RGB uint8 [H, W, 3], in sRGB."""
    with Image.open(BytesIO(arrived.data)) as picture:
        if arrived.is_jpeg:
            picture.draft("RGB", (side, side))
        small = _small(picture, side)
    converted = None if arrived.space in (None, SRGB) else to_srgb(small, written(arrived.space))
    return small if converted is None else converted


def _small(picture: Image.Image, side: int) -> NDArray[np.uint8]:
    small = picture.convert("RGB")
    small.thumbnail((side, side), Image.Resampling.BOX)
    return np.asarray(small, np.uint8)


def _jpeg(data: bytes, limits: Limits) -> Arrived:
    with Image.open(BytesIO(data), formats=["JPEG"]) as header:
        exif = header.getexif()
        orientation, is_adobe = _valid(exif.get(_ORIENTATION, 1)), _is_adobe(exif)
    stream = describe(data)
    _check_size(stream.width, stream.height, limits)
    if stream.precision != 8 or len(stream.components) not in (1, 3):
        raise NotTaken("Only JPEG pictures in grey or RGB with 8 bits are taken; export it again as such.")
    if sum(marker == SOS for marker, _, _ in segments(data)) > _MOST_SCANS:
        raise NotTaken("The JPEG is built of more scans than any camera writes.")
    bare = strip(data)
    if len(stream.components) == 3 and stream.says_ycc is None:
        bare = with_colour(bare, ycc=True)  # what every decoder takes for granted, written down
    simplejpeg.decode_jpeg(bare, "gray", strict=True)  # to its end: a picture cut off in the transfer is refused here
    if stream.progressive:
        bare = sequential(bare)
    profile = profile_of(data) or (written(ADOBE_RGB) if is_adobe else None)
    return _upright_jpeg(bare, orientation, profile if len(stream.components) == 3 else None)


def _upright_jpeg(bare: bytes, orientation: int, profile: bytes | None) -> Arrived:
    """The stream as it is or turned, or where its colours or its sides do not allow that, its pixels."""
    try:
        space = read_space(profile) if profile else None
    except Unfit:
        if is_readable(profile or b""):
            return _as_pixels(bare, orientation, profile)
        space = None
    turned = bare if orientation == 1 else upright(bare, orientation)
    return _as_pixels(bare, orientation, profile) if turned is None else Arrived(turned, is_jpeg=True, space=space)


def _as_pixels(bare: bytes, orientation: int, profile: bytes | None) -> Arrived:
    """A picture whose stream cannot stay: decoded, turned, converted, and stored without another loss."""
    with Image.open(BytesIO(bare)) as picture:
        mode = "L" if picture.mode == "L" else "RGB"
        pixels = _transposed(picture.convert(mode), orientation)
    shown, space = _coloured(pixels, profile)
    return Arrived(_as_png(shown), is_jpeg=False, lossy_ratio=round(pixels.size / len(bare), 2), space=space)


def _coloured(pixels: NDArray[np.uint8], profile: bytes | None) -> tuple[NDArray[np.uint8], Space | None]:
    """The pixels and what they are in: as the profile says, or converted where it cannot be written anew."""
    if pixels.ndim == 2:
        return pixels, None
    shown, colours = settle(pixels, grey=False, profile=profile)
    return shown, colours.space


def _png(data: bytes, limits: Limits) -> Arrived:
    with Image.open(BytesIO(data), formats=["PNG"]) as picture:
        _check_size(picture.width, picture.height, limits)
        if getattr(picture, "n_frames", 1) != 1:
            raise NotTaken("The PNG is an animation; upload photographs.")
        if data[_DEPTH] > 8:  # Pillow would cut it to 8 without a word
            raise NotTaken("The PNG has 16 bits per colour; export it with 8.")
        picture.load()
        orientation = _valid(picture.getexif().get(_ORIENTATION, 1))
        profile = picture.info.get("icc_profile")
        shown, space = _coloured(_transposed(_flat(picture), orientation), profile)
        return Arrived(_as_png(shown), is_jpeg=False, space=space)


def _flat(picture: Image.Image) -> Image.Image:
    """Grey or RGB; what is transparent shows white, as on paper."""
    if picture.mode in ("1", "L"):
        return picture.convert("L")
    if picture.mode in ("LA", "PA", "RGBA") or "transparency" in picture.info:
        ground = Image.new("RGBA", picture.size, "white")
        ground.alpha_composite(picture.convert("RGBA"))
        return ground.convert("RGB")
    return picture.convert("RGB")


def _as_png(pixels: NDArray[np.uint8]) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def _transposed(picture: Image.Image, orientation: int) -> NDArray[np.uint8]:
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    picture.info = {"exif": exif.tobytes()}  # a fresh one: the source's is not carried on
    return np.asarray(ImageOps.exif_transpose(picture), np.uint8)


def _is_adobe(exif: Image.Exif) -> bool:
    """Whether a camera says Adobe RGB without a profile, as DCF 2.0 has it: by name of interoperability, R03."""
    try:
        return "R03" in str(exif.get_ifd(_INTEROPERABILITY).get(1, ""))
    except Exception:  # Pillow raises many things for a damaged directory
        return False


def _valid(orientation: object) -> int:
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def _check_size(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.max_megapixels * 1_000_000:
        raise NotTaken(f"The picture has more than {limits.max_megapixels} megapixels.")
    if min(width, height) < SMALLEST_SIDE:
        raise NotTaken(f"The picture is smaller than {SMALLEST_SIDE} pixels; is it a preview?")


def _what_it_is(data: bytes) -> str:
    for at, magic, sentence in _KINDS:
        if data[at : at + len(magic)] == magic:
            return sentence
    return "This is not a JPEG or PNG picture."
