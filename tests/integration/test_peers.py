"""DCMTK and Orthanc on both sides of the whole gateway: what they send arrives, and they can read it.

One embedded gateway (`veragate up`) with two destinations, Orthanc and storescp, serves the module.
"""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, FileDataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit, RLELossless

from service.database import Database
from service.gateway import Gateway
from service.quarantine import Decision, release
from service.segmentation import segmented
from service.settings import Settings
from service.states import Cause, PhotographState
from service.storage_classes import SEGMENTATION
from service.tables import Delivery, Photograph, Release
from tests.support import photographs
from tests.support.dcmtk import decode, storescp, storescu
from tests.support.gateways import rows, settings_for, wait_for
from tests.support.orthanc import Orthanc, orthanc
from tests.support.processes import Running, veragate

pytestmark = [pytest.mark.integration, pytest.mark.needs("dcmtk", "orthanc")]


@dataclass
class Peers:
    settings: Settings
    gateway: Running
    orthanc: Orthanc
    inbox: Path  # of storescp

    def photograph(self, uid: str) -> Photograph | None:
        found = [p for p in rows(Database(self.settings.url), Photograph) if p.sop_instance_uid == uid]
        return found[0] if found else None

    def forwarded(self, ds: FileDataset) -> Path:
        """Wait until a photograph is everywhere; the file that storescp wrote."""
        wait_for(lambda: self._let_go(ds.SOPInstanceUID) == PhotographState.FORWARDED)
        return self.arrived(ds)

    def arrived(self, ds: FileDataset) -> Path:
        photograph = self.photograph(ds.SOPInstanceUID)
        assert photograph is not None
        (row,) = [r for r in rows(Database(self.settings.url), Release) if r.photograph_id == photograph.id]
        (file,) = [f for f in self.inbox.iterdir() if f.name.endswith(row.sop_instance_uid)]
        return file

    def _let_go(self, uid: str) -> str | None:
        """The state; what the recogniser's gate held is let go, because here the journey is the subject."""
        photograph = self.photograph(uid)
        if photograph is None:
            return None
        if photograph.state == PhotographState.QUARANTINED and photograph.cause == Cause.STILL_RECOGNISED:
            release(Gateway.open(self.settings), photograph.id, Decision("test", "the journey is the subject"))
        return photograph.state


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peers]:
    folder = tmp_path_factory.mktemp("peers")
    archive = Orthanc(folder / "orthanc")
    with storescp(folder / "inbox") as place:
        settings = settings_for(
            folder / "data",
            ("orthanc", archive.port, archive.title),
            place,
            listener={"accepted_calling_aes": ["CAMERA", "ORTHANC"]},
            routes=[
                {
                    "name": "all",
                    "preserve": ["mouth"],
                    "destinations": ["orthanc", "storescp"],
                    "segmentation": True,
                }
            ],
        )
        with orthanc(archive, settings.listener.port), Running(settings, folder) as gateway:
            yield Peers(settings, gateway, archive, folder / "inbox")


def _save(ds: FileDataset, folder: Path) -> Path:
    return photographs.save(ds, folder / f"{ds.SOPInstanceUID}.dcm")


@pytest.mark.parametrize(
    ("syntax", "option"),
    [(JPEGBaseline8Bit, "-xy"), (ExplicitVRLittleEndian, "-xe"), (RLELossless, "-xr")],
    ids=["JPEG Baseline", "uncompressed", "RLE"],
)
def test_what_dcmtk_sends_arrives_everywhere_and_everybody_can_read_it(
    peers: Peers, tmp_path: Path, syntax: str, option: str
) -> None:
    """An intra-oral photograph from storescu reaches both destinations with its pixels, in its own syntax."""
    ds = photographs.photograph(photographs.teeth(11), photographs.INTRAORAL, syntax=syntax)

    assert "exit 0" in storescu(peers.settings, _save(ds, tmp_path), syntax=option)

    file = peers.forwarded(ds)
    arrived = dcmread(file)
    assert arrived.file_meta.TransferSyntaxUID == syntax
    assert np.array_equal(arrived.pixel_array, ds.pixel_array)
    _everybody_reads(peers, file, tmp_path)
    assert not any(canary.encode() in file.read_bytes() for canary in photographs.CANARIES)


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, ExplicitVRLittleEndian], ids=["JPEG Baseline", "uncompressed"])
def test_a_face_that_orthanc_sends_arrives_as_somebody_else(peers: Peers, tmp_path: Path, syntax: str) -> None:
    """A portrait from Orthanc reaches both destinations with another face, still readable by everybody."""
    ds = photographs.photograph(photographs.face(), photographs.FACE, syntax=syntax)
    sent = peers.orthanc.upload(_save(ds, tmp_path))

    answer = peers.orthanc.send_to_gateway(sent)

    assert answer["FailedInstancesCount"] == 0
    file = peers.forwarded(ds)
    arrived = dcmread(file)
    assert arrived.file_meta.TransferSyntaxUID == syntax
    assert not np.array_equal(arrived.pixel_array, ds.pixel_array)
    assert arrived.pixel_array.shape == ds.pixel_array.shape
    _everybody_reads(peers, file, tmp_path)
    _map_is_there(peers, arrived)


