"""The worker on real pictures, SQLite and a real disk: what is released, what is held, and that nothing else leaves."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset, FileDataset, dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
    generate_uid,
)
from sqlalchemy import update

from service import cases, deidentification, jobs, pipeline
from service.errors import Retry
from service.finishing import Finished
from service.gates import GateResult
from service.gateway import Gateway
from service.pipeline import Worker
from service.pixels import Faces
from service.reception import Origin, receive
from service.settings import SECONDARY_CAPTURE
from service.spool import Received
from service.states import Cause, DeliveryState, PhotographState
from service.tables import AuditEntry, Delivery, HeldResult, Identity, Photograph, Release, utc_now
from tests.support import photographs
from tests.support.gateways import CALLING, TITLE, open_gateway, rows, settings_for


@pytest.fixture(scope="module")
def faces() -> Faces:
    return Faces()


class Desk:
    """A gateway with a worker in this process."""

    def __init__(self, folder: Path, faces: Faces, **changes: Any) -> None:
        self.settings = settings_for(folder, **changes)
        self.gateway: Gateway = open_gateway(self.settings)
        self.worker = Worker(self.gateway, faces)
        self.settings.spool.mkdir(exist_ok=True)

    def receive(self, *datasets: FileDataset) -> None:
        for ds in datasets:
            path = photographs.save(ds, self.settings.spool / f"{generate_uid()}.part")
            self.receive_file(path, ds.file_meta.MediaStorageSOPInstanceUID, ds.file_meta)

    def receive_file(self, path: Path, uid: str, meta: Dataset) -> None:
        received = Received(path, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
        origin = Origin(CALLING, TITLE, "127.0.0.1", meta.MediaStorageSOPClassUID, uid, meta.TransferSyntaxUID)
        assert receive(self.gateway, received, origin)

    def work(self) -> None:
        while self.worker.work_one():
            pass

    def all(self, table: Any) -> list[Any]:
        return rows(self.gateway.database, table)

    def photograph(self) -> Photograph:
        (photograph,) = self.all(Photograph)
        return photograph

    def files(self) -> list[Path]:
        """Everything in the two stores of cleaned objects."""
        folders = (self.settings.releases, self.settings.held)
        return [path for folder in folders for path in folder.rglob("*") if path.is_file()]

    def released(self) -> Dataset:
        (release,) = self.all(Release)
        return dcmread(BytesIO(self.gateway.releases.read(release.blob)))

    def make_due(self) -> None:
        with self.gateway.database.transaction() as session:
            session.execute(update(Photograph).values(not_before=utc_now()))


@pytest.fixture
def desk(tmp_path: Path, faces: Faces) -> Iterator[Desk]:
    desk = Desk(tmp_path, faces)
    yield desk
    desk.gateway.close()


def _teeth(seed: int = 0, view: str | None = photographs.INTRAORAL, **options: Any) -> FileDataset:
    return photographs.photograph(photographs.teeth(seed), view, **options)


def _portrait(view: str | None = photographs.FACE, **options: Any) -> FileDataset:
    return photographs.photograph(photographs.face(), view, **options)


@pytest.mark.parametrize(
    "syntax", [JPEGBaseline8Bit, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless, JPEG2000Lossless]
)
def test_an_intraoral_photograph_is_released_with_its_pixels_and_without_its_patient(desk: Desk, syntax: str) -> None:
    """In each syntax the pixels stay, the identifiers go, a release names the gates and a delivery waits."""
    desk.receive(_teeth(syntax=syntax))

    desk.work()

    photograph = desk.photograph()
    assert photograph.state == PhotographState.DEIDENTIFIED
    (release,) = desk.all(Release)
    assert release.released_by == "gates"
    assert all(gate["passed"] for gate in release.report["gates"])
    data = desk.gateway.releases.read(release.blob)
    assert desk.gateway.releases.digest(release.blob) == release.digest
    assert not any(canary.encode() in data for canary in photographs.CANARIES)
    assert (dcmread(BytesIO(data)).pixel_array == _teeth(syntax=syntax).pixel_array).all()
    assert [delivery.state for delivery in desk.all(Delivery)] == [DeliveryState.PENDING]
    assert [entry.action for entry in desk.all(AuditEntry)] == ["photograph.received", "photograph.deidentified"]


def test_secondary_capture_takes_the_same_way(desk: Desk) -> None:
    """A Secondary Capture photograph is cleaned and released like any other."""
    desk.receive(_teeth(sop_class=SECONDARY_CAPTURE))

    desk.work()

    assert desk.photograph().state == PhotographState.DEIDENTIFIED
    assert desk.released().SOPClassUID == SECONDARY_CAPTURE


def test_a_face_is_replaced_and_the_patient_keeps_one_identity(desk: Desk) -> None:
    """Two photographs of a patient get new faces from one stored identity, whatever the gates then say."""
    desk.receive(_portrait(), _portrait(view="EV20"))

    desk.work()

    assert len(desk.all(Identity)) == 1
    results = desk.all(Release) + desk.all(HeldResult)
    assert len(results) == 2
    for result in results:
        store = desk.gateway.releases if isinstance(result, Release) else desk.gateway.held
        picture = dcmread(BytesIO(store.read(result.blob))).pixel_array
        assert np.abs(picture.astype(int) - photographs.face().astype(int)).mean() > 2
        assert result.report["faces"] == 1


def _name(part: Any) -> str:
    return str(getattr(part, "__name__", part))


STEPS: list[tuple[object, str]] = [
    (cases, "read"),
    (cases, "classify"),
    (cases, "choose_route"),
    (deidentification, "decode"),
    (deidentification.Cleaner, "clean"),
    (deidentification, "finish"),
    (Faces, "leave"),
    (pipeline, "account"),
    (pipeline, "describe"),
    (pipeline, "_refuse_taken_uid"),
    (pipeline.audit, "record"),
    (pipeline.jobs, "finish"),
]


@pytest.mark.parametrize("error", [RuntimeError("x"), MemoryError(), OSError(28, "No space left"), Retry("x")])
@pytest.mark.parametrize(("owner", "name"), [pytest.param(*step, id=".".join(map(_name, step))) for step in STEPS])
def test_when_any_step_fails_nothing_is_released(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, error: Exception
) -> None:
    """Whatever raises, and wherever: no release, no delivery, and the photograph is tried again later."""

    def broken(*_: object, **__: object) -> None:
        raise error

    desk.receive(_teeth())
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, broken)
        try:
            desk.worker.work_one()
        except Exception as raised:
            assert raised is error  # the database itself: the loop logs it, the lease runs out

    assert desk.all(Release) == desk.all(Delivery) == desk.all(HeldResult) == []
    photograph = desk.photograph()
    assert (photograph.state, photograph.attempts) == (PhotographState.RECEIVED, 1)


def test_a_photograph_that_keeps_failing_ends_on_the_desk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the last attempt the state is FAILED, nothing left, and a later worker leaves it alone."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    desk.receive(_teeth())
    with monkeypatch.context() as patch:
        patch.setattr(deidentification, "decode", broken)
        for _ in range(desk.settings.work.max_attempts):
            assert desk.worker.work_one()
            desk.make_due()

    assert desk.photograph().state == PhotographState.FAILED
    assert not desk.worker.work_one()
    assert desk.all(AuditEntry)[-1].action == "photograph.failed"


DOUBTS: dict[str, tuple[Cause, Callable[[], FileDataset]]] = {
    "no Patient ID": (Cause.PATIENT_ID_MISSING, lambda: _teeth(patient_id=None)),
    "blank Patient ID": (Cause.PATIENT_ID_MISSING, lambda: _teeth(patient_id="   ")),
    "no face where the codes say face": (Cause.NO_FACE_FOUND, lambda: _teeth(view=photographs.FACE)),
    "no face and no codes": (Cause.NO_FACE_FOUND, lambda: _teeth(view=None)),
    "a face where the codes say mouth": (Cause.FACE_IN_INTRAORAL, lambda: _portrait(view=photographs.INTRAORAL)),
    "text in the picture": (Cause.BURNED_IN_TEXT, lambda: _with(_teeth(), BurnedInAnnotation="YES")),
    "no JPEG": (Cause.UNDECODABLE_PIXELS, lambda: _with_frame(b"\xff\xd8\xff\xe0 no picture")),
    "a JPEG cut off": (Cause.UNDECODABLE_PIXELS, lambda: _with_frame(photographs.jpeg(photographs.teeth())[:900])),
    "a bomb in the stream": (Cause.TOO_MANY_PIXELS, lambda: _with_frame(_bomb())),
    "a bomb in the header": (Cause.TOO_MANY_PIXELS, lambda: _with(_teeth(), Rows=60000, Columns=60000)),
    "frames that are not there": (Cause.UNDECODABLE_PIXELS, lambda: _with(_teeth(), NumberOfFrames="3")),
}


@pytest.mark.parametrize("doubt", DOUBTS)
def test_what_is_in_doubt_is_held_with_its_cause(desk: Desk, doubt: str) -> None:
    """Each kind of bad input is held under its own name, with an audit entry, and nothing is released."""
    cause, make = DOUBTS[doubt]
    desk.receive(make())

    desk.work()

    photograph = desk.photograph()
    assert (photograph.state, photograph.cause) == (PhotographState.QUARANTINED, cause)
    assert desk.all(Release) == desk.all(Delivery) == []
    assert desk.all(Identity) == []
    entry = desk.all(AuditEntry)[-1]
    assert (entry.action, entry.details["cause"]) == ("photograph.quarantined", cause)


def test_a_truncated_file_is_held(desk: Desk) -> None:
    """A file that ends in the middle of its pixels is held as unreadable."""
    ds = _teeth(syntax=ExplicitVRLittleEndian)
    path = photographs.save(ds, desk.settings.spool / "cut.part")
    path.write_bytes(path.read_bytes()[:-2000])
    desk.receive_file(path, ds.SOPInstanceUID, ds.file_meta)

    desk.work()

    assert desk.photograph().state == PhotographState.QUARANTINED
    assert desk.photograph().cause in (Cause.UNREADABLE, Cause.UNDECODABLE_PIXELS)


def test_mixed_patient_ids_hold_the_whole_study(desk: Desk) -> None:
    """When a study names two patients nobody knows whose face it is: both photographs are held."""
    study = generate_uid()
    desk.receive(_teeth(1, study=study), _teeth(2, study=study, patient_id="SOMEBODY-ELSE"))

    desk.work()

    causes = {photograph.cause for photograph in desk.all(Photograph)}
    assert causes == {Cause.PATIENT_ID_MIXED}
    assert desk.all(Release) == []


def test_without_a_route_there_is_nowhere_to_go(tmp_path: Path, faces: Faces) -> None:
    """A photograph that no route takes is held."""
    desk = Desk(tmp_path, faces, routes=[{"name": "r", "calling_aes": ["OTHER"], "destinations": ["nowhere"]}])
    desk.receive(_teeth())

    desk.work()

    assert desk.photograph().cause == Cause.NO_ROUTE
    desk.gateway.close()


def test_a_closed_gate_that_a_person_may_overrule_keeps_the_result_apart(desk: Desk) -> None:
    """A view that identifies by itself is held, its finished object kept where no sender looks."""
    desk.receive(_portrait(view="EV41"))

    desk.work()

    photograph = desk.photograph()
    assert photograph.state == PhotographState.QUARANTINED
    assert photograph.cause in (Cause.IDENTIFYING_VIEW, Cause.STILL_RECOGNISED)
    (held,) = desk.all(HeldResult)
    assert desk.gateway.held.exists(held.blob)
    assert not any(path.is_relative_to(desk.settings.releases) for path in desk.files())
    assert desk.all(Release) == []


def test_a_fault_of_the_object_leaves_no_result(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object in which the independent header check found something is not kept for anybody to release."""
    leak = GateResult("header", False, "PatientID in (0010,0020)", Cause.HEADER_CHECK_FAILED)
    real = deidentification.finish

    def leaking(*arguments: Any) -> Finished:
        return replace(real(*arguments), gates=[leak])

    monkeypatch.setattr(deidentification, "finish", leaking)
    desk.receive(_teeth())

    desk.work()

    assert desk.photograph().cause == Cause.HEADER_CHECK_FAILED
    assert desk.all(HeldResult) == desk.all(Release) == []
    assert desk.files() == []


