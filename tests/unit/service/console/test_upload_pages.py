"""The upload pages: two steps without scripts, each mistake a sentence, nobody sees another's pictures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.console.access import Person
from service.gateway import Gateway
from service.rights import RIGHTS, Role
from service.states import PhotographState
from service.tables import Account, Photograph, Upload
from service.uploading.staging import Staging
from tests.support import photographs, pictures
from tests.support.console import CSRF, client_for
from tests.support.gateways import open_gateway, rows, settings_for
from tests.unit.service.test_uploading import NoFaces

FORM = {"patient_id": "PID-7731-CANARY", "taken_on": "2026-03-12"}


def _operator(gateway: Gateway, name: str) -> Person:
    with gateway.database.transaction() as session:
        account = Account(name=name, role=Role.OPERATOR)
        session.add(account)
    return Person(account.id, name, Role.OPERATOR, RIGHTS[Role.OPERATOR], CSRF)


def _open(gateway: Gateway, who: Person) -> Any:
    return client_for(gateway, who)


@pytest.fixture
def gateway(tmp_path: Path, database_url: str) -> Iterator[Gateway]:
    opened = open_gateway(settings_for(tmp_path, database_url=database_url))
    yield opened
    opened.close()


@pytest.fixture
def operator(gateway: Gateway) -> Iterator[TestClient]:
    with _open(gateway, _operator(gateway, "olga")) as client:
        client.app.state.staging = Staging(gateway.settings.staged, gateway.settings.limits)  # type: ignore[attr-defined]
        client.app.state.staging._viewer.__dict__["_reader"] = NoFaces()  # type: ignore[attr-defined]
        yield client


def _upload(client: TestClient, *files: bytes) -> Any:
    parts = [("files", (f"CANARY-{number}.jpg", data, "image/jpeg")) for number, data in enumerate(files)]
    return client.post("/upload", files=parts)


def test_pictures_views_and_progress_without_a_script(gateway: Gateway, operator: TestClient) -> None:
    """Choose, say whose and which views, send: three plain pages, and photographs in custody at the end."""
    assert operator.get("/upload").status_code == 200
    first = _upload(operator, pictures.camera_file(), photographs.jpeg(photographs.face()))
    address = first.headers["location"]

    page = operator.get(address).text
    assert page.count("<select") == 2 and "CANARY" not in page
    assert operator.get(f"{address}/pictures/1").content.startswith(b"\xff\xd8")

    sent = operator.post(address, data=FORM | {"view-1": "IV07", "view-2": "EV19"})
    assert (sent.status_code, sent.headers["location"]) == (303, address)
    assert operator.get(address).text.count("Received") == 2
    assert {row.state for row in rows(gateway.database, Photograph)} == {PhotographState.RECEIVED}
    assert operator.get(f"{address}/pictures/1").status_code == 409


def test_pressing_send_again_shows_what_became_of_it(gateway: Gateway, operator: TestClient) -> None:
    """The second press of a button changes nothing and leads to the progress."""
    address = _upload(operator, pictures.camera_file()).headers["location"]
    form = FORM | {"view-1": "IV07"}

    assert [operator.post(address, data=form).status_code for _ in range(3)] == [303] * 3
    assert len(rows(gateway.database, Photograph)) == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"patient_id": " "}, "A Patient ID is needed"),
        ({"taken_on": "yesterday"}, "2026-03-12"),
        ({"taken_on": "2999-01-01"}, "future"),
        ({"view-1": ""}, "at least one picture"),
        ({"view-1": "EV99"}, "none of ADA-1100"),
    ],
)
def test_a_mistake_in_the_form_is_told_and_keeps_the_pictures(
    operator: TestClient, changes: dict[str, str], sentence: str
) -> None:
    """The page comes back with the sentence, what was typed, and the same pictures."""
    address = _upload(operator, pictures.camera_file()).headers["location"]

    answer = operator.post(address, data=FORM | {"view-1": "IV07"} | changes)

    assert (answer.status_code, sentence in answer.text) == (400, True)
    assert operator.post(address, data=FORM | {"view-1": "IV07"}).status_code == 303


def test_files_that_are_no_pictures_have_a_sentence_each(operator: TestClient) -> None:
    """Empty files, bombs and other formats stand beside the good picture with their reasons."""
    files = (pictures.camera_file(), b"", pictures.png_bomb(), b"%PDF-1.7", pictures.many_scans())
    page = operator.get(_upload(operator, *files).headers["location"]).text

    for sentence in ("The file is empty", "megapixels", "a PDF document", "more scans"):
        assert sentence in page or "larger than any photograph" in page
    assert page.count("<select") == 1


def test_nothing_and_too_much_are_refused(gateway: Gateway, operator: TestClient) -> None:
    """No file at all and two hundred at once come back to the first page, and nothing is kept."""
    for answer in (_upload(operator), operator.post("/upload"), _upload(operator, *[b"x"] * 200)):
        assert answer.status_code == 400
    assert "200 files are too many" in answer.text
    assert list(gateway.settings.staged.iterdir()) == []


def test_giving_up_removes_the_pictures(gateway: Gateway, operator: TestClient) -> None:
    """One press, and the folder is gone."""
    address = _upload(operator, pictures.camera_file()).headers["location"]

    assert operator.post(f"{address}/discard").status_code == 303
    assert list(gateway.settings.staged.iterdir()) == []
    assert operator.get(address).status_code == 404


def test_another_operator_sees_nothing_of_it(gateway: Gateway, operator: TestClient) -> None:
    """Views, previews, progress and sending are the uploader's own, whoever knows the address."""
    address = _upload(operator, pictures.camera_file()).headers["location"]
    with _open(gateway, _operator(gateway, "otto")) as other:
        assert other.get(address).status_code == 409
        assert other.get(f"{address}/pictures/1").status_code == 409
        assert other.post(f"{address}/discard").status_code == 409
        assert other.post(address, data=FORM | {"view-1": "IV07"}).status_code == 409
        operator.post(address, data=FORM | {"view-1": "IV07"})
        assert other.get(address).status_code == 404
        assert other.get(f"{address}/progress").status_code == 404
    assert len(rows(gateway.database, Upload)) == 1


def test_strange_addresses_lead_nowhere(operator: TestClient) -> None:
    """What is no id of an upload is not looked for on the disk."""
    for path in ("/upload/..%2foriginals", "/upload/x", f"/upload/{'0' * 32}", f"/upload/{'0' * 32}/progress"):
        assert operator.get(path).status_code == 404
