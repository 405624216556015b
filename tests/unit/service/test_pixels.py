from io import BytesIO

import numpy as np
import pytest
import simplejpeg
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, FileDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    JPEG2000,
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from service.errors import Quarantined
from service.objects import read, to_bytes
from service.pixels import Picture, Replaced, Written, WrittenFrame, decode, examine, single_frame, write
from service.pixels.replacing import _random
from service.settings import Limits
from service.states import Cause
from tests.support.fakefaces import BOX, FakeFaces
from tests.support.photographs import jpeg, photograph, teeth

LIMITS = Limits()
LATENT = np.zeros(4, np.float32)
LOSSLESS = [ExplicitVRLittleEndian, RLELossless, JPEG2000Lossless]


def source(syntax: UID = JPEGBaseline8Bit) -> FileDataset:
    return photograph(teeth(), "EV19", syntax=syntax)


def with_frame(data: bytes, **values: object) -> FileDataset:
    ds = photograph(teeth(), "EV19")
    ds.PixelData = encapsulate([data])
    ds["PixelData"].is_undefined_length = True
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def finished(
    ds: FileDataset, replaced: Replaced, picture: Picture, otherwise: UID = ExplicitVRLittleEndian
) -> tuple[bytes, Written]:
    clean = Dataset()
    clean.SOPClassUID, clean.SOPInstanceUID = ds.SOPClassUID, "2.25.1"
    written = write(clean, [picture], [replaced], otherwise)
    return to_bytes(clean, written.syntax), written


def cause(ds: FileDataset, limits: Limits = LIMITS) -> Cause:
    with pytest.raises(Quarantined) as held:
        decode(ds, limits)
    return held.value.cause


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_lossless_pictures_are_decoded_exactly(syntax: UID) -> None:
    """Every lossless syntax yields the pixels that went in."""
    assert np.array_equal(decode(source(syntax), LIMITS).rgb, teeth())


def test_jpeg_is_decoded_as_viewers_show_it() -> None:
    """A Baseline picture is within rounding of what another decoder shows."""
    picture = decode(source(), LIMITS)
    other = np.asarray(Image.open(BytesIO(single_frame(source()))).convert("RGB"))
    assert np.abs(picture.rgb.astype(int) - other).max() <= 6
    assert picture.jpeg is not None


