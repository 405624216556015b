"""The audit answers what auditors ask: each answer is compared with a look at every entry."""

from datetime import UTC, datetime, timedelta
from itertools import combinations
from random import Random
from typing import Any

import pytest
from sqlalchemy import insert, select

from service.database import Database
from service.errors import VeraGateError
from service.inquiries import Inquiry, search
from service.inquiries.paging import _queries
from service.pseudonyms import Pseudonyms, find_or_create_patient, look_up
from service.secrets import Keys
from service.tables import AuditEntry, Patient, Photograph, Release, new_id

START = datetime(2026, 1, 1, tzinfo=UTC)
PSEUDONYMS = Pseudonyms(Keys(b"k" * 32), "test")
ACTORS = ("CAMERA", "ARCHIVE", "sender", "anna")
ACTIONS = ("photograph.received", "delivery.sent", "delivery.retried", "photograph.released")
OUTCOMES = ("success", "failure")
DETAILS: tuple[dict[str, str], ...] = (
    {},
    {"called_ae": "VERAGATE"},
    {"called_ae": "ARCHIVE"},
    {"calling_ae": "CAMERA"},
    {"destination": "ARCHIVE"},
    {"destination": "ARCHIVE", "called_ae": "ARCHIVE"},
    {"pseudonym": "PATIENT1"},
)


@pytest.fixture
def log(database: Database) -> Database:
    """600 entries, many at the same instant, about 12 photographs of 3 patients in 4 studies, and about none."""
    random = Random(7)
    patients = [{"id": new_id(), "key": str(n), "pseudonym": f"PATIENT{n}", "date_offset_days": -1} for n in range(3)]
    photographs = [_photograph(n, patients[n % 3]["id"]) for n in range(12)]
    entries = [_entry(random, [photograph["id"] for photograph in photographs]) for _ in range(600)]
    with database.transaction() as session:
        session.execute(insert(Patient), patients)
        session.execute(insert(Photograph), photographs)
        session.add(
            Release(photograph_id=photographs[5]["id"], blob="b", digest="d", size=1, sop_class_uid="1", report={},
                    transfer_syntax_uid="1", profile="p", model_version="m", sop_instance_uid="2.25.5", released_by="g")
        )  # fmt: skip
        session.execute(insert(AuditEntry), entries)
    return database


def _photograph(number: int, patient_id: object) -> dict[str, Any]:
    return {
        "id": f"{number:032x}", "sop_class_uid": "1", "sop_instance_uid": f"1.2.{number}", "transfer_syntax_uid": "1",
        "study_instance_uid": f"1.3.{number % 4}", "study_alias": f"2.25.3{number % 4}", "patient_id": patient_id,
        "calling_ae": "CAMERA", "called_ae": "VERAGATE", "peer": "x", "blob": "b", "digest": str(number), "size": 1,
    }  # fmt: skip


def _entry(random: Random, photographs: list[str]) -> dict[str, Any]:
    return {
        "id": f"{random.getrandbits(128):032x}",
        "occurred_at": START + timedelta(seconds=random.randrange(100)),
        "action": random.choice(ACTIONS),
        "outcome": random.choice(OUTCOMES),
        "actor": random.choice(ACTORS),
        "photograph_id": random.choice([*photographs, None]),
        "details": random.choice(DETAILS),
    }


def holds(entry: AuditEntry, asked: dict[str, Any]) -> bool:
    """The same inquiry over one entry, by its definition."""
    number = None if entry.photograph_id is None else int(entry.photograph_id, 16)
    about = {
        "patient": lambda name: (
            (number is not None and name == f"PATIENT{number % 3}")
            or (
                entry.details.get("pseudonym") == name
                and asked.keys().isdisjoint({"study", "sop_instance", "photograph"})
            )
        ),
        "study": lambda uid: number is not None and uid in (f"1.3.{number % 4}", f"2.25.3{number % 4}"),
        "sop_instance": lambda uid: number is not None and uid in (f"1.2.{number}", f"2.25.{number}"),
        "photograph": lambda name: entry.photograph_id == name,
        "ae": lambda name: name in (entry.actor, *(entry.details.get(k) for k in AE_KEYS)),
        "since": lambda when: entry.occurred_at >= when,
        "until": lambda when: entry.occurred_at < when,
    }
    return all(
        about[name](value) if name in about else getattr(entry, name) == value for name, value in asked.items()
    )  # fmt: skip


OTHER_WAYS = {"study", "sop_instance", "photograph"}
AE_KEYS = ("called_ae", "calling_ae", "destination")
ASKED: dict[str, Any] = {
    "patient": "PATIENT1",
    "study": "1.3.1",
    "sop_instance": "2.25.5",
    "photograph": f"{5:032x}",
    "actor": "sender",
    "ae": "ARCHIVE",
    "action": "delivery.sent",
    "outcome": "failure",
    "since": START + timedelta(seconds=20),
    "until": START + timedelta(seconds=80),
}
INQUIRIES = [dict(chosen) for size in range(4) for chosen in combinations(ASKED.items(), size)] + [ASKED]


