"""Every form that a photograph can come in, from the camera's bytes to a finished object, against golden pictures."""

import subprocess
import sys
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from PIL import Image
from pydicom import FileDataset, dcmread
from pydicom.pixels.utils import pixel_array
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, JPEGExtended12Bit, JPEGLSLossless

from service.confidentiality import Option
from service.finishing import Finished, finish
from service.headers import Cleaner, Profile
from service.objects import read
from service.pixels import Picture, Replaced, WrittenFrame, count_frames, decode, read_map, single_frame, write
from service.pseudonyms import Pseudonyms
from service.secrets import Keys
from service.settings import Limits
from service.storage_classes import (
    DERMOSCOPIC_PHOTOGRAPHY,
    MULTI_FRAME_TRUE_COLOR,
    OPHTHALMIC_PHOTOGRAPHY_8_BIT,
    PHOTOGRAPHIC,
    SECONDARY_CAPTURES,
    VL_ENDOSCOPIC,
    VL_MICROSCOPIC,
)
from service.tables import Patient
from service.views import classify
from tests.support import dcmtk
from tests.support.classes import dermoscopic, ophthalmic
from tests.support.encodings import FORMS, Form, encoded, form_named, golden_for
from tests.support.fakefaces import BOX, FakeFaces
from tests.support.photographs import save

pytestmark = [pytest.mark.integration, pytest.mark.needs("dcmtk")]

Work = tuple[FileDataset, list[Picture], list[Replaced], Finished]
PATIENT = Patient(key="k", pseudonym="0ABCDEFGHJKM", date_offset_days=-9)
CLEANER = Cleaner(Pseudonyms(Keys(b"k" * 32), "test"), PATIENT)
_NAMED = {str(form): form for form in FORMS}
BLOCKS = [form for form in FORMS if form.syntax.name.startswith(("JPEG Baseline", "JPEG Extended"))]
FAR = np.s_[:, 136:]  # beside the face, also after blocks of 32 pixels were made anew


def received(ds: FileDataset) -> FileDataset:
    """As the gateway reads it from its store."""
    buffer = BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return read(buffer.getvalue())


@cache
def worked_on(form: Form, frames: int = 1, view: str = "EV19") -> Work:
    """A source through all steps, with a face that is replaced around a preserved mouth, or without one."""
    source, face = received(encoded(form, view, frames)), view.startswith("E")
    faces = FakeFaces(BOX) if face else FakeFaces()
    pictures = [decode(source, Limits(), frame) for frame in range(count_frames(source, Limits()))]
    latent = np.zeros(4, np.float32)
    replaced = [faces.replace(p, latent, {"mouth"}) if face else faces.leave(p) for p in pictures]
    done = finish(source, CLEANER.clean(source), pictures, replaced, classify(source), faces, 0.6)
    return source, pictures, replaced, done


def frames_written(source: FileDataset, pictures: list[Picture], replaced: list[Replaced]) -> tuple[WrittenFrame, ...]:
    return write(CLEANER.clean(source), pictures, replaced).frames


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_what_is_not_the_face_is_what_the_camera_took(form: Form) -> None:
    """In every form the colours are right on the way in and out, and outside what changed nothing differs."""
    source, (picture,), (replaced,), finished = worked_on(form)

    assert np.abs(picture.rgb.astype(int) - golden_for(form)).max() <= form.loss
    assert np.abs(picture.rgb[84:].astype(int) - golden_for(form)[84:]).mean() <= min(form.loss, 6)
    assert finished.failure is None, finished.failure
    result = read(finished.data)
    again = decode(result, Limits())
    (written,) = frames_written(source, [picture], [replaced])
    assert written.kept is not None
    assert written.kept[FAR].all()
    assert np.array_equal(again.rgb[written.kept], picture.rgb[written.kept])
    assert (np.abs(again.rgb.astype(int) - picture.rgb)[~written.kept] > 20).mean() > 0.3
    assert ("MONOCHROME" in result.PhotometricInterpretation) == form.grey
    assert np.array_equal(read_map(finished.map) == 0, written.kept & ~written.exact)


@pytest.mark.parametrize("form", [form for form in FORMS if form not in BLOCKS], ids=str)
def test_what_was_not_compressed_with_loss_leaves_without_loss(form: Form) -> None:
    """Outside the changed mask nothing differs, whoever decodes; the syntax stays where it can be encoded."""
    source, (picture,), (replaced,), finished = worked_on(form)
    result = dcmread(BytesIO(finished.data))

    assert np.array_equal(_shown(result)[~replaced.changed], picture.rgb[~replaced.changed])
    stays = source.file_meta.TransferSyntaxUID in (*_KEPT, ExplicitVRLittleEndian)
    expected = source.file_meta.TransferSyntaxUID if stays else ExplicitVRLittleEndian
    assert result.file_meta.TransferSyntaxUID == (
        JPEGLSLossless if form.syntax.name.startswith("JPEG-LS") else expected
    )
    assert (result.LossyImageCompression == "01") == (form.syntax.name in _LOSSY)