def test_a_grey_picture_has_three_equal_channels() -> None:
    """MONOCHROME2 comes out as grey RGB, native and JPEG."""
    grey = teeth()[..., 0]
    ds = photograph(teeth(), "IV07", syntax=ExplicitVRLittleEndian)
    ds.PixelData, ds.SamplesPerPixel, ds.PhotometricInterpretation = grey.tobytes(), 1, "MONOCHROME2"
    del ds.PlanarConfiguration
    assert np.array_equal(decode(ds, LIMITS).rgb, np.repeat(grey[..., None], 3, axis=2))
    framed = with_frame(jpeg(grey), SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2")
    assert decode(framed, LIMITS).grey


@pytest.mark.parametrize(("label", "marker"), [("RGB", None), ("YBR_FULL_422", None), ("RGB", "jfif")])
def test_colour_follows_the_stream_where_it_says_so_and_the_header_where_not(label: str, marker: str | None) -> None:
    """A stream without markers is read as the header says; a mislabelled one as its own marker says."""
    data = jpeg(teeth(), subsampling="4:4:4")
    bare = data[:2] + data[20:]
    ds = with_frame(data if marker else bare, PhotometricInterpretation=label)
    ycc = np.asarray(Image.open(BytesIO(data)).convert("YCbCr")) if label == "RGB" and not marker else teeth()
    picture = decode(ds, LIMITS)
    assert np.abs(picture.rgb.astype(int) - ycc).mean() < 4
    replaced = FakeFaces(BOX).replace(picture, LATENT)
    out, _ = finished(ds, replaced, picture)
    shown = pixel_array(read(out), decoding_plugin="pillow")
    assert np.abs(shown[:30].astype(int) - picture.rgb[:30]).max() <= 6


@pytest.mark.parametrize("rows", [7072, 65535])
def test_a_header_that_promises_too_many_pixels_is_refused(rows: int) -> None:
    """The size in the header is judged before anything is decoded."""
    assert cause(with_frame(jpeg(teeth()), Rows=rows, Columns=7072)) is Cause.TOO_MANY_PIXELS


def test_a_stream_that_unpacks_to_too_many_pixels_is_refused() -> None:
    """A small header over a huge JPEG frame is refused by the frame's own header."""
    data = bytearray(jpeg(teeth()))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    assert cause(with_frame(bytes(data))) is Cause.TOO_MANY_PIXELS


def test_a_frame_of_another_size_than_the_header_is_refused() -> None:
    """Header and stream must agree, so that nobody sees another picture than the one that was worked on."""
    assert cause(with_frame(jpeg(teeth(width=176)))) is Cause.UNDECODABLE_PIXELS


def test_a_jpeg_2000_stream_of_another_size_is_refused() -> None:
    """A JPEG 2000 stream that states more pixels than the header is refused before it is decoded."""
    ds = source(JPEG2000Lossless)
    frame = bytearray(single_frame(ds))
    frame[8:12] = b"\0\0\xff\xff"
    ds.PixelData = encapsulate([bytes(frame)])
    assert cause(ds) is Cause.UNDECODABLE_PIXELS
    frame[12:16] = b"\0\0\xff\xff"
    ds.PixelData = encapsulate([bytes(frame)])
    assert cause(ds) is Cause.TOO_MANY_PIXELS


def test_run_lengths_that_unpack_to_more_than_the_picture_are_refused() -> None:
    """An RLE frame far longer than its picture can need is refused, and so is one that unpacks to more."""
    ds = source(RLELossless)
    ds.PixelData = encapsulate([single_frame(ds) + b"\x81\0" * 10**6])
    assert cause(ds) is Cause.UNDECODABLE_PIXELS


@pytest.mark.parametrize(
    "values",
    [
        {"BitsAllocated": 16, "BitsStored": 12, "HighBit": 11},
        {"PhotometricInterpretation": "PALETTE COLOR"},
        {"SamplesPerPixel": 4},
        {"PixelRepresentation": 1},
    ],
)
def test_pixel_formats_without_a_decoder_are_unsupported(values: dict[str, object]) -> None:
    """Signed samples, a fourth one and more than 8 bits are held, not guessed at."""
    assert cause(with_frame(jpeg(teeth()), **values)) is Cause.UNSUPPORTED


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, *LOSSLESS])
@pytest.mark.parametrize("seed", range(6))
def test_damaged_pixels_are_quarantined_and_never_raise_otherwise(syntax: UID, seed: int) -> None:
    """Cut off or garbled pixel data decodes or is quarantined; nothing else comes out."""
    rng = np.random.default_rng(seed)
    ds = source(syntax)
    data = bytearray(ds.PixelData)
    data[rng.integers(len(data))] ^= 0xFF
    ds.PixelData = bytes(data[: rng.integers(2, len(data))] if seed % 2 else data)
    try:
        assert decode(ds, LIMITS).rgb.shape == (120, 160, 3)
    except Quarantined as held:
        assert held.cause in (Cause.UNDECODABLE_PIXELS, Cause.TOO_MANY_PIXELS, Cause.UNSUPPORTED)


