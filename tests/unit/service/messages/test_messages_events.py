"""Each action of the audit in the standard's words: valid by its schema, complete by its tables, no patient named."""

from base64 import b64decode
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from service.audit import Action, Outcome
from service.messages.document import render
from service.messages.events import EVENTS, LOCAL, message
from service.messages.facts import Facts
from service.messages.occasions import Occasion
from service.settings import AuditSettings, Destination
from service.tables import AuditEntry
from tests.support.auditschema import parse

FACTS = Facts(
    pseudonym="K7QX2M9D4TAB",
    study="2.25.111",
    sop_class="1.2.840.10008.5.1.4.1.1.77.1.4",
    calling_ae="CAMERA1",
    called_ae="VERAGATE",
    peer="10.0.0.7",
    released=("2.25.222",),
    anonymized=True,
)
RESEARCH = Destination(name="research", ae_title="RESEARCH", host="pacs.example.org", port=104)
DETAILS = {"destination": "research", "reason": "a reason", "account": "ada", "address": "10.0.0.9", "peer": "10.0.0.7"}
TRANSFERS = ("110102", "110104")
ABOUT_INSTANCES = ("110102", "110103", "110104")


def told(
    action: Action, actor: str = "ada", outcome: str = Outcome.SUCCESS, source: str = "veragate", **details: Any
) -> etree._Element:
    """The message of an entry, held against the schema."""
    entry = AuditEntry(
        id="e" * 32,
        occurred_at=datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC),
        action=action,
        outcome=outcome,
        actor=actor,
        photograph_id="p" * 32,
        details={**DETAILS, **details},
    )
    settings = AuditSettings(source=source, site="clinic")
    found = message(Occasion(entry, 41, settings, "VERAGATE", FACTS, {"research": RESEARCH}))
    assert found is not None
    return parse(render(found))


def objects(root: etree._Element, kind: str) -> list[etree._Element]:
    """The participant objects whose id is of this kind."""
    found = root.findall("ParticipantObjectIdentification")
    return [item for item in found if item.find("ParticipantObjectIDTypeCode").get("csd-code") == kind]


def participant(root: etree._Element, role: str) -> etree._Element:
    (found,) = [item for item in root.findall("ActiveParticipant") if item.find("RoleIDCode").get("csd-code") == role]
    return found


def test_every_action_is_told_or_stays_for_a_reason() -> None:
    """An action has a message, or a sentence why it has none; never both, never neither."""
    assert set(EVENTS) | set(LOCAL) == set(Action)
    assert not set(EVENTS) & set(LOCAL)
    assert all(LOCAL.values())


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("action", EVENTS)
def test_every_message_is_valid_and_complete(action: Action, outcome: Outcome) -> None:
    """The schema accepts each message, and it has what the table of its event makes mandatory (A.5.2, A.5.3)."""
    root = told(action, outcome=outcome)
    event = root.find("EventIdentification")
    code = event.find("EventID").get("csd-code")

    assert event.get("EventDateTime") == "2026-01-02T03:04:05.678+00:00"
    assert root.find("AuditSourceIdentification").get("AuditSourceID") == "veragate"
    assert sum(item.get("UserIsRequestor") == "true" for item in root.findall("ActiveParticipant")) <= 1
    if code in ABOUT_INSTANCES:
        (study,) = objects(root, "110180")
        assert study.get("ParticipantObjectID") == "2.25.111"
        assert len(objects(root, "2")) == 1
    if code in TRANSFERS:
        assert participant(root, "110153").get("AlternativeUserID")
        assert participant(root, "110152").get("AlternativeUserID")
    if code in ("110100", "110113", "110114"):
        assert event.find("EventTypeCode") is not None


@pytest.mark.parametrize("action", EVENTS)
def test_a_message_can_be_held_against_the_log(action: Action) -> None:
    """Each message names its entry and the entry's place, so that one that came twice is known."""
    entry = told(action).findall("ParticipantObjectIdentification")[-1]
    details = {
        item.get("type"): b64decode(item.get("value")).decode() for item in entry.findall("ParticipantObjectDetail")
    }

    assert entry.get("ParticipantObjectID") == "veragate://veragate/audit/" + "e" * 32
    assert details["position"] == "41"
    assert '"reason": "a reason"' in details["details"]


@given(text=st.text(st.characters(), min_size=1, max_size=40))
@pytest.mark.parametrize("action", [Action.ASSOCIATION_REFUSED, Action.DELIVERY_SENT, Action.ACCESS_DENIED])
def test_hostile_text_stays_text(action: Action, text: str) -> None:
    """Markup, control characters and broken surrogates in any value leave a message valid."""
    settable = text.encode("utf-8", "replace").decode()  # settings refuse half a surrogate pair
    root = told(action, actor=text, outcome=Outcome.FAILURE, source=settable, reason=text, path=text, destination=text)
    assert {item.tag for item in root} <= {
        "EventIdentification",
        "ActiveParticipant",
        "AuditSourceIdentification",
        "ParticipantObjectIdentification",
    }


