"""Picture files of every kind go in, and what was not replaced comes out as it was."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from service.errors import Quarantined
from service.files.pictures import PictureFile, encode_png, load_picture
from service.icc import ADOBE_RGB, SRGB, written
from service.states import Cause
from tests.support.colours import CANARY, embedded, every_colour, seen, tables


def _noise(*shape: int, deep: bool = False) -> np.ndarray:
    dtype = np.uint16 if deep else np.uint8
    return np.random.default_rng(4).integers(0, np.iinfo(dtype).max, shape, dtype)


def _rgb8(path: Path) -> np.ndarray:
    values = _noise(12, 16, 3)
    Image.fromarray(values).save(path)
    return values


def _rgba8(path: Path) -> np.ndarray:
    values = _noise(12, 16, 4)
    Image.fromarray(values).save(path)
    return values


def _grey8(path: Path) -> np.ndarray:
    values = _noise(12, 16)
    Image.fromarray(values).save(path)
    return values


def _rgb16(path: Path) -> np.ndarray:
    values = _noise(12, 16, 3, deep=True)
    cv2.imwrite(str(path), values[..., ::-1])
    return values


def _rgba16(path: Path) -> np.ndarray:
    values = _noise(12, 16, 4, deep=True)
    cv2.imwrite(str(path), values[..., [2, 1, 0, 3]])
    return values


def _grey16(path: Path) -> np.ndarray:
    values = _noise(12, 16, deep=True)
    cv2.imwrite(str(path), values)
    return values


@pytest.mark.parametrize("write", [_rgb8, _rgba8, _grey8, _rgb16, _rgba16, _grey16])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_every_kind_of_picture_comes_back_as_it_was(
    tmp_path: Path, write: Callable[[Path], np.ndarray], suffix: str
) -> None:
    """Depth, channels and every value survive reading and writing as PNG when no pixel was replaced."""
    source = tmp_path / f"source.{suffix}"
    values = write(source)

    picture = load_picture(source, 50)
    assert np.array_equal(picture.values, values)

    copy = tmp_path / "copy.png"
    copy.write_bytes(encode_png(picture.with_changes(picture.rgb)))
    assert np.array_equal(load_picture(copy, 50).values, values)


def test_only_replaced_pixels_lose_their_depth() -> None:
    """In 16 bits a replaced pixel takes its new value on the 16-bit scale, and every other pixel keeps all its bits."""
    picture = PictureFile(_noise(12, 16, 4, deep=True))
    result = picture.rgb.copy()
    result[3, 5] = (10, 20, 30) if tuple(result[3, 5]) != (10, 20, 30) else (11, 20, 30)

    changed = picture.with_changes(result).values

    assert changed[3, 5, :3].tolist() == [value * 257 for value in result[3, 5].tolist()]
    assert changed[3, 5, 3] == picture.values[3, 5, 3]
    untouched = np.ones((12, 16), bool)
    untouched[3, 5] = False
    assert np.array_equal(changed[untouched], picture.values[untouched])


def test_greyscale_stays_greyscale() -> None:
    """A replaced pixel of a grey picture becomes grey by its luma."""
    picture = PictureFile(np.full((4, 4), 200, np.uint8))
    result = picture.rgb.copy()
    result[1, 1] = (255, 0, 0)

    changed = picture.with_changes(result).values

    assert changed.shape == (4, 4)
    assert changed[1, 1] == 76
    assert (np.delete(changed.ravel(), 5) == 200).all()


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_as_pillow_does(tmp_path: Path, orientation: int, suffix: str) -> None:
    """Each of the eight EXIF orientations is turned upright like the reference implementation turns it."""
    picture = Image.fromarray(_noise(6, 9, 3))
    exif = picture.getexif()
    exif[0x0112] = orientation
    picture.save(tmp_path / f"turned.{suffix}", exif=exif)
    with Image.open(tmp_path / f"turned.{suffix}") as turned:
        expected = np.asarray(ImageOps.exif_transpose(turned))

    assert np.array_equal(load_picture(tmp_path / f"turned.{suffix}", 50).values, expected)


def test_orientation_of_a_deep_picture_is_applied(tmp_path: Path) -> None:
    """A 16-bit PNG that lies on its side is turned too, once."""
    values = _noise(6, 9, 3, deep=True)
    cv2.imwrite(str(tmp_path / "deep.png"), values[..., ::-1])
    exif = Image.Exif()
    exif[0x0112] = 6
    chunk = b"eXIf" + exif.tobytes().removeprefix(b"Exif\0\0")
    plain = (tmp_path / "deep.png").read_bytes()
    end_of_header = 8 + 25
    framed = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (tmp_path / "deep.png").write_bytes(plain[:end_of_header] + framed + plain[end_of_header:])

    assert np.array_equal(load_picture(tmp_path / "deep.png", 50).values, np.rot90(values, 3))


def test_metadata_stays_behind(tmp_path: Path) -> None:
    """Nothing that the source says about its maker or its subject is in the written PNG."""
    picture = Image.fromarray(_noise(12, 16, 3))
    exif = picture.getexif()
    exif[0x010E] = "CANARY"
    picture.save(tmp_path / "named.jpg", exif=exif, comment=b"CANARY")
    assert b"CANARY" in (tmp_path / "named.jpg").read_bytes()

    assert b"CANARY" not in encode_png(load_picture(tmp_path / "named.jpg", 50))


def test_a_large_picture_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    """A picture above the limit is refused by its header, even when its pixels are missing."""
    Image.new("RGB", (2000, 1000)).save(tmp_path / "large.png")
    whole = (tmp_path / "large.png").read_bytes()
    (tmp_path / "large.png").write_bytes(whole[:60])

    with pytest.raises(Quarantined) as caught:
        load_picture(tmp_path / "large.png", 1)
    assert caught.value.cause is Cause.TOO_MANY_PIXELS


@pytest.mark.parametrize(
    ("content", "cause"),
    [(b"", Cause.UNREADABLE), (b"not a picture", Cause.UNREADABLE), (None, Cause.UNDECODABLE_PIXELS)],
)
def test_broken_files_are_refused_with_their_cause(tmp_path: Path, content: bytes | None, cause: Cause) -> None:
    """An empty file, a text, and a picture that was cut off are each refused with a cause, not an exception."""
    path = tmp_path / "broken.jpg"
    if content is None:
        Image.fromarray(_noise(64, 64, 3)).save(path)
        content = path.read_bytes()[:-400]
    path.write_bytes(content)

    with pytest.raises(Quarantined) as caught:
        load_picture(path, 50)
    assert caught.value.cause is cause


def test_several_pages_are_refused(tmp_path: Path) -> None:
    """A TIFF with two pages is refused: one page would leave without the other."""
    page = Image.fromarray(_noise(8, 8, 3))
    page.save(tmp_path / "pages.tif", save_all=True, append_images=[page])

    with pytest.raises(Quarantined) as caught:
        load_picture(tmp_path / "pages.tif", 50)
    assert caught.value.cause is Cause.UNSUPPORTED


def test_palette_and_cmyk_become_rgb(tmp_path: Path) -> None:
    """Pictures with a palette or printing inks are read as the RGB that they show."""
    shown = Image.fromarray(np.full((8, 8, 3), (200, 30, 30), np.uint8))
    shown.convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "palette.png")
    shown.convert("CMYK").save(tmp_path / "inks.tif")

    for name in ("palette.png", "inks.tif"):
        assert load_picture(tmp_path / name, 50).rgb[4, 4].tolist() == pytest.approx([200, 30, 30], abs=3)


@pytest.mark.parametrize("deep", [False, True])
def test_a_tiff_that_is_not_upright_is_refused(tmp_path: Path, deep: bool) -> None:
    """A TIFF with another orientation is refused, because its decoders do not agree on turning it."""
    tifffile.imwrite(tmp_path / "turned.tif", _noise(6, 9, 3, deep=deep), extratags=[(0x0112, "H", 1, 6, True)])

    with pytest.raises(Quarantined) as caught:
        load_picture(tmp_path / "turned.tif", 50)
    assert caught.value.cause is Cause.UNSUPPORTED


@pytest.mark.parametrize("kind", ["jpg", "png", "tif"])
@pytest.mark.parametrize("profile", [embedded("adobe"), tables()], ids=["Adobe RGB", "tables"])
def test_what_is_written_shows_the_colours_of_the_file(profile: bytes, kind: str, tmp_path: Path) -> None:
    """A profile's numbers come along, or the colours are converted; nothing else of it is in the PNG."""
    path = tmp_path / f"a.{kind}"
    Image.fromarray(every_colour()).save(path, icc_profile=profile)
    stored = np.asarray(Image.open(path).convert("RGB"))

    picture = load_picture(path, 50)
    data = encode_png(picture)

    assert picture.space == (SRGB if profile == tables() else ADOBE_RGB)
    with Image.open(BytesIO(data)) as again:
        assert again.info["icc_profile"] == written(picture.space)
        shown = seen(np.asarray(again), again.info["icc_profile"]).astype(int)
    assert np.abs(shown - seen(stored, profile)).mean() < 0.3
    assert CANARY not in data and load_picture(data, 50).space == picture.space


def test_grey_and_deep_pictures_with_odd_profiles_stay_as_they_are(tmp_path: Path) -> None:
    """Grey values have no profile; a table cannot be applied to 16 bits without cutting them."""
    Image.fromarray(_noise(12, 16)).save(tmp_path / "a.png", icc_profile=embedded("adobe"))
    tifffile.imwrite(tmp_path / "b.tif", _noise(12, 16, 3, deep=True), photometric="rgb", iccprofile=tables())
    for name in ("a.png", "b.tif"):
        picture = load_picture(tmp_path / name, 50)
        assert picture.space is None
        assert b"iCCP" not in encode_png(picture)