def everything(database: Database) -> list[AuditEntry]:
    with database.read() as session:
        ordered = select(AuditEntry).order_by(AuditEntry.occurred_at.desc(), AuditEntry.id.desc())
        return list(session.scalars(ordered))


def test_every_combination_of_fields_is_answered(log: Database) -> None:
    """Whatever is asked together, the pages hold exactly the entries that answer it, the newest first."""
    entries = everything(log)
    with log.read() as session:
        for asked in INQUIRIES:
            expected = [entry.id for entry in entries if holds(entry, asked)]
            found, after = [], None
            while True:
                page = search(session, Inquiry(**asked), after, limit=97)
                found += [entry.id for entry in page.entries]
                if (after := page.after) is None:
                    break
            assert found == expected, asked


@pytest.mark.parametrize("limit", [1, 7])
def test_small_pages_skip_nothing_and_repeat_nothing(log: Database, limit: int) -> None:
    """Entries of the same instant are neither lost nor shown twice where a page ends among them."""
    asked = {"ae": "ARCHIVE", "outcome": "failure"}
    found, after = [], None
    with log.read() as session:
        while True:
            page = search(session, Inquiry(**asked), after, limit)
            assert len(page.entries) <= limit
            found += page.entries
            if (after := page.after) is None:
                break
    assert [entry.id for entry in found] == [entry.id for entry in everything(log) if holds(entry, asked)]


def test_an_answer_from_nothing_is_empty(log: Database) -> None:
    """A patient, study, person or AE title that never occurred gives an empty page and no error."""
    with log.read() as session:
        for field in ("patient", "study", "sop_instance", "photograph", "actor", "ae"):
            page = search(session, Inquiry(**{field: "nowhere' OR 1=1 --"}))
            assert (list(page.entries), page.after) == ([], None)


@pytest.mark.parametrize(
    "cursor", ["", "x", "ä", "AAAA", "a" * 5000, "MjAyNi0wMS0wMVQwMDowMDowMCswMDowMCBub2JvZHk", "%00", "2026", "\0"]
)
def test_a_cursor_that_no_page_gave_out_is_refused(log: Database, cursor: str) -> None:
    """A cursor somebody made up is refused with a sentence, whatever it is."""
    with log.read() as session, pytest.raises(VeraGateError, match="There is no such page"):
        search(session, Inquiry(), cursor)


@pytest.mark.integration
@pytest.mark.needs("postgresql")
@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ({}, "ix_audit_time"),
        ({"action": "delivery.sent"}, "ix_audit_action"),
        ({"outcome": "failure"}, "ix_audit_action"),
        ({"actor": "anna", "outcome": "failure"}, "ix_audit_actor"),
        ({"ae": "ARCHIVE"}, "ix_audit_destination"),
        ({"ae": "ARCHIVE", "actor": "anna"}, "ix_audit_called_ae"),
    ],
    ids=str,
)
def test_postgresql_answers_from_the_index(postgresql_url: str, asked: dict[str, str], index: str) -> None:
    """Where the planner may choose, every question without photographs is answered by the index made for it."""
    database = Database(postgresql_url)
    with database.read() as session:
        session.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")
        plans = ""
        for query in _queries(session, Inquiry(**asked), None, 51):
            compiled = query.compile(session.connection())
            rows = session.connection().exec_driver_sql(f"EXPLAIN {compiled}", compiled.params)
            plans += "\n".join(row[0] for row in rows)
    database.close()
    assert index in plans
    assert "Seq Scan" not in plans


@pytest.mark.parametrize("key", ["called_ae", "calling_ae", "destination", "pseudonym"])
def test_sqlite_answers_from_the_index_on_details(sqlite_url: str, key: str) -> None:
    """The spelling of a detail in a query is the one that the index knows."""
    database = Database(sqlite_url)
    asked = Inquiry(patient="x") if key == "pseudonym" else Inquiry(ae="ARCHIVE")
    with database.read() as session:
        plans = ""
        for query in _queries(session, asked, None, 51):
            compiled = query.compile(session.connection())
            values = tuple(compiled.params[name] for name in compiled.positiontup or ())
            rows = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values)
            plans += "\n".join(row[3] for row in rows)
    database.close()
    assert f"ix_audit_{key}" in plans


def test_a_patient_is_looked_up_and_not_made(database: Database) -> None:
    """The original Patient ID, however it is spelled, leads to the pseudonym; one that nobody knows makes no row."""
    with database.transaction() as session:
        known = find_or_create_patient(session, PSEUDONYMS, "Miller-7", "CLINIC").pseudonym
    with database.read() as session:
        assert look_up(session, PSEUDONYMS, " MILLER-7 ", "clinic") == known
        assert look_up(session, PSEUDONYMS, "Miller-7") is None
        assert look_up(session, PSEUDONYMS, "Miller-8", "CLINIC") is None
        with pytest.raises(VeraGateError, match="Patient ID is needed"):
            look_up(session, PSEUDONYMS, "  ")
        assert len(session.scalars(select(Patient)).all()) == 1