_KEPT = ("1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")
_LOSSY = (
    "JPEG-LS Lossy (Near-Lossless) Image Compression",
    "JPEG 2000 Image Compression",
    "High-Throughput JPEG 2000 Image Compression",
)


def _shown(ds: FileDataset) -> np.ndarray:
    pixels = pixel_array(ds, raw=True)
    pixels = ~pixels if ds.PhotometricInterpretation == "MONOCHROME1" else pixels
    return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels


@pytest.mark.parametrize("form", BLOCKS, ids=str)
def test_four_decoders_agree_about_the_preserved_region_of_a_jpeg(form: Form, tmp_path: Path) -> None:
    """Pillow, simplejpeg in two modes and DCMTK show the preserved region as they show the source's."""
    source, pictures, replaced, finished = worked_on(form)
    exact = frames_written(source, pictures, replaced)[0].exact
    assert exact is not None
    assert exact.sum() > 400
    before, after = single_frame(source), single_frame(read(finished.data))
    grey = {"colorspace": "gray"} if form.grey else {}
    for shown in (
        lambda data: np.asarray(Image.open(BytesIO(data)).convert("RGB")),
        lambda data: simplejpeg.decode_jpeg(data, **grey),
        lambda data: simplejpeg.decode_jpeg(data, fastdct=True, fastupsample=True, **grey),
    ):
        assert np.array_equal(shown(before)[exact], shown(after)[exact])
    if form.syntax == JPEGExtended12Bit or form.detail in ("no marker", "progressive", "4:4:0", "4:1:1"):
        return  # what DCMTK makes of such a source is another question
    first, second = (_by_dcmtk(tmp_path / name, ds) for name, ds in (("a", source), ("b", read(finished.data))))
    assert np.array_equal(first[exact], second[exact])


def _by_dcmtk(folder: Path, ds: FileDataset) -> np.ndarray:
    folder.mkdir()
    plain = dcmread(dcmtk.decode(save(ds, folder / "compressed.dcm"), folder))
    return np.frombuffer(plain.PixelData, np.uint8)[: plain.Rows * plain.Columns * plain.SamplesPerPixel].reshape(
        plain.Rows, plain.Columns, -1
    )


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_a_photograph_without_a_face_keeps_every_pixel(form: Form) -> None:
    """An intra-oral photograph leaves with the pixels that it came with; a JPEG with its very bytes."""
    _, (picture,), _, finished = worked_on(form, view="IV07")
    result = read(finished.data)

    assert finished.failure is None, finished.failure
    assert np.array_equal(decode(result, Limits()).rgb, picture.rgb)
    assert result.SyntheticData == "NO"
    if picture.jpeg is not None and form.detail != "progressive":
        assert single_frame(result).rstrip(b"\0") == picture.jpeg.rstrip(b"\0")
        assert result.file_meta.TransferSyntaxUID == (
            form.syntax if form.syntax != JPEGExtended12Bit else result.file_meta.TransferSyntaxUID
        )


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_no_finding_of_dciodvfy_is_new(form: Form, tmp_path: Path) -> None:
    """The checker of the standard finds no error in what leaves that the source did not have."""
    _, _, _, finished = worked_on(form)
    (tmp_path / "b.dcm").write_bytes(finished.data)
    source = encoded(FORMS[1] if form.syntax == DeflatedExplicitVRLittleEndian else form)  # which it cannot read
    assert _errors(tmp_path / "b.dcm") <= _errors(save(source, tmp_path / "a.dcm"))


