"""The audit's pages: questions, proofs, exports, look-ups and the seal, and that each use of them is on record."""

import re
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from service import audit
from service.audit import Action, Outcome
from service.console.wording import has
from service.gateway import Gateway
from service.headers import outside_uid
from service.pseudonyms import find_or_create_patient
from service.rights import Role
from service.sealing import public_key, seal, seal_all
from service.tables import AuditEntry, AuditPending, Photograph, new_id, utc_now
from service.verify_export import check
from tests.support.console import client_for
from tests.support.gateways import open_gateway, rows, settings_for, wait_for

STUDY, INSTANCE = "1.2.826.0.1.77", "1.2.826.0.1.78"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """A photograph of one patient with an entry, and 60 entries about nothing, sealed."""
    opened = open_gateway(settings_for(tmp_path))
    with opened.database.transaction() as session:
        patient = find_or_create_patient(session, opened.pseudonyms, "MILLER-7", "CLINIC")
        alias = outside_uid(opened.pseudonyms, STUDY)
        photograph = Photograph(
            id=new_id(), sop_class_uid="1", sop_instance_uid=INSTANCE, transfer_syntax_uid="1", calling_ae="CAMERA",
            study_instance_uid=STUDY, study_alias=alias, patient_id=patient.id, called_ae="VERAGATE", peer="x",
            blob="b", digest="d", size=1,
        )  # fmt: skip
        session.add(photograph)
        details = {"called_ae": "VERAGATE", "reason": SCRIPT}
        audit.record(session, Action.PHOTOGRAPH_RECEIVED, actor="CAMERA", photograph_id=photograph.id, details=details)
        for number in range(60):
            audit.record(session, Action.DELIVERY_SENT, actor="sender", details={"attempt": number})
    seal(opened.database, opened.keys, opened.settings.checkpoints)
    yield opened
    opened.close()


@pytest.fixture
def client(gateway: Gateway) -> Iterator[TestClient]:
    with client_for(gateway, Role.COMPLIANCE) as opened:
        yield opened


def _recorded(gateway: Gateway, action: Action) -> list[AuditEntry]:
    return [entry for entry in rows(gateway.database, AuditEntry) if entry.action == action]


def _about_photograph(page: str) -> bool:
    return "Photograph received" in page.split('id="answer"')[1].split("</table>")[0]


def test_nothing_is_asked_until_somebody_asks(client: TestClient, gateway: Gateway) -> None:
    """The page alone shows the form and the seal, and is no question."""
    answer = client.get("/audit")
    assert answer.status_code == 200
    assert "61" in answer.text and public_key(gateway.keys) in answer.text
    assert "None: set audit.copy_folder" in answer.text
    assert _recorded(gateway, Action.AUDIT_QUERIED) == []


def test_a_question_is_answered_page_by_page_and_on_record(client: TestClient, gateway: Gateway) -> None:
    """The pages together hold every entry; the audit names the fields of the question and not what stood in them."""
    sent = client.post("/audit/search", data={"actor": "sender", "action": "delivery.sent"})
    found, address = [], sent.headers["location"]
    while address:
        page = client.get(address).text
        found += re.findall(r"/audit/entries/(\w{32})", page)
        following = re.search(r'rel="next" href="([^"]+)"', page) or re.search(r'href="([^"]+)">Next', page)
        address = following[1].replace("&amp;", "&") if following else ""
    assert len(found) == len(set(found)) == 60
    details = [entry.details for entry in _recorded(gateway, Action.AUDIT_QUERIED)]
    assert [(d["query"], d["count"]) for d in details] == [(["action", "actor"], 50), (["action", "actor"], 10)]


@pytest.mark.parametrize(
    "asked", [{"study": STUDY}, {"sop_instance": INSTANCE}, {"study": STUDY, "sop_instance": INSTANCE}], ids=str
)
def test_original_uids_stand_in_no_address(client: TestClient, asked: dict[str, str]) -> None:
    """A question by the UID of a camera finds its photograph, and the address of the answer does not hold it."""
    sent = client.post("/audit/search", data=asked)
    assert sent.status_code == 303
    assert STUDY not in sent.headers["location"] and INSTANCE not in sent.headers["location"]
    page = client.get(sent.headers["location"]).text
    assert _about_photograph(page)
    assert len(re.findall(r"/audit/entries/", page)) == 1


def test_a_uid_that_nobody_sent_is_answered_without_an_address(client: TestClient) -> None:
    """What is known nowhere is said on the page itself."""
    sent = client.post("/audit/search", data={"sop_instance": "1.2.3.999"})
    assert sent.status_code == 200 and "No entry answers this" in sent.text


def test_a_patient_is_looked_up_on_record(client: TestClient, gateway: Gateway) -> None:
    """The original ID leads to the entries of the patient; the audit keeps who, why and the pseudonym, not the ID."""
    sent = client.post("/audit/patient", data={"patient_id": "miller-7", "issuer": "CLINIC", "reason": "a complaint"})
    assert sent.status_code == 303 and "miller" not in sent.headers["location"].lower()
    assert _about_photograph(client.get(sent.headers["location"]).text)
    unknown = client.post("/audit/patient", data={"patient_id": "nobody", "issuer": "", "reason": "a complaint"})
    assert unknown.status_code == 400 and "No patient is known" in unknown.text
    first, second = _recorded(gateway, Action.PATIENT_LOOKED_UP)
    assert (first.outcome, second.outcome) == (Outcome.SUCCESS, Outcome.FAILURE)
    assert (first.actor, first.details["reason"]) == ("compliance.person", "a complaint")
    assert first.details["pseudonym"] in sent.headers["location"]
    assert not any("miller" in str(vars(entry)).lower() for entry in rows(gateway.database, AuditEntry))


