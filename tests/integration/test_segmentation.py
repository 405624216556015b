"""The map of what is synthetic as a DICOM object, read by those who will get it."""

import subprocess
import sys
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import JPEGBaseline8Bit

from service.companions import with_segmentation
from service.finishing import Finished, finish
from service.headers import Cleaner
from service.objects import read
from service.pixels import Part, Replaced, decode, read_map
from service.pseudonyms import Pseudonyms
from service.secrets import Keys
from service.segmentation import segmented
from service.settings import Limits
from service.states import Cause
from service.storage_classes import SEGMENTATION
from service.tables import Patient
from service.views import classify
from tests.support.fakefaces import BOX, FakeFaces
from tests.support.photographs import CANARIES, photograph, teeth

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
    assert np.array_equal(own["synthetic"], masks[..., 0])
    assert np.array_equal(own["preserved"], masks[..., 1])


def test_dciodvfy_finds_no_error(tmp_path: Path) -> None:
    """The checker of the standard finds a Segmentation without an error."""
    (tmp_path / "seg.dcm").write_bytes(segmentation_of(made()))
    program = str(Path(sys.executable).with_name("dciodvfy"))
    done = subprocess.run([program, "-new", tmp_path / "seg.dcm"], capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    assert "\nSegmentation\n" in f"\n{output}"
    assert "Error" not in output


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
    monkeypatch.setattr("service.segmentation.PRODUCT", "Zanzibar")
    held = with_segmentation(finished, source)
    assert held.failure is not None
    assert held.failure.cause is Cause.HEADER_CHECK_FAILED
    assert "the map" in held.failure.detail
    assert "Zanzibar" not in held.failure.detail
