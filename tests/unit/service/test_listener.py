"""The listener over real associations, on SQLite and a real disk: what is answered, kept and recorded."""

import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import Dataset, FileDataset, dcmwrite
from pydicom.uid import MPEG4HP41, ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE

from service.audit import Action
from service.errors import Retry
from service.gateway import Gateway
from service.listener import Listener
from service.settings import SECONDARY_CAPTURE
from service.states import Cause, PhotographState
from service.storage_classes import VIDEO
from service.tables import AuditEntry, Patient, Photograph
from tests.support import photographs
from tests.support.gateways import CALLING, open_gateway, rows, settings_for, store, wait_for
from tests.support.raw import RawSender


class Running:
    """A gateway with a listener in this process."""

    def __init__(self, folder: Path, **changes: object) -> None:
        self.settings = settings_for(folder, **changes)
        self.gateway: Gateway = open_gateway(self.settings)
        self.rings = 0
        self.listener = Listener(self.gateway, self._ring)
        self.listener.start()

    def _ring(self) -> None:
        self.rings += 1

    def stop(self) -> None:
        self.listener.stop()
        self.gateway.close()

    def photographs(self) -> list[Photograph]:
        return rows(self.gateway.database, Photograph)

    def actions(self) -> list[str]:
        return [entry.action for entry in rows(self.gateway.database, AuditEntry)]

    def files(self, folder: Path) -> list[Path]:
        return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    gateway = Running(tmp_path)
    yield gateway
    gateway.stop()


def _teeth(seed: int = 0, **options: object) -> FileDataset:
    return photographs.photograph(photographs.teeth(seed), photographs.INTRAORAL, **options)  # type: ignore[arg-type]


def test_an_acknowledged_photograph_is_on_disk_and_on_record(running: Running) -> None:
    """Success means one row, one audit entry, one ring, and the sender's data set byte for byte."""
    ds = _teeth()

    assert store(running.settings, ds) == [0x0000]

    (photograph,) = running.photographs()
    assert (photograph.state, photograph.calling_ae) == (PhotographState.RECEIVED, CALLING)
    assert photograph.sop_instance_uid == ds.SOPInstanceUID
    stored = running.gateway.originals.read(photograph.blob)
    assert ds.PixelData in stored
    assert running.gateway.originals.digest(photograph.blob) == photograph.digest
    assert len(stored) == photograph.size
    assert running.actions() == ["photograph.received"]
    assert running.rings == 1
    assert running.files(running.settings.spool) == []


def test_a_resend_with_the_same_content_adds_nothing(running: Running) -> None:
    """The second store of one object succeeds, adds no row and no file, and is on record as a duplicate."""
    ds = _teeth()

    assert store(running.settings, ds, ds) == [0x0000, 0x0000]

    assert len(running.photographs()) == 1
    assert len(running.files(running.settings.originals)) == 1
    assert running.actions() == ["photograph.received", "photograph.duplicate"]
    assert running.rings == 1


def test_another_content_under_the_same_uid_is_kept_and_held(running: Running) -> None:
    """Two pictures with one SOP Instance UID are both kept; the later one waits for a person."""
    uid = generate_uid()

    assert store(running.settings, _teeth(1, uid=uid), _teeth(2, uid=uid)) == [0x0000, 0x0000]

    first, second = sorted(running.photographs(), key=lambda p: p.received_at)
    assert (first.state, second.state) == (PhotographState.RECEIVED, PhotographState.QUARANTINED)
    assert second.cause == Cause.SAME_UID_OTHER_CONTENT
    assert len(running.files(running.settings.originals)) == 2


def test_the_same_object_on_eight_associations_at_once_is_one_photograph(running: Running) -> None:
    """Senders that race with one object make one row, and each of them is told success."""
    ds = _teeth()
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.extend(store(running.settings, ds))) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [0x0000] * 8
    assert len(running.photographs()) == 1
    assert len(running.files(running.settings.originals)) == 1


@pytest.mark.parametrize(
    ("calling", "called", "reason"),
    [
        ("STRANGER", "VERAGATE", "calling AE title unknown"),
        (CALLING, "SOMEBODY", "called AE title unknown"),
    ],
)
def test_an_unknown_title_is_refused_and_recorded(running: Running, calling: str, called: str, reason: str) -> None:
    """An association from a stranger, or to a wrong name, is rejected for good and audited."""
    assert store(running.settings, _teeth(), calling=calling, called=called) == []

    (entry,) = rows(running.gateway.database, AuditEntry)
    assert (entry.action, entry.outcome, entry.actor) == ("association.refused", "refused", calling)
    assert entry.details["reason"] == reason
    assert running.photographs() == []


def test_without_accepted_callers_everybody_is_refused(tmp_path: Path) -> None:
    """An empty list of accepted callers means nobody, not anybody."""
    gateway = Running(tmp_path, listener={"accepted_calling_aes": []})
    try:
        assert store(gateway.settings, _teeth()) == []
    finally:
        gateway.stop()