def _map_is_there(peers: Peers, photograph: Dataset) -> None:
    """Both destinations have the Segmentation beside the photograph; in Orthanc it is of the same study."""
    wanted = {"SOPClassUID": SEGMENTATION, "StudyInstanceUID": str(photograph.StudyInstanceUID)}
    (instance,) = peers.orthanc.json("/tools/find", {"Level": "Instance", "Query": wanted})
    assert peers.orthanc.call(f"/instances/{instance}/file")[128:132] == b"DICM"
    maps = [dcmread(file) for file in peers.inbox.iterdir() if dcmread(file, stop_before_pixels=True).Modality == "SEG"]
    (arrived,) = [ds for ds in maps if ds.StudyInstanceUID == photograph.StudyInstanceUID]
    reference = arrived.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0].ReferencedSOPInstanceUID
    assert reference == photograph.SOPInstanceUID
    assert segmented(Path(str(arrived.filename)).read_bytes())["preserved"].any()


def test_no_finding_of_dciodvfy_is_new(peers: Peers, tmp_path: Path) -> None:
    """The checker of the standard finds no error in what arrives that the source did not have."""
    for picture, view in ((photographs.teeth(12), photographs.INTRAORAL), (photographs.face(), photographs.FACE)):
        ds = photographs.photograph(picture, view)
        source = _save(ds, tmp_path)
        storescu(peers.settings, source)

        assert _errors(peers.forwarded(ds)) <= _errors(source)


def test_a_stranger_is_refused_and_dcmtk_says_so(peers: Peers, tmp_path: Path) -> None:
    """storescu under a title that nobody named gets a rejection, and the audit has it."""
    file = _save(photographs.photograph(photographs.teeth(13), photographs.INTRAORAL), tmp_path)

    output = storescu(peers.settings, file, calling="STRANGER")

    assert "exit 0" not in output
    assert "Calling AE Title Not Recognized" in output
    shown = veragate("audit", "query", "--action", "association.refused", config=peers.gateway.config)
    assert "STRANGER" in shown.stdout


def test_a_class_that_is_not_offered_is_refused_at_the_context(peers: Peers, tmp_path: Path) -> None:
    """A CT image finds no presentation context, and nothing of it is kept."""
    ds = photographs.photograph(photographs.teeth(14), photographs.INTRAORAL, sop_class="1.2.840.10008.5.1.4.1.1.2")

    output = storescu(peers.settings, _save(ds, tmp_path))

    assert "No valid Presentation Context" in output
    assert peers.photograph(ds.SOPInstanceUID) is None


def test_check_reaches_every_destination(peers: Peers) -> None:
    """`veragate check` finds database, secret, disk and weights in order and gets an echo from both peers."""
    done = veragate("check", config=peers.gateway.config)

    assert done.returncode == 0, done.stdout
    for what in ("database", "disk", "master secret", "models' weights", "destination orthanc", "destination storescp"):
        assert any(line.startswith(what) and line.endswith("OK") for line in done.stdout.splitlines())


def test_the_audit_of_all_this_verifies(peers: Peers) -> None:
    """After the tests above every delivery has the peers' status on record and the audit is whole."""
    deliveries = rows(Database(peers.settings.url), Delivery)
    assert {delivery.dimse_status for delivery in deliveries} == {0}

    done = veragate("audit", "verify", config=peers.gateway.config)

    assert done.returncode == 0, done.stderr


def _everybody_reads(peers: Peers, file: Path, folder: Path) -> None:
    """pydicom, DCMTK and Orthanc decode the object, and the first two see the same size."""
    arrived = dcmread(file)
    plain = dcmread(decode(file, folder))
    assert plain.pixel_array.shape[:2] == (arrived.Rows, arrived.Columns)
    uid = str(arrived.SOPInstanceUID)
    (instance,) = peers.orthanc.json("/tools/find", {"Level": "Instance", "Query": {"SOPInstanceUID": uid}})
    assert peers.orthanc.call(f"/instances/{instance}/preview")[:4] == b"\x89PNG"


def _errors(file: Path) -> set[str]:
    program = str(Path(sys.executable).with_name("dciodvfy"))
    done = subprocess.run([program, "-new", str(file)], capture_output=True, text=True, timeout=60, check=False)
    return {line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")}