def _errors(file: Path) -> set[str]:
    program = str(Path(sys.executable).with_name("dciodvfy"))
    done = subprocess.run([program, "-new", str(file)], capture_output=True, text=True, timeout=60, check=False)
    return {line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")}


def legal(sop_class: str, form: Form) -> FileDataset:
    """An object of a class, with what it has of its own filled as devices fill it."""
    if sop_class in _WITH_MODULES:
        return _WITH_MODULES[sop_class](form)
    ds = encoded(form, SOPClassUID=sop_class, Modality=_MODALITIES.get(sop_class, "XC"))
    del ds.Laterality
    if sop_class in SECONDARY_CAPTURES:
        ds.ConversionType, ds.Laterality = "DI", "R"
    if sop_class == MULTI_FRAME_TRUE_COLOR:
        ds.NumberOfFrames = 1
    ds.file_meta.MediaStorageSOPClassUID = sop_class
    return ds


def left(ds: FileDataset, profile: Profile, *, with_face: bool) -> Finished:
    """What leaves of it, with a face replaced around a preserved mouth or without one, under a route's options."""
    source = received(ds)
    faces, picture = FakeFaces(*([BOX] if with_face else [])), decode(source, Limits())
    replaced = faces.replace(picture, np.zeros(4, np.float32), {"mouth"}) if with_face else faces.leave(picture)
    clean = Cleaner(Pseudonyms(Keys(b"k" * 32), "test"), PATIENT, profile).clean(source)
    return finish(source, clean, [picture], [replaced], classify(source), faces, 0.6, profile)


_WITH_MODULES = {DERMOSCOPIC_PHOTOGRAPHY: dermoscopic, OPHTHALMIC_PHOTOGRAPHY_8_BIT: ophthalmic}
_MODALITIES = {VL_ENDOSCOPIC: "ES", VL_MICROSCOPIC: "GM"}


@pytest.mark.parametrize("sop_class", sorted(PHOTOGRAPHIC))
def test_every_class_leaves_as_valid_as_it_came(sop_class: str, tmp_path: Path) -> None:
    """An object of each SOP class keeps its class, and dciodvfy finds nothing in it that the source did not have."""
    ds = legal(sop_class, FORMS[1])
    assert sop_class not in _WITH_MODULES or not _errors(save(ds, tmp_path / "a.dcm"))
    finished = left(ds, Profile(), with_face=True)
    assert finished.failure is None, finished.failure
    assert finished.sop_class_uid == sop_class
    (tmp_path / "b.dcm").write_bytes(finished.data)
    assert _errors(tmp_path / "b.dcm") <= _errors(save(ds, tmp_path / "a.dcm"))


_ALL = frozenset(Option)
_OPTIONS = [frozenset[Option](), _ALL - {Option.FULL_DATES}, _ALL - {Option.MODIFIED_DATES}]


@pytest.mark.parametrize("with_face", [True, False], ids=["face", "no face"])
@pytest.mark.parametrize("options", _OPTIONS, ids=["basic", "moved dates", "full dates"])
@pytest.mark.parametrize("form", ["Explicit VR Little Endian RGB", "JPEG Baseline YBR_FULL_422 4:2:0"])
@pytest.mark.parametrize("sop_class", sorted(_WITH_MODULES), ids=["ophthalmic", "dermoscopic"])
def test_classes_with_modules_of_their_own_stay_valid_whatever_is_done(
    sop_class: str, form: str, options: frozenset[Option], with_face: bool, tmp_path: Path
) -> None:
    """Under each kind of options, with and without a changed pixel, lossy and not, dciodvfy finds no error at all."""
    finished = left(legal(sop_class, _NAMED[form]), Profile(options), with_face=with_face)
    assert finished.failure is None, finished.failure
    (tmp_path / "b.dcm").write_bytes(finished.data)
    assert _errors(tmp_path / "b.dcm") == set()


def test_an_eye_as_it_was_taken_stays_valid(tmp_path: Path) -> None:
    """An original ophthalmic picture becomes a derived one with all that this asks for, or stays original."""
    ds = ophthalmic(ImageType=["ORIGINAL", "PRIMARY", "", "COLOR"])
    del ds.SourceImageSequence
    assert _errors(save(ds, tmp_path / "a.dcm")) == set()
    for with_face, kind in ((True, "DERIVED"), (False, "ORIGINAL")):
        finished = left(ds, Profile(frozenset()), with_face=with_face)
        (tmp_path / "b.dcm").write_bytes(finished.data)
        assert dcmread(tmp_path / "b.dcm").ImageType[0] == kind
        assert _errors(tmp_path / "b.dcm") == set()


SEVERAL = [
    form_named(name)
    for name in (
        "Explicit VR Little Endian RGB",
        "RLE Lossless RGB",
        "JPEG 2000 Image Compression YBR_RCT",
        "JPEG-LS Lossless Image Compression RGB",
        "JPEG Baseline YBR_FULL_422 4:2:0",
        "JPEG Lossless, Non-Hierarchical RGB",
    )
]


@pytest.mark.parametrize("form", SEVERAL, ids=str)
def test_each_of_several_frames_gets_the_same_care(form: Form, tmp_path: Path) -> None:
    """Every frame of an object comes out with its face replaced and everything else as it was, on record as pages."""
    source = received(encoded(form, frames=3, SOPClassUID=MULTI_FRAME_TRUE_COLOR))
    source.file_meta.MediaStorageSOPClassUID = MULTI_FRAME_TRUE_COLOR
    faces, latent = FakeFaces(BOX), np.zeros(4, np.float32)
    pictures = [decode(source, Limits(), frame) for frame in range(count_frames(source, Limits()))]
    replaced = [faces.replace(picture, latent, {"mouth"}) for picture in pictures]
    finished = finish(source, CLEANER.clean(source), pictures, replaced, classify(source), faces, 0.6)

    assert finished.failure is None, finished.failure
    assert finished.pixels.faces == len(finished.pixels.distances) == 3
    result = read(finished.data)
    assert result.NumberOfFrames == 3
    assert result.PageNumberVector == [1, 2, 3]
    for number, written in enumerate(frames_written(source, pictures, replaced)):
        again = decode(result, Limits(), number)
        assert np.array_equal(again.rgb[written.kept], pictures[number].rgb[written.kept])
        assert not np.array_equal(again.rgb, pictures[number].rgb)
        assert np.array_equal(read_map(finished.map, number) == 0, written.kept & ~written.exact)
    (tmp_path / "b.dcm").write_bytes(finished.data)
    assert _errors(tmp_path / "b.dcm") <= _errors(save(source, tmp_path / "a.dcm"))
