"""What a named person decides about a photograph that is held, failed or parked; `service.desk` lists them.

Every decision needs a person's name and a reason, and both go into the audit with the change itself. Where the
four-eyes rule holds, `service.proposals` is the way to a release.
"""

from collections.abc import Iterable
from typing import Any, Final, cast

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.orm import Session

from service import jobs, tallies
from service.audit import Action, Outcome
from service.blobs import map_key, segmentation_key
from service.decisions import Decision, get_photograph, move, record
from service.dispatch import dispatch
from service.errors import VeraGateError
from service.gateway import Gateway
from service.instructions import Instructions, PixelBox, read_instructions
from service.settings import Backdrop
from service.states import Cause, DeliveryState, PhotographState
from service.tables import Delivery, HeldResult, Photograph, Proposal, Release

__all__ = ["Decision", "let_leave", "redact", "reject", "releasable", "release", "retry"]


def release(gateway: Gateway, photograph_id: str, decision: Decision) -> None:
    """Let a held object leave as it is, on this person's word."""
    if gateway.settings.console.four_eyes:
        raise VeraGateError("A release needs two people here: propose it, and somebody else confirms.")
    let_leave(gateway, photograph_id, decision)


def let_leave(gateway: Gateway, photograph_id: str, decision: Decision, proposer: str | None = None) -> None:
    """The release itself, under the name of whoever decides, and of who proposed it where there was somebody."""
    with gateway.database.read() as session:
        _, result = releasable(session, photograph_id)
    try:
        _copy_held(gateway, result.blob, segmented=result.segmentation is not None)
    except FileNotFoundError:  # whoever decided a moment ago took it away; anything else is damage
        with gateway.database.read() as session:
            _refuse_renewed(releasable(session, photograph_id)[1], result)
        raise
    names = f"{proposer} and {decision.person.strip()}" if proposer else decision.person.strip()
    with gateway.database.transaction() as session:
        photograph, now = releasable(session, photograph_id)
        _refuse_renewed(now, result)
        if proposer is not None:
            _answer(session, photograph_id, proposer)
        move(session, photograph, PhotographState.DEIDENTIFIED, decision.seen)
        _let_go(session, gateway, photograph, result, names[:100])
        record(session, Action.PHOTOGRAPH_RELEASED, photograph, decision, details={"proposer": proposer})
        tallies.count(session, tallies.RELEASED, photograph.route or "")
    gateway.held.delete(result.blob)
    gateway.held.delete(segmentation_key(result.blob))


def _copy_held(gateway: Gateway, blob: str, segmented: bool) -> None:
    """A held object, and the segmentation that goes with it, to where releases lie."""
    for key in (blob, segmentation_key(blob)) if segmented else (blob,):
        with gateway.held.path(key) as path:
            gateway.releases.put(path, key)


def _refuse_renewed(now: HeldResult, seen: HeldResult) -> None:
    if now.id != seen.id:
        raise VeraGateError(f"{seen.photograph_id} was made anew a moment ago; look again.")


def _answer(session: Session, photograph_id: str, proposer: str) -> None:
    """Use up the proposal that is being confirmed; its proposer may have taken it back a moment ago."""
    asked = delete(Proposal).where(Proposal.photograph_id == photograph_id, Proposal.person == proposer)
    if cast(CursorResult[Any], session.execute(asked)).rowcount != 1:
        raise VeraGateError(f"The proposal for {photograph_id} was withdrawn a moment ago; look again.")


def releasable(session: Session, photograph_id: str) -> tuple[Photograph, HeldResult]:
    """The photograph and what could leave of it; VeraGateError where nothing can."""
    photograph = get_photograph(session, photograph_id)
    if photograph.state != PhotographState.QUARANTINED:
        raise VeraGateError(f"{photograph_id} is {photograph.state}; only what is QUARANTINED can be released.")
    result = session.scalar(select(HeldResult).where(HeldResult.photograph_id == photograph_id))
    if result is None:
        raise VeraGateError(
            f"{photograph_id} cannot be released: there is no cleaned object that could leave ({photograph.cause})."
        )
    return photograph, result


def reject(gateway: Gateway, photograph_id: str, decision: Decision) -> None:
    """Close a photograph for good: nothing of it leaves; the original stays until retention removes it."""
    with gateway.database.transaction() as session:
        photograph = get_photograph(session, photograph_id)
        move(session, photograph, PhotographState.REJECTED, decision.seen)
        blob = _drop_result(session, photograph_id)
        record(session, Action.PHOTOGRAPH_REJECTED, photograph, decision, Outcome.REFUSED)
        tallies.count(session, tallies.REJECTED)
    _delete_held(gateway, blob)


def retry(gateway: Gateway, photograph_id: str, decision: Decision, instructions: Instructions | None = None) -> None:
    """Start over: a held or failed photograph from the original, parked deliveries from the release.

    New instructions take the place of earlier ones; without any the earlier ones stay, so that what a person had
    covered is not uncovered by somebody who only tries again.
    """
    if instructions is not None:
        _check_route(gateway, instructions)
    with gateway.database.transaction() as session:
        photograph = get_photograph(session, photograph_id)
        details, blob = {}, None
        if photograph.state == PhotographState.DEIDENTIFIED and instructions is None:
            _retry_deliveries(session, gateway, photograph_id)
        else:
            _refuse_twin(session, photograph)
            followed = photograph.instructions if instructions is None else instructions.stored()
            move(session, photograph, PhotographState.RECEIVED, decision.seen, instructions=followed)
            blob = _drop_result(session, photograph_id)
            details = {"instructions": followed}
        record(session, Action.PHOTOGRAPH_RETRIED, photograph, decision, details=details)
    _delete_held(gateway, blob)


def redact(
    gateway: Gateway,
    photograph_id: str,
    decision: Decision,
    boxes: Iterable[PixelBox],
    cover_faces: bool,
    backdrop: Backdrop | None = None,
) -> None:
    """Start over with these parts of the picture covered, every head in place of a new face if `cover_faces`, and
    what lies behind people as `backdrop` says, whatever the route does.

    The boxes take the place of earlier ones. The gates judge what comes out as they judge anything.
    """
    with gateway.database.read() as session:
        photograph = get_photograph(session, photograph_id)
    route = read_instructions(photograph.instructions).route
    wanted = {"route": route, "redact": list(boxes), "cover_faces": cover_faces, "backdrop": backdrop}
    instructions = read_instructions(wanted)
    if not instructions.covers:
        raise VeraGateError("There is nothing to cover: draw a box, have the faces covered, or choose a backdrop.")
    retry(gateway, photograph_id, decision, instructions)


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
    dispatch(session, release_row, route.destinations)


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


def _check_route(gateway: Gateway, instructions: Instructions) -> None:
    names = {route.name for route in gateway.settings.routes}
    if instructions.route is not None and instructions.route not in names:
        raise VeraGateError(f"There is no route '{instructions.route}'.")


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


def _delete_held(gateway: Gateway, blob: str | None) -> None:
    if blob is not None:
        gateway.held.delete(blob)
        gateway.held.delete(segmentation_key(blob))
        gateway.maps.delete(map_key(blob))