def test_an_object_over_the_size_cap_is_refused_and_nothing_is_kept(tmp_path: Path) -> None:
    """Out of resources is the answer to an object over the cap, and the next object is welcome."""
    gateway = Running(tmp_path, limits={"max_object_megabytes": 1})
    large = photographs.photograph(photographs.teeth(0, 800, 600), "IV07", syntax=ExplicitVRLittleEndian)
    try:
        assert store(gateway.settings, large) == [0xA700]
        assert gateway.photographs() == []
        (refusal,) = (e for e in rows(gateway.gateway.database, AuditEntry) if e.action == Action.STORE_REFUSED)
        assert (refusal.actor, refusal.details["status"]) == (CALLING, 0xA700)
        assert store(gateway.settings, _teeth()) == [0x0000]
        assert len(gateway.files(gateway.settings.originals)) == 1
        assert gateway.files(gateway.settings.spool) == []
    finally:
        gateway.stop()


def test_a_disk_below_the_watermark_is_refused_and_nothing_is_kept(tmp_path: Path) -> None:
    """Out of resources is the answer while less disk is free than the settings ask for."""
    gateway = Running(tmp_path, limits={"min_free_disk_megabytes": 1 << 40})
    try:
        assert store(gateway.settings, _teeth()) == [0xA700]
        assert gateway.photographs() == []
        assert gateway.files(gateway.settings.originals) == gateway.files(gateway.settings.spool) == []
    finally:
        gateway.stop()


def test_a_database_that_does_not_answer_is_refused(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of resources is the answer while nothing can be put on record, and the resend is accepted."""

    def down() -> None:
        raise Retry("the database does not answer")

    ds = _teeth()
    with monkeypatch.context() as patch:
        patch.setattr(type(running.gateway.database), "transaction", lambda self: down())
        assert store(running.settings, ds) == [0xA700]

    assert store(running.settings, ds) == [0x0000]
    assert len(running.photographs()) == 1


def test_a_corrupt_object_is_accepted_as_evidence(running: Running) -> None:
    """A data set that cannot be parsed is kept durably; the worker says later why it is held."""
    with RawSender(running.settings) as sender:
        assert sender.store(b"\x08\x00\x05\x00XY\xff\xff" + bytes(range(256)) * 4, generate_uid()) == 0x0000

    (photograph,) = running.photographs()
    assert photograph.state == PhotographState.RECEIVED
    assert photograph.patient_id is None


def test_a_data_set_of_another_class_than_announced_is_refused(running: Running) -> None:
    """0xA900 is the answer when the data set is not of the SOP class that the command names."""
    ds = photographs.photograph(photographs.teeth(), "IV07", syntax=ExplicitVRLittleEndian, sop_class=SECONDARY_CAPTURE)
    stream = BytesIO()
    dcmwrite(stream, Dataset(ds), implicit_vr=False, little_endian=True)

    with RawSender(running.settings) as sender:
        assert sender.store(stream.getvalue(), str(ds.SOPInstanceUID)) == 0xA900

    assert running.photographs() == []


def test_one_patient_from_many_senders_is_one_row(running: Running) -> None:
    """Photographs that arrive at once for a new patient share one patient row."""
    threads = [
        threading.Thread(target=store, args=(running.settings, _teeth(2 * seed), _teeth(2 * seed + 1)))
        for seed in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(running.photographs()) == 12
    (patient,) = rows(running.gateway.database, Patient)
    assert {photograph.patient_id for photograph in running.photographs()} == {patient.id}


def test_a_peer_that_breaks_off_leaves_nothing(running: Running) -> None:
    """An object whose sender disappears half-way is no photograph, and its file goes."""
    sender = RawSender(running.settings)
    sender.send_half(bytes(400_000), generate_uid())
    wait_for(lambda: running.files(running.settings.spool))
    sender.vanish()

    wait_for(lambda: not running.files(running.settings.spool))
    assert running.photographs() == []


@pytest.mark.parametrize("sop_class", sorted(VIDEO))
def test_video_is_refused_at_its_context_and_on_record(running: Running, sop_class: str) -> None:
    """A video class is refused when it is offered, before a byte of it is sent, and the audit says why."""
    ae = AE(CALLING)
    ae.add_requested_context(sop_class, MPEG4HP41)
    ae.add_requested_context(SECONDARY_CAPTURE, ExplicitVRLittleEndian)
    association = ae.associate("127.0.0.1", running.settings.listener.port, ae_title="VERAGATE")
    assert association.is_established
    assert [context.abstract_syntax for context in association.rejected_contexts] == [sop_class]
    association.release()
    (entry,) = [entry for entry in rows(running.gateway.database, AuditEntry) if entry.action.startswith("assoc")]
    assert entry.details["reason"] == "video is not taken"
