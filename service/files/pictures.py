"""Picture files in and out: JPEG, PNG and TIFF of any depth become RGB for the faces, and what they were again.

Every kind of metadata stays behind; of a colour profile the numbers come along (`service.icc`), or where it cannot be
written anew, the colours of 8 bits are converted. EXIF orientation is applied, because a PNG has none.
"""

import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from service.errors import Quarantined
from service.icc import SRGB, Space, Unfit, read_space, to_srgb, written
from service.states import Cause

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff"})

_ORIENTATION = 0x0112
_BEHIND_HEADER = 33  # of a PNG: signature and IHDR
_TURNS: dict[int, tuple[int, bool]] = {
    2: (0, True),
    3: (2, False),
    4: (2, True),
    5: (3, True),
    6: (3, False),
    7: (1, True),
    8: (1, False),
}  # EXIF orientation: quarter turns anticlockwise, then mirrored left to right


@dataclass(frozen=True)
class PictureFile:
    """A picture as it was stored, upright: [H, W], or [H, W, C] with C 2 (grey, alpha), 3 or 4; uint8 or uint16.

    `space`: what its colours are, None where the file does not say.
    """

    values: NDArray[Any]
    space: Space | None = None

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """RGB uint8 [H, W, 3]; 16 bits are scaled down, alpha is left out."""
        colours = self._colours()
        scaled = colours if colours.dtype == np.uint8 else np.rint(colours / 257)
        return np.ascontiguousarray(np.broadcast_to(scaled, (*scaled.shape[:2], 3)), np.uint8)

    @property
    def is_grey(self) -> bool:
        return self._colours().shape[2] == 1

    def same_inside(self, other: "PictureFile", mask: NDArray[np.bool_]) -> bool:
        """Whether both hold the same values, to the last bit, where the mask [H, W] is true."""
        return np.array_equal(self.values[mask], other.values[mask])

    def with_changes(self, result: NDArray[np.uint8]) -> "PictureFile":
        """The same kind of picture with the pixels of `result` (RGB uint8 [H, W, 3]) wherever it differs from `rgb`.

        Everything else keeps its own values, to the last bit of 16.
        """
        changed = (result != self.rgb).any(axis=2)
        new = cv2.cvtColor(result, cv2.COLOR_RGB2GRAY)[..., None] if self.is_grey else result
        deep = new.astype(self.values.dtype) * (257 if self.values.dtype == np.uint16 else 1)
        values = self.values.copy() if self.values.ndim == 3 else self.values[..., None].copy()
        values[changed, : deep.shape[2]] = deep[changed]
        return PictureFile(values.reshape(self.values.shape), self.space)

    def _colours(self) -> NDArray[Any]:
        """[H, W, 1] or [H, W, 3], alpha left out."""
        planes = self.values if self.values.ndim == 3 else self.values[..., None]
        return planes[..., : 1 if planes.shape[2] <= 2 else 3]


def load_picture(source: Path | bytes, max_megapixels: int) -> PictureFile:
    """Read a picture from its file or its bytes.

    Raises Quarantined: UNREADABLE, UNDECODABLE_PIXELS, TOO_MANY_PIXELS (before decoding), UNSUPPORTED.
    """
    orientation, profile = _check(source, max_megapixels)
    try:
        values = _decode(source)
    except (OSError, ValueError, SyntaxError, cv2.error) as error:
        raise Quarantined(Cause.UNDECODABLE_PIXELS, type(error).__name__) from error
    if values.dtype not in (np.uint8, np.uint16):
        raise Quarantined(Cause.UNSUPPORTED, f"values of type {values.dtype}")
    turns, mirrored = _TURNS.get(orientation, (0, False))
    upright = np.rot90(values, turns)
    return _with_colours(np.ascontiguousarray(upright[:, ::-1] if mirrored else upright), profile)


def encode_png(picture: PictureFile) -> bytes:
    """The picture as a PNG of its own depth and channels, with no metadata but a clean colour profile."""
    values = picture.values
    if values.ndim == 3 and values.shape[2] == 2:  # OpenCV writes no grey with alpha
        values = np.concatenate([np.repeat(values[..., :1], 3, axis=2), values[..., 1:]], axis=2)
    order: Any = {3: [2, 1, 0], 4: [2, 1, 0, 3]}.get(values.shape[2]) if values.ndim == 3 else None
    done, encoded = cv2.imencode(".png", values if order is None else np.ascontiguousarray(values[..., order]))
    if not done:
        raise Quarantined(Cause.OUTPUT_INVALID, "the PNG could not be written")
    return encoded.tobytes() if picture.space is None else _with_profile(encoded.tobytes(), written(picture.space))


