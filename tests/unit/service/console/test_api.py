"""The REST API: what programs are told, and what they can do with their tokens."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from service import audit
from service.audit import Action
from service.console import create_app
from service.console.access import Person
from service.gateway import Gateway
from service.people import tokens
from service.rights import RIGHTS, Right, Role
from service.states import Cause, PhotographState
from service.tables import ApiToken, AuditEntry, Photograph, utc_now
from tests.support.catalogued import photograph_row
from tests.support.console import ADDRESS, client_for
from tests.support.gateways import Archive, open_gateway, settings_for
from tests.support.people import an_account

BEARER = "Bearer "


@pytest.fixture(name="gateway")
def _gateway(tmp_path: Path) -> Iterator[Gateway]:
    opened = open_gateway(settings_for(tmp_path / "data"))
    yield opened
    opened.close()


@pytest.fixture(name="robot")
def _robot(gateway: Gateway) -> Iterator[TestClient]:
    """A program that may do everything, so that what is tested is not its rights."""
    person = Person("0" * 32, "robot", Role.ADMIN, frozenset(Right), "", token_id="t")
    with client_for(gateway, person) as client:
        yield client


def put(gateway: Gateway, number: int, state: PhotographState, **values: Any) -> str:
    """A photograph on record, `number` minutes old."""
    row = photograph_row(
        id=f"{number:032x}",
        state=state,
        study_instance_uid="1.2.3",
        study_alias="2.25.3",
        blob=f"aa/bb/{number}.dcm",
        received_at=utc_now() - timedelta(minutes=number),
        **values,
    )
    with gateway.database.transaction() as session:
        session.add(row)
    return str(row.id)


def entries(gateway: Gateway, action: Action) -> list[AuditEntry]:
    with gateway.database.read() as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.action == action)))


def test_lists_are_read_page_by_page(gateway: Gateway, robot: TestClient) -> None:
    """Following the cursor gives every photograph once, the newest first, and ends."""
    ids = [put(gateway, number, PhotographState.FORWARDED) for number in range(1, 8)]
    seen, after = [], None
    while True:
        page = robot.get("/api/v1/photographs", params={"limit": 3} | ({"after": after} if after else {})).json()
        seen += [line["id"] for line in page["photographs"]]
        if (after := page["after"]) is None:
            break
    assert seen == ids


def test_what_an_original_uid_finds_is_told_without_it(gateway: Gateway, robot: TestClient) -> None:
    """A study can be asked for by either side's UID in a body; no answer holds an original UID."""
    photograph_id = put(gateway, 1, PhotographState.FORWARDED)
    for uid in ("1.2.3", "2.25.3"):
        found = robot.post("/api/v1/photographs/search", json={"study": uid})
        assert [line["id"] for line in found.json()["photographs"]] == [photograph_id]
        assert "1.2.3" not in found.text
    assert "1.2.3.1" not in robot.get(f"/api/v1/photographs/{photograph_id}").text
    assert robot.get("/api/v1/photographs?study=1.2.3").status_code == 400


def test_a_decision_is_on_record_under_its_owners_name(gateway: Gateway, robot: TestClient) -> None:
    """What a program rejects is rejected by the person whose token it has, with the reason."""
    photograph_id = put(gateway, 1, PhotographState.QUARANTINED, cause=Cause.NO_FACE_FOUND)

    done = robot.post(f"/api/v1/photographs/{photograph_id}/reject", json={"reason": "no patient of ours"})

    assert done.json() == {"state": "REJECTED", "waits": False}
    (entry,) = entries(gateway, Action.PHOTOGRAPH_REJECTED)
    assert (entry.actor, entry.details["reason"]) == ("robot", "no patient of ours")
    again = robot.post(f"/api/v1/photographs/{photograph_id}/reject", json={"reason": "no patient of ours"})
    assert (again.status_code, again.headers["content-type"]) == (409, "application/problem+json")


def test_a_decision_that_comes_too_late_is_refused(gateway: Gateway, robot: TestClient) -> None:
    """With `seen`, a decision about a photograph that changed since is not carried out."""
    photograph_id = put(gateway, 1, PhotographState.QUARANTINED, cause=Cause.NO_FACE_FOUND)
    seen = robot.get(f"/api/v1/photographs/{photograph_id}").json()["changed_at"]
    early = {"reason": "r", "seen": "2020-01-01T00:00:00Z"}

    assert robot.post(f"/api/v1/photographs/{photograph_id}/retry", json=early).status_code == 409
    assert robot.post(f"/api/v1/photographs/{photograph_id}/retry", json={"reason": "r", "seen": seen}).json() == {
        "state": "RECEIVED",
        "waits": False,
    }


def test_instructions_are_kept_over_a_change_of_route(gateway: Gateway, robot: TestClient) -> None:
    """Boxes that somebody had covered stay covered when the photograph starts over by another route."""
    photograph_id = put(gateway, 1, PhotographState.QUARANTINED, cause=Cause.NO_FACE_FOUND)
    address = f"/api/v1/photographs/{photograph_id}"
    robot.post(f"{address}/redact", json={"reason": "a name", "boxes": [[0, 0, 30, 8]]})
    with gateway.database.transaction() as session:
        session.get_one(Photograph, photograph_id).state = PhotographState.QUARANTINED

    assert robot.post(f"{address}/retry", json={"reason": "r", "route": "nowhere"}).status_code == 409
    assert robot.post(f"{address}/retry", json={"reason": "r", "route": "all"}).status_code == 200
    with gateway.database.read() as session:
        kept = session.get_one(Photograph, photograph_id).instructions
    assert kept == {"route": "all", "redact": [[0, 0, 30, 8]]}


