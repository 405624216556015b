"""Colour profiles on their way through the gateway: the same colours outside, and nothing else of what was in them."""

import subprocess
import sys
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from pydicom import FileDataset, dcmread
from pydicom.encaps import encapsulate

from service.contents import review
from service.finishing import Finished, finish
from service.headers import Cleaner
from service.icc import ADOBE_RGB, DISPLAY_P3, SRGB, written
from service.identifiers import Identifiers
from service.jpeg import profile_of, with_profile
from service.leaks import search
from service.objects import read
from service.pixels import Picture, decode, single_frame
from service.pseudonyms import Pseudonyms
from service.secrets import Keys
from service.settings import Limits
from service.tables import Patient
from service.views import classify
from tests.support.colours import CANARY, embedded, seen, tables
from tests.support.encodings import FORMS, Form, encoded
from tests.support.fakefaces import BOX, FakeFaces

PATIENT = Patient(key="k", pseudonym="0ABCDEFGHJKM", date_offset_days=-9)
PROFILES = {"adobe": embedded("adobe"), "p3": embedded("p3", "formula"), "measured": embedded("camera")}
FAR = np.s_[:, 136:]  # beside the face


def form(name: str) -> Form:
    return next(each for each in FORMS if str(each) == name)


JPEG, NATIVE = form("JPEG Baseline YBR_FULL_422 4:2:0"), form("Explicit VR Little Endian RGB")
NAMES = (
    *("JPEG Baseline YBR_FULL_422 4:2:0", "JPEG Baseline RGB", "RLE Lossless YBR_FULL", "RLE Lossless PALETTE COLOR"),
    *("Explicit VR Little Endian RGB", "Explicit VR Big Endian RGB", "JPEG-LS Lossless Image Compression RGB"),
    *("JPEG 2000 Image Compression YBR_RCT", "JPEG Lossless, Non-Hierarchical, First-Order Prediction RGB"),
)
COLOURED = [form(name) for name in NAMES]


def source(form: Form, profile: bytes | None, view: str = "EV19", *, in_stream: bool = False) -> FileDataset:
    """As the gateway reads it, with a profile in the header or in the first JPEG stream."""
    ds = encoded(form, view)
    if profile is not None and not in_stream:
        ds.add_new("ICCProfile", "OB", profile + b"\0" * (len(profile) % 2))
    if profile is not None and in_stream:
        ds.PixelData = encapsulate([_with_segments(single_frame(ds), profile)])
        ds["PixelData"].is_undefined_length = True
    stream = BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return read(stream.getvalue())


def _with_segments(jpeg: bytes, profile: bytes, size: int = 3000) -> bytes:
    """A profile in several APP2 segments, as large ones come."""
    parts = [profile[at : at + size] for at in range(0, len(profile), size)]
    segments = b""
    for number, part in enumerate(parts, 1):
        body = b"ICC_PROFILE\0" + bytes((number, len(parts))) + part
        segments += b"\xff\xe2" + (len(body) + 2).to_bytes(2, "big") + body
    return jpeg[:2] + segments + jpeg[2:]


def done(ds: FileDataset) -> tuple[Picture, Finished]:
    faces, picture = FakeFaces(BOX), decode(ds, Limits())
    if classify(ds).kind == "intraoral":
        faces = FakeFaces()
        replaced = faces.leave(picture)
    else:
        replaced = faces.replace(picture, np.zeros(4, np.float32), {"mouth"})
    clean = Cleaner(Pseudonyms(Keys(b"k" * 32), "test"), PATIENT).clean(ds)
    return picture, finish(ds, clean, [picture], [replaced], classify(ds), faces, 0.6)


def shown(ds: FileDataset) -> np.ndarray:
    """What a colour-managed viewer shows of an object."""
    return seen(decode(ds, Limits()).rgb, ds.get("ICCProfile")).astype(int)


