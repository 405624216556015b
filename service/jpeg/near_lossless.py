"""JPEG-LS streams (ISO/IEC 14495-1 C), as far as finding what does not belong to the picture."""

from typing import Final

from service.jpeg.segments import EOI, SOS, JpegError

_FRAME, _PARAMETERS = 0xF7, 0xF8
LS_STARTS: Final = (b"\xff\xf7", b"\xff\xf8")


def foreign_in_ls(data: bytes) -> list[str]:
    """Names of segments other than frame header, coding parameters and scans, and of bytes behind the end."""
    names: list[str] = []
    at = 2
    while True:
        if data[at : at + 1] != b"\xff" or at + 2 > len(data):
            raise JpegError("no end of image")
        marker = data[at + 1]
        if marker == EOI:
            return names + (["bytes outside segments"] if data[at + 2 :] not in (b"", b"\0") else [])
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if length < 2 or len(body) != length - 2:
            raise JpegError("a segment is cut off")
        if marker not in (_FRAME, _PARAMETERS, SOS):
            names.append(f"segment {marker:02X}")
        elif not _fits(marker, body):
            raise JpegError(f"segment {marker:02X} has the wrong length")
        at = _end_of_scan(data, at + 2 + length) if marker == SOS else at + 2 + length


def _fits(marker: int, body: bytes) -> bool:
    """No bytes beyond those that the segment's own content asks for."""
    if marker == _FRAME:
        return len(body) >= 6 and len(body) == 6 + 3 * body[5]
    if marker == SOS:
        return len(body) >= 4 and len(body) == 4 + 2 * body[0]
    return body[:1] == b"\x01" and len(body) == 11  # the thresholds; mapping tables have no use in a photograph


def _end_of_scan(data: bytes, at: int) -> int:
    """Behind FF a scan has a byte below 80 (bit stuffing), so the next higher one is a marker."""
    while (at := data.find(b"\xff", at)) != -1 and at + 1 < len(data):
        if data[at + 1] >= 0x80:
            return at
        at += 1
    raise JpegError("no end of image")