@pytest.mark.parametrize(("patient_id", "reason"), [("", "x"), ("  ", "x"), ("MILLER-7", " ")])
def test_a_look_up_needs_an_id_and_a_reason(client: TestClient, gateway: Gateway, patient_id: str, reason: str) -> None:
    """Without either nothing is looked up, and nothing is on record."""
    assert client.post("/audit/patient", data={"patient_id": patient_id, "reason": reason}).status_code == 400
    assert _recorded(gateway, Action.PATIENT_LOOKED_UP) == []


@pytest.mark.parametrize("form", ["csv", "jsonl", "html"])
def test_an_answer_is_exported_and_fits(client: TestClient, gateway: Gateway, form: str) -> None:
    """The download holds the whole answer, passes the stand-alone check, and is on record."""
    sent = client.post("/audit/export", data={"actor": "sender", "format": form})
    assert sent.status_code == 200
    assert sent.headers["content-disposition"] == f'attachment; filename="audit.{form}"'
    found = check(BytesIO(sent.content), public_key(gateway.keys))
    assert (found.entries, found.head["person"], found.head["query"]) == (60, "compliance.person", {"actor": "sender"})
    (entry,) = _recorded(gateway, Action.AUDIT_EXPORTED)
    assert entry.details == {"format": form, "query": ["actor"]}


def test_an_entry_is_shown_with_its_proof(client: TestClient, gateway: Gateway) -> None:
    """Position, path and signature are there, and what somebody wrote into the entry is text."""
    entry = _recorded(gateway, Action.PHOTOGRAPH_RECEIVED)[0]
    page = client.get(f"/audit/entries/{entry.id}").text
    assert "This entry was sealed as it stands" in page
    assert SCRIPT not in page and "&lt;script&gt;" in page


def test_an_entry_that_was_edited_has_no_proof(client: TestClient, gateway: Gateway) -> None:
    """The page of an entry that does not fit its seal says so."""
    with gateway.database.transaction() as session:
        session.execute(text("DROP TRIGGER audit_entries_no_update"))
        session.execute(text("UPDATE audit_entries SET actor = 'nobody' WHERE action = 'photograph.received'"))
    page = client.get(f"/audit/entries/{_recorded(gateway, Action.PHOTOGRAPH_RECEIVED)[0].id}").text
    assert "was edited, moved or forged" in page and "This entry was sealed as it stands" not in page


def test_an_entry_without_a_seal_says_that_it_waits(client: TestClient, gateway: Gateway) -> None:
    """Before the sealer came by there is no proof yet."""
    with gateway.database.transaction() as session:
        audit.record(session, Action.PROCESS_STARTED, actor="test")
    assert "waits for its seal" in client.get(f"/audit/entries/{_recorded(gateway, Action.PROCESS_STARTED)[0].id}").text


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("since=yesterday", "no date or time"),
        ("action=everything", "There is no action"),
        ("actor=%07", "characters that no entry has"),
        ("actor=" + "x" * 5000, "too long"),
        ("after=nonsense", "There is no such page"),
        ("since=2026-02-01&until=2026-01-01", "ends before it begins"),
    ],
)
def test_nonsense_is_answered_with_a_sentence(client: TestClient, gateway: Gateway, asked: str, sentence: str) -> None:
    """Whatever stands in the address, the page says what is wrong with it; it was no question."""
    answer = client.get(f"/audit?find=1&{asked}")
    assert answer.status_code == 400 and sentence in answer.text
    assert _recorded(gateway, Action.AUDIT_QUERIED) == []


@pytest.mark.parametrize("entry", ["nonsense", "0" * 32, "../audit"])
def test_an_entry_that_is_not_there_is_not_found(client: TestClient, entry: str) -> None:
    """An id that names nothing is a page that does not exist."""
    assert client.get(f"/audit/entries/{entry}").status_code in (404, 307)


def test_an_export_in_no_format_is_refused(client: TestClient, gateway: Gateway) -> None:
    """A made-up format or field value is a sentence, and nothing is put on record."""
    assert client.post("/audit/export", data={"format": "exe"}).status_code in (400, 409)
    assert client.post("/audit/export", data={"format": "csv", "since": "x"}).status_code in (400, 409)
    assert _recorded(gateway, Action.AUDIT_EXPORTED) == []


def test_a_verification_runs_and_tells(client: TestClient, gateway: Gateway) -> None:
    """Who asks for it gets the page at once, and later what was found."""
    assert client.post("/audit/verify").status_code == 303
    wait_for(lambda: "The audit is whole" in client.get("/audit").text)
    assert _recorded(gateway, Action.AUDIT_QUERIED)[0].details["query"] == ["verify"]


def test_a_stalled_sealer_is_an_alarm(client: TestClient, gateway: Gateway) -> None:
    """When the oldest entry waits for longer than allowed the page begins with that."""
    seal_all(gateway.database, gateway.keys, gateway.settings.checkpoints)
    assert "The audit is not being sealed" not in client.get("/audit").text
    old = AuditEntry(
        id=new_id(), occurred_at=utc_now() - timedelta(hours=2), action="delivery.sent", outcome="success", actor="x",
        details={},
    )  # fmt: skip
    with gateway.database.transaction() as session:
        session.add_all([old, AuditPending(entry_id=old.id)])
    assert "The audit is not being sealed: its oldest entry has waited for 2 h" in client.get("/audit").text


def test_every_action_has_its_words() -> None:
    """Whatever the audit can hold can be said."""
    assert [action for action in Action if not has(f"actions.{action}")] == []
