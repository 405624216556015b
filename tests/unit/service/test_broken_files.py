"""Broken and hostile files, made from good ones with a fixed seed: each ends in a picture or in quarantine."""

import tracemalloc
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, FileDataset, dcmwrite
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit, RLELossless

from service.errors import Quarantined
from service.headers import Cleaner
from service.identifiers import harvest
from service.objects import read, read_header
from service.pixels import count_frames, decode, single_frame
from service.pseudonyms import Pseudonyms
from service.secrets import Keys
from service.settings import Limits
from service.states import Cause
from service.tables import Patient
from service.views import classify
from tests.support.encodings import FORMS, Form, encoded
from tests.support.photographs import jpeg, photograph, teeth

PATIENT = Patient(key="k", pseudonym="0ABCDEFGHJKM", date_offset_days=-9)
CLEANER = Cleaner(Pseudonyms(Keys(b"k" * 32), "test"), PATIENT)
LIMITS = Limits(max_megapixels=4)
PEAK = 200 << 20  # bytes; a picture at the limit takes 12 MB, and no step holds more than a few copies
FUZZED = [form for form in FORMS if not form.syntax.name.startswith("JPEG Lossless")]  # those need DCMTK's encoder
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def file_of(ds: FileDataset) -> bytes:
    buffer = BytesIO()
    dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()


def work(data: bytes) -> Cause | None:
    """All that is done to an object before its faces are looked for; why it is held, None where nothing is wrong."""
    try:
        ds = read(data)
        classify(ds)
        for frame in range(count_frames(ds, LIMITS)):
            decode(ds, LIMITS, frame)
        CLEANER.clean(ds)
        harvest(ds)
    except Quarantined as held:
        return held.cause
    return None


def worked(data: bytes) -> Cause | None:
    """The same, within bounded memory."""
    tracemalloc.start()
    try:
        cause = work(data)
        assert tracemalloc.get_traced_memory()[1] < PEAK
        return cause
    finally:
        tracemalloc.stop()


def mutations(data: bytes, seed: int) -> Iterator[bytes]:
    """Cut off, bytes flipped, a stretch doubled, a stretch gone, a length made huge."""
    rng = np.random.default_rng(seed)
    yield data[: int(rng.integers(132, len(data)))]
    flipped = bytearray(data)
    for at in rng.integers(132, len(data), 20):
        flipped[at] ^= 1 << int(rng.integers(8))
    yield bytes(flipped)
    start, end = sorted(int(at) for at in rng.integers(132, len(data), 2))
    yield data[:end] + data[start:]
    yield data[:start] + data[end:]
    at = int(rng.integers(132, min(len(data) - 4, 1500)))
    yield data[:at] + b"\xff\xff\xff\x7f" + data[at + 4 :]


@pytest.mark.parametrize("form", FUZZED, ids=str)
def test_a_damaged_file_is_decoded_or_held(form: Form) -> None:
    """Whatever is broken in a file, no other error comes out than a quarantine with its cause."""
    data = file_of(encoded(form))
    assert work(data) is None
    for seed in range(4):
        for broken in mutations(data, seed):
            work(broken)


@pytest.mark.parametrize("form", [FORMS[1], *(f for f in FUZZED if f.syntax.is_encapsulated)], ids=str)
def test_damaged_pixels_do_not_hurt_a_good_header(form: Form) -> None:
    """With every byte of the pixels at risk the decoders raise nothing of their own."""
    ds = encoded(form)
    pixels, rng = bytes(ds.PixelData), np.random.default_rng(11)
    for _ in range(12):
        broken = bytearray(pixels)
        for at in rng.integers(16 if form.syntax.is_encapsulated else 0, len(broken), 6):
            broken[at] = int(rng.integers(256))
        ds.PixelData = bytes(broken)
        try:
            assert decode(ds, LIMITS).rgb.shape == (120, 160, 3)
        except Quarantined as held:
            assert held.cause in (Cause.UNDECODABLE_PIXELS, Cause.UNSUPPORTED, Cause.TOO_MANY_PIXELS)


def nested(depth: int, implicit: bool) -> bytes:
    """A photograph with sequences in sequences, all of undefined length, in front of its pixels."""
    ds = photograph(teeth(), "IV07", syntax=ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian)
    data = file_of(ds)
    tag, vr = b"\x08\x00\x40\x11", b"" if implicit else b"SQ\0\0"  # (0008,1140)
    opening = tag + vr + b"\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    closing = b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    at = data.index(b"\x10\x00\x10\x00")  # Patient's Name
    return data[:at] + opening * depth + closing * depth + data[at:]


