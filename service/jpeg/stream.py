"""The marker segments of a JPEG stream (ISO/IEC 10918-1 B): reading what they say, dropping what is not picture."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SOI, EOI, SOS, DQT, DHT, DRI, COM, APP0, APP14 = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD, 0xFE, 0xE0, 0xEE
_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended sequential, progressive; all with Huffman codes
_PICTURE: Final = _FRAMES | {DQT, DHT, DRI, SOS}
_DROPPED: Final = frozenset({*range(0xE0, 0xF0), COM})
_JFIF: Final = b"JFIF\0"
_ADOBE: Final = b"Adobe"


class JpegError(ValueError):
    """The stream is not a whole, well-formed JPEG of a kind that is handled here."""


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

    Raises JpegError for what is no JPEG, or one that is lossless, arithmetic-coded or hierarchical.
    """
    frame, jfif, adobe = None, False, None
    for marker, body, _ in _segments(data):
        if marker == APP0 and body.startswith(_JFIF):
            jfif = True
        elif marker == APP14 and body.startswith(_ADOBE) and len(body) >= 12:
            adobe = body[11]
        elif marker in _FRAMES:
            if frame is not None:
                raise JpegError("two frame headers")
            frame = (marker, body)
        elif marker == SOS:
            break
    if frame is None:
        raise JpegError("no frame header")
    return _frame(*frame, jfif=jfif, adobe=adobe)


def strip(data: bytes) -> bytes:
    """The same picture without anything that does not belong to it.

    Gone: APP1 to APP13 and APP15 (EXIF, GPS, XMP, ICC, maker notes), COM, thumbnails in APP0, everything behind
    the end of the image and between segments. APP0 (JFIF) and APP14 (Adobe) are rebuilt from their numbers, since
    they decide about colour. Entropy-coded data is copied byte for byte: the decoded pixels are identical.
    """
    parts = [b"\xff\xd8"]
    for marker, body, scan in _segments(data):
        if marker == APP0 and body.startswith(_JFIF) and len(body) >= 14:
            parts.append(_segment(APP0, body[:12] + b"\0\0"))
        elif marker == APP14 and body.startswith(_ADOBE) and len(body) >= 12:
            parts.append(_segment(APP14, body[:12]))
        elif marker in _PICTURE:
            _check_length(marker, body)
            parts.append(_segment(marker, body) + scan)
    describe(data)
    return b"".join([*parts, b"\xff\xd9"])


def foreign_segments(data: bytes) -> list[str]:
    """What `strip` would take out, as names without content; empty for a clean stream."""
    names = []
    for marker, body, _ in _segments(data):
        if marker == COM:
            names.append("COM")
        elif marker in _DROPPED and not (
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
    kept = (_segment(marker, body) + scan for marker, body, scan in _segments(data) if marker in _PICTURE)
    return b"".join([b"\xff\xd8", _segment(APP14, body), *kept, b"\xff\xd9"])


def _segments(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Each marker segment up to EOI as (marker, body, entropy-coded data behind it)."""
    if data[:2] != b"\xff\xd8":
        raise JpegError("no start of image")
    at = 2
    while True:
        at = data.find(b"\xff", at)
        while at != -1 and data[at : at + 2] == b"\xff\xff":  # fill bytes
            at += 1
        marker = data[at + 1] if 0 <= at < len(data) - 1 else None
        if marker is None:
            raise JpegError("no end of image")
        if marker == EOI:
            return
        if marker not in _PICTURE | _DROPPED:
            raise JpegError(f"marker {marker:02X} is not handled")
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if length < 2 or len(body) != length - 2:
            raise JpegError("a segment is cut off")
        at += 2 + length
        end = _end_of_scan(data, at) if marker == SOS else at
        yield marker, body, data[at:end]
        at = end


def _end_of_scan(data: bytes, at: int) -> int:
    """Where the next marker other than a restart lies; stuffed zeros belong to the scan."""
    while (at := data.find(b"\xff", at)) != -1 and at + 1 < len(data):
        if data[at + 1] not in (0x00, 0xFF, *range(0xD0, 0xD8)):
            return at
        at += 1 if data[at + 1] == 0xFF else 2
    raise JpegError("no end of image")


def _frame(marker: int, body: bytes, *, jfif: bool, adobe: int | None) -> Stream:
    _check_length(marker, body)
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
        components=components,
        jfif=jfif,
        adobe_transform=adobe,
    )


def _check_length(marker: int, body: bytes) -> None:
    """Refuse a segment that is longer or shorter than its own content says: bytes could hide in the rest."""
    if marker in _FRAMES:
        fits = len(body) >= 9 and len(body) == 6 + 3 * body[5]
    elif marker == SOS:
        fits = len(body) >= 6 and len(body) == 4 + 2 * body[0]
    elif marker == DRI:
        fits = len(body) == 2
    else:
        fits = _tables_fit(marker, body)
    if not fits:
        raise JpegError(f"segment {marker:02X} has the wrong length")


def _tables_fit(marker: int, body: bytes) -> bool:
    at = 0
    while at < len(body):
        if marker == DQT:
            at += 129 if body[at] >> 4 else 65
        else:
            at += 17 + sum(body[at + 1 : at + 17])
    return at == len(body)


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body