@pytest.mark.parametrize("missing", ["Rows", "Columns", "PhotometricInterpretation", "BitsAllocated"])
def test_missing_pixel_attributes_are_quarantined(missing: str) -> None:
    """Without the attributes that describe them pixels cannot be decoded."""
    ds = source()
    delattr(ds, missing)
    assert cause(ds) is Cause.UNDECODABLE_PIXELS


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, *LOSSLESS])
def test_the_preserved_region_is_exact_and_the_face_is_not(syntax: UID) -> None:
    """In every syntax the preserved region decodes to the source's pixels while the face around it changes."""
    ds = source(syntax)
    picture = decode(ds, LIMITS)
    faces = FakeFaces(BOX)
    replaced = faces.replace(picture, LATENT, {"mouth"})
    data, written = finished(ds, replaced, picture)
    result = decode(read(data), LIMITS)
    assert written.frames[0].exact is not None
    assert written.frames[0].exact.sum() > 500
    assert np.array_equal(result.rgb[written.frames[0].exact], picture.rgb[written.frames[0].exact])
    assert np.abs(result.rgb[50:70, 50:90].astype(int) - picture.rgb[50:70, 50:90]).mean() > 20
    assert read(data).file_meta.TransferSyntaxUID == syntax
    evidence = examine(data, [picture], [replaced], written, faces)
    assert evidence.problem is None
    assert evidence.preserved is True
    assert evidence.preserved_pixels == written.frames[0].exact.sum()
    assert len(evidence.digest or "") == 64


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_three_decoders_agree_on_the_preserved_region(subsampling: str) -> None:
    """simplejpeg, Pillow and pydicom all show the preserved region of a JPEG as they showed the source's."""
    ds = with_frame(jpeg(teeth(), subsampling=subsampling))
    picture = decode(ds, LIMITS)
    data, written = finished(ds, FakeFaces(BOX).replace(picture, LATENT, {"mouth"}), picture)
    result = read(data)
    for shown in (
        lambda d: np.asarray(Image.open(BytesIO(single_frame(d))).convert("RGB")),
        lambda d: simplejpeg.decode_jpeg(single_frame(d), fastupsample=True),
        lambda d: pixel_array(d, decoding_plugin="pillow", raw=True),
    ):
        assert np.array_equal(shown(result)[written.frames[0].exact], shown(ds)[written.frames[0].exact])


@pytest.mark.parametrize(
    ("syntax", "expected"),
    [
        (ImplicitVRLittleEndian, ExplicitVRLittleEndian),
        (ExplicitVRBigEndian, ExplicitVRLittleEndian),
        (HTJ2KLossless, RLELossless),
        (JPEGLosslessSV1, RLELossless),
        (JPEGLSNearLossless, JPEGLSLossless),
        (JPEG2000, JPEG2000),
        (JPEG2000Lossless, JPEG2000Lossless),
        (JPEGExtended12Bit, JPEGBaseline8Bit),
    ],
)
def test_the_result_has_the_sources_syntax_where_it_can_be_encoded(syntax: UID, expected: UID) -> None:
    """Uncompressed stays uncompressed; what has no encoder of its own leaves in the syntax that the route names."""
    rgb = teeth()
    stream = jpeg(rgb) if syntax == JPEGExtended12Bit else None
    picture = Picture(rgb, False, syntax, 1000, stream)
    replaced = Replaced(rgb, np.zeros(rgb.shape[:2], bool))
    assert finished(source(), replaced, picture, RLELossless)[1].syntax == expected


def test_an_intra_oral_jpeg_leaves_with_its_own_bytes() -> None:
    """A photograph that is left as it is keeps its JPEG stream byte for byte, without its metadata."""
    plain = jpeg(teeth())
    exif = Image.Exif()
    exif[0x010F] = "CANARY"
    buffer = BytesIO()
    Image.fromarray(teeth()).save(buffer, "JPEG", quality=90, subsampling="4:2:0", exif=exif, comment=b"CANARY")
    ds = with_frame(buffer.getvalue())
    picture = decode(ds, LIMITS)
    data, written = finished(ds, FakeFaces().leave(picture), picture)
    frame = single_frame(read(data))
    assert b"CANARY" not in data
    assert frame.rstrip(b"\0") == picture.jpeg
    assert plain[plain.index(b"\xff\xdb") :] == frame[frame.index(b"\xff\xdb") :].rstrip(b"\0")
    assert examine(data, [picture], [FakeFaces().leave(picture)], written, FakeFaces()).problem is None


