import re
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pydicom import Dataset, FileDataset, dcmwrite
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

from service.errors import Quarantined
from service.finishing import Finished, finish
from service.headers import Cleaner
from service.objects import read, to_bytes
from service.pixels import decode
from service.pseudonyms import Pseudonyms
from service.secrets import Keys
from service.settings import SECONDARY_CAPTURE, VL_PHOTOGRAPHIC, Limits
from service.states import Cause
from service.views import Kind, classify
from tests.support.fakefaces import BOX, FakeFaces
from tests.support.photographs import CANARIES, jpeg, photograph, teeth
from tests.support.planted import CANARY, planted

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
ALL_SYNTAXES = [JPEGBaseline8Bit, ExplicitVRLittleEndian, RLELossless, JPEG2000Lossless]
PATIENT = SimpleNamespace(pseudonym="0ABCDEFGHJKM", date_offset_days=-100)
PSEUDONYMS = Pseudonyms(Keys(b"k" * 32), "test")
CLEANER = Cleaner(PSEUDONYMS, PATIENT)


def run(source: FileDataset, faces: FakeFaces | None = None, cleaner: Cleaner = CLEANER) -> Finished:
    view, picture = classify(source), decode(source, Limits())
    if view.kind is Kind.INTRAORAL:
        faces = faces or FakeFaces()
        replaced = faces.leave(picture)
    else:
        faces = faces or FakeFaces(BOX)
        replaced = faces.replace(picture, np.zeros(4, np.float32), {"mouth"})
    return finish(source, cleaner.clean(source), [picture], [replaced], view, faces, 0.6)


def as_received(ds: FileDataset) -> FileDataset:
    """Through bytes, preamble and file meta included, as it would come over the network."""
    buffer = BytesIO()
    dcmwrite(buffer, ds, enforce_file_format=True)
    return read(buffer.getvalue())


@pytest.mark.parametrize("view", ["EV19", "EV38", "IV09"])
def test_nothing_planted_survives_in_any_byte(view: str) -> None:
    """Identifiers in nested, private, binary, mislabelled and metadata places are in no byte of the finished file."""
    source = as_received(planted(teeth(), view))
    original = to_bytes(source, JPEGBaseline8Bit)
    finished = run(source)
    assert finished.failure is None
    data = finished.data
    for secret in (
        CANARY,
        "Brzęczyszczykiewicz",
        "Zofia",
        "Бжен",
        "MRN00112233",
        "19871231",
        "20260312",
        "101112.131415",
    ):
        for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
            needle = secret.encode(encoding).lower()
            assert needle not in data.lower(), secret
        assert secret.encode() in original or secret.lower().encode() in original.lower()
    for uid in (source.StudyInstanceUID, source.SeriesInstanceUID, source.SOPInstanceUID):
        assert uid.encode() not in data


def test_a_good_photograph_may_leave() -> None:
    """All gates open: the file claims 113102, says what it is, and its facts match its content."""
    finished = run(photograph(teeth(), "EV19"))
    ds = read(finished.data)
    assert finished.failure is None
    assert finished.profile == "113100 113101 113102 113104 113107"
    assert (ds.RecognizableVisualFeatures, ds.SyntheticData, ds.BurnedInAnnotation) == ("NO", "YES", "NO")
    assert (finished.sop_instance_uid, finished.sop_class_uid) == (ds.SOPInstanceUID, VL_PHOTOGRAPHIC)
    assert finished.transfer_syntax_uid == ds.file_meta.TransferSyntaxUID
    assert finished.model_version == FakeFaces(BOX).version
    assert finished.pixels.preserved


def test_an_intra_oral_photograph_leaves_with_its_own_picture() -> None:
    """Intra-oral: own JPEG stream, not synthetic, and no face in it to recognise."""
    finished = run(photograph(teeth(), "IV09"))
    ds = read(finished.data)
    assert finished.failure is None
    assert (ds.SyntheticData, ds.RecognizableVisualFeatures) == ("NO", "NO")
    assert jpeg(teeth()) in finished.data


def test_a_recognised_face_makes_no_claim() -> None:
    """When the recogniser still sees the person the file makes no claim, and a person may decide about it."""
    finished = run(photograph(teeth(), "EV19"), FakeFaces(BOX, distance=0.4))
    assert finished.failure is not None
    assert finished.failure.cause is Cause.STILL_RECOGNISED
    assert finished.releasable
    assert "113102" not in finished.profile
    assert read(finished.data).RecognizableVisualFeatures == "YES"


