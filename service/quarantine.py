"""What a named person decides about a photograph that is held, failed or parked; `service.desk` lists them.

Every decision needs a person's name and a reason, and both go into the audit with the change itself.
Decisions that are not possible raise VeraGateError with a sentence that says why.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import audit, jobs, tallies
from service.audit import Action, Outcome
from service.errors import VeraGateError
from service.gateway import Gateway
from service.states import Cause, DeliveryState, PhotographState, check_move
from service.tables import Delivery, HeldResult, Photograph, Release


@dataclass(frozen=True)
class Decision:
    """Who decides, and why."""

    person: str
    reason: str

    def __post_init__(self) -> None:
        if not self.person.strip() or not self.reason.strip():
            raise VeraGateError("A decision needs the name of a person and a reason.")


def release(gateway: Gateway, photograph_id: str, decision: Decision) -> None:
    """Let a held object leave as it is, on this person's word."""
    with gateway.database.read() as session:
        photograph = _get(session, photograph_id)
        result = session.scalar(select(HeldResult).where(HeldResult.photograph_id == photograph_id))
    if photograph.state != PhotographState.QUARANTINED:
        raise VeraGateError(f"{photograph_id} is {photograph.state}; only what is QUARANTINED can be released.")
    if result is None:
        raise VeraGateError(
            f"{photograph_id} cannot be released: there is no cleaned object that could leave ({photograph.cause})."
        )
    with gateway.held.path(result.blob) as path:
        gateway.releases.put(path, result.blob)
    with gateway.database.transaction() as session:
        _move(session, photograph, PhotographState.DEIDENTIFIED)
        _let_go(session, gateway, photograph, result, decision.person)
        _record(session, Action.PHOTOGRAPH_RELEASED, photograph, decision)
        tallies.count(session, tallies.RELEASED, photograph.route or "")
    gateway.held.delete(result.blob)


def reject(gateway: Gateway, photograph_id: str, decision: Decision) -> None:
    """Close a photograph for good: nothing of it leaves; the original stays until retention removes it."""
    with gateway.database.transaction() as session:
        photograph = _get(session, photograph_id)
        _move(session, photograph, PhotographState.REJECTED)
        blob = _drop_result(session, photograph_id)
        _record(session, Action.PHOTOGRAPH_REJECTED, photograph, decision, Outcome.REFUSED)
        tallies.count(session, tallies.REJECTED)
    if blob is not None:
        gateway.held.delete(blob)


def retry(gateway: Gateway, photograph_id: str, decision: Decision) -> None:
    """Start over: a held or failed photograph from the original, parked deliveries from the release."""
    with gateway.database.transaction() as session:
        photograph = _get(session, photograph_id)
        blob = None
        if photograph.state == PhotographState.DEIDENTIFIED:
            _retry_deliveries(session, gateway, photograph_id)
        else:
            _refuse_twin(session, photograph)
            _move(session, photograph, PhotographState.RECEIVED)
            blob = _drop_result(session, photograph_id)
        _record(session, Action.PHOTOGRAPH_RETRIED, photograph, decision)
    if blob is not None:
        gateway.held.delete(blob)


def _get(session: Session, photograph_id: str) -> Photograph:
    photograph = session.get(Photograph, photograph_id)
    if photograph is None:
        raise VeraGateError(f"There is no photograph {photograph_id}.")
    return photograph


def _move(session: Session, photograph: Photograph, after: PhotographState) -> None:
    before = PhotographState(photograph.state)
    try:
        check_move(before, after)
    except ValueError as error:
        raise VeraGateError(f"{photograph.id} is {before} and cannot become {after}.") from error
    if not jobs.requeue(session, Photograph, photograph.id, before, state=after, cause=None, cause_detail=None):
        raise VeraGateError(f"{photograph.id} was changed by somebody else a moment ago; look again.")


def _let_go(session: Session, gateway: Gateway, photograph: Photograph, result: HeldResult, person: str) -> None:
    route = next((route for route in gateway.settings.routes if route.name == photograph.route), None)
    if route is None:
        raise VeraGateError(f"The route '{photograph.route}' of {photograph.id} is not configured any more.")
    taken = select(Release.id).where(Release.sop_instance_uid == result.sop_instance_uid)
    if session.scalar(taken) is not None:
        raise VeraGateError("Another photograph with the same SOP Instance UID was released already.")
    columns = {name: getattr(result, name) for name in _COPIED}
    release_row = Release(**columns, released_by=person)
    session.add(release_row)
    session.delete(session.get_one(HeldResult, result.id))
    session.flush()
    session.add_all(Delivery(release_id=release_row.id, destination=name) for name in route.destinations)


_COPIED: Final = tuple(column.key for column in HeldResult.__table__.columns if column.key != "id")


def _retry_deliveries(session: Session, gateway: Gateway, photograph_id: str) -> None:
    query = select(Delivery.id, Delivery.destination).join(Release).where(Release.photograph_id == photograph_id)
    parked = session.execute(query.where(Delivery.state == DeliveryState.PARKED)).all()
    if not parked:
        raise VeraGateError(f"{photograph_id} has no parked delivery; there is nothing to try again.")
    configured = {destination.name for destination in gateway.settings.destinations}
    for delivery_id, destination in parked:
        if destination not in configured:
            raise VeraGateError(f"The destination '{destination}' is not configured any more.")
        jobs.requeue(session, Delivery, delivery_id, DeliveryState.PARKED, state=DeliveryState.PENDING, last_error=None)


def _refuse_twin(session: Session, photograph: Photograph) -> None:
    if photograph.cause != Cause.SAME_UID_OTHER_CONTENT:
        return
    others = select(Photograph.id).where(
        Photograph.sop_instance_uid == photograph.sop_instance_uid,
        Photograph.id != photograph.id,
        Photograph.state != PhotographState.REJECTED,
    )
    twin = session.scalars(others).first()
    if twin is not None:
        raise VeraGateError(f"{twin} has the same SOP Instance UID; only one of the two can go on. Reject one first.")


def _drop_result(session: Session, photograph_id: str) -> str | None:
    result = session.scalar(select(HeldResult).where(HeldResult.photograph_id == photograph_id))
    if result is None:
        return None
    session.delete(result)
    return result.blob


def _record(
    session: Session,
    action: Action,
    photograph: Photograph,
    decision: Decision,
    outcome: Outcome = Outcome.SUCCESS,
) -> None:
    details = {"reason": decision.reason.strip()}
    audit.record(
        session,
        action,
        actor=decision.person.strip(),
        outcome=outcome,
        photograph_id=photograph.id,
        details=details,
    )
