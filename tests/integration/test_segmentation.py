"""The map of what is synthetic as a DICOM object, read by those who will get it."""

import subprocess
import sys
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit

from service import companions, leaks
from service.companions import with_segmentation
from service.finishing import Finished, finish
from service.headers import Cleaner
from service.objects import read, to_bytes
from service.pixels import Part, Replaced, decode, read_map, read_maps
from service.pseudonyms import Pseudonyms
from service.secrets import Keys
from service.segmentation import review, segment, segmented
from service.settings import Limits
from service.states import Cause, PhotographState
from service.storage_classes import (
    MULTI_FRAME,
    MULTI_FRAME_TRUE_COLOR,
    PHOTOGRAPHIC,
    SEGMENTATION,
    VL_ENDOSCOPIC,
)
from service.tables import Patient
from service.views import classify
from tests.support.encodings import encoded, form_named
from tests.support.fakefaces import BOX, FakeFaces
from tests.support.journeys import journey
from tests.support.photographs import CANARIES, as_read, photograph, teeth

pytestmark = pytest.mark.integration

PATIENT = Patient(key="k", pseudonym="0ABCDEFGHJKM", date_offset_days=-9)
CLEANER = Cleaner(Pseudonyms(Keys(b"k" * 32), "test"), PATIENT)
LATENT = np.zeros(4, np.float32)
FACES = FakeFaces(BOX)


@cache
def made(preserve: bool = True) -> Finished:
    source = photograph(teeth(), "EV19")
    picture = decode(source, Limits())
    replaced = FACES.replace(picture, LATENT, {"mouth"} if preserve else set())
    finished = finish(source, CLEANER.clean(source), [picture], [replaced], classify(source), FACES, 0.6)
    return with_segmentation(finished, source)


@cache
def made_of_frames(form: str, sop_class: str = MULTI_FRAME_TRUE_COLOR) -> Finished:
    """Of three frames whose second shows no face and is left as it is."""
    ds = encoded(form_named(form), "EV19", 3, SOPClassUID=sop_class, Modality="XC")
    ds.file_meta.MediaStorageSOPClassUID = sop_class
    source = as_read(ds)
    pictures = [decode(source, Limits(), number) for number in range(3)]
    replaced = [FACES.replace(picture, LATENT, {"mouth"}) for picture in pictures]
    replaced[1] = Replaced(pictures[1].rgb, np.zeros(pictures[1].rgb.shape[:2], bool))
    clean = CLEANER.clean(source)
    return with_segmentation(finish(source, clean, pictures, replaced, classify(source), FACES, 0.6), source)


def segmentation_of(finished: Finished) -> bytes:
    assert finished.failure is None, finished.failure
    assert finished.segmentation is not None
    return finished.segmentation


def test_highdicom_reads_it_back_equal_to_the_map() -> None:
    """The masks of both segments are the map's own, for another library and for ours."""
    from highdicom.seg import segread

    finished = made()
    data, parts = segmentation_of(finished), read_map(finished.map)
    masks = segread(BytesIO(data)).get_pixels_by_source_instance([finished.sop_instance_uid])[0]
    assert np.array_equal(masks[..., 0], parts == Part.SYNTHETIC)
    assert np.array_equal(masks[..., 1], parts == Part.PRESERVED)
    assert masks[..., 1].sum() > 300
    own = segmented(data)
    assert np.array_equal(own["synthetic"], masks[None, ..., 0])
    assert np.array_equal(own["preserved"], masks[None, ..., 1])


@pytest.mark.parametrize("form", ["Explicit VR Little Endian RGB", "JPEG Baseline YBR_FULL_422 4:2:0"])
@pytest.mark.parametrize("sop_class", [MULTI_FRAME_TRUE_COLOR, VL_ENDOSCOPIC])
def test_each_frame_of_the_photograph_has_its_own_masks(form: str, sop_class: str) -> None:
    """Asked for a frame of the photograph, highdicom finds the masks of that frame, in whatever order it asks."""
    from highdicom.seg import segread

    finished = made_of_frames(form, sop_class)
    parts = read_maps(finished.map)
    assert [bool(frame.any()) for frame in parts] == [True, False, True]
    read_back = segread(BytesIO(segmentation_of(finished)))
    for order in ([1, 2, 3], [3, 1]):
        masks = read_back.get_pixels_by_source_frame(finished.sop_instance_uid, order)
        wanted = parts[[number - 1 for number in order]]
        assert np.array_equal(masks[..., 0], wanted == Part.SYNTHETIC)
        assert np.array_equal(masks[..., 1], wanted == Part.PRESERVED)
    own = segmented(segmentation_of(finished))
    assert np.array_equal(own["synthetic"], parts == Part.SYNTHETIC)
    assert np.array_equal(own["preserved"], parts == Part.PRESERVED)


