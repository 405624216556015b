"""What a named person can decide about a photograph on the desk, and what nobody can."""

from pathlib import Path

import pytest
from sqlalchemy import update

from service.desk import DeskItem, desk
from service.errors import VeraGateError
from service.gateway import Gateway
from service.instructions import Instructions
from service.quarantine import Decision, redact, reject, release, retry
from service.settings import VL_PHOTOGRAPHIC
from service.states import Cause, DeliveryState, PhotographState
from service.tables import AuditEntry, Delivery, HeldResult, Photograph, Release, new_id
from tests.support.gateways import open_gateway, rows, settings_for

ANNA = Decision("anna", "looked at it on the wall screen")


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    return open_gateway(settings_for(tmp_path))


def _photograph(gateway: Gateway, cause: str | None, *, result: bool = False, uid: str = "1.2.3", **values: str) -> str:
    photograph = Photograph(
        id=new_id(), state=PhotographState.QUARANTINED, cause=cause, sop_class_uid=VL_PHOTOGRAPHIC,
        sop_instance_uid=uid, transfer_syntax_uid="1.2.840.10008.1.2.1", calling_ae="CAMERA",
        called_ae="VERAGATE", peer="127.0.0.1", blob="aa/bb/original.dcm", digest=new_id(), size=4, route="all",
    )  # fmt: skip
    for name, value in values.items():
        setattr(photograph, name, value)
    with gateway.database.transaction() as session:
        session.add(photograph)
        session.flush()
        if result:
            blob = f"aa/bb/{new_id()}.dcm"
            gateway.held.put(b"clean", blob)
            session.add(HeldResult(**_columns(photograph.id, blob), sop_instance_uid=f"2.25.{uid}"))
    return photograph.id


def _columns(photograph_id: str, blob: str) -> dict[str, object]:
    return {
        "photograph_id": photograph_id, "blob": blob, "digest": "d", "size": 5, "sop_class_uid": VL_PHOTOGRAPHIC,
        "transfer_syntax_uid": "1.2.840.10008.1.2.1", "profile": "113100", "model_version": "m", "report": {"faces": 1},
    }  # fmt: skip


def _get(gateway: Gateway, photograph_id: str) -> Photograph:
    return next(p for p in rows(gateway.database, Photograph) if p.id == photograph_id)


def _items(gateway: Gateway) -> list[DeskItem]:
    with gateway.database.read() as session:
        return desk(session)


def test_a_released_photograph_leaves_under_the_persons_name(gateway: Gateway) -> None:
    """A release moves the finished object to the senders' store, names the person, and is audited with the reason."""
    photograph_id = _photograph(gateway, Cause.STILL_RECOGNISED, result=True)

    release(gateway, photograph_id, ANNA)

    photograph = _get(gateway, photograph_id)
    assert (photograph.state, photograph.cause) == (PhotographState.DEIDENTIFIED, None)
    (row,) = rows(gateway.database, Release)
    assert (row.released_by, row.photograph_id) == ("anna", photograph_id)
    assert gateway.releases.read(row.blob) == b"clean"
    assert not gateway.held.exists(row.blob)
    assert rows(gateway.database, HeldResult) == []
    assert [d.destination for d in rows(gateway.database, Delivery)] == ["nowhere"]
    (entry,) = rows(gateway.database, AuditEntry)
    assert (entry.action, entry.actor, entry.details["reason"]) == ("photograph.released", "anna", ANNA.reason)


def test_what_was_never_finished_cannot_be_released(gateway: Gateway) -> None:
    """Without a finished object nobody can release anything, and the refusal says why."""
    photograph_id = _photograph(gateway, Cause.UNREADABLE)

    with pytest.raises(VeraGateError, match="no cleaned object"):
        release(gateway, photograph_id, ANNA)

    assert _get(gateway, photograph_id).state == PhotographState.QUARANTINED
    assert rows(gateway.database, AuditEntry) == []


@pytest.mark.parametrize("state", [s for s in PhotographState if s != PhotographState.QUARANTINED])
def test_only_what_is_held_can_be_released(gateway: Gateway, state: PhotographState) -> None:
    """A photograph in any other state cannot be released by hand."""
    photograph_id = _photograph(gateway, None, result=True, state=state)

    with pytest.raises(VeraGateError, match="only what is QUARANTINED"):
        release(gateway, photograph_id, ANNA)


