"""Knocking at destinations, and the list of who was refused, on both databases."""

from pathlib import Path

import pytest

from service import audit
from service.audit import Action, Outcome
from service.configuring.nodes import knock, refused
from service.database import Database
from service.errors import VeraGateError
from service.tables import AuditEntry
from tests.support.gateways import Archive, archive, rows, settings_for


def test_a_destination_that_answers_is_on_record_with_who_asked(tmp_path: Path, database: Database) -> None:
    """An echo on demand says how long it took, and the audit names the person and the destination."""
    with archive() as place:
        answered = knock(settings_for(tmp_path, place), database, place.name, "Ada")

    assert answered.problem is None
    (entry,) = rows(database, AuditEntry)
    assert (entry.action, entry.actor, entry.outcome) == ("destination.tested", "Ada", "success")
    assert entry.details["destination"] == place.name


def test_a_destination_that_does_not_is_told_in_a_sentence(tmp_path: Path, database: Database) -> None:
    """Nobody there, a title that is refused: a plain sentence, and a failure in the audit."""
    answered = knock(settings_for(tmp_path, Archive()), database, "archive", "Ada")
    with archive(calling=["SOMEBODY"]) as place:
        rejected = knock(settings_for(tmp_path, place), database, place.name, "Ada")

    assert answered.problem == "No association: the destination does not answer."
    assert str(rejected.problem).startswith("Association rejected: calling")
    assert [entry.outcome for entry in rows(database, AuditEntry)] == ["failure", "failure"]


def test_what_is_not_configured_is_not_knocked_at(tmp_path: Path, database: Database) -> None:
    """Only destinations of the configuration can be tested: the page is no port scanner."""
    with pytest.raises(VeraGateError, match="no such destination"):
        knock(settings_for(tmp_path), database, "elsewhere", "Ada")

    assert rows(database, AuditEntry) == []


def test_who_was_refused_is_listed_once_with_a_count(database: Database) -> None:
    """The latest stands first; the same caller with the same trouble makes one line."""
    with database.transaction() as session:
        for caller, reason in (
            ("A", "calling AE title unknown"),
            ("B", "called AE title unknown"),
            ("A", "calling AE title unknown"),
        ):
            details = {"called_ae": "VERAGATE", "peer": "10.0.0.1", "reason": reason}
            audit.record(session, Action.ASSOCIATION_REFUSED, actor=caller, outcome=Outcome.REFUSED, details=details)
            session.flush()

    with database.read() as session:
        found = refused(session)

    assert [(line.calling_ae, line.count) for line in found] == [("A", 2), ("B", 1)]
    assert found[0].peer == "10.0.0.1"