def test_a_progressive_intra_oral_jpeg_becomes_sequential_with_the_same_pixels() -> None:
    """JPEG Baseline allows no progressive stream; making it sequential changes no pixel."""
    buffer = BytesIO()
    Image.fromarray(teeth()).save(buffer, "JPEG", progressive=True)
    ds = with_frame(buffer.getvalue())
    picture = decode(ds, LIMITS)
    data, _ = finished(ds, FakeFaces().leave(picture), picture)
    assert np.array_equal(decode(read(data), LIMITS).rgb, picture.rgb)


def test_the_compression_history_grows() -> None:
    """An encoded-again JPEG states one more ratio and method, a copied one what the source stated."""
    ds = source()
    picture = decode(ds, LIMITS)
    for replaced, count in ((FakeFaces(BOX).replace(picture, LATENT), 2), (FakeFaces().leave(picture), 1)):
        clean = Dataset()
        clean.LossyImageCompression, clean.LossyImageCompressionRatio = "01", "11.5"
        clean.LossyImageCompressionMethod = "ISO_10918_1"
        write(clean, [picture], [replaced])
        ratios = clean["LossyImageCompressionRatio"]
        assert ratios.VM == clean["LossyImageCompressionMethod"].VM == count
        assert float(ratios.value if count == 1 else ratios.value[0]) == 11.5
        assert ("DerivationCodeSequence" in clean) == (count == 2)


def test_a_compression_history_that_does_not_fit_is_made_anew() -> None:
    """Ratios without methods are replaced by what this gateway measured of the source."""
    picture = decode(source(), LIMITS)
    clean = Dataset()
    clean.LossyImageCompressionRatio = ["11.5", "3"]
    write(clean, [picture], [FakeFaces().leave(picture)])
    assert clean["LossyImageCompressionRatio"].VM == clean["LossyImageCompressionMethod"].VM == 1


def test_a_face_in_an_intra_oral_photograph_is_held() -> None:
    """Codes that say mouth do not let a face through."""
    with pytest.raises(Quarantined) as held:
        FakeFaces(BOX).leave(decode(source(), LIMITS))
    assert held.value.cause is Cause.FACE_IN_INTRAORAL


@pytest.mark.parametrize(
    ("faces", "expected"),
    [(FakeFaces(), Cause.NO_FACE_FOUND), (FakeFaces(BOX, unreplaced=1), Cause.FACE_NOT_REPLACED)],
)
def test_a_photograph_whose_face_cannot_be_replaced_is_held(faces: FakeFaces, expected: Cause) -> None:
    """No face where there should be one, or one that could not be replaced, ends in quarantine."""
    with pytest.raises(Quarantined) as held:
        faces.replace(decode(source(), LIMITS), LATENT)
    assert held.value.cause is expected


def test_a_new_patients_identity_is_random() -> None:
    """Two proposals for the same photograph differ: nothing is computed from the face."""
    faces, picture = FakeFaces(BOX), decode(source(), LIMITS)
    assert not np.array_equal(faces.propose(picture), faces.propose(picture))


def test_the_systems_randomness_draws_identities(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each draw is seeded with 256 bits of the operating system's, and nothing else."""
    asked: list[int] = []

    def bits(count: int) -> int:
        asked.append(count)
        return len(asked) // 3  # the third one is another

    monkeypatch.setattr("service.pixels.replacing.secrets.randbits", bits)
    first, second, third = (_random().standard_normal(4) for _ in range(3))

    assert asked == [256] * 3
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, third)


