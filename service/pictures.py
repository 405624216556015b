"""Pictures for people's eyes, made when they are asked for: originals, results, and what was synthetic in them.

    rendering = original(gateway, photograph, fit=1600)       # a JPEG at most 1600 pixels wide or high
    rendering = result(gateway, finished)                     # in full; a JPEG source's own blocks
    rendering = overlay(gateway, finished, fit=1600)          # transparent PNG of exactly the result's size at that fit

Every function reads the one blob that its row names. What cannot be shown raises NoPicture with a sentence. Only a
few pictures are in memory at a time, however many people look.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from threading import BoundedSemaphore
from typing import Final, cast

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image as PillowImage
from pydicom import FileDataset

from service.blobs import Blobs, map_key
from service.errors import Quarantined, VeraGateError
from service.gateway import Gateway
from service.icc import written
from service.jpeg import with_profile
from service.objects import read
from service.pixels import Image, Part, Picture, count_frames, decode, map_size, read_map
from service.states import EXPLANATION
from service.tables import HeldResult, Photograph, Release

FITS: Final = (320, 1600)
_AT_ONCE: Final = BoundedSemaphore(2)
_QUALITY: Final = 88
_SYNTHETIC, _PRESERVED, _COVERED = (214, 51, 132, 110), (25, 170, 105, 110), (90, 110, 130, 110)  # RGBA
_OUTLINE: Final = (255, 214, 10, 255)
_SHADOW: Final = (0, 0, 0, 190)


class NoPicture(VeraGateError):
    """There is nothing to show; the message says why."""


@dataclass(frozen=True)
class Rendering:
    data: bytes
    media_type: str


@dataclass(frozen=True)
class Size:
    """Of one frame in pixels, and how many frames there are."""

    width: int
    height: int
    frames: int = 1

    def within(self, fit: int | None) -> "Size":
        """This size, or the largest of its shape that is at most `fit` pixels wide and high."""
        longest = max(self.width, self.height)
        if fit is None or longest <= fit:
            return self
        wide, high = (max(1, round(side * fit / longest)) for side in (self.width, self.height))
        return Size(wide, high, self.frames)


def original(gateway: Gateway, photograph: Photograph, fit: int | None = None, frame: int = 0) -> Rendering:
    """The picture as it was received, without anything else that came in its file."""
    with _AT_ONCE, _readable():
        return _rendered(_decoded(gateway, gateway.originals, photograph.blob, frame), fit)


def result(gateway: Gateway, finished: Release | HeldResult, fit: int | None = None, frame: int = 0) -> Rendering:
    """The cleaned picture, from the store where its row says that it lies."""
    with _AT_ONCE, _readable():
        return _rendered(_decoded(gateway, _store(gateway, finished), finished.blob, frame), fit)


def overlay(gateway: Gateway, finished: Release | HeldResult, fit: int | None = None, frame: int = 0) -> Rendering:
    """What was made, preserved and covered, as colours to lay over the result."""
    with _AT_ONCE:
        parts = _parts(gateway, finished, fit, frame)
        colours = np.zeros((256, 4), dtype=np.uint8)
        colours[[Part.SYNTHETIC, Part.PRESERVED, Part.COVERED]] = _SYNTHETIC, _PRESERVED, _COVERED
        return _png(colours[parts])


def outline(gateway: Gateway, finished: Release | HeldResult, fit: int | None = None, frame: int = 0) -> Rendering:
    """The border of what was preserved, as a line to lay over the original or the result."""
    with _AT_ONCE:
        parts = _parts(gateway, finished, fit, frame)
        found, _ = cv2.findContours(
            (parts == Part.PRESERVED).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )
        drawn = np.zeros((*parts.shape, 4), dtype=np.uint8)
        width = max(2, round(max(parts.shape) / 500))
        cv2.drawContours(drawn, found, -1, _SHADOW, 2 * width)
        cv2.drawContours(drawn, found, -1, _OUTLINE, width)
        return _png(drawn)


def size_of(gateway: Gateway, photograph: Photograph) -> Size:
    """The original's size in pixels as its header states it."""
    with _readable(), gateway.originals.path(photograph.blob) as path:
        ds = read(path)
        return Size(int(ds.Columns), int(ds.Rows), count_frames(ds, gateway.settings.limits))


def size_of_map(gateway: Gateway, finished: Release | HeldResult) -> Size:
    """The result's size, read from the head of its map."""
    try:
        with gateway.maps.open(map_key(finished.blob)) as file:
            return Size(*map_size(file))
    except FileNotFoundError as error:
        raise NoPicture("There is no map for this photograph.") from error


@contextmanager
def _readable() -> Iterator[None]:
    """Turns what can go wrong with a file that nobody vouches for into one sentence."""
    try:
        yield
    except NoPicture:
        raise
    except Quarantined as held:
        raise NoPicture(EXPLANATION[held.cause]) from held
    except FileNotFoundError as error:
        raise NoPicture("The file is not there any more.") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise NoPicture("The picture cannot be shown.") from error


def _store(gateway: Gateway, finished: Release | HeldResult) -> Blobs:
    return gateway.releases if isinstance(finished, Release) else gateway.held


def _decoded(gateway: Gateway, store: Blobs, blob: str, frame: int) -> Picture:
    limits = gateway.settings.limits
    with store.path(blob) as path:
        ds: FileDataset = read(path)
        if not 0 <= frame < count_frames(ds, limits):
            raise NoPicture("There is no such frame.")
        return decode(ds, limits, frame)


def _rendered(picture: Picture, fit: int | None) -> Rendering:
    """A JPEG that is shown in full is the very stream that is in the file; anything else is encoded for the page.

    Either carries the profile that tells a browser what its colours are, where that is known.
    """
    height, width = picture.rgb.shape[:2]
    wanted = Size(width, height).within(fit)
    data = picture.browsable if wanted == Size(width, height) else None
    if data is None:
        scaled = _scaled(picture.rgb, wanted)
        data = cast(bytes, simplejpeg.encode_jpeg(scaled, quality=_QUALITY, colorsubsampling="444"))
    space = picture.colours.space
    return Rendering(data if space is None else with_profile(data, written(space)), "image/jpeg")


def _scaled(image: Image, wanted: Size) -> Image:
    if image.shape[:2] == (wanted.height, wanted.width):
        return np.ascontiguousarray(image)
    return cast(Image, cv2.resize(image, (wanted.width, wanted.height), interpolation=cv2.INTER_AREA))


def _parts(gateway: Gateway, finished: Release | HeldResult, fit: int | None, frame: int) -> NDArray[np.uint8]:
    try:
        with gateway.maps.open(map_key(finished.blob)) as file:
            if not 0 <= frame < map_size(file)[2]:
                raise NoPicture("There is no such frame.")
        parts = read_map(gateway.maps.read(map_key(finished.blob)), frame)
    except FileNotFoundError as error:
        raise NoPicture("There is no map for this photograph.") from error
    wanted = Size(parts.shape[1], parts.shape[0]).within(fit)
    resized = cv2.resize(parts, (wanted.width, wanted.height), interpolation=cv2.INTER_NEAREST)
    return cast(NDArray[np.uint8], resized)


def _png(pixels: NDArray[np.uint8]) -> Rendering:
    """RGBA, in few colours."""
    stream = BytesIO()
    PillowImage.fromarray(pixels, "RGBA").save(stream, "PNG", compress_level=1)
    return Rendering(stream.getvalue(), "image/png")
