"""The four-eyes rule: what leaves needs two people, and whoever comes second is told."""

from contextlib import AbstractContextManager
from pathlib import Path
from threading import Barrier, Thread

import pytest

from service.errors import VeraGateError
from service.gateway import Gateway
from service.proposals import confirm, propose, release_or_propose, withdraw
from service.quarantine import Decision, reject, release, retry
from service.settings import VL_PHOTOGRAPHIC
from service.states import Cause, PhotographState
from service.tables import AuditEntry, HeldResult, Photograph, Proposal, Release, new_id
from tests.support.gateways import open_gateway, rows, settings_for

ANNA, BERT = Decision("anna", "the mouth is what matters"), Decision("bert", "I agree")


@pytest.fixture
def gateway(tmp_path: Path, database_url: str) -> Gateway:
    return open_gateway(settings_for(tmp_path, database_url=database_url, console={"four_eyes": True}))


@pytest.fixture
def held(gateway: Gateway) -> str:
    """A held photograph with a finished object."""
    photograph = Photograph(
        id=new_id(), state=PhotographState.QUARANTINED, cause=Cause.STILL_RECOGNISED, sop_class_uid=VL_PHOTOGRAPHIC,
        sop_instance_uid="1.2.3", transfer_syntax_uid="1.2.840.10008.1.2.1", calling_ae="CAMERA",
        called_ae="VERAGATE", peer="127.0.0.1", blob="aa/bb/original.dcm", digest=new_id(), size=4, route="all",
    )  # fmt: skip
    gateway.held.put(b"clean", "aa/bb/held.dcm")
    gateway.maps.put(b"map", "aa/bb/held.png")
    with gateway.database.transaction() as session:
        session.add(photograph)
        session.flush()
        session.add(
            HeldResult(
                photograph_id=photograph.id, blob="aa/bb/held.dcm", digest="d", size=5, sop_class_uid=VL_PHOTOGRAPHIC,
                sop_instance_uid="2.25.1", transfer_syntax_uid="1.2.840.10008.1.2.1", profile="113100",
                model_version="m", report={"faces": 1},
            )
        )  # fmt: skip
    return photograph.id


def _state(gateway: Gateway) -> str:
    (photograph,) = rows(gateway.database, Photograph)
    return str(photograph.state)


def test_one_person_alone_releases_nothing(gateway: Gateway, held: str) -> None:
    """A proposal moves nothing, its own author cannot confirm it, and the short way is closed."""
    with pytest.raises(VeraGateError, match="two people"):
        release(gateway, held, ANNA)
    propose(gateway, held, ANNA)
    for same in ("anna", " ANNA "):
        with pytest.raises(VeraGateError, match="second person"):
            confirm(gateway, held, Decision(same, "once more"))

    assert _state(gateway) == PhotographState.QUARANTINED
    assert rows(gateway.database, Release) == []


def test_the_second_person_lets_it_leave_under_both_names(gateway: Gateway, held: str) -> None:
    """A confirmed proposal is a release with both names on it and on record, and its map stays."""
    propose(gateway, held, ANNA)
    confirm(gateway, held, BERT)

    (left,) = rows(gateway.database, Release)
    assert left.released_by == "anna and bert"
    assert rows(gateway.database, Proposal) == []
    entries = {entry.action: entry for entry in rows(gateway.database, AuditEntry)}
    assert entries["photograph.proposed"].actor == "anna"
    assert entries["photograph.released"].details["proposer"] == "anna"
    assert gateway.maps.exists("aa/bb/held.png")


