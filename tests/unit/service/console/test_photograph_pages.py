"""The photographs' pages: what is found, shown and audited, and what nobody gets to see."""

import hashlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from pydicom import FileDataset
from pydicom.uid import generate_uid
from starlette.testclient import TestClient

from service.gateway import Gateway
from service.pipeline import Worker
from service.reception import Origin, receive
from service.rights import Role
from service.spool import Received
from service.states import DeliveryState, PhotographState
from service.tables import AuditEntry, Delivery, Photograph, new_id
from tests.support import photographs
from tests.support.catalogued import add_patient, add_photograph, add_release
from tests.support.console import CSRF, client_for
from tests.support.fakefaces import BOX, FakeFaces
from tests.support.gateways import CALLING, TITLE, open_gateway, rows, settings_for

STUDY = "1.2.826.0.1.3680043.8.77.1"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    settings = settings_for(tmp_path)
    settings.spool.mkdir(parents=True)
    opened = open_gateway(settings)
    yield opened
    opened.close()


def _receive(gateway: Gateway, ds: FileDataset) -> None:
    path = photographs.save(ds, gateway.settings.spool / f"{generate_uid()}.part")
    received = Received(path, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
    origin = Origin(CALLING, TITLE, "127.0.0.1", ds.SOPClassUID, ds.SOPInstanceUID, ds.file_meta.TransferSyntaxUID)
    assert receive(gateway, received, origin)


def _made(gateway: Gateway, view: str = "EV19") -> Photograph:
    """A photograph that went through the worker: released, or held where its view wants a person."""
    _receive(gateway, photographs.photograph(photographs.teeth(), view, study=STUDY))
    assert Worker(gateway, FakeFaces(BOX)).work_one()
    photograph: Photograph = rows(gateway.database, Photograph)[-1]
    return photograph


def _actions(gateway: Gateway) -> list[str]:
    return [entry.action for entry in rows(gateway.database, AuditEntry)]


def _size(client: TestClient, address: str) -> tuple[int, int]:
    answer = client.get(address)
    assert answer.status_code == 200
    with Image.open(BytesIO(answer.content)) as image:
        return image.size


def test_the_list_finds_and_pages(gateway: Gateway) -> None:
    """Fifty a page, the next one by its link; a search by pseudonym shows that patient's photographs alone."""
    with gateway.database.transaction() as session:
        patient = add_patient(session, "0ABCDEFGHJKM")
        mine = add_photograph(session, patient_id=patient.id)
        for _ in range(55):
            add_photograph(session, calling_ae="OTHER")
    with client_for(gateway, Role.OPERATOR) as client:
        first = client.get("/photographs").text
        assert first.count('data-label="Source"') == 50
        following = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
        assert client.get(following).text.count('data-label="Source"') == 6
        found = client.get("/photographs?pseudonym=0ABCDEFGHJKM").text
        assert found.count('data-label="Source"') == 1
        assert f"/photographs/{mine.id}" in found


def test_no_original_uid_stays_in_an_address(gateway: Gateway) -> None:
    """A study asked for under its original UID is looked for under the one outside; an object leads to its page."""
    photograph = _made(gateway)
    with client_for(gateway, Role.COMPLIANCE) as client:
        by_study = client.post("/photographs/search", data={"csrf": CSRF, "study": STUDY})
        assert by_study.status_code == 303
        assert STUDY not in by_study.headers["location"]
        assert photograph.id in client.get(by_study.headers["location"]).text
        by_object = client.post("/photographs/search", data={"csrf": CSRF, "instance": photograph.sop_instance_uid})
        assert by_object.headers["location"] == f"/photographs/{photograph.id}"


NONSENSE = (
    "since=yesterday",
    "state=NONE",
    "cause=x",
    "study=abc",
    "instance=1x2",
    "view=X%0d%0aY",
    "until=2026-13-01",
)


def test_what_cannot_be_searched_for_is_said(gateway: Gateway) -> None:
    """Nonsense in a field is named on the page, with status 400, and nothing is searched."""
    with client_for(gateway, Role.OPERATOR) as client:
        answers = [client.get(f"/photographs?{query}") for query in NONSENSE]
        assert [answer.status_code for answer in answers] == [400] * len(NONSENSE)
        assert all("cannot be searched for" in answer.text for answer in answers)
        assert client.get("/photographs?after=nonsense").status_code == 400


def test_a_photograph_tells_its_story_without_its_patient(gateway: Gateway) -> None:
    """Gates, header by attribute and rule, deliveries and history are there; no identifier of the original is."""
    photograph = _made(gateway)
    with client_for(gateway, Role.COMPLIANCE) as client:
        html = client.get(f"/photographs/{photograph.id}").text
        study = client.get(f"/photographs/{photograph.id}/study").text
    for expected in (
        "No face left over",
        "PatientName",
        "replaced by SUBJ",
        "Received from CAMERA",
        "on the route all",
    ):
        assert expected in html
    for page in (html, study):
        assert not any(canary in page for canary in photographs.CANARIES)
        assert STUDY not in page
        assert photograph.sop_instance_uid not in page
    assert "Missing" in study


def test_all_layers_of_a_photograph_are_served_in_one_size(gateway: Gateway) -> None:
    """Result, map, outline and original have the same size; each look at the original is on record."""
    photograph = _made(gateway)
    with client_for(gateway, Role.REVIEWER) as client:
        here = f"/photographs/{photograph.id}"
        sizes = {_size(client, f"{here}/{name}?fit=320") for name in ("result", "map", "outline", "original")}
        assert sizes == {(160, 120)}
        assert _size(client, f"{here}/original") == _size(client, f"{here}/result?fit=..%2f..") == (160, 120)
    assert _actions(gateway).count("original.viewed") == 2
    assert _actions(gateway).count("photograph.viewed") == 1


def test_originals_and_held_results_are_for_reviewers_only(gateway: Gateway) -> None:
    """Without the right nobody gets an original, a held result, or a layer of it; that they asked is on record."""
    photograph = _made(gateway, "EV41")
    assert photograph.state == PhotographState.QUARANTINED
    for role in (Role.OPERATOR, Role.COMPLIANCE, Role.ADMIN):
        with client_for(gateway, role) as client:
            for name in ("original", "result", "map", "outline"):
                assert client.get(f"/photographs/{photograph.id}/{name}").status_code == 403
    assert "original.viewed" not in _actions(gateway)
    assert _actions(gateway).count("access.denied") == 12


def test_a_picture_that_cannot_be_shown_says_so_in_its_place(gateway: Gateway) -> None:
    """Where the file is gone or broken, the picture is a sentence and the page still works."""
    photograph = _made(gateway)
    gateway.originals.put(b"broken", photograph.blob)
    with client_for(gateway, Role.REVIEWER) as client:
        answer = client.get(f"/photographs/{photograph.id}/original")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "image/svg+xml")
        assert "truncated" in answer.text
        assert client.get(f"/photographs/{photograph.id}?show=original").status_code == 200


