"""Marker segments, one by one, nothing believed: lengths must be what the content says (ISO/IEC 10918-1 B)."""

import re
from collections.abc import Iterator
from typing import Final

SOI, EOI, SOS, DQT, DHT, DRI, COM, APP0, APP2, APP14 = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD, 0xFE, 0xE0, 0xE2, 0xEE
LOSSLESS: Final = 0xC3
FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2, LOSSLESS})  # baseline, extended, progressive: all with Huffman codes
PICTURE: Final = FRAMES | {DQT, DHT, DRI, SOS}
DROPPED: Final = frozenset({*range(0xE0, 0xF0), COM})
_BEHIND_SCAN: Final = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")


class JpegError(ValueError):
    """The stream is not a whole, well-formed JPEG of a kind that is handled here."""


def segments(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
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
        if marker not in PICTURE | DROPPED:
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
    found = _BEHIND_SCAN.search(data, at)
    if found is None:
        raise JpegError("no end of image")
    return found.start()


def check_length(marker: int, body: bytes) -> None:
    """Refuse a segment that is longer or shorter than its own content says: bytes could hide in the rest."""
    if marker in FRAMES:
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


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body