@cache
def bare(form: Form) -> np.ndarray:
    """The stored values, which a profile gives their meaning."""
    return decode(source(form, None), Limits()).rgb


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("form", COLOURED, ids=str)
def test_colours_outside_are_those_inside(form: Form, name: str) -> None:
    """In each syntax the pixels beside the face are the source's own, and so is what a viewer makes of them."""
    ds = source(form, PROFILES[name])
    picture, finished = done(ds)
    assert finished.failure is None, finished.failure
    result = read(finished.data)

    assert np.array_equal(decode(result, Limits()).rgb[FAR], picture.rgb[FAR])
    wanted = seen(bare(form), PROFILES[name]).astype(int)
    away = np.abs(shown(result) - wanted)[FAR]
    assert away.max() <= 2 and away.mean() < 0.3
    assert np.abs(wanted - bare(form))[FAR].max() > 20
    assert result.get("ColorSpace") == ("ADOBERGB" if name == "adobe" else None)


@pytest.mark.parametrize("view", ["EV19", "IV07"])
@pytest.mark.parametrize("in_stream", [False, True], ids=["header", "stream"])
@pytest.mark.parametrize("profile", [*PROFILES.values(), tables()], ids=[*PROFILES, "tables"])
def test_nothing_planted_in_a_profile_leaves(profile: bytes, in_stream: bool, view: str) -> None:
    """Neither the object nor what is said of it holds a word of a profile, wherever that stood."""
    _, finished = done(source(JPEG, profile, view, in_stream=in_stream))
    assert finished.failure is None, finished.failure
    for secret in (CANARY, b"QAN", b"40711", "QANARY".encode("utf-16-be")):
        assert secret not in finished.data
        assert secret.decode("latin-1") not in str((finished.header, finished.colours, finished.gates))
    assert finished.colours


@pytest.mark.parametrize("in_stream", [False, True], ids=["header", "stream"])
def test_an_intraoral_photograph_keeps_bytes_and_colours(in_stream: bool) -> None:
    """Pixel bytes stay identical, and the clean profile that gives them their meaning goes along."""
    ds = source(JPEG, PROFILES["p3"], "IV07", in_stream=in_stream)
    picture, finished = done(ds)
    result = read(finished.data)
    assert single_frame(result).rstrip(b"\0") == (picture.jpeg or b"").rstrip(b"\0")
    assert result.ICCProfile == written(DISPLAY_P3)
    assert finished.colours == "Display P3"
    assert (result.SyntheticData, list(result.ImageType)) == ("NO", ["ORIGINAL", "PRIMARY"])


@pytest.mark.parametrize("view", ["EV19", "IV07"])
@pytest.mark.parametrize("form", [JPEG, NATIVE], ids=str)
def test_what_cannot_be_understood_is_converted_and_says_so(form: Form, view: str) -> None:
    """Colours of a profile made of tables are right outside, without a second loss, as a derived sRGB image."""
    ds = source(form, tables(), view)
    picture, finished = done(ds)
    assert finished.failure is None, finished.failure
    result = read(finished.data)
    wanted = converted(bare(form))

    assert np.array_equal(picture.rgb, wanted)
    assert np.array_equal(decode(result, Limits()).rgb[FAR], wanted[FAR])
    assert (result.ICCProfile, result.ColorSpace) == (written(SRGB), "SRGB")
    assert result.ImageType[0] == "DERIVED"
    assert "colours converted to sRGB" in result.DerivationDescription
    assert finished.colours == "converted to sRGB"
    assert result.LossyImageCompression == ("01" if form is JPEG else "00")


def converted(rgb: np.ndarray) -> np.ndarray:
    profile, target = ImageCms.ImageCmsProfile(BytesIO(tables())), ImageCms.createProfile("sRGB")
    intent, flags = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
    return np.asarray(ImageCms.profileToProfile(Image.fromarray(rgb), profile, target, intent, flags=flags))


