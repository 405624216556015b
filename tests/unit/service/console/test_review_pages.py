"""The review desk: every decision by a plain form, and a clear answer for whoever comes second."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import generate_uid

from service.gateway import Gateway
from service.pipeline import Worker
from service.reception import Origin, receive
from service.rights import Role
from service.spool import Received
from service.states import PhotographState
from service.tables import AuditEntry, Photograph, Proposal, Release
from tests.support import photographs
from tests.support.console import CSRF, client_for, person
from tests.support.fakefaces import BOX, FakeFaces
from tests.support.gateways import CALLING, TITLE, open_gateway, rows, settings_for

ANNA, BERT = person(Role.REVIEWER, "anna"), person(Role.REVIEWER, "bert")


def _opened(folder: Path, **changes: Any) -> Gateway:
    settings = settings_for(folder, **changes)
    settings.spool.mkdir(parents=True)
    return open_gateway(settings)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    opened = _opened(tmp_path)
    yield opened
    opened.close()


def _held(gateway: Gateway, view: str = "EV41") -> Photograph:
    """A photograph that a gate holds, its result beside it."""
    ds = photographs.photograph(photographs.teeth(), view)
    path = photographs.save(ds, gateway.settings.spool / f"{generate_uid()}.part")
    received = Received(path, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
    uid, syntax = ds.SOPInstanceUID, ds.file_meta.TransferSyntaxUID
    assert receive(gateway, received, Origin(CALLING, TITLE, "127.0.0.1", ds.SOPClassUID, uid, syntax))
    _work(gateway)
    photograph: Photograph = max(rows(gateway.database, Photograph), key=lambda row: row.received_at)
    return photograph


def _work(gateway: Gateway) -> None:
    while Worker(gateway, FakeFaces(BOX)).work_one():
        pass


def _now(gateway: Gateway, photograph: Photograph) -> Photograph:
    found: Photograph = next(row for row in rows(gateway.database, Photograph) if row.id == photograph.id)
    return found


def _form(photograph: Photograph, decision: str, **more: str) -> dict[str, str]:
    seen = photograph.changed_at.isoformat()
    return {"csrf": CSRF, "seen": seen, "decision": decision, "reason": "looked at it", **more}


def test_the_desk_leads_from_one_photograph_to_the_next(gateway: Gateway) -> None:
    """The oldest comes first, each page knows its neighbours, and a decision goes on to the next one."""
    first, second = _held(gateway), _held(gateway)
    with client_for(gateway, ANNA) as client:
        desk = client.get("/review").text
        assert desk.index(first.id) < desk.index(second.id)
        assert f'rel="next" href="/review/{second.id}"' in client.get(f"/review/{first.id}").text
        assert f'rel="prev" href="/review/{first.id}"' in client.get(f"/review/{second.id}").text
        answer = client.post(f"/review/{first.id}", data=_form(first, "reject"))
        assert answer.headers["location"] == f"/review/{second.id}?done=reject"
        answer = client.post(f"/review/{second.id}", data=_form(second, "release"))
        assert answer.headers["location"] == "/review?done=release"
        assert "Nothing waits" in client.get("/review").text
    assert _now(gateway, first).state == PhotographState.REJECTED
    assert _now(gateway, second).state == PhotographState.DEIDENTIFIED
    (left,) = rows(gateway.database, Release)
    assert left.released_by == "anna"


def test_a_redaction_by_numbers_goes_to_the_worker_and_is_judged(gateway: Gateway) -> None:
    """Boxes as lines of numbers and a tick for the heads are followed, without any script."""
    photograph = _held(gateway)
    with client_for(gateway, ANNA) as client:
        form = _form(photograph, "redact", boxes="0 0 48 16\n 50, 0, 90, 16 \n", cover_faces="true")
        assert client.post(f"/review/{photograph.id}", data=form).status_code == 303
        again = _now(gateway, photograph)
        assert again.instructions == {"redact": [[0, 0, 48, 16], [50, 0, 90, 16]], "cover_faces": True}
        _work(gateway)
        assert "0 0 48 16\n50 0 90 16" in client.get(f"/review/{photograph.id}").text


def test_a_backdrop_can_be_asked_for_alone(gateway: Gateway) -> None:
    """No box and no tick is needed for it, the page shows what was chosen, and says it in words."""
    photograph = _held(gateway)
    with client_for(gateway, ANNA) as client:
        nothing = client.post(f"/review/{photograph.id}", data=_form(photograph, "redact"))
        assert nothing.status_code == 400
        form = _form(photograph, "redact", backdrop="plain")
        assert client.post(f"/review/{photograph.id}", data=form).status_code == 303
        assert _now(gateway, photograph).instructions == {"backdrop": "plain"}
        _work(gateway)
        shown = client.get(f"/review/{photograph.id}").text
        assert '<option value="plain" selected>' in shown
        assert "Put a plain backdrop in the place of what lies behind people." in shown


def test_starting_over_keeps_covers_only_if_asked_to(gateway: Gateway) -> None:
    """A chosen route is followed; what was covered before stays covered where the box is ticked."""
    photograph = _held(gateway)
    with client_for(gateway, ANNA) as client:
        client.post(f"/review/{photograph.id}", data=_form(photograph, "redact", boxes="0 0 48 16"))
        _work(gateway)
        kept = _form(_now(gateway, photograph), "retry", route="all", keep_covers="true")
        assert client.post(f"/review/{photograph.id}", data=kept).status_code == 303
        assert _now(gateway, photograph).instructions == {"route": "all", "redact": [[0, 0, 48, 16]]}
        _work(gateway)
        fresh = _form(_now(gateway, photograph), "retry")
        assert client.post(f"/review/{photograph.id}", data=fresh).status_code == 303
        assert _now(gateway, photograph).instructions is None


WRONG: list[tuple[dict[str, str], str]] = [
    ({"decision": ""}, "Choose what to do"),
    ({"decision": "delete everything"}, "Choose what to do"),
    ({"decision": "reject", "reason": "  "}, "Say why"),
    ({"decision": "redact", "boxes": "1 2 3"}, "four whole numbers"),
    ({"decision": "redact", "boxes": "30 0 10 10"}, "four whole numbers"),
    ({"decision": "redact", "boxes": "0 0 9999 10"}, "four whole numbers"),
    ({"decision": "redact", "boxes": "0 0 ten 10"}, "four whole numbers"),
    ({"decision": "redact"}, "Draw a box"),
    ({"decision": "retry", "route": "../../etc"}, "no such route"),
]


def test_a_form_with_something_wrong_comes_back_as_it_was(gateway: Gateway) -> None:
    """Nonsense in any field is named on the page, what was typed is still there, and nothing is decided."""
    photograph = _held(gateway)
    with client_for(gateway, ANNA) as client:
        for values, sentence in WRONG:
            data = {**_form(photograph, "reject", reason="typed with care"), **values}
            answer = client.post(f"/review/{photograph.id}", data=data)
            assert (answer.status_code, sentence in answer.text) == (400, True), values
            assert data["boxes"] in answer.text if "boxes" in data else True
        assert client.post(f"/review/{photograph.id}", data={"reason": "no token"}).status_code == 400
    assert _now(gateway, photograph).state == PhotographState.QUARANTINED


def test_whoever_decides_second_is_told(tmp_path: Path, database_url: str) -> None:
    """Of two reviewers with the same page open the second gets a clear page, also when it is held again by then."""
    gateway = _opened(tmp_path, database_url=database_url)
    photograph = _held(gateway)
    with client_for(gateway, ANNA) as client:
        assert client.post(f"/review/{photograph.id}", data=_form(photograph, "retry")).status_code == 303
    with client_for(gateway, BERT) as client:
        answer = client.post(f"/review/{photograph.id}", data=_form(photograph, "release"))
        assert (answer.status_code, "RECEIVED" in answer.text) == (409, True)
        _work(gateway)
        answer = client.post(f"/review/{photograph.id}", data=_form(photograph, "release"))
        assert (answer.status_code, "look again" in answer.text) == (409, True)
        assert client.get(f"/review/{photograph.id}").status_code == 200
    assert rows(gateway.database, Release) == []
    gateway.close()


def test_four_eyes_propose_confirm_and_decline(tmp_path: Path, database_url: str) -> None:
    """Under the rule a page offers only what this person may do next, and both names are on the release."""
    gateway = _opened(tmp_path, database_url=database_url, console={"four_eyes": True})
    photograph = _held(gateway)
    here = f"/review/{photograph.id}"
    with client_for(gateway, ANNA) as client:
        assert 'value="release"' not in client.get(here).text
        assert client.post(here, data=_form(photograph, "release")).status_code == 409
        client.post(here, data=_form(photograph, "propose"))
        html = client.get(here).text
        assert 'value="confirm"' not in html
        assert "You proposed" in html
        assert client.post(here, data=_form(photograph, "confirm")).status_code == 409
    with client_for(gateway, BERT) as client:
        assert "Proposed by anna" in client.get("/review").text
        client.post(here, data=_form(photograph, "withdraw"))
        assert rows(gateway.database, Proposal) == []
    with client_for(gateway, ANNA) as client:
        client.post(here, data=_form(photograph, "propose"))
    with client_for(gateway, BERT) as client:
        assert client.post(here, data=_form(photograph, "confirm")).status_code == 303
    (left,) = rows(gateway.database, Release)
    assert left.released_by == "anna and bert"
    gateway.close()


def test_a_photograph_without_a_result_can_be_covered_or_rejected_but_not_released(gateway: Gateway) -> None:
    """Where nothing was finished the page shows the original alone and does not offer a release."""
    ds = photographs.photograph(photographs.teeth(), "EV19", patient_id=None)
    path = photographs.save(ds, gateway.settings.spool / "one.part")
    received = Received(path, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
    uid, syntax = ds.SOPInstanceUID, ds.file_meta.TransferSyntaxUID
    receive(gateway, received, Origin(CALLING, TITLE, "127.0.0.1", ds.SOPClassUID, uid, syntax))
    _work(gateway)
    (photograph,) = rows(gateway.database, Photograph)
    with client_for(gateway, ANNA) as client:
        html = client.get(f"/review/{photograph.id}").text
        assert 'value="release"' not in html
        assert "cannot be released" in html
        assert client.post(f"/review/{photograph.id}", data=_form(photograph, "release")).status_code == 409


def test_only_reviewers_come_to_the_desk(gateway: Gateway) -> None:
    """No other role sees the desk or decides, and each try is on record."""
    photograph = _held(gateway)
    for role in (Role.OPERATOR, Role.COMPLIANCE, Role.ADMIN):
        with client_for(gateway, role) as client:
            assert client.get("/review").status_code == 403
            assert client.get(f"/review/{photograph.id}").status_code == 403
            assert client.post(f"/review/{photograph.id}", data=_form(photograph, "release")).status_code == 403
    assert [entry.action for entry in rows(gateway.database, AuditEntry)].count("access.denied") == 9
    with client_for(gateway, Role.REVIEWER) as client:
        assert client.get(f"/review/{'0' * 32}").status_code == 404
