"""JPEG streams as bytes and as DCT coefficients (ISO/IEC 10918-1); nothing here knows DICOM.

stream = strip(frame)                       # no EXIF, comment, profile, thumbnail or trailer; same pixels
profile_of(frame)                           # the colour profile that it carries, before it is stripped
describe(stream)                            # size, components, how colour is coded; nothing is decoded
spliced = splice(stream, rgb, changed)      # new picture, the source's own coefficients elsewhere
digest(stream, mask)                        # proof of what was kept
upright(stream, orientation)                # turned as EXIF says, without a loss, or None
"""

from service.jpeg.coefficients import Spliced, digest, sequential, splice
from service.jpeg.segments import JpegError
from service.jpeg.stream import (
    Stream,
    describe,
    foreign_segments,
    profile_of,
    strip,
    with_colour,
    with_profile,
)
from service.jpeg.turning import upright

__all__ = [
    "JpegError",
    "Spliced",
    "Stream",
    "describe",
    "digest",
    "foreign_segments",
    "profile_of",
    "sequential",
    "splice",
    "strip",
    "upright",
    "with_colour",
    "with_profile",
]