@pytest.mark.parametrize(
    ("form", "profile", "note"),
    [
        (NATIVE, b"acsp and QANARY ", "left out: damaged"),
        (form("Explicit VR Little Endian MONOCHROME2"), embedded("adobe"), "left out: the picture is grey"),
    ],
    ids=["damaged", "grey"],
)
def test_a_profile_that_says_nothing_is_left_out_on_record(form: Form, profile: bytes, note: str) -> None:
    """A damaged profile, and one beside grey values, stays inside; the pixels are the source's, the record has it."""
    ds = source(form, profile)
    _, finished = done(ds)
    assert finished.failure is None, finished.failure
    result = read(finished.data)
    assert "ICCProfile" not in result and CANARY not in finished.data
    assert finished.colours == note
    assert "ICCProfile" in finished.header["removed"]
    assert np.array_equal(decode(result, Limits()).rgb[FAR], bare(form)[FAR])


def test_without_a_profile_nothing_is_said() -> None:
    """A source that names its colours by a term alone keeps the term; one that says nothing gets nothing."""
    ds = source(NATIVE, None)
    ds.ColorSpace = "ADOBERGB"
    _, finished = done(ds)
    assert (read(finished.data).ColorSpace, finished.colours) == ("ADOBERGB", "")
    _, finished = done(source(NATIVE, None))
    assert not {"ICCProfile", "ColorSpace"} & set(read(finished.data).dir())


@pytest.mark.parametrize("profile", [embedded("adobe"), written(ADOBE_RGB) + b"Anna", b"profile!"])
def test_a_profile_that_is_not_ours_is_found(profile: bytes) -> None:
    """Had a source's profile got into a finished file, the header check would hold it."""
    _, finished = done(source(NATIVE, embedded("adobe")))
    ds = dcmread(BytesIO(finished.data))
    ds.ICCProfile = profile
    stream = BytesIO()
    ds.save_as(stream)
    found = review(stream.getvalue(), (finished.model_version,))
    assert any("ICCProfile: a colour profile with" in finding for finding in found), found
    assert "Anna" not in " ".join(found)


def test_identifiers_are_searched_in_a_profile_too() -> None:
    """The search for what identified the source goes through the bytes of the profile."""
    _, finished = done(source(NATIVE, embedded("adobe")))
    data = finished.data.replace("Adobe RGB".encode("utf-16-be"), "Adebayo G".encode("utf-16-be"))
    found = search(data, Identifiers(frozenset({"adebayo"})))
    assert found == ["(0028,2000) ICCProfile: binary content", "bytes of the header: an identifier"]


@pytest.mark.parametrize("form", [JPEG, NATIVE], ids=str)
@pytest.mark.parametrize("profile", [*PROFILES.values(), tables()], ids=[*PROFILES, "tables"])
def test_dciodvfy_finds_no_error_in_an_object_with_a_profile(form: Form, profile: bytes, tmp_path: Path) -> None:
    """The checker of the standard has nothing against the profile and the attributes around it."""
    ds = source(form, profile)
    ds.save_as(tmp_path / "a.dcm")
    (tmp_path / "b.dcm").write_bytes(done(ds)[1].data)
    assert _errors(tmp_path / "b.dcm") <= _errors(tmp_path / "a.dcm")


def _errors(file: Path) -> set[str]:
    program = str(Path(sys.executable).with_name("dciodvfy"))
    told = subprocess.run([program, "-new", str(file)], capture_output=True, text=True, timeout=60, check=False)
    return {line for line in (told.stdout + told.stderr).splitlines() if line.startswith("Error")}


def test_a_profile_is_found_in_the_segments_of_a_stream() -> None:
    """In one segment or several, in any order; one that is not whole counts as none, and never as an error."""
    jpeg, profile = single_frame(source(JPEG, None)), embedded("adobe")
    assert profile_of(jpeg) is None
    assert profile_of(with_profile(jpeg, written(ADOBE_RGB))) == written(ADOBE_RGB)
    whole = _with_segments(jpeg, profile)
    assert profile_of(whole) == profile
    segments = whole[2 : whole.index(jpeg[2:])]
    first = segments[: int.from_bytes(segments[2:4], "big") + 2]
    assert profile_of(jpeg[:2] + segments[len(first) :] + first + jpeg[2:]) == profile
    assert profile_of(jpeg[:2] + segments[len(first) :] + jpeg[2:]) is None
    assert profile_of(whole[:200]) is None and profile_of(b"ICC_PROFILE\0") is None
