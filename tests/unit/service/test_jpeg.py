import os
import tempfile
from io import BytesIO
from pathlib import Path

import jpeglib
import numpy as np
import pytest
import simplejpeg
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from service.jpeg import (
    JpegError,
    describe,
    digest,
    foreign_segments,
    sequential,
    splice,
    strip,
    with_colour,
)

CANARY = b"CANARY^PATIENT"


def picture(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(height, width, 3)), (4, 4, 0))
    low, high = noise.min(), noise.max()
    return np.asarray((noise - low) / (high - low) * 255, dtype=np.uint8)


def encode(image: NDArray[np.uint8], **options: object) -> bytes:
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", **{"quality": 90, **options})
    return buffer.getvalue()


def decoded(data: bytes) -> list[NDArray[np.uint8]]:
    """By three decoders: Pillow, simplejpeg exact, simplejpeg fast."""
    pillow = np.asarray(Image.open(BytesIO(data)).convert("RGB"))
    return [
        pillow,
        simplejpeg.decode_jpeg(data, "rgb", strict=True),
        simplejpeg.decode_jpeg(data, "rgb", fastdct=True, fastupsample=True),
    ]


def dirty() -> bytes:
    """A stream with EXIF, GPS, XMP, ICC, IPTC, comments, JFXX thumbnail, text between scans and a trailer."""
    exif = Image.Exif()
    exif[0x010F] = CANARY.decode()
    exif.get_ifd(0x8825)[29] = CANARY.decode()
    data = encode(picture(64, 80), exif=exif, comment=CANARY, icc_profile=CANARY * 9, progressive=True)
    extra = b"".join(
        b"\xff" + bytes([marker]) + (len(CANARY) + 7).to_bytes(2, "big") + name + CANARY
        for marker, name in ((0xE0, b"JFXX\0"), (0xED, b"Photo"), (0xEF, b"other"))
    )
    second_scan = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    comment = b"\xff\xfe" + (len(CANARY) + 2).to_bytes(2, "big") + CANARY
    return data[:2] + extra + data[2:second_scan] + comment + data[second_scan:] + b"\xff\xd8trailer" + CANARY


def test_stripping_leaves_no_metadata_and_every_pixel() -> None:
    """EXIF, comments, profiles, thumbnails and trailers go, wherever they lie; the pixels stay the same."""
    source = dirty()
    clean = strip(source)
    assert CANARY in source
    assert CANARY not in clean
    assert foreign_segments(clean) == []
    for before, after in zip(decoded(source), decoded(clean), strict=True):
        assert np.array_equal(before, after)


def test_foreign_segments_are_named_without_their_content() -> None:
    """Each kind of segment that stripping removes is reported by name."""
    names = foreign_segments(dirty())
    assert {"APP0", "APP1", "APP2", "APP13", "APP15", "COM"} <= set(names)
    assert foreign_segments(strip(dirty()) + b"John") == ["bytes outside segments"]
    assert foreign_segments(strip(dirty()) + b"\0") == []


def test_a_thumbnail_in_the_jfif_segment_is_removed() -> None:
    """A JFIF thumbnail, which could show the face, does not survive."""
    data = strip(encode(picture(32, 32)))
    body = b"JFIF\0\1\1\0\0\1\0\1\4\4" + CANARY + bytes(48 - len(CANARY))
    with_thumbnail = data[:2] + b"\xff\xe0" + (len(body) + 2).to_bytes(2, "big") + body + data[20:]
    assert strip(with_thumbnail) == data


@pytest.mark.parametrize("marker", [b"\xff\xdb", b"\xff\xc4", b"\xff\xc0", b"\xff\xda"])
def test_a_table_with_bytes_to_spare_is_refused(marker: bytes) -> None:
    """A segment longer than its own content says could hide text and is no JPEG to us."""
    data = encode(picture(32, 32))
    at = data.index(marker)
    length = int.from_bytes(data[at + 2 : at + 4], "big")
    padded = data[: at + 2] + (length + 5).to_bytes(2, "big") + data[at + 4 : at + 2 + length] + b"Smith"
    with pytest.raises(JpegError):
        strip(padded + data[at + 2 + length :])


@pytest.mark.parametrize("cut", [0, 1, 3, 100, 400, -2])
def test_a_cut_off_stream_is_refused(cut: int) -> None:
    """Whatever is not a whole JPEG raises JpegError."""
    data = encode(picture(32, 32))
    with pytest.raises(JpegError):
        strip(data[:cut])