def test_a_proposal_can_be_withdrawn_or_declined(gateway: Gateway, held: str) -> None:
    """Whoever takes a proposal off the table is named with the reason, and it cannot be confirmed any more."""
    propose(gateway, held, ANNA)
    withdraw(gateway, held, ANNA)
    with pytest.raises(VeraGateError, match="Nothing is proposed"):
        confirm(gateway, held, BERT)
    propose(gateway, held, ANNA)
    withdraw(gateway, held, BERT)

    answers = [(e.actor, e.details["decision"]) for e in rows(gateway.database, AuditEntry)]
    assert ("anna", "release withdrawn") in answers
    assert ("bert", "release declined") in answers
    assert _state(gateway) == PhotographState.QUARANTINED


def test_another_decision_answers_a_proposal(gateway: Gateway, held: str) -> None:
    """A photograph that starts over takes its proposal along: nobody confirms what they have not seen."""
    propose(gateway, held, ANNA)
    retry(gateway, held, BERT)

    assert rows(gateway.database, Proposal) == []
    assert not gateway.maps.exists("aa/bb/held.png")


def test_who_looked_before_somebody_decided_is_told(gateway: Gateway, held: str) -> None:
    """A decision about a photograph that changed since it was looked at is refused."""
    (before,) = rows(gateway.database, Photograph)
    with gateway.database.transaction() as session:
        session.get_one(Photograph, held).cause_detail = "made anew"
    old = Decision("anna", "fine", seen=before.changed_at)
    for decide in (propose, reject, retry):
        with pytest.raises(VeraGateError, match="look again"):
            decide(gateway, held, old)
    (now,) = rows(gateway.database, Photograph)
    propose(gateway, held, Decision("anna", "fine", seen=now.changed_at))


def test_of_many_who_confirm_at_once_one_does(gateway: Gateway, held: str) -> None:
    """However many people press at the same moment, there is one release and everybody else is told."""
    propose(gateway, held, ANNA)
    told, start = [], Barrier(4)

    def press(name: str) -> None:
        start.wait()
        try:
            confirm(gateway, held, Decision(name, "yes"))
        except VeraGateError as error:
            told.append(str(error))

    people = [Thread(target=press, args=(name,)) for name in ("bert", "cleo", "dora", "emil")]
    for thread in people:
        thread.start()
    for thread in people:
        thread.join()

    assert len(rows(gateway.database, Release)) == 1
    assert len(told) == 3
    assert _state(gateway) == PhotographState.DEIDENTIFIED


def test_who_confirms_while_another_takes_it_away_is_told(
    gateway: Gateway, held: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever finds the object gone, because it left between looking and reading, hears that it left."""
    propose(gateway, held, ANNA)
    look = gateway.held.path

    def late(key: str) -> AbstractContextManager[Path]:
        monkeypatch.undo()
        confirm(gateway, held, BERT)
        return look(key)

    monkeypatch.setattr(gateway.held, "path", late)
    with pytest.raises(VeraGateError, match="is DEIDENTIFIED"):
        confirm(gateway, held, Decision("cleo", "yes"))

    assert len(rows(gateway.database, Release)) == 1


def test_a_held_object_that_is_lost_is_not_called_released(gateway: Gateway, held: str) -> None:
    """Where nobody decided and the object is gone all the same, that is damage, and stays an error of its own."""
    gateway.held.delete("aa/bb/held.dcm")
    propose(gateway, held, ANNA)

    with pytest.raises(FileNotFoundError):
        confirm(gateway, held, BERT)

    assert _state(gateway) == PhotographState.QUARANTINED


def test_of_two_who_propose_at_once_the_second_is_told(gateway: Gateway, held: str) -> None:
    """A second proposal is no confirmation: its author is told that somebody was faster."""
    propose(gateway, held, ANNA)
    with pytest.raises(VeraGateError, match="anna proposed"):
        propose(gateway, held, BERT)


def test_the_command_line_obeys_the_rule(gateway: Gateway, held: str) -> None:
    """The first `quarantine release` proposes, that of another person releases."""
    assert release_or_propose(gateway, held, ANNA) is False
    assert release_or_propose(gateway, held, BERT) is True
    assert _state(gateway) == PhotographState.DEIDENTIFIED
