"""Photographs found again, page by page, on both databases."""

from typing import Any

import pytest

from service import audit
from service.audit import Action
from service.catalogue import Query, history, of_study, search
from service.cursors import cursor, parse_cursor
from service.database import Database
from service.errors import VeraGateError
from service.states import Cause, PhotographState
from tests.support.catalogued import add_held, add_patient, add_photograph, add_release, moment

STUDY, ALIAS = "1.2.826.0.1.77", "2.25.4242"


@pytest.fixture
def wanted(database: Database) -> dict[str, Any]:
    """One photograph that every question below is about, among others; its facts and its UIDs."""
    with database.transaction() as session:
        patient, other = add_patient(session, "0ABCDEFGHJKM"), add_patient(session, "1ABCDEFGHJKM")
        for number in range(5):
            add_release(session, add_photograph(session, patient_id=other.id, received_at=moment(number + 1)), "pacs")
        photograph = add_photograph(
            session,
            patient_id=patient.id,
            calling_ae="OTHERCAM",
            state=PhotographState.QUARANTINED,
            cause=Cause.STILL_RECOGNISED,
            study_instance_uid=STUDY,
            study_alias=ALIAS,
            view="EV19 EO.FF.FS.CO",
            received_at=moment(9),
        )
        held = add_held(session, photograph)
        sent = add_photograph(session, calling_ae="THIRDCAM", received_at=moment(12))
        add_release(session, sent, "pacs", "research")
        return {"id": photograph.id, "inside": photograph.sop_instance_uid, "outside": held.sop_instance_uid}


def _found(database: Database, **query: Any) -> list[str]:
    with database.read() as session:
        return [line.id for line in search(session, Query(**query)).lines]


QUERIES: list[dict[str, Any]] = [
    {"pseudonym": "0ABCDEFGHJKM"},
    {"study": STUDY},
    {"study": ALIAS},
    {"source": "OTHERCAM"},
    {"state": "QUARANTINED"},
    {"cause": "still-recognised"},
    {"view": "EV19 EO.FF.FS.CO"},
    {"since": moment(8), "until": moment(10)},
    {"source": "OTHERCAM", "state": "QUARANTINED", "study": ALIAS, "pseudonym": "0ABCDEFGHJKM"},
]
NONSENSE: list[dict[str, Any]] = [{"pseudonym": "x' OR 1=1 --"}, {"study": ""}, {"state": "%"}, {"source": ""}]


def test_a_photograph_is_found_by_whatever_is_known_of_it(database: Database, wanted: dict[str, Any]) -> None:
    """Each fact, and all together, find this photograph and no other; nonsense is compared with and finds nothing."""
    assert [_found(database, **query) for query in QUERIES] == [[wanted["id"]]] * len(QUERIES)
    assert [_found(database, **query) for query in NONSENSE] == [[]] * len(NONSENSE)


def test_an_object_is_found_under_its_uid_of_either_side(database: Database, wanted: dict[str, Any]) -> None:
    """The SOP Instance UID that came in and the one that goes out both lead to it."""
    assert _found(database, instance=wanted["inside"]) == [wanted["id"]]
    assert _found(database, instance=wanted["outside"]) == [wanted["id"]]
    assert _found(database, instance="1.2.3") == []


def test_a_destination_finds_what_went_there_and_says_how_far(database: Database, wanted: dict[str, Any]) -> None:
    """A photograph is listed with each of its destinations and the state of the delivery."""
    with database.read() as session:
        (line,) = search(session, Query(destination="research")).lines
    assert line.places == (("pacs", "DELIVERED"), ("research", "DELIVERED"))
    assert len(_found(database, destination="pacs")) == 6
    assert _found(database, destination="nowhere") == []


def test_pages_follow_each_other_whatever_arrives_in_between(database: Database) -> None:
    """Going by cursor shows each photograph once, those of one moment too, however many come in meanwhile."""
    with database.transaction() as session:
        expected = {add_photograph(session, received_at=moment(1 + number // 3)).id for number in range(10)}
    seen: list[str] = []
    after: str | None = None
    while True:
        with database.read() as session:
            page = search(session, Query(until=moment(20)), after=after, limit=3)
        seen += [line.id for line in page.lines]
        with database.transaction() as session:
            add_photograph(session, received_at=moment(25))
        if page.after is None:
            break
        after = page.after
    assert (len(seen), set(seen)) == (10, expected)


@pytest.mark.parametrize(
    "text", ["", "x", "é", "AAAA", "MjAyNi0wMy0wMVQxMjowMDowMCBub3BlCg", "../../etc/passwd", "=" * 9]
)
def test_a_cursor_that_no_page_gave_out_is_refused(text: str) -> None:
    """A made-up cursor is an error in one sentence, never a crash or another list."""
    with pytest.raises(VeraGateError, match="no such page"):
        parse_cursor(text)
    genuine = cursor((moment(1), "0" * 32))
    assert parse_cursor(genuine) == (moment(1), "0" * 32)
    with pytest.raises(VeraGateError):
        parse_cursor(genuine + "=")


def test_a_history_has_everything_in_its_order(database: Database) -> None:
    """Row, patient, release, deliveries and every audit entry of one photograph, and of no other, oldest first."""
    with database.transaction() as session:
        patient = add_patient(session, "0ABCDEFGHJKM")
        photograph, other = add_photograph(session, patient_id=patient.id), add_photograph(session)
        add_release(session, photograph, "two", "one")
        for action in (Action.PHOTOGRAPH_RECEIVED, Action.PHOTOGRAPH_DEIDENTIFIED, Action.DELIVERY_SENT):
            audit.record(session, action, actor="x", photograph_id=photograph.id)
            audit.record(session, action, actor="x", photograph_id=other.id)
            session.flush()
    with database.read() as session:
        found = history(session, photograph.id)

    assert (found.photograph.id, found.pseudonym) == (photograph.id, "0ABCDEFGHJKM")
    assert found.released is not None
    assert [delivery.destination for delivery in found.deliveries] == ["one", "two"]
    assert [entry.action for entry in found.entries] == [
        "photograph.received", "photograph.deidentified", "delivery.sent"
    ]  # fmt: skip
    with database.read() as session, pytest.raises(VeraGateError, match="no photograph"):
        history(session, "0" * 32)


def test_a_study_is_its_photographs_and_one_without_a_study_is_alone(database: Database) -> None:
    """Photographs of a study come together in their order; one that names no study has no companions."""
    with database.transaction() as session:
        first, second = (add_photograph(session, study_instance_uid=STUDY, received_at=moment(day)) for day in (1, 2))
        alone, _ = add_photograph(session), add_photograph(session)
    with database.read() as session:
        assert [line.id for line in of_study(session, second)] == [first.id, second.id]
        assert [line.id for line in of_study(session, alone)] == [alone.id]