def test_burned_in_text_and_identifying_views_are_held_for_a_person() -> None:
    """A header that says text, and a view that shows scars, hold an object that a person may release."""
    labelled = photograph(teeth(), "EV19")
    labelled.BurnedInAnnotation = "YES"
    finished = run(labelled)
    assert finished.failure is not None
    assert finished.failure.cause is Cause.BURNED_IN_TEXT
    assert finished.releasable
    assert read(finished.data).BurnedInAnnotation == "YES"
    scar = photograph(teeth(), "EV41")
    assert classify(scar).must_review
    assert (run(scar).failure or finished).cause is Cause.IDENTIFYING_VIEW  # type: ignore[union-attr]


class Forgetful(Cleaner):
    """A cleaner with a fault."""

    def clean(self, ds: Dataset) -> Dataset:
        clean = super().clean(ds)
        clean.ReferringPhysicianName = ds.ReferringPhysicianName
        return clean


def test_an_identifier_that_slips_into_the_header_is_found_before_it_leaves() -> None:
    """A cleaner that forgets something is caught by the independent check, and nobody may overrule it."""
    finished = run(photograph(teeth(), "EV19"), cleaner=Forgetful(PSEUDONYMS, PATIENT))
    assert finished.failure is not None
    assert finished.failure.cause is Cause.HEADER_CHECK_FAILED
    assert not finished.releasable
    assert "CANARY" not in finished.failure.detail


def test_the_same_photograph_gives_the_same_identifiers_again() -> None:
    """Work that is done twice ends in the same UIDs, so that a repeated delivery is no new photograph."""
    source = photograph(teeth(), "EV19")
    first, second = run(source), run(source)
    assert first.sop_instance_uid == second.sop_instance_uid


def problems(data: bytes, path: Path) -> set[str]:
    """dciodvfy's errors, without the values that differ between any two objects."""
    program = shutil.which("dciodvfy", path=str(Path(sys.executable).parent))
    assert program is not None
    path.write_bytes(data)
    done = subprocess.run([program, "-new", str(path)], capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    return {re.sub(r"<.*?\((\w{4},\w{4})\).*?>", r"\1", line) for line in lines if line.startswith("Error")}


@pytest.mark.parametrize("syntax", ALL_SYNTAXES)
@pytest.mark.parametrize("view", ["EV19", "EV01", "EV36", "IV02", "IV25"])
@pytest.mark.parametrize("sop_class", [VL_PHOTOGRAPHIC, SECONDARY_CAPTURE])
def test_dciodvfy_finds_no_error_that_the_source_did_not_have(
    sop_class: str, view: str, syntax: UID, tmp_path: Path
) -> None:
    """Every kind of finished object is at least as valid as its source."""
    source = photograph(teeth(), view, syntax=syntax, sop_class=sop_class)
    before = problems(to_bytes(source, syntax), tmp_path / "before.dcm")
    after = problems(run(source).data, tmp_path / "after.dcm")
    assert after <= before


def test_a_planted_source_becomes_a_valid_object(tmp_path: Path) -> None:
    """Whatever was wrong with a source's header, the result has no error."""
    source = planted(teeth())
    del source.Laterality  # not allowed beside a head
    assert problems(run(as_received(source)).data, tmp_path / "after.dcm") == set()
    assert problems(run(as_received(planted(teeth(), "IV09"))).data, tmp_path / "after.dcm") == set()
    assert problems(run(photograph(teeth(), None)).data, tmp_path / "after.dcm") == set()


@pytest.mark.parametrize("seed", range(60))
def test_damaged_files_are_held_or_finished_clean(seed: int) -> None:
    """Whatever a few wrong bytes or a cut do to a file, it is quarantined or comes out without its identifiers."""
    rng = np.random.default_rng(seed)
    buffer = BytesIO()
    source = photograph(teeth(), ["EV19", "IV09"][seed % 2], syntax=ALL_SYNTAXES[seed % len(ALL_SYNTAXES)])
    dcmwrite(buffer, source, enforce_file_format=True)
    data = bytearray(buffer.getvalue())
    header = len(data) - len(source.PixelData)
    for at in rng.integers(132, header if seed % 3 else len(data), 6):
        data[at] = rng.integers(256)
    if seed % 5 == 0:
        del data[rng.integers(200, len(data)) :]
    try:
        finished = run(read(bytes(data)))
    except Quarantined:
        return
    assert finished.failure is not None or not any(canary.encode() in finished.data for canary in CANARIES)


def test_a_file_of_random_elements_is_held() -> None:
    """Bytes that only begin like DICOM end in quarantine."""
    for seed in range(20):
        noise = np.random.default_rng(seed).integers(0, 256, 3000, dtype=np.uint8).tobytes()
        head = to_bytes(photograph(teeth(), "EV19"), JPEGBaseline8Bit)[:400]
        with pytest.raises(Quarantined):
            run(read(head + noise))