def test_frames_that_look_different_keep_their_places() -> None:
    """Masks that differ from frame to frame come back from the frame that they were drawn for."""
    from highdicom.seg import segread

    photograph_of_three = made_of_frames("Explicit VR Little Endian RGB")
    parts = np.random.default_rng(7).integers(0, 4, (3, 120, 160)).astype(np.uint8)
    data = segment(photograph_of_three.data, parts, "m")
    assert data is not None
    masks = segread(BytesIO(data)).get_pixels_by_source_frame(photograph_of_three.sop_instance_uid, [1, 2, 3])
    assert np.array_equal(masks[..., 0], np.isin(parts, (Part.SYNTHETIC, Part.COVERED)))
    assert np.array_equal(masks[..., 1], parts == Part.PRESERVED)


def test_dciodvfy_finds_no_error(tmp_path: Path) -> None:
    """The checker of the standard finds a Segmentation without an error."""
    assert findings(segmentation_of(made()), tmp_path) == []
    assert findings(segmentation_of(made_of_frames("Explicit VR Little Endian RGB")), tmp_path) == []


def test_frames_of_a_class_that_has_none_are_named_all_the_same(tmp_path: Path) -> None:
    """Of a VL Endoscopic Image with several frames, which its class does not know, the checker remarks that alone."""
    (finding,) = findings(segmentation_of(made_of_frames("Explicit VR Little Endian RGB", VL_ENDOSCOPIC)), tmp_path)
    assert "ReferencedFrameNumber" in finding
    assert "Shall not be present for Referenced SOP Class that is not multi-frame" in finding


