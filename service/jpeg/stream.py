"""The marker segments of a JPEG stream (ISO/IEC 10918-1 B): reading what they say, dropping what is not picture."""

from dataclasses import dataclass
from typing import Final

from service.jpeg.near_lossless import LS_STARTS, foreign_in_ls
from service.jpeg.segments import (
    APP0,
    APP2,
    APP14,
    COM,
    DROPPED,
    FRAMES,
    LOSSLESS,
    PICTURE,
    SOS,
    JpegError,
    check_length,
    segment,
    segments,
)

_JFIF: Final = b"JFIF\0"
_ADOBE: Final = b"Adobe"
_ICC: Final = b"ICC_PROFILE\0"


@dataclass(frozen=True)
class Component:
    """One component of the frame header: identifier, sampling factors, quantisation table."""

    identifier: int
    horizontal: int
    vertical: int
    table: int


@dataclass(frozen=True)
class Stream:
    """What the headers say. `adobe_transform` is 0 (RGB), 1 (YCbCr), 2 (YCCK), or None without an Adobe segment."""

    width: int
    height: int
    precision: int
    baseline: bool
    progressive: bool
    lossless: bool
    components: tuple[Component, ...]
    jfif: bool
    adobe_transform: int | None

    @property
    def subsampling(self) -> tuple[int, int]:
        """Luminance samples per chrominance sample: (horizontal, vertical), such as (2, 2) for 4:2:0."""
        most = self.mcu
        least = (min(c.horizontal for c in self.components), min(c.vertical for c in self.components))
        return most[0] // 8 // least[0], most[1] // 8 // least[1]

    @property
    def mcu(self) -> tuple[int, int]:
        """Width and height in pixels of a minimum coded unit; a single component is never interleaved."""
        if len(self.components) == 1:
            return 8, 8
        return 8 * max(c.horizontal for c in self.components), 8 * max(c.vertical for c in self.components)

    @property
    def says_ycc(self) -> bool | None:
        """Whether three components are YCbCr (True) or RGB (False) as libjpeg reads it; None if nothing says so."""
        if self.jfif:
            return True
        if self.adobe_transform is not None:
            return self.adobe_transform == 1
        return False if bytes(c.identifier for c in self.components) == b"RGB" else None


def describe(data: bytes) -> Stream:
    """Read the headers of a stream up to its first scan; no pixel is decoded and no size is believed yet.

    Raises JpegError for what is no JPEG, or one that is arithmetic-coded or hierarchical.
    """
    frame, jfif, adobe = None, False, None
    for marker, body, _ in segments(data):
        if marker == APP0 and body.startswith(_JFIF):
            jfif = True
        elif marker == APP14 and body.startswith(_ADOBE) and len(body) >= 12:
            adobe = body[11]
        elif marker in FRAMES:
            if frame is not None:
                raise JpegError("two frame headers")
            frame = (marker, body)
        elif marker == SOS:
            break
    if frame is None:
        raise JpegError("no frame header")
    return _frame(*frame, jfif=jfif, adobe=adobe)


def profile_of(data: bytes) -> bytes | None:
    """The colour profile in a stream's APP2 segments (ICC.1 B.4); None where there is none, or not all of it.

    Never raises for what the stream holds.
    """
    if _ICC not in data:
        return None
    parts: dict[int, bytes] = {}
    counts = set()
    try:
        for marker, body, _ in segments(data):
            if marker == APP2 and body.startswith(_ICC) and len(body) > len(_ICC) + 2:
                number, count = body[len(_ICC)], body[len(_ICC) + 1]
                parts[number] = body[len(_ICC) + 2 :]
                counts.add(count)
            elif marker == SOS:
                break
    except JpegError:
        return None
    whole = len(counts) == 1 and sorted(parts) == list(range(1, counts.pop() + 1))
    return b"".join(parts[number] for number in sorted(parts)) if whole else None


def with_profile(data: bytes, profile: bytes) -> bytes:
    """A stripped stream with a profile of at most 64 kB, for eyes that shall see its colours."""
    at = 2
    while data[at : at + 2] in (b"\xff\xe0", b"\xff\xee"):
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return data[:at] + segment(APP2, _ICC + b"\1\1" + profile) + data[at:]


def strip(data: bytes) -> bytes:
    """The same picture without anything that does not belong to it.

    Gone: APP1 to APP13 and APP15 (EXIF, GPS, XMP, ICC, maker notes), COM, thumbnails in APP0, everything behind
    the end of the image and between segments. APP0 (JFIF) and APP14 (Adobe) are rebuilt from their numbers, since
    they decide about colour. Entropy-coded data is copied byte for byte: the decoded pixels are identical.
    """
    parts = [b"\xff\xd8"]
    for marker, body, scan in segments(data):
        if marker == APP0 and body.startswith(_JFIF) and len(body) >= 14:
            parts.append(segment(APP0, body[:12] + b"\0\0"))
        elif marker == APP14 and body.startswith(_ADOBE) and len(body) >= 12:
            parts.append(segment(APP14, body[:12]))
        elif marker in PICTURE:
            check_length(marker, body)
            parts.append(segment(marker, body) + scan)
    describe(data)
    return b"".join([*parts, b"\xff\xd9"])


def foreign_segments(data: bytes) -> list[str]:
    """What does not belong to the picture, as names without content; empty for a clean stream, JPEG or JPEG-LS."""
    if data[2:4] in LS_STARTS:
        return foreign_in_ls(data)
    names = []
    for marker, body, _ in segments(data):
        if marker == COM:
            names.append("COM")
        elif marker in DROPPED and not (
            (marker == APP0 and body.startswith(_JFIF) and len(body) == 14)
            or (marker == APP14 and body.startswith(_ADOBE) and len(body) == 12)
        ):
            names.append(f"APP{marker - APP0}")
    clean = strip(data)
    if not names and data not in (clean, clean + b"\0"):  # DICOM pads a fragment to even length
        names.append("bytes outside segments")
    return names


def with_colour(data: bytes, *, ycc: bool) -> bytes:
    """The stripped stream with one colour marker, that says whether three components are YCbCr or RGB."""
    body = _ADOBE + b"\0\x64\0\0\0\0" + (b"\1" if ycc else b"\0")
    kept = (segment(marker, body) + scan for marker, body, scan in segments(data) if marker in PICTURE)
    return b"".join([b"\xff\xd8", segment(APP14, body), *kept, b"\xff\xd9"])


def _frame(marker: int, body: bytes, *, jfif: bool, adobe: int | None) -> Stream:
    check_length(marker, body)
    components = tuple(
        Component(body[at], body[at + 1] >> 4, body[at + 1] & 15, body[at + 2]) for at in range(6, len(body), 3)
    )
    if not all(1 <= c.horizontal <= 4 and 1 <= c.vertical <= 4 for c in components):
        raise JpegError("a sampling factor is out of range")
    return Stream(
        width=int.from_bytes(body[3:5], "big"),
        height=int.from_bytes(body[1:3], "big"),
        precision=body[0],
        baseline=marker == 0xC0,
        progressive=marker == 0xC2,
        lossless=marker == LOSSLESS,
        components=components,
        jfif=jfif,
        adobe_transform=adobe,
    )