@pytest.mark.parametrize("implicit", [False, True])
def test_sequences_a_thousand_deep_are_held(implicit: bool, tmp_path: Path) -> None:
    """Items in items are followed as far as the standard goes, and no further; custody does not follow them either."""
    assert work(nested(8, implicit)) is None
    for depth in (1_000, 50_000):
        data = nested(depth, implicit)
        assert worked(data) is Cause.UNSUPPORTED
        (tmp_path / "deep.dcm").write_bytes(data)
        assert read_header(tmp_path / "deep.dcm", ["PatientID"]) == {}


def test_a_header_of_a_hundred_thousand_elements_is_held_at_once() -> None:
    """Tiny elements that would fill the memory once they are parsed are counted, not parsed."""
    data = file_of(photograph(teeth(), "IV07", syntax=ExplicitVRLittleEndian))
    at = data.index(b"\x10\x00\x10\x00")
    tiny = b"".join(b"\x09\x00" + number.to_bytes(2, "little") + b"LO\0\0" for number in range(0x1000, 0xFFFF))
    assert worked(data[:at] + 2 * tiny + data[at:]) is Cause.UNSUPPORTED


def test_run_lengths_that_unpack_to_too_much_are_held() -> None:
    """A frame with far more run lengths than its picture can need is held before they are unpacked."""
    ds = photograph(teeth(), "IV07", syntax=RLELossless)
    ds.PixelData = encapsulate([single_frame(ds) + b"\x81\0" * 10**6])
    assert worked(file_of(ds)) is Cause.UNDECODABLE_PIXELS


CONTRADICTIONS: dict[str, tuple[Cause, dict[str, object]]] = {
    "zero frames": (Cause.UNDECODABLE_PIXELS, {"NumberOfFrames": 0}),
    "frames below zero": (Cause.UNDECODABLE_PIXELS, {"NumberOfFrames": -1}),
    "more frames than there are": (Cause.UNDECODABLE_PIXELS, {"NumberOfFrames": 2}),
    "a million frames": (Cause.TOO_MANY_PIXELS, {"NumberOfFrames": 1_000_000}),
    "other rows": (Cause.UNDECODABLE_PIXELS, {"Rows": 119}),
    "no columns": (Cause.UNDECODABLE_PIXELS, {"Columns": 0}),
    "one sample": (Cause.UNSUPPORTED, {"SamplesPerPixel": 1}),
    "grey with three samples": (Cause.UNSUPPORTED, {"PhotometricInterpretation": "MONOCHROME2"}),
    "twelve bits": (Cause.UNSUPPORTED, {"BitsAllocated": 16, "BitsStored": 12, "HighBit": 11}),
    "a colour nobody knows": (Cause.UNSUPPORTED, {"PhotometricInterpretation": "HSV"}),
}


@pytest.mark.parametrize("form", [FORMS[1], FORMS[4]], ids=str)
@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_header_that_contradicts_its_pixels_is_held(name: str, form: Form) -> None:
    """Where header and pixels do not agree nothing is guessed, compressed or not."""
    cause, values = CONTRADICTIONS[name]
    assert work(file_of(encoded(form, **values))) is cause  # type: ignore[arg-type]
    ds = photograph(teeth(), "IV07")
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    assert work(file_of(ds)) is cause


@pytest.mark.parametrize(
    ("syntax", "photometric", "stored_as"),
    [
        ("JPEG 2000 Image Compression (Lossless Only)", "RGB", "YBR_RCT"),  # says that it is transformed; it is not
        ("JPEG 2000 Image Compression (Lossless Only)", "YBR_RCT", "YBR_FULL"),
        ("RLE Lossless", "RGB", "YBR_RCT"),
        ("Explicit VR Little Endian", "RGB", "YBR_ICT"),
    ],
)
def test_a_label_that_would_change_the_colours_is_held(syntax: str, photometric: str, stored_as: str) -> None:
    """A photometric interpretation that the codestream denies is not followed."""
    form = next(f for f in FORMS if f.syntax.name == syntax and f.photometric == photometric)
    ds = encoded(form)
    ds.PhotometricInterpretation = stored_as
    assert work(file_of(ds)) is Cause.UNDECODABLE_PIXELS