def test_the_header_is_read_without_decoding() -> None:
    """Size, components, subsampling and progression come from the markers."""
    stream = describe(encode(picture(33, 47), subsampling=2, progressive=True))
    assert (stream.width, stream.height, len(stream.components)) == (47, 33, 3)
    assert stream.subsampling == (2, 2)
    assert stream.progressive
    assert stream.jfif
    assert stream.says_ycc
    assert describe(encode(picture(8, 8)[..., 0])).mcu == (8, 8)


def test_arithmetic_streams_are_refused() -> None:
    """A frame header that no decoder here handles is not guessed at."""
    with pytest.raises(JpegError):
        describe(encode(picture(32, 32)).replace(b"\xff\xc0", b"\xff\xc9", 1))


def test_a_stream_without_coefficients_is_not_spliced() -> None:
    """A lossless JPEG is described, but has no blocks that a picture could be put into."""
    data = encode(picture(32, 32)).replace(b"\xff\xc0", b"\xff\xc3", 1)
    assert describe(data).lossless
    with pytest.raises(JpegError):
        splice(data, picture(32, 32), np.zeros((32, 32), bool))


@pytest.mark.parametrize("size", [(160, 208), (151, 203), (17, 9)])
@pytest.mark.parametrize("options", [{"subsampling": s} for s in range(3)] + [{"subsampling": 2, "progressive": True}])
def test_what_is_kept_is_kept_to_the_bit_in_every_decoder(size: tuple[int, int], options: dict[str, object]) -> None:
    """Outside the changed MCUs and their rim three decoders give the source's pixels."""
    source = strip(encode(picture(*size), **options))
    changed = np.zeros(size, dtype=bool)
    changed[size[0] // 4 : size[0] // 2, size[1] // 3 : size[1] // 2 + 1] = True
    result = splice(source, picture(*size, seed=1), changed)
    assert not (result.exact & changed).any()
    for before, after in zip(decoded(source), decoded(result.data), strict=True):
        assert np.array_equal(before[result.exact], after[result.exact])
        assert not np.array_equal(before[changed], after[changed])
    assert not describe(result.data).progressive
    assert foreign_segments(result.data) == []
    if size[0] > 100:
        assert result.exact.mean() > 0.7


@pytest.mark.parametrize("subsampling", ["422", "440", "420", "444", "411"])
def test_new_blocks_are_as_good_as_an_encoders(subsampling: str) -> None:
    """A picture spliced in as a whole comes out as close to itself as a JPEG encoder would bring it."""
    before, after = picture(96, 144), picture(96, 144, seed=1)
    source = strip(simplejpeg.encode_jpeg(before, quality=90, colorsubsampling=subsampling))
    whole = splice(source, after, np.ones((96, 144), dtype=bool)).data
    reference = simplejpeg.decode_jpeg(simplejpeg.encode_jpeg(after, quality=90, colorsubsampling=subsampling))
    ours = np.abs(simplejpeg.decode_jpeg(whole).astype(int) - after).mean()
    theirs = np.abs(reference.astype(int) - after).mean()
    assert ours < theirs * 1.05 + 0.05


@pytest.mark.parametrize("subsampling", ["422", "440", "420", "411"])
def test_the_rim_covers_what_decoders_smooth(subsampling: str) -> None:
    """Also for unusual subsampling nothing outside the rim differs."""
    source = strip(simplejpeg.encode_jpeg(picture(128, 160), quality=85, colorsubsampling=subsampling))
    changed = np.zeros((128, 160), dtype=bool)
    changed[40:70, 50:90] = True
    result = splice(source, picture(128, 160, seed=1), changed)
    for before, after in zip(decoded(source), decoded(result.data), strict=True):
        assert np.array_equal(before[result.exact], after[result.exact])


def test_a_grey_stream_keeps_its_single_component() -> None:
    """One component goes in and out, changed only where asked."""
    grey = picture(50, 70)[..., 0]
    source = strip(encode(grey))
    changed = np.zeros(grey.shape, dtype=bool)
    changed[8:24, 16:40] = True
    new = np.repeat(255 - grey[..., None], 3, axis=2)
    result = splice(source, new, changed)
    assert len(describe(result.data).components) == 1
    for before, after in zip(decoded(source), decoded(result.data), strict=True):
        assert np.array_equal(before[result.exact], after[result.exact])
        assert np.abs(after[changed].astype(int) - new[changed]).mean() < 4


def test_an_rgb_stream_stays_rgb() -> None:
    """A stream that holds RGB, not YCbCr, is spliced in RGB and says so afterwards."""
    image, new = picture(64, 64), picture(64, 64, seed=1)
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=95, keep_rgb=True)
    source = strip(buffer.getvalue())
    assert describe(source).says_ycc is False
    changed = np.zeros((64, 64), dtype=bool)
    changed[16:40, 16:40] = True
    result = splice(source, new, changed)
    assert describe(result.data).says_ycc is False
    for before, after in zip(decoded(source), decoded(result.data), strict=True):
        assert np.array_equal(before[result.exact], after[result.exact])
        assert np.abs(after[changed].astype(int) - new[changed]).mean() < 4