def test_a_release_without_its_route_is_refused_whole(gateway: Gateway) -> None:
    """When the route is gone from the settings nothing changes, not even half of it."""
    photograph_id = _photograph(gateway, Cause.STILL_RECOGNISED, result=True, route="gone")

    with pytest.raises(VeraGateError, match="not configured"):
        release(gateway, photograph_id, ANNA)

    assert _get(gateway, photograph_id).state == PhotographState.QUARANTINED
    assert rows(gateway.database, Release) == []
    assert len(rows(gateway.database, HeldResult)) == 1


def test_a_rejected_photograph_is_closed_and_its_result_gone(gateway: Gateway) -> None:
    """A rejection ends the journey for good; the finished object is removed, the decision recorded."""
    photograph_id = _photograph(gateway, Cause.STILL_RECOGNISED, result=True)
    (held,) = rows(gateway.database, HeldResult)

    reject(gateway, photograph_id, ANNA)

    assert _get(gateway, photograph_id).state == PhotographState.REJECTED
    assert rows(gateway.database, HeldResult) == []
    assert not gateway.held.exists(held.blob)
    assert rows(gateway.database, AuditEntry)[0].action == "photograph.rejected"
    with pytest.raises(VeraGateError, match="cannot become"):
        retry(gateway, photograph_id, ANNA)


@pytest.mark.parametrize("state", [PhotographState.QUARANTINED, PhotographState.FAILED])
def test_a_retry_starts_the_journey_over(gateway: Gateway, state: PhotographState) -> None:
    """A held or failed photograph goes back to the workers with fresh attempts and no old result."""
    photograph_id = _photograph(gateway, Cause.NO_ROUTE, result=True, state=state)
    with gateway.database.transaction() as session:
        session.execute(update(Photograph).values(attempts=5))

    retry(gateway, photograph_id, ANNA)

    photograph = _get(gateway, photograph_id)
    assert (photograph.state, photograph.cause, photograph.attempts) == (PhotographState.RECEIVED, None, 0)
    assert rows(gateway.database, HeldResult) == []


def test_of_two_pictures_under_one_uid_the_second_waits_for_the_first_to_be_rejected(gateway: Gateway) -> None:
    """The held twin can go on only after a person has rejected the other one."""
    first = _photograph(gateway, Cause.NO_ROUTE)
    second = _photograph(gateway, Cause.SAME_UID_OTHER_CONTENT)

    with pytest.raises(VeraGateError, match=first):
        retry(gateway, second, ANNA)
    reject(gateway, first, ANNA)
    retry(gateway, second, ANNA)

    assert _get(gateway, second).state == PhotographState.RECEIVED


def test_parked_deliveries_are_tried_again(gateway: Gateway) -> None:
    """A retry of a photograph that left puts its parked deliveries back into the queue, and only those."""
    photograph_id = _photograph(gateway, None, state=PhotographState.DEIDENTIFIED)
    with gateway.database.transaction() as session:
        row = Release(
            **_columns(photograph_id, "aa/bb/c.dcm"), id=new_id(), sop_instance_uid="2.25.1", released_by="gates"
        )
        session.add(row)
        session.flush()
        states = {"nowhere": DeliveryState.PARKED, "two": DeliveryState.DELIVERED}
        session.add_all(Delivery(release_id=row.id, destination=d, state=s, attempts=5) for d, s in states.items())
    (item,) = _items(gateway)
    assert (item.cause, "nowhere" in item.advice) == ("delivery-parked", True)

    retry(gateway, photograph_id, ANNA)

    after = {d.destination: (d.state, d.attempts) for d in rows(gateway.database, Delivery)}
    assert after == {"nowhere": (DeliveryState.PENDING, 0), "two": (DeliveryState.DELIVERED, 5)}
    assert _items(gateway) == []
    with pytest.raises(VeraGateError, match="no parked delivery"):
        retry(gateway, photograph_id, ANNA)