def test_a_worker_that_lost_its_lease_writes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the lease ran out and another worker took over, the late worker's result is thrown away."""
    real = deidentification.finish

    def overtaken(*arguments: Any) -> Finished:
        finished = real(*arguments)
        with desk.gateway.database.transaction() as session:
            later = utc_now() + timedelta(hours=1)
            assert jobs.claim(session, Photograph, PhotographState.RECEIVED, 1, timedelta(hours=1), now=later)
        return finished

    monkeypatch.setattr(deidentification, "finish", overtaken)
    desk.receive(_teeth())

    assert desk.worker.work_one()

    assert desk.photograph().state == PhotographState.RECEIVED
    assert desk.all(Release) == []
    assert desk.files() == []


def test_two_pictures_under_one_uid_cannot_both_leave(desk: Desk) -> None:
    """Of two objects with one SOP Instance UID only the first is released, even when neither was held on arrival."""
    uid = generate_uid()
    desk.receive(_teeth(1, uid=uid), _teeth(2, uid=uid))
    with desk.gateway.database.transaction() as session:
        session.execute(update(Photograph).values(state=PhotographState.RECEIVED, cause=None))

    desk.work()

    states = sorted(photograph.state for photograph in desk.all(Photograph))
    assert states == [PhotographState.DEIDENTIFIED, PhotographState.QUARANTINED]
    assert len(desk.all(Release)) == len(desk.files()) == 1


def test_a_missing_original_is_held(desk: Desk) -> None:
    """A row whose file has vanished is for a person; no worker can help it."""
    desk.receive(_teeth())
    desk.gateway.originals.delete(desk.photograph().blob)

    desk.work()

    assert desk.photograph().cause == Cause.UNREADABLE


def test_an_identity_is_not_made_from_a_picture_without_a_face(desk: Desk) -> None:
    """A photograph that shows nobody leaves no identity behind."""
    desk.receive(_teeth(view=photographs.FACE))

    desk.work()

    assert desk.all(Identity) == []


def _with(ds: FileDataset, **values: Any) -> FileDataset:
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def _with_frame(frame: bytes) -> FileDataset:
    ds = _teeth()
    ds.PixelData = encapsulate([frame])
    return ds


def _bomb() -> bytes:
    """A small JPEG whose own header says 60000x60000."""
    stream = BytesIO()
    Image.new("RGB", (64, 64)).save(stream, "JPEG")
    data = bytearray(stream.getvalue())
    at = data.find(b"\xff\xc0")
    data[at + 5 : at + 9] = (60000).to_bytes(2, "big") * 2
    return bytes(data)
