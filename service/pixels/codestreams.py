"""What compressed frames say about themselves, read without unpacking them: size, depth, colour transform, loss."""

from dataclasses import dataclass
from typing import Final

from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from service.errors import Quarantined
from service.states import Cause

JPEG_2000: Final = frozenset({JPEG2000Lossless, JPEG2000, HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K})
JPEG_LS: Final = frozenset({JPEGLSLossless, JPEGLSNearLossless})
_METHOD: Final = {JPEG2000: "ISO_15444_1", HTJ2K: "ISO_15444_15", JPEGLSNearLossless: "ISO_14495_1"}


@dataclass(frozen=True)
class Codestream:
    """`shape`: rows, columns, components; `depth`: bits per sample, 0 where components differ; `transformed`: whether
    the codec turns RGB into YBR and back by itself; `method`: PS3.3 C.7.6.1.1.5.2 where it may have lost something."""

    shape: tuple[int, int, int]
    depth: int
    transformed: bool = False
    method: str | None = None


def describe_frame(frame: bytes, syntax: UID, shape: tuple[int, int, int]) -> Codestream:
    """Raises Quarantined (UNDECODABLE_PIXELS) for what is no codestream of the syntax.

    Run lengths state no size: they are held to `shape`, the header's.
    """
    if syntax in JPEG_2000:
        return _jpeg_2000(frame, syntax)
    if syntax in JPEG_LS:
        return _jpeg_ls(frame, syntax)
    if syntax == RLELossless:
        _check_run_lengths(frame, shape)
    return Codestream(shape, 8)


def _jpeg_2000(frame: bytes, syntax: UID) -> Codestream:
    """SIZ and COD of the main header (ISO/IEC 15444-1 A.5.1, A.6.1)."""
    if frame[:4] != b"\xff\x4f\xff\x51" or len(frame) < 42:
        raise Quarantined(Cause.UNDECODABLE_PIXELS, "no JPEG 2000 codestream")
    right, bottom, left, top = (_number(frame, at, 4) for at in range(8, 24, 4))
    components = _number(frame, 40, 2)
    parts = {frame[at : at + 3] for at in range(42, 42 + 3 * components, 3)}
    depth = parts.pop()[0] + 1 if len(parts) == 1 else 0
    if frame[43:45] != b"\1\1":
        raise Quarantined(Cause.UNSUPPORTED, "a JPEG 2000 picture with subsampled components")
    style = _coding_style(frame)
    lossy = syntax in _METHOD and style[9] != 1
    shape = bottom - top, right - left, components
    return Codestream(shape, depth, style[4] == 1, _METHOD[syntax] if lossy else None)


def _coding_style(frame: bytes) -> bytes:
    at = 2
    while frame[at : at + 2] != b"\xff\x90" and at < len(frame):  # the first tile-part
        length = _number(frame, at + 2, 2)
        if frame[at : at + 2] == b"\xff\x52" and length >= 12:
            return frame[at + 4 : at + 2 + length]
        if frame[at] != 0xFF or length < 2:
            break
        at += 2 + length
    raise Quarantined(Cause.UNDECODABLE_PIXELS, "a JPEG 2000 codestream without a coding style")


def _jpeg_ls(frame: bytes, syntax: UID) -> Codestream:
    """Frame and scan header (ISO/IEC 14495-1 C.2)."""
    at, shape, depth = 2, None, 0
    while frame[:3] == b"\xff\xd8\xff" and at + 4 <= len(frame) and frame[at] == 0xFF:
        marker, length = frame[at + 1], _number(frame, at + 2, 2)
        body = frame[at + 4 : at + 2 + length]
        if marker == 0xF7 and len(body) >= 6:
            depth, shape = body[0], (_number(body, 1, 2), _number(body, 3, 2), body[5])
        elif marker == 0xDA and shape and len(body) >= 3 and len(body) == 4 + 2 * body[0]:
            near = body[1 + 2 * body[0]]
            return Codestream(shape, depth, method=_METHOD.get(syntax) if near else None)
        elif marker == 0xDA or length < 2:
            break
        at += 2 + length
    raise Quarantined(Cause.UNDECODABLE_PIXELS, "no JPEG-LS codestream")


def _check_run_lengths(frame: bytes, shape: tuple[int, int, int]) -> None:
    """The RLE header (PS3.5 G.5): one segment for each sample, in order and inside the frame."""
    rows, columns, samples = shape
    count, *offsets = (int.from_bytes(frame[at : at + 4], "little") for at in range(0, 4 + 4 * samples, 4))
    ordered = offsets == sorted(offsets) and offsets[0] == 64 and offsets[-1] < len(frame)
    if count != samples or not ordered:
        raise Quarantined(Cause.UNDECODABLE_PIXELS, "the run lengths' header is wrong")
    if len(frame) > 2 * rows * columns * samples + 1024:
        raise Quarantined(Cause.UNDECODABLE_PIXELS, "more run lengths than pixels")


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")
