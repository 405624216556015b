"""JPEG streams as bytes and as DCT coefficients (ISO/IEC 10918-1); nothing here knows DICOM.

stream = strip(frame)                       # no EXIF, comment, profile, thumbnail or trailer; same pixels
describe(stream)                            # size, components, how colour is coded; nothing is decoded
spliced = splice(stream, rgb, changed)      # new picture, the source's own coefficients elsewhere
digest(stream, mask)                        # proof of what was kept
"""

from service.jpeg.coefficients import digest, sequential, splice
from service.jpeg.segments import JpegError
from service.jpeg.stream import (
    Stream,
    describe,
    foreign_segments,
    strip,
    with_colour,
)

__all__ = [
    "JpegError",
    "Stream",
    "describe",
    "digest",
    "foreign_segments",
    "sequential",
    "splice",
    "strip",
    "with_colour",
]