def test_colour_can_be_stated() -> None:
    """A stream without a colour marker is told apart once an Adobe segment says what it holds."""
    image = picture(32, 32)
    data = strip(encode(image))
    bare = data[:2] + data[20:]
    assert describe(bare).says_ycc is None
    assert describe(with_colour(bare, ycc=True)).says_ycc is True
    assert describe(with_colour(bare, ycc=False)).says_ycc is False
    assert np.array_equal(decoded(with_colour(bare, ycc=True))[0], decoded(data)[0])


def test_the_digest_proves_what_was_kept() -> None:
    """The digest of the kept region is the same before and after, and differs when one pixel of it changes."""
    source = strip(encode(picture(96, 96)))
    keep = np.zeros((96, 96), dtype=bool)
    keep[30:80, 30:80] = True
    new = picture(96, 96, seed=1)
    result = splice(source, new, ~keep, keep)
    assert digest(source, keep) == digest(result.data, keep) == result.digest
    worse = ~keep
    worse[50, 50] = True
    assert digest(source, keep) != digest(splice(source, new, worse).data, keep)


def test_a_progressive_stream_becomes_sequential_without_loss() -> None:
    """Making a stream sequential changes no coefficient and no pixel."""
    source = strip(encode(picture(75, 61), progressive=True))
    result = sequential(source)
    everything = np.ones((75, 61), dtype=bool)
    assert not describe(result).progressive
    assert digest(source, everything) == digest(result, everything)
    assert np.array_equal(decoded(source)[0], decoded(result)[0])


def test_our_reader_of_coefficients_agrees_with_jpeglib(tmp_path: Path) -> None:
    """The in-memory loader yields what the library's own loader yields."""
    path = tmp_path / "a.jpg"
    source = strip(encode(picture(50, 40)))
    path.write_bytes(splice(source, picture(50, 40), np.zeros((50, 40), dtype=bool)).data)
    ours = jpeglib.read_dct(str(path))
    assert ours.Y.any()
    path.write_bytes(source)
    theirs = jpeglib.read_dct(str(path))
    assert np.array_equal(ours.Y, theirs.Y)
    assert np.array_equal(ours.Cb, theirs.Cb)
    assert np.array_equal(ours.qt, theirs.qt)


def test_splicing_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No picture is written to the temporary folder, not even for a moment."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    sizes: list[int] = []
    remove = os.remove

    def spy(path: str) -> None:
        sizes.append(Path(path).stat().st_size)
        remove(path)

    monkeypatch.setattr("os.remove", spy)
    source = strip(encode(picture(64, 64)))
    splice(source, picture(64, 64, seed=1), np.ones((64, 64), dtype=bool))
    assert set(sizes) <= {0}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seed", range(40))
def test_damaged_streams_raise_and_never_crash(seed: int) -> None:
    """Random damage ends in JpegError or in a stream that still decodes, never in a dead process."""
    rng = np.random.default_rng(seed)
    data = bytearray(encode(picture(64, 64), subsampling=2))
    for at in rng.integers(2, len(data), 4):
        data[at] = rng.integers(256)
    try:
        clean = strip(bytes(data))
        simplejpeg.decode_jpeg(clean, "rgb", strict=True)
        stream = describe(clean)
        shape = (stream.height, stream.width)
        splice(clean, np.zeros((*shape, 3), dtype=np.uint8), np.ones(shape, dtype=bool))
    except (JpegError, ValueError):
        pass
