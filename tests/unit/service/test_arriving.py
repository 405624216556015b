"""Files at the door of the upload page: what is taken, what stays outside, what is refused and how."""

from io import BytesIO

import numpy as np
import pytest
import simplejpeg
from PIL import Image, ImageOps

from service.icc import ADOBE_RGB, DISPLAY_P3, SRGB, written
from service.jpeg import describe, foreign_segments, strip
from service.settings import Limits
from service.uploading.arriving import NotTaken, arrive, preview
from tests.support import photographs, pictures
from tests.support.colours import CANARY, embedded, every_colour, seen, tables

LIMITS = Limits()
CANARIES = (b"CANARY", b"Exif", b"GPS")


def _opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


def test_an_upright_jpeg_keeps_its_bytes_and_loses_the_rest() -> None:
    """The picture's data is the camera's own; place, maker, comment and what hangs on behind it are gone."""
    data = pictures.camera_file()

    arrived = arrive(data, LIMITS)

    assert arrived.is_jpeg
    assert arrived.data == strip(data)
    assert foreign_segments(arrived.data) == []
    assert not any(canary in arrived.data for canary in CANARIES)


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize(("width", "height", "is_jpeg"), [(320, 240, True), (318, 238, None)])
def test_a_picture_comes_out_as_its_camera_meant_it(
    orientation: int, width: int, height: int, is_jpeg: bool | None
) -> None:
    """Whatever the orientation, what is kept shows the picture upright: by coefficients, or by pixels without loss."""
    data = pictures.camera_file(orientation, width, height)
    wanted = np.asarray(ImageOps.exif_transpose(_opened(data)).convert("RGB"), int)

    arrived = arrive(data, LIMITS)

    seen = np.asarray(_opened(arrived.data).convert("RGB"), int)
    assert seen.shape == wanted.shape
    assert np.abs(seen - wanted).mean() < 1.5
    assert is_jpeg is None or arrived.is_jpeg is is_jpeg
    if not arrived.is_jpeg:
        assert np.array_equal(seen, wanted)
        assert arrived.lossy_ratio is not None and arrived.lossy_ratio > 1
    assert not any(canary in arrived.data for canary in CANARIES)


def test_a_progressive_picture_becomes_sequential_without_a_loss() -> None:
    """DICOM's JPEG knows no progressive streams; the pixels stay what they were."""
    data = pictures.camera_file(progressive=True)

    arrived = arrive(data, LIMITS)

    assert describe(arrived.data).baseline
    assert np.array_equal(simplejpeg.decode_jpeg(arrived.data), simplejpeg.decode_jpeg(strip(data)))


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1", "LA", "RGBA"])
def test_a_png_is_kept_without_loss(mode: str) -> None:
    """Grey and colour, palettes and transparency: eight bits, upright, nothing beside the pixels."""
    picture = Image.fromarray(photographs.teeth(2)).convert(mode)
    stream = BytesIO()
    picture.save(stream, "PNG")

    arrived = arrive(stream.getvalue(), LIMITS)

    kept = _opened(arrived.data)
    assert (arrived.is_jpeg, kept.info) == (False, {})
    assert np.array_equal(np.asarray(kept.convert("RGB")), np.asarray(picture.convert("RGBA").convert("RGB")))


def test_what_is_transparent_shows_white() -> None:
    """Colours that nobody sees in a transparent picture do not appear in the photograph."""
    hidden = np.zeros((80, 80, 4), np.uint8)
    hidden[..., 0] = 200

    kept = np.asarray(_opened(arrive(pictures.png(hidden), LIMITS).data))

    assert (kept == 255).all()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "empty"),
        (b"hello", "not a JPEG or PNG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC picture, as iPhones take them"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "a video"),
        (b"II*\0abc", "TIFF"),
        (b"GIF89a", "GIF"),
        (b"RIFF\0\0\0\0WEBP", "WebP"),
        (b"%PDF-1.7", "PDF"),
        (b"PK\3\4", "archive"),
        (b"\0" * 128 + b"DICM", "over DICOM"),
        (b"\xff\xd8", "damaged or incomplete"),
        (b"\xff\xd8\xff\xe0garbage", "damaged or incomplete"),
        (b"\x89PNG\r\n\x1a\n", "damaged or incomplete"),
        (pictures.camera_file()[:4000], "damaged or incomplete"),
        (pictures.png(photographs.teeth())[:3000], "damaged or incomplete"),
        (pictures.png_bomb(), "larger than|more than 50 megapixels"),
        (pictures.png_bomb(9_000, 9_000), "more than 50 megapixels"),
        (pictures.jpeg_bomb(), "larger than|more than 50 megapixels"),
        (pictures.many_scans(), "more scans"),
        (pictures.camera_file(width=40, height=300), "smaller than 64 pixels"),
        (pictures.png(np.zeros((80, 80), np.uint16)), "16 bits"),
    ],
)
def test_what_is_not_taken_is_told_why(data: bytes, sentence: str) -> None:
    """Each kind of file that is no photograph gets its own sentence, and none of it is decoded to find out."""
    with pytest.raises(NotTaken, match=sentence):
        arrive(data, LIMITS)