def test_what_xml_cannot_hold_is_replaced() -> None:
    """A control character becomes the replacement character, and nothing else of the text is lost."""
    root = told(Action.SIGN_IN_REFUSED, actor='<a href="x">&\x00\x0b\ud800ä🦷')
    assert root.find("ActiveParticipant").get("UserName") == '<a href="x">&\ufffd\ufffd\ufffdä🦷'


def test_a_reception_names_camera_and_gateway() -> None:
    """A received photograph is instances transferred, from the calling AE at its address to the called one."""
    root = told(Action.PHOTOGRAPH_RECEIVED, actor="CAMERA1", called_ae="VERAGATE")
    event, camera = root.find("EventIdentification"), participant(root, "110153")

    assert (event.find("EventID").get("csd-code"), event.get("EventActionCode")) == ("110104", "C")
    assert camera.get("AlternativeUserID") == "AETITLES=CAMERA1"
    assert (camera.get("NetworkAccessPointID"), camera.get("NetworkAccessPointTypeCode")) == ("10.0.0.7", "2")
    assert participant(root, "110152").get("AlternativeUserID") == "AETITLES=VERAGATE"


def test_a_delivery_names_destination_and_claim() -> None:
    """A delivery is instances transferred to the destination's AE, with the released instance and its own claim."""
    root = told(Action.DELIVERY_SENT, actor="sender")
    there = participant(root, "110152")
    (study,) = objects(root, "110180")

    assert there.get("AlternativeUserID") == "AETITLES=RESEARCH"
    assert (there.get("NetworkAccessPointID"), there.get("NetworkAccessPointTypeCode")) == ("pacs.example.org", "1")
    assert study.find(".//Instance").get("UID") == "2.25.222"
    assert study.find(".//Anonymized").text == "true"


def test_deidentification_says_so() -> None:
    """The work itself carries the life cycle that the standard has for it."""
    (study,) = objects(told(Action.PHOTOGRAPH_DEIDENTIFIED, actor="worker"), "110180")
    assert study.get("ParticipantObjectDataLifeCycle") == "7"


def test_a_look_up_does_not_name_what_was_looked_for() -> None:
    """Asking for a Patient ID is told with the pseudonym that was found, never with the Patient ID."""
    root = told(Action.PATIENT_LOOKED_UP, pseudonym="K7QX2M9D4TAB")
    (search,) = objects(root, "10")

    assert b64decode(search.find("ParticipantObjectQuery").text) == b"Patient ID (not recorded)"
    assert objects(root, "2")[0].get("ParticipantObjectID") == "K7QX2M9D4TAB"


@pytest.mark.parametrize(
    ("action", "outcome", "indicator"),
    [
        (Action.SIGN_IN_SUCCEEDED, Outcome.SUCCESS, "0"),
        (Action.SIGN_IN_REFUSED, Outcome.REFUSED, "4"),
        (Action.ACCOUNT_LOCKED, Outcome.REFUSED, "12"),
        (Action.PHOTOGRAPH_FAILED, Outcome.FAILURE, "8"),
        (Action.PHOTOGRAPH_REJECTED, Outcome.REFUSED, "0"),
        (Action.DELIVERY_RETRIED, Outcome.FAILURE, "4"),
        (Action.DELIVERY_PARKED, Outcome.FAILURE, "8"),
    ],
)
def test_outcomes(action: Action, outcome: Outcome, indicator: str) -> None:
    """The outcome indicator says how grave it was, and a person's decision is no failure (A.5.2)."""
    assert told(action, outcome=outcome).find("EventIdentification").get("EventOutcomeIndicator") == indicator


def test_an_alert_describes_itself() -> None:
    """A refused association is a security alert about that node, with the reason in its description (A.5.3.11)."""
    root = told(Action.ASSOCIATION_REFUSED, actor="ROGUE", outcome=Outcome.REFUSED)
    (subject,) = objects(root, "110182")
    detail = subject.find("ParticipantObjectDetail")

    assert root.find("EventIdentification/EventTypeCode").get("csd-code") == "110126"
    assert subject.get("ParticipantObjectID") == "ROGUE"
    assert detail.get("type") == "Alert Description"
    assert b64decode(detail.get("value")) == b"association.refused: a reason"


def test_reading_the_log_is_on_record_elsewhere() -> None:
    """A query of the audit is "Audit Log Used" on the log's URI, by person and address (A.5.3.2)."""
    root = told(Action.AUDIT_QUERIED)
    log, person = objects(root, "12")[0], root.find("ActiveParticipant")

    assert (log.get("ParticipantObjectTypeCode"), log.get("ParticipantObjectTypeCodeRole")) == ("2", "13")
    assert log.find("ParticipantObjectName").text == "Security Audit Log"
    assert (person.get("UserID"), person.get("NetworkAccessPointID")) == ("ada@veragate", "10.0.0.9")


def test_an_action_of_another_version_is_passed_over() -> None:
    """An entry whose action this version does not know has no message, and stops nothing."""
    entry = AuditEntry(id="e", occurred_at=datetime.now(UTC), action="new.thing", outcome="odd", actor="x", details={})
    assert message(Occasion(entry, 0, AuditSettings())) is None