def test_an_operator_resumes_only_what_failed(gateway: Gateway, robot: TestClient) -> None:
    """What is held for a person's judgement cannot be sent around it with the operator's right."""
    held = put(gateway, 1, PhotographState.QUARANTINED, cause=Cause.NO_FACE_FOUND)
    failed = put(gateway, 2, PhotographState.FAILED)

    assert robot.post(f"/api/v1/photographs/{held}/resume", json={"reason": "r"}).status_code == 409
    assert robot.post(f"/api/v1/photographs/{failed}/resume", json={"reason": "r"}).json()["state"] == "RECEIVED"


def test_a_question_to_the_audit_is_itself_on_record(gateway: Gateway, robot: TestClient) -> None:
    """The answer comes by cursor, and that it was asked for is an entry of its own, without what was typed."""
    photograph_id = put(gateway, 1, PhotographState.FORWARDED)
    with gateway.database.transaction() as session:
        for _ in range(3):
            audit.record(session, Action.DELIVERY_SENT, actor="sender", photograph_id=photograph_id)

    question = {"study": "1.2.3", "limit": 2}
    first = robot.post("/api/v1/audit/query", json=question).json()
    second = robot.post("/api/v1/audit/query", json=question | {"after": first["after"]}).json()

    assert (len(first["entries"]), len(second["entries"]), second["after"]) == (2, 1, None)
    asked = entries(gateway, Action.AUDIT_QUERIED)
    assert [entry.details["query"] for entry in asked] == [["study"], ["study"]]


def test_an_export_comes_as_a_file_that_proves_itself(gateway: Gateway, robot: TestClient) -> None:
    """The stream is the same file that the command line writes, under a name."""
    with gateway.database.transaction() as session:
        audit.record(session, Action.DELIVERY_SENT, actor="sender")

    answer = robot.post("/api/v1/audit/export", json={"format": "jsonl", "actor": "sender"})

    assert answer.headers["content-disposition"] == 'attachment; filename="audit.jsonl"'
    assert answer.text.splitlines()[-1].startswith('{"')
    assert '"record":"end"' in answer.text.replace(" ", "")


@pytest.mark.parametrize(
    "body",
    [
        {"since": "0001-01-01T00:00:00+14:00"},
        {"since": "2026-01-01T00:00:00"},
        {"actor": "a\0b"},
        {"actor": "\ud800"},
        {"study": "1.2'; --"},
        {"after": "nonsense"},
        {"limit": 10**30},
        {"unknown": 1},
        [],
        "text",
        {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"},
    ],
    ids=str,
)
def test_nonsense_is_said_to_be_so(robot: TestClient, body: Any) -> None:
    """A question that nobody can mean is answered with 400 and problem details, never repeated and never a 500."""
    answer = robot.post("/api/v1/audit/query", content=json.dumps(body), headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert "a\0b" not in answer.text


@pytest.mark.usefixtures("quick_passwords")
def test_a_token_may_what_its_scopes_say_until_it_ends(gateway: Gateway) -> None:
    """A narrow token reads and decides nothing; expired, cut or after its end it opens nothing at all."""
    account_id = an_account(gateway.database, "rita", Role.REVIEWER)
    token = tokens.make(gateway.database, account_id, "reader", {Right.SEE_PHOTOGRAPHS}, 1)
    photograph_id = put(gateway, 1, PhotographState.QUARANTINED, cause=Cause.NO_FACE_FOUND)

    def ask(shown: str, method: str = "GET", path: str = "/api/v1/photographs", **options: Any) -> int:
        return client.request(method, path, headers={"Authorization": shown}, **options).status_code

    with TestClient(create_app(gateway), base_url=ADDRESS) as client:
        assert ask(BEARER + token) == 200
        reject = f"/api/v1/photographs/{photograph_id}/reject"
        assert ask(BEARER + token, "POST", reject, json={"reason": "r"}) == 403
        for shown in ("", BEARER, BEARER + token[:-1], token, "Basic " + token, BEARER + "vg_" + "0" * 97):
            assert ask(shown) == 401
        with gateway.database.transaction() as session:
            session.scalars(select(ApiToken)).one().expires_at = utc_now()
        assert ask(BEARER + token) == 401


def test_a_destination_is_asked_on_demand(tmp_path: Path) -> None:
    """The answer of a C-ECHO, or why there is none, and that somebody asked."""
    place = Archive().start()
    gateway = open_gateway(settings_for(tmp_path / "data", place))
    operator = Person("0" * 32, "ada", Role.OPERATOR, RIGHTS[Role.OPERATOR], "", token_id="t")
    try:
        with client_for(gateway, operator) as robot:
            assert robot.post("/api/v1/destinations/archive/echo").json()["problem"] is None
            place.stop()
            assert robot.post("/api/v1/destinations/archive/echo").json()["problem"]
            assert robot.post("/api/v1/destinations/other/echo").status_code == 404
        assert [entry.actor for entry in entries(gateway, Action.DESTINATION_TESTED)] == ["ada", "ada"]
    finally:
        place.stop()
        gateway.close()


def test_the_description_names_every_route_and_its_problems(robot: TestClient) -> None:
    """Each operation says what it answers with, has an operation id of its own, and a sentence on what it does."""
    described = robot.get("/api/v1/openapi.json").json()
    operations = [operation for path in described["paths"].values() for operation in path.values()]

    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(operation["description"] for operation in operations)
    for operation in operations:
        assert {"400", "401", "403", "409"} <= operation["responses"].keys()
        assert {"200", "201"} & operation["responses"].keys()
    assert not re.search("HTTPValidationError", str(described))