def test_four_colours_are_refused() -> None:
    """A JPEG for printing is no photograph from a camera."""
    stream = BytesIO()
    Image.fromarray(photographs.teeth()).convert("CMYK").save(stream, "JPEG")

    with pytest.raises(NotTaken, match="grey or RGB"):
        arrive(stream.getvalue(), LIMITS)


@pytest.mark.parametrize("foreign", [b"PK\3\4archive", b"<script>alert(1)</script>", b"%PDF-1.7"])
def test_a_file_that_is_two_things_is_only_a_picture_afterwards(foreign: bytes) -> None:
    """What hides behind the picture, in a comment or in a chunk does not get past the door."""
    behind = arrive(photographs.jpeg(photographs.teeth()) + foreign, LIMITS)
    within = arrive(pictures.camera_file().replace(b"COMMENTCANARY"[: len(foreign)], foreign[:13]), LIMITS)
    beside = arrive(pictures.png(photographs.teeth()) + foreign, LIMITS)

    assert not any(foreign in each.data for each in (behind, within, beside))


def test_a_preview_is_small_and_shows_the_picture() -> None:
    """A thousand pixels are enough to look at, whatever the camera makes."""
    arrived = arrive(pictures.camera_file(width=2400, height=1600), LIMITS)

    assert max(preview(arrived, 300).shape) == 300


def _coloured(profile: bytes, kind: str = "JPEG", **options: object) -> bytes:
    stream = BytesIO()
    picture = Image.fromarray(np.repeat(np.repeat(every_colour(), 2, axis=0), 2, axis=1))
    options = {"quality": 95, "subsampling": 0, **options} if kind == "JPEG" else options
    picture.save(stream, kind, icc_profile=profile, **options)  # type: ignore[arg-type]
    return stream.getvalue()


def _shown(data: bytes, profile: bytes | None) -> np.ndarray:
    return seen(np.asarray(_opened(data).convert("RGB")), profile).astype(int)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize(
    ("profile", "space"),
    [
        (embedded("adobe"), ADOBE_RGB),
        (embedded("p3", "formula"), DISPLAY_P3),
        (embedded("srgb"), SRGB),
        (tables(), SRGB),
    ],
    ids=["Adobe RGB", "Display P3", "sRGB", "tables"],
)
def test_a_picture_keeps_its_colours(profile: bytes, space: object, orientation: int, kind: str) -> None:
    """What a viewer shows of a file is what it shows of what was taken; nothing of the file's profile came along."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = _coloured(profile, kind, exif=exif)

    arrived = arrive(data, LIMITS)

    assert arrived.space == space
    assert not any(text in arrived.data for text in (CANARY, b"ICC_PROFILE", b"iCCP", b"QAN"))
    wanted = _shown(_turned(data), profile)
    away = np.abs(_shown(arrived.data, written(arrived.space)) - wanted)
    assert away.mean() < 0.3
    small = np.abs(preview(arrived).astype(int) - _shown(_turned(data), profile))
    assert small.mean() < 2
    assert arrived.is_jpeg == (kind == "JPEG" and profile != tables())


def _turned(data: bytes) -> bytes:
    stream = BytesIO()
    ImageOps.exif_transpose(_opened(data)).save(stream, "PNG")
    return stream.getvalue()


def test_a_camera_may_say_adobe_rgb_without_a_profile() -> None:
    """Cameras that follow DCF name it R03 in their EXIF data; R98, and none, mean nothing."""
    for name, space in (("R03", ADOBE_RGB), ("R98", None)):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0xA005] = {1: name}
        assert arrive(pictures.camera_file_with(exif), LIMITS).space is space
    assert arrive(pictures.camera_file(), LIMITS).space is None


def test_a_profile_that_says_nothing_changes_nothing() -> None:
    """A damaged profile, or one of a grey picture, is left behind; the stream stays what it was."""
    for data in (_coloured(b"no profile " + CANARY), _coloured(embedded("adobe")[:300])):
        arrived = arrive(data, LIMITS)
        assert (arrived.data, arrived.space) == (strip(data), None)
    stream = BytesIO()
    Image.fromarray(photographs.teeth()[..., 0]).save(stream, "JPEG", icc_profile=embedded("adobe"))
    assert arrive(stream.getvalue(), LIMITS).space is None