def evidence_of(change: NDArray[np.uint8] | None = None, *, frame: bytes | None = None, **columns: int) -> object:
    ds = source()
    picture = decode(ds, LIMITS)
    replaced = FakeFaces(BOX).replace(picture, LATENT, {"mouth"})
    data, written = finished(ds, replaced, picture)
    result = read(data)
    if frame is not None:
        result.PixelData = encapsulate([frame])
    for keyword, value in columns.items():
        setattr(result, keyword, value)
    out = to_bytes(result, JPEGBaseline8Bit)
    return examine(out, [picture], [replaced], written, FakeFaces(BOX))


def test_the_examination_finds_a_preserved_region_that_changed() -> None:
    """A result that was encoded again as a whole does not pass for exact."""
    ds = source()
    picture = decode(ds, LIMITS)
    replaced = FakeFaces(BOX).replace(picture, LATENT, {"mouth"})
    again = jpeg(replaced.image)
    evidence = evidence_of(frame=again)
    assert evidence.preserved is False  # type: ignore[attr-defined]


@pytest.mark.parametrize("frame", [b"\xff\xd8\xff\xd9", b"\0\0", jpeg(teeth(width=176)), jpeg(teeth())[:-300]])
def test_the_examination_finds_a_file_that_cannot_be_used(frame: bytes) -> None:
    """A broken, empty, cut off or resized picture is a problem, not an exception."""
    assert evidence_of(frame=frame).problem  # type: ignore[attr-defined]
    assert examine(b"nothing", [decode(source(), LIMITS)], *_untouched(), FakeFaces()).problem


def test_the_examination_finds_metadata_in_the_stream() -> None:
    """A comment that slipped into the written JPEG stream is a problem."""
    data = jpeg(teeth())
    assert evidence_of(frame=data[:2] + b"\xff\xfe\x00\x06SMIT" + data[2:]).problem  # type: ignore[attr-defined]


def test_the_examination_finds_a_face_beside_the_replaced_one() -> None:
    """A face that a detector sees in the result where none was replaced is counted."""
    ds = source()
    picture = decode(ds, LIMITS)
    replaced = FakeFaces(BOX).replace(picture, LATENT)
    data, written = finished(ds, replaced, picture)
    other = (120.0, 20.0, 150.0, 60.0)
    assert examine(data, [picture], [replaced], written, FakeFaces(BOX, other)).stray_faces == 1
    nearby = (44.0, 50.0, 100.0, 126.0)
    assert examine(data, [picture], [replaced], written, FakeFaces(nearby)).stray_faces == 0


@pytest.mark.parametrize(
    ("seen", "second", "expected"),
    [(0.5, None, 0.5), (None, None, 0.9), (1.1, None, 0.9), (1.1, 0.55, 0.55), (0.5, 0.7, 0.5), (None, 0.7, 0.7)],
)
def test_the_smaller_distance_counts(seen: float | None, second: float | None, expected: float) -> None:
    """Of what the replacement measured and what two recognisers see in the written file, the least is evidence."""
    ds = source()
    picture = decode(ds, LIMITS)
    replaced = FakeFaces(BOX).replace(picture, LATENT)
    data, written = finished(ds, replaced, picture)
    faces = FakeFaces(BOX, distance=seen, second=second)
    assert examine(data, [picture], [replaced], written, faces).distances == (expected,)


def test_an_untouched_picture_that_changed_is_a_problem() -> None:
    """An intra-oral photograph must come out pixel by pixel as it went in."""
    picture, (replaced,) = decode(source(), LIMITS), _untouched()[0]
    other = Picture(255 - picture.rgb, False, JPEGBaseline8Bit, 1000, jpeg(255 - picture.rgb))
    data, written = finished(source(), replaced, other)
    assert "changed" in (examine(data, [picture], [replaced], written, FakeFaces()).problem or "")


def _untouched() -> tuple[list[Replaced], Written]:
    return [Replaced(teeth(), np.zeros((120, 160), bool))], Written(JPEGBaseline8Bit, (WrittenFrame(),))