def with_fragments(parts: list[bytes], table: list[int] | None = None, **values: object) -> FileDataset:
    ds = photograph(teeth(), "IV07")
    item = b"\xfe\xff\x00\xe0"
    offsets = b"".join(offset.to_bytes(4, "little") for offset in table or [])
    ds.PixelData = b"".join(item + len(part).to_bytes(4, "little") + part for part in (offsets, *parts))
    ds["PixelData"].is_undefined_length = True
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def even(data: bytes) -> bytes:
    return data + b"\0" * (len(data) % 2)


def test_a_frame_in_odd_fragments_is_put_together() -> None:
    """However one frame is split, with empty and tiny fragments among the parts, it decodes to the same picture."""
    data = even(jpeg(teeth()))
    whole = decode(with_fragments([data]), LIMITS).rgb
    parts = [data[:2], b"", *(data[at : at + 334] for at in range(2, len(data), 334))]
    for table in (None, [0]):
        assert np.array_equal(decode(with_fragments(parts, table), LIMITS).rgb, whole)


def test_frames_are_found_by_offsets_or_by_their_starts_and_not_otherwise() -> None:
    """Two frames in several fragments are told apart where table or starts agree with the header, else held."""
    first, second = even(jpeg(teeth(1))), even(jpeg(teeth(2)))
    parts = [first[:1000], first[1000:], second[:1000], second[1000:]]
    right = [0, len(first) + 16]
    wanted = [decode(with_fragments([data]), LIMITS).rgb for data in (first, second)]
    for table in (None, right):
        ds = with_fragments(parts, table, NumberOfFrames=2)
        assert all(np.array_equal(decode(ds, LIMITS, n).rgb, wanted[n]) for n in range(2))
    for table in ([0, 20], [0, 1008], [16, 0], [0, 0], [0], [0, right[1], right[1] + 8]):
        assert work(file_of(with_fragments(parts, table, NumberOfFrames=2))) is Cause.UNDECODABLE_PIXELS
    assert work(file_of(with_fragments(parts, right))) is Cause.UNDECODABLE_PIXELS  # two offsets, one frame
    for gone in ([], [b""]):
        assert work(file_of(with_fragments(gone))) is Cause.UNDECODABLE_PIXELS


def test_an_extended_offset_table_is_held_to_the_fragments() -> None:
    """Extended offsets lead to the frames where they are right; where they are wrong the object is held."""
    frames = [even(jpeg(teeth(seed))) for seed in (1, 2)]
    ds = with_fragments(frames, NumberOfFrames=2)
    ds.PixelData, ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = encapsulate_extended(frames)
    ds["PixelData"].is_undefined_length = True
    assert work(file_of(ds)) is None
    ds.ExtendedOffsetTable = (0).to_bytes(8, "little") + (4).to_bytes(8, "little")
    assert work(file_of(ds)) is Cause.UNDECODABLE_PIXELS


@pytest.mark.parametrize("uid", ["1.2.826.0.1.3680043.2.1143.107.104.103.115.7", "1.2.840.10008.1.2.4.102", "", "x"])
def test_private_and_video_syntaxes_are_unsupported(uid: str) -> None:
    """A syntax that nobody here knows is held by its name alone."""
    ds = photograph(teeth(), "IV07")
    ds.file_meta.TransferSyntaxUID = UID(uid)
    buffer = BytesIO()
    dcmwrite(buffer, ds, enforce_file_format=False, implicit_vr=False, little_endian=True)
    assert work(buffer.getvalue()) in (Cause.UNSUPPORTED, Cause.UNREADABLE)


def test_duplicate_tags_and_nested_icons_change_nothing() -> None:
    """A second Rows, or an icon with pixels of its own, does not make another picture of it."""
    ds = photograph(teeth(), "IV07", syntax=JPEGBaseline8Bit)
    icon = Dataset()
    icon.Rows, icon.Columns, icon.PixelData = 9, 9, b"\0" * 82
    icon["PixelData"].VR = "OB"
    ds.IconImageSequence = Sequence([icon])
    data = file_of(ds)
    assert work(data) is None
    again = DicomBytesIO()
    again.is_implicit_VR, again.is_little_endian = False, True
    extra = Dataset()
    extra.Rows = 60
    write_dataset(again, extra)
    at = data.index(b"\x28\x00\x11\x00")
    assert work(data[:at] + again.getvalue() + data[at:]) is Cause.UNDECODABLE_PIXELS