def test_an_id_that_does_not_exist_is_a_plain_404(gateway: Gateway) -> None:
    """Every address below a photograph answers 404 for an id that names nothing."""
    with client_for(gateway, Role.REVIEWER) as client:
        for name in ("0" * 32, "x", "..%2f..%2fetc", "0" * 33, SCRIPT):
            for below in ("", "/study", "/original", "/result", "/map", "/outline"):
                assert client.get(f"/photographs/{name}{below}").status_code == 404


def test_text_from_outside_is_text_on_the_page(gateway: Gateway) -> None:
    """What a peer or a person wrote is shown as they wrote it and never becomes a part of the page."""
    with gateway.database.transaction() as session:
        photograph = add_photograph(session, calling_ae=SCRIPT[:16], view=SCRIPT, cause_detail=SCRIPT)
        release = add_release(session, photograph)
        session.add(Delivery(id=new_id(), release_id=release.id, destination="pacs", last_error=SCRIPT))
    with client_for(gateway, Role.COMPLIANCE) as client:
        for address in ("/photographs", f"/photographs/{photograph.id}", f"/photographs?source={SCRIPT}"):
            html = client.get(address).text
            assert "<script>alert" not in html
        assert "&lt;script&gt;" in html


def test_an_operator_has_refused_deliveries_tried_again(gateway: Gateway) -> None:
    """Parked deliveries and failures are an operator's to retry, with a reason, and nobody else's."""
    with gateway.database.transaction() as session:
        photograph = add_photograph(session, state=PhotographState.DEIDENTIFIED)
        release = add_release(session, photograph)
        session.add(Delivery(id=new_id(), release_id=release.id, destination="nowhere", state=DeliveryState.PARKED))
    address = f"/photographs/{photograph.id}/retry"
    with client_for(gateway, Role.REVIEWER) as client:
        assert client.post(address, data={"csrf": CSRF, "reason": "x"}).status_code == 403
    with client_for(gateway, Role.OPERATOR) as client:
        assert f"/photographs/{photograph.id}" in client.get("/photographs?state=PARKED").text
        assert client.post(address, data={"csrf": CSRF, "reason": " "}).status_code == 400
        assert client.post(address, data={"csrf": CSRF, "reason": "the disk is larger now"}).status_code == 303
        assert client.post(address, data={"csrf": CSRF, "reason": "again"}).status_code == 409
    (delivery,) = rows(gateway.database, Delivery)
    assert delivery.state == DeliveryState.PENDING


def test_a_held_photograph_is_not_an_operators_to_start_over(gateway: Gateway) -> None:
    """What a gate holds is for a reviewer; the operator's retry refuses it."""
    photograph = _made(gateway, "EV41")
    with client_for(gateway, Role.OPERATOR) as client:
        answer = client.post(f"/photographs/{photograph.id}/retry", data={"csrf": CSRF, "reason": "x"})
    assert answer.status_code == 409
    assert rows(gateway.database, Photograph)[0].state == PhotographState.QUARANTINED
