"""JPEG streams turned upright without decoding: the picture is the same, and so is every coefficient."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageOps

from service.jpeg import describe, strip, upright
from tests.support import photographs

ORIENTATIONS = range(2, 9)


def _stream(width: int, height: int, subsampling: str, mode: str = "RGB") -> bytes:
    stream = BytesIO()
    Image.fromarray(photographs.teeth(3, width, height)).convert(mode).save(
        stream, "JPEG", quality=88, subsampling=subsampling
    )
    return strip(stream.getvalue())


def _decoded(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


def _as_exif_says(data: bytes, orientation: int) -> np.ndarray:
    """Pillow's own way of turning, on the decoded picture."""
    picture = _decoded(data).convert("RGB")
    picture.getexif()[0x0112] = orientation
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = BytesIO()
    picture.save(turned, "PNG", exif=exif)
    return np.asarray(ImageOps.exif_transpose(Image.open(BytesIO(turned.getvalue()))))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_a_turned_stream_shows_the_turned_picture(orientation: int, subsampling: str) -> None:
    """Every orientation shows what Pillow makes of the decoded picture, but for rounding and chroma smoothing."""
    data = _stream(160, 96, subsampling)

    turned = upright(data, orientation)

    assert turned is not None
    seen = np.asarray(_decoded(turned).convert("RGB")).astype(int)
    wanted = _as_exif_says(data, orientation).astype(int)
    assert seen.shape == wanted.shape
    assert np.abs(seen - wanted).mean() < (0.2 if subsampling == "4:4:4" else 1.5)


@pytest.mark.parametrize("there", ORIENTATIONS)
def test_turning_there_and_back_is_the_very_same_stream(there: int) -> None:
    """Nothing is rounded: after the inverse turn the stream is, byte for byte, what rewriting makes of the source."""
    back = {6: 8, 8: 6}.get(there, there)
    data = _stream(160, 96, "4:2:0")
    rewritten = upright(upright(data, 2) or b"", 2)

    turned = upright(data, there)

    assert turned is not None
    assert upright(turned, back) == rewritten


@pytest.mark.parametrize(
    ("width", "height", "possible"),
    [(160, 90, {2, 5, 8}), (150, 96, {4, 5, 6}), (150, 90, {5})],
)
def test_a_side_that_ends_inside_an_mcu_is_not_mirrored(width: int, height: int, possible: set[int]) -> None:
    """What would need the picture's ragged edge in front is refused; the rest still turns."""
    data = _stream(width, height, "4:2:0")

    assert {orientation for orientation in ORIENTATIONS if upright(data, orientation) is not None} == possible


def test_a_grey_picture_turns_too() -> None:
    """One component has no chroma to mind."""
    turned = upright(_stream(64, 40, "4:4:4", "L"), 6)

    assert turned is not None
    assert (describe(turned).width, describe(turned).height) == (40, 64)