def test_a_delivery_to_a_destination_that_is_gone_stays_parked(gateway: Gateway) -> None:
    """What nobody would carry is not put back into the queue; the person is told why."""
    photograph_id = _photograph(gateway, None, state=PhotographState.DEIDENTIFIED)
    with gateway.database.transaction() as session:
        row = Release(
            **_columns(photograph_id, "aa/bb/c.dcm"), id=new_id(), sop_instance_uid="2.25.1", released_by="gates"
        )
        session.add(row)
        session.flush()
        session.add(Delivery(release_id=row.id, destination="gone", state=DeliveryState.PARKED))

    with pytest.raises(VeraGateError, match="'gone' is not configured any more"):
        retry(gateway, photograph_id, ANNA)

    assert rows(gateway.database, Delivery)[0].state == DeliveryState.PARKED


def test_the_desk_says_what_helps_and_what_can_be_released(gateway: Gateway) -> None:
    """Each line names the cause in plain words and whether a finished object could leave."""
    held = _photograph(gateway, Cause.STILL_RECOGNISED, result=True)
    failed = _photograph(gateway, None, state=PhotographState.FAILED)
    _photograph(gateway, None, state=PhotographState.RECEIVED)

    lines = {item.photograph_id: item for item in _items(gateway)}

    assert set(lines) == {held, failed}
    assert lines[held].releasable
    assert "recogniser" in lines[held].advice
    assert lines[failed].cause == "attempts-used-up"


@pytest.mark.parametrize(("person", "reason"), [("", "why"), ("anna", " ")])
def test_a_decision_needs_a_name_and_a_reason(person: str, reason: str) -> None:
    """Nobody decides without saying who and why."""
    with pytest.raises(VeraGateError, match="name"):
        Decision(person, reason)


def test_an_id_that_does_not_exist_is_named(gateway: Gateway) -> None:
    """A wrong id is an error that repeats it."""
    with pytest.raises(VeraGateError, match="no photograph nonsense"):
        reject(gateway, "nonsense", ANNA)


def test_a_redaction_goes_back_to_the_worker_and_stays_through_retries(gateway: Gateway) -> None:
    """What a person wants covered is kept with the photograph and on record, and trying again does not uncover it."""
    photograph_id = _photograph(gateway, Cause.FACE_NOT_REPLACED)

    redact(gateway, photograph_id, ANNA, [(0, 0, 30, 10)], cover_faces=True)

    wanted = {"redact": [[0, 0, 30, 10]], "cover_faces": True}
    photograph = _get(gateway, photograph_id)
    assert (photograph.state, photograph.instructions) == (PhotographState.RECEIVED, wanted)
    (entry,) = rows(gateway.database, AuditEntry)
    assert (entry.action, entry.details["instructions"]) == ("photograph.retried", wanted)
    _hold(gateway, photograph_id)
    retry(gateway, photograph_id, ANNA)
    assert _get(gateway, photograph_id).instructions == wanted
    _hold(gateway, photograph_id)
    retry(gateway, photograph_id, ANNA, Instructions())
    assert _get(gateway, photograph_id).instructions is None


def test_another_route_is_followed_only_if_there_is_one(gateway: Gateway) -> None:
    """A photograph can be sent on a route that exists, whatever its conditions; another name is refused."""
    photograph_id = _photograph(gateway, Cause.NO_ROUTE)
    with pytest.raises(VeraGateError, match="no route 'nowhere else'"):
        retry(gateway, photograph_id, ANNA, Instructions(route="nowhere else"))
    retry(gateway, photograph_id, ANNA, Instructions(route="all"))
    assert _get(gateway, photograph_id).instructions == {"route": "all"}


def test_what_was_released_is_not_redacted(gateway: Gateway) -> None:
    """Once a photograph has left, nobody covers anything in it; an order to cover nothing is refused too."""
    gone = _photograph(gateway, None, state=PhotographState.DEIDENTIFIED)
    with pytest.raises(VeraGateError, match="cannot become"):
        redact(gateway, gone, ANNA, [(0, 0, 30, 10)], cover_faces=False)
    with pytest.raises(VeraGateError, match="nothing to cover"):
        redact(gateway, gone, ANNA, [], cover_faces=False)


def _hold(gateway: Gateway, photograph_id: str) -> None:
    with gateway.database.transaction() as session:
        session.get_one(Photograph, photograph_id).state = PhotographState.QUARANTINED