def _with_profile(png: bytes, profile: bytes) -> bytes:
    """With an iCCP chunk behind the header (ISO/IEC 15948 11.3.3.3)."""
    body = b"iCCPprofile\0\0" + zlib.compress(profile)
    chunk = (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    return png[:_BEHIND_HEADER] + chunk + png[_BEHIND_HEADER:]


def _with_colours(values: NDArray[Any], profile: bytes | None) -> PictureFile:
    """What the profile says of RGB values; grey ones are what they are, and what nobody understands says nothing."""
    if not profile or values.ndim != 3 or values.shape[2] < 3:
        return PictureFile(values)
    try:
        return PictureFile(values, read_space(profile))
    except Unfit:
        converted = to_srgb(np.ascontiguousarray(values[..., :3]), profile) if values.dtype == np.uint8 else None
        if converted is None:
            return PictureFile(values)
        return PictureFile(np.concatenate([converted, values[..., 3:]], axis=2), SRGB)


def _check(source: Path | bytes, max_megapixels: int) -> tuple[int, bytes | None]:
    """Look at the header alone, at the size before anything else; returns EXIF orientation and colour profile."""
    try:
        with Image.open(_stream(source)) as header:
            if header.width * header.height > max_megapixels * 1_000_000:
                raise Quarantined(Cause.TOO_MANY_PIXELS, f"{header.width * header.height / 1e6:.0f} megapixels")
            tiff, pages, orientation = header.format == "TIFF", _pages(header), _orientation(header)
            profile = header.info.get("icc_profile") if header.mode in ("RGB", "RGBA", "P", "PA") else None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Quarantined(Cause.TOO_MANY_PIXELS) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise Quarantined(Cause.UNREADABLE, type(error).__name__) from error
    if pages != 1:
        raise Quarantined(Cause.UNSUPPORTED, f"{pages} pages in one file")
    if tiff and orientation != 1:  # Pillow and OpenCV each turn some of these by themselves, and not alike
        raise Quarantined(Cause.UNSUPPORTED, "a TIFF that is not stored upright")
    return orientation, profile


def _stream(source: Path | bytes) -> Path | BytesIO:
    return BytesIO(source) if isinstance(source, bytes) else source


def _pages(header: Image.Image) -> int:
    """Pages of a TIFF. A camera's JPEG may carry previews behind its photograph (MPO); those stay behind."""
    return int(getattr(header, "n_frames", 1)) if header.format == "TIFF" else 1


def _orientation(header: Image.Image) -> int:
    value = header.getexif().get(_ORIENTATION, 1)
    return value if isinstance(value, int) else 1


def _decode(source: Path | bytes) -> NDArray[Any]:
    """RGB(A) or grey. Pillow reads what it reads without loss; deep pictures and palettes with alpha go to OpenCV."""
    with Image.open(_stream(source)) as picture:
        if picture.mode.startswith("I;16"):
            return np.asarray(picture).astype(np.uint16)
        if picture.mode in ("L", "LA", "RGB", "RGBA") and not _deep(picture):
            return np.asarray(picture)
        if picture.mode in ("1", "P", "PA", "CMYK", "YCbCr", "LAB"):
            return np.asarray(
                picture.convert("RGBA" if "transparency" in picture.info or picture.mode == "PA" else "RGB")
            )
    encoded = np.frombuffer(source if isinstance(source, bytes) else source.read_bytes(), np.uint8)
    values = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
    if values is None:
        raise ValueError("no decoder")
    if values.ndim == 3:
        values = values[..., [2, 1, 0, 3][: values.shape[2]]]
    return np.asarray(values)


def _deep(picture: Image.Image) -> bool:
    """Whether the file holds 16 bits in several channels, which Pillow would cut to 8 without a word."""
    if picture.format == "PNG":
        return any("16B" in str(tile[3]) for tile in getattr(picture, "tile", ()))
    bits = getattr(picture, "tag_v2", {}).get(258, 8) if picture.format == "TIFF" else 8
    return isinstance(bits, tuple) and len(bits) > 1 and max(bits) > 8
