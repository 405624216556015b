"""Files as cameras, phones and attackers make them."""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image

from tests.support import photographs

GPS_CANARY, CAMERA_CANARY = "GPSCANARY", "CAMERACANARY"


def camera_file(orientation: int = 1, width: int = 320, height: int = 240, **options: object) -> bytes:
    """A JPEG with everything that cameras write into one: maker, place, comment, a preview behind its end."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, CAMERA_CANARY
    exif.get_ifd(0x8825)[29] = GPS_CANARY
    stream = BytesIO()
    picture = Image.fromarray(photographs.teeth(5, width, height))
    picture.save(stream, "JPEG", quality=90, exif=exif, comment=b"COMMENTCANARY", **options)  # type: ignore[arg-type]
    return stream.getvalue() + b"TRAILERCANARY"


def camera_file_with(exif: Image.Exif) -> bytes:
    """A JPEG with these EXIF data and nothing else."""
    stream = BytesIO()
    Image.fromarray(photographs.teeth(5, 320, 240)).save(stream, "JPEG", exif=exif)
    return stream.getvalue()


def png(pixels: np.ndarray, **options: object) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", **options)  # type: ignore[arg-type]
    return stream.getvalue()


def png_bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A few hundred bytes that say they are gigapixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )


def jpeg_bomb() -> bytes:
    """A small JPEG whose frame header says 65,000 by 65,000."""
    data = bytearray(photographs.jpeg(photographs.teeth()))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 65_000, 65_000)
    return bytes(data)


def many_scans(count: int = 200) -> bytes:
    """A progressive JPEG that refines itself over and over: each scan costs a decoder the whole picture."""
    stream = BytesIO()
    Image.fromarray(photographs.teeth(1, 128, 96)).save(stream, "JPEG", progressive=True)
    data = stream.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * count + b"\xff\xd9"