def findings(data: bytes, folder: Path) -> list[str]:
    (folder / "seg.dcm").write_bytes(data)
    program = str(Path(sys.executable).with_name("dciodvfy"))
    done = subprocess.run([program, "-new", folder / "seg.dcm"], capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    assert "\nSegmentation\n" in f"\n{output}"
    return [line for line in output.splitlines() if line.startswith("Error")]


@pytest.mark.parametrize("sop_class", sorted(PHOTOGRAPHIC))
def test_a_photograph_of_each_class_gets_one(sop_class: str, tmp_path: Path) -> None:
    """Whatever class a photograph is of, with a frame of reference or without, its map refers to it as that."""
    photo = read(made().data)
    photo.SOPClassUID = photo.file_meta.MediaStorageSOPClassUID = sop_class
    if sop_class in MULTI_FRAME:
        photo.NumberOfFrames = 1
        photo.FrameOfReferenceUID, photo.PositionReferenceIndicator = "2.25.77", ""
    data = to_bytes(photo, photo.file_meta.TransferSyntaxUID)
    result = segment(data, read_maps(made().map), FACES.version)
    assert result is not None
    assert review(result, data, FACES.version) == []
    assert findings(result, tmp_path) == []
    ds = dcmread(BytesIO(result))
    named = {element.value for element in ds.iterall() if element.keyword == "ReferencedSOPClassUID"}
    assert named == {sop_class}


def test_it_belongs_to_the_photograph_and_says_what_it_is() -> None:
    """Study, patient and reference are the photograph's; it says that it comes of synthetic data, and by what."""
    finished = made()
    photo, ds = read(finished.data), dcmread(BytesIO(segmentation_of(finished)))
    assert ds.SOPClassUID == SEGMENTATION
    assert (ds.StudyInstanceUID, ds.PatientID) == (photo.StudyInstanceUID, photo.PatientID)
    assert ds.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == photo.SOPInstanceUID
    assert (ds.SyntheticData, ds.PatientIdentityRemoved) == ("YES", "YES")
    assert [item.SegmentLabel for item in ds.SegmentSequence] == ["Synthetic pixels", "Preserved original pixels"]
    algorithm = ds.SegmentSequence[0].SegmentationAlgorithmIdentificationSequence[0]
    assert algorithm.AlgorithmName == "VeraGate"
    assert FACES.version in algorithm.AlgorithmVersion
    assert "113101" not in [item.CodeValue for item in ds.DeidentificationMethodCodeSequence]


def test_nothing_of_the_original_and_no_clock_is_in_it() -> None:
    """Neither an identifier nor the time at which it was made can be read from it; made again it is the same."""
    data = segmentation_of(made())
    assert not any(canary.encode() in data for canary in CANARIES)
    ds = dcmread(BytesIO(data))
    assert ds.ContentDate == read(made().data).ContentDate
    assert "InstanceCreationDate" not in ds
    assert not any("DateTime" in element.keyword for element in ds.iterall())
    source = photograph(teeth(), "EV19")
    assert with_segmentation(made(), source).segmentation == data


def test_without_a_preserved_region_it_has_one_segment() -> None:
    """What was not asked for is no empty segment."""
    data = segmentation_of(made(preserve=False))
    assert list(segmented(data)) == ["synthetic"]


def test_an_untouched_photograph_has_none() -> None:
    """A photograph that leaves with its own pixels needs no map."""
    source = photograph(teeth(), "IV09", syntax=JPEGBaseline8Bit)
    picture = decode(source, Limits())
    replaced = Replaced(picture.rgb, np.zeros(picture.rgb.shape[:2], bool))
    finished = finish(source, CLEANER.clean(source), [picture], [replaced], classify(source), FakeFaces(), 0.6)
    assert with_segmentation(finished, source).segmentation is None


def test_an_identifier_in_it_holds_the_photograph(monkeypatch: pytest.MonkeyPatch) -> None:
    """The header check covers the Segmentation too: what it finds there closes the gate, without saying what it is."""
    finished, source = made(), photograph(teeth(), "EV19")
    monkeypatch.setattr("service.segmentation.making.PRODUCT", "Zanzibar")
    held = with_segmentation(finished, source)
    assert held.failure is not None
    assert held.failure.cause is Cause.HEADER_CHECK_FAILED
    assert "the map" in held.failure.detail
    assert "Zanzibar" not in held.failure.detail


def changed(data: bytes, change: Callable[[Dataset], object]) -> bytes:
    ds = dcmread(BytesIO(data))
    change(ds)
    return to_bytes(ds, ExplicitVRLittleEndian)


def _first(ds: Dataset) -> Dataset:
    return ds.PerFrameFunctionalGroupsSequence[0]


def _segment(ds: Dataset) -> Dataset:
    return ds.SegmentSequence[0]


PLANTED: dict[str, Callable[[Dataset], object]] = {
    "ContentDescription": lambda ds: setattr(ds, "ContentDescription", "seen by Dr Moll"),
    "ContentCreatorName": lambda ds: setattr(ds, "ContentCreatorName", "Moll^Eva"),
    "InstitutionName": lambda ds: setattr(ds, "InstitutionName", "Praxis"),
    "InstanceCreationDate": lambda ds: setattr(ds, "InstanceCreationDate", "20260312"),
    "a private element": lambda ds: ds.add_new(0x00111001, "LO", "x"),
    "ContentDate": lambda ds: setattr(ds, "ContentDate", "20260401"),
    "SeriesInstanceUID": lambda ds: setattr(ds, "SeriesInstanceUID", "1.2.3"),
    "SegmentLabel": lambda ds: setattr(_segment(ds), "SegmentLabel", "Face of Eva"),
    "AlgorithmVersion": lambda ds: setattr(
        _segment(ds).SegmentationAlgorithmIdentificationSequence[0], "AlgorithmVersion", "other"
    ),
    "TrackingID": lambda ds: setattr(_segment(ds), "TrackingID", "Eva"),
    "FrameLabel": lambda ds: setattr(_first(ds).FrameContentSequence[0], "FrameLabel", "Eva"),
    "CodeMeaning": lambda ds: setattr(
        _first(ds).DerivationImageSequence[0].DerivationCodeSequence[0], "CodeMeaning", "by Eva"
    ),
    "ReferencedSOPInstanceUID": lambda ds: setattr(
        _first(ds).DerivationImageSequence[0].SourceImageSequence[0], "ReferencedSOPInstanceUID", "2.25.5"
    ),
    "StudyInstanceUID": lambda ds: setattr(ds, "StudyInstanceUID", "2.25.5"),
    "PatientID": lambda ds: setattr(ds, "PatientID", "0ABCDEFGHJKN"),
}
WRONG: dict[str, tuple[str, Callable[[Dataset], object]]] = {
    "no synthetic data": ("synthetic data", lambda ds: delattr(ds, "SyntheticData")),
    "a claim too much": (
        "not what was done",
        lambda ds: ds.DeidentificationMethodCodeSequence.append(_claim("113102")),
    ),
    "a claim too few": ("not what was done", lambda ds: ds.DeidentificationMethodCodeSequence.pop()),
    "segments changed places": ("do not belong", lambda ds: ds.SegmentSequence.reverse()),
    "the other segment's label": (
        "not that of its segment",
        lambda ds: setattr(_segment(ds), "SegmentLabel", ds.SegmentSequence[1].SegmentLabel),
    ),
    "a frame too few": ("do not belong", lambda ds: ds.PerFrameFunctionalGroupsSequence.pop()),
    "pixels too few": ("not as many", lambda ds: setattr(ds, "PixelData", ds.PixelData[:-2])),
    "another number of frames": ("not as many", lambda ds: setattr(ds, "NumberOfFrames", 3)),
    "a frame named twice": (
        "do not belong",
        lambda ds: setattr(_source(ds.PerFrameFunctionalGroupsSequence[1]), "ReferencedFrameNumber", 1),
    ),
}


def _source(group: Dataset) -> Dataset:
    return group.DerivationImageSequence[0].SourceImageSequence[0]


def _claim(value: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", "Clean"
    return item


@pytest.mark.parametrize("name", PLANTED)
def test_whatever_has_no_place_in_a_map_is_found(name: str) -> None:
    """A text, a date, a UID or an element that no map has is found wherever it stands, and never quoted."""
    finished = made_of_frames("Explicit VR Little Endian RGB")
    good = segmentation_of(finished)
    assert review(good, finished.data, FACES.version) == []
    found = review(changed(good, PLANTED[name]), finished.data, FACES.version)
    assert len(found) >= 1
    assert name in " ".join(found) or name.startswith("a ")
    assert not any(word in " ".join(found) for word in ("Eva", "Moll", "Praxis", "20260312"))


@pytest.mark.parametrize("name", WRONG)
def test_a_map_that_contradicts_its_photograph_is_found(name: str) -> None:
    """Segments, frames, pixels and claims are those of the photograph, or the review says which are not."""
    finished = made_of_frames("Explicit VR Little Endian RGB")
    words, change = WRONG[name]
    found = review(changed(segmentation_of(finished), change), finished.data, FACES.version)
    assert words in " ".join(found)


def test_bytes_that_are_no_object_are_found() -> None:
    """What cannot be parsed has no place either."""
    assert "cannot be parsed" in review(b"nothing", made().data, FACES.version)[0]


@pytest.mark.parametrize(("name", "cause"), [("review", Cause.HEADER_CHECK_FAILED), ("masks", Cause.OUTPUT_INVALID)])
def test_no_map_leaves_unreviewed(monkeypatch: pytest.MonkeyPatch, name: str, cause: Cause) -> None:
    """A finding of the review, and masks that are not the map's, hold the photograph."""
    real = segment

    def other(photograph: bytes, parts: np.ndarray, model_version: str) -> bytes:
        drawn = 3 - parts if name == "masks" else parts
        data = real(photograph, drawn, model_version)
        assert data is not None
        return changed(data, PLANTED["InstitutionName"]) if name == "review" else data

    monkeypatch.setattr(companions.segmentation, "segment", other)
    monkeypatch.setattr(leaks, "search", lambda data, identifiers: [])
    held = with_segmentation(made(), photograph(teeth(), "EV19"))
    assert held.failure is not None
    assert held.failure.cause is cause
    assert "the map" in held.failure.detail


def test_a_photograph_of_several_frames_arrives_with_its_map(tmp_path: Path) -> None:
    """From sender to archive: three frames go in, and the map that arrives beside them has each one's masks."""
    from highdicom.seg import segread

    form = form_named("JPEG Baseline YBR_FULL_422 4:2:0")
    ds = encoded(form, "EV19", 3, SOPClassUID=MULTI_FRAME_TRUE_COLOR, Modality="XC", ConversionType="DI")
    ds.file_meta.MediaStorageSOPClassUID = MULTI_FRAME_TRUE_COLOR
    done = journey(tmp_path, FACES, as_read(ds), extra=(SEGMENTATION,), segmentation=True)
    assert [row.state for row in done.photographs] == [PhotographState.FORWARDED]
    photo, beside = sorted(done.arrived, key=lambda each: each.Modality == "SEG")
    assert (photo.NumberOfFrames, beside.NumberOfFrames) == (3, 6)
    (data,) = [data for data in done.files if dcmread(BytesIO(data)).Modality == "SEG"]
    masks = segread(BytesIO(data)).get_pixels_by_source_frame(photo.SOPInstanceUID, [1, 2, 3])
    before, after = (np.stack([decode(each, Limits(), n).rgb for n in range(3)]) for each in (as_read(ds), photo))
    assert np.array_equal(before[~masks[..., 0].astype(bool)], after[~masks[..., 0].astype(bool)])
    assert masks[..., 1].any(axis=(1, 2)).all()
