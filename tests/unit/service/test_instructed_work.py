"""A worker under a person's instructions: other routes, covered parts, and what is kept of it."""

import hashlib
import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import FileDataset, dcmread
from pydicom.uid import generate_uid

from service.gateway import Gateway
from service.instructions import Instructions
from service.pipeline import Worker
from service.pixels import Part, read_map
from service.quarantine import Decision, redact, reject, release, retry
from service.reception import Origin, receive
from service.spool import Received
from service.states import Cause, PhotographState
from service.tables import AuditEntry, Delivery, HeldResult, Identity, Photograph, Release
from tests.support import photographs
from tests.support.fakefaces import BOX, FakeFaces
from tests.support.gateways import CALLING, TITLE, free_port, open_gateway, rows, settings_for

ANNA = Decision("anna", "looked at it")


@pytest.fixture
def gateway(tmp_path: Path, database_url: str) -> Iterator[Gateway]:
    places = [("one", free_port(), "ONE"), ("two", free_port(), "TWO")]
    routes = [
        {"name": "usual", "preserve": ["mouth"], "destinations": ["one"]},
        {"name": "research", "calling_aes": ["NOBODY"], "destinations": ["two"]},
    ]
    settings = settings_for(tmp_path, *places, database_url=database_url, routes=routes)
    settings.spool.mkdir(exist_ok=True, parents=True)
    opened = open_gateway(settings)
    yield opened
    opened.close()


def _receive(gateway: Gateway, ds: FileDataset) -> str:
    path = photographs.save(ds, gateway.settings.spool / f"{generate_uid()}.part")
    received = Received(path, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
    uid, meta = ds.SOPInstanceUID, ds.file_meta
    assert receive(gateway, received, Origin(CALLING, TITLE, "127.0.0.1", ds.SOPClassUID, uid, meta.TransferSyntaxUID))
    return str(_one(gateway, Photograph).id)


def _one(gateway: Gateway, table: Any) -> Any:
    (row,) = rows(gateway.database, table)
    return row


def _work(gateway: Gateway, faces: FakeFaces) -> Photograph:
    assert Worker(gateway, faces).work_one()
    photograph = _one(gateway, Photograph)
    assert isinstance(photograph, Photograph)
    return photograph


def _face(view: str = "EV19") -> FileDataset:
    return photographs.photograph(photographs.teeth(width=480, height=400), view)


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_study_is_known_under_the_uid_that_leaves(gateway: Gateway) -> None:
    """The row carries the study's UID outside from reception on, the same that the cleaned header has."""
    _receive(gateway, _face())
    photograph = _work(gateway, FakeFaces(BOX))

    out = dcmread(BytesIO(gateway.releases.read(_one(gateway, Release).blob)))
    assert photograph.study_alias == out.StudyInstanceUID != photograph.study_instance_uid


def test_each_cleaned_object_has_its_map_and_a_full_report(gateway: Gateway) -> None:
    """Beside a release lies its map; the report says what became of the header, how long it took, how much stayed."""
    _receive(gateway, _face())
    _work(gateway, FakeFaces(BOX))

    left = _one(gateway, Release)
    assert _files(gateway.settings.maps) == [left.blob.replace(".dcm", ".png")]
    parts = read_map(gateway.maps.read(left.blob.replace(".dcm", ".png")))
    assert (parts == Part.PRESERVED).sum() == left.report["preserved_pixels"] > 0
    assert "PatientName" in left.report["header"]["replaced"]
    assert left.report["duration_ms"] >= 0
    assert len(json.dumps(left.report)) < 4096
    assert not any(canary in json.dumps(left.report) for canary in photographs.CANARIES)


def test_a_chosen_route_counts_in_place_of_the_first_that_matches(gateway: Gateway) -> None:
    """Sent on another route, a photograph goes to that route's destinations although its conditions do not match."""
    photograph_id = _receive(gateway, _face())
    _work(gateway, FakeFaces())
    retry(gateway, photograph_id, ANNA, Instructions(route="research"))
    photograph = _work(gateway, FakeFaces(BOX))

    assert (photograph.state, photograph.route) == (PhotographState.DEIDENTIFIED, "research")
    assert _one(gateway, Delivery).destination == "two"
    entry = rows(gateway.database, AuditEntry)[-1]
    assert entry.details["instructions"] == {"route": "research"}


def test_a_covered_head_leaves_without_a_new_face(gateway: Gateway) -> None:
    """A face that could not be replaced is covered on request, and every gate judges it; no identity is made."""
    photograph_id = _receive(gateway, _face())
    held = _work(gateway, FakeFaces(BOX, unreplaced=1))
    assert held.cause == Cause.FACE_NOT_REPLACED
    identities = len(rows(gateway.database, Identity))
    redact(gateway, photograph_id, ANNA, [], cover_faces=True)
    photograph = _work(gateway, FakeFaces(BOX, unreplaced=1))

    assert photograph.state == PhotographState.DEIDENTIFIED
    assert len(rows(gateway.database, Identity)) == identities
    left = _one(gateway, Release)
    out = dcmread(BytesIO(gateway.releases.read(left.blob)))
    assert (out.SyntheticData, out.RecognizableVisualFeatures) == ("NO", "NO")
    left_out = out.pixel_array[40:120, 40:104].astype(int)
    assert np.abs(left_out - left_out.mean(axis=(0, 1))).max() <= 3
    assert left.report["covered"] == 1


def test_a_face_that_only_a_person_sees_is_looked_at_again(gateway: Gateway) -> None:
    """Where a reviewer covers what no detector sees, the result waits for a reviewer, who may release it."""
    photograph_id = _receive(gateway, _face())
    assert _work(gateway, FakeFaces()).cause == Cause.NO_FACE_FOUND
    redact(gateway, photograph_id, ANNA, [(20, 20, 140, 160)], cover_faces=True)
    assert _work(gateway, FakeFaces()).cause == Cause.COVER_UNCONFIRMED

    release(gateway, photograph_id, ANNA)

    left = _one(gateway, Release)
    assert left.released_by == "anna"
    assert "113102" not in left.profile
    assert gateway.maps.exists(left.blob.replace(".dcm", ".png"))


def test_a_label_in_an_intraoral_photograph_is_covered(gateway: Gateway) -> None:
    """A box over a label changes the pixels under it and nothing else of a photograph without a face."""
    photograph_id = _receive(gateway, _with_text(_face("IV07")))
    assert _work(gateway, FakeFaces()).cause == Cause.BURNED_IN_TEXT
    redact(gateway, photograph_id, ANNA, [(0, 0, 96, 32)], cover_faces=False)
    photograph = _work(gateway, FakeFaces())

    assert photograph.cause == Cause.BURNED_IN_TEXT  # the header still says so: a person looks at the result
    held = _one(gateway, HeldResult)
    out = dcmread(BytesIO(gateway.held.read(held.blob)))
    assert out.DerivationDescription.startswith("Parts of the picture covered")
    source = dcmread(BytesIO(gateway.originals.read(photograph.blob))).pixel_array
    assert (out.pixel_array[64:] == source[64:]).all()


def test_a_rejected_photograph_leaves_no_map(gateway: Gateway) -> None:
    """What a person rejects is gone from the held results and from the maps."""
    photograph_id = _receive(gateway, _face("EV41"))
    _work(gateway, FakeFaces(BOX))
    assert len(_files(gateway.settings.maps)) == 1

    reject(gateway, photograph_id, ANNA)

    assert _files(gateway.settings.maps) == _files(gateway.settings.held) == []


def _with_text(ds: FileDataset) -> FileDataset:
    ds.BurnedInAnnotation = "YES"
    return ds
