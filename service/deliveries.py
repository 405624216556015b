"""What a destination's answer does to the rows: the delivery, the photograph that may be done, the audit."""

from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import audit, jobs, tallies
from service.audit import Action, Outcome
from service.destinations import Answer, Verdict
from service.jobs import Claim
from service.states import DeliveryState, Item, PhotographState, check_move
from service.tables import Delivery, Photograph, Release, utc_now

ACTOR: Final = "sender"


def settle(session: Session, claim: Claim, destination: str, answer: Answer) -> None:
    """Write one attempt's outcome and its audit entry. Raises LeaseLost when the delivery is no longer ours."""
    _WRITE[answer.verdict](session, claim, answer)
    item = session.get_one(Delivery, claim.id).item
    record(session, destination, answer, _photograph_id(session, claim), item)
    if answer.verdict is Verdict.DELIVERED:
        tallies.count(session, tallies.DELIVERED, destination)
        _forwarded_everywhere(session, _photograph_id(session, claim))


def record(
    session: Session,
    destination: str,
    answer: Answer,
    photograph_id: str | None = None,
    item: str = Item.PHOTOGRAPH,
) -> None:
    """Enter an answer, or that there was none, into the audit; `item` where it was not about the photograph itself."""
    details: dict[str, Any] = {"destination": destination, "status": answer.status, "reason": answer.reason}
    details["item"] = None if item == Item.PHOTOGRAPH else str(item)
    audit.record(
        session,
        _ACTION[answer.verdict],
        actor=ACTOR,
        outcome=Outcome.SUCCESS if answer.verdict is Verdict.DELIVERED else Outcome.FAILURE,
        photograph_id=photograph_id,
        details={key: value for key, value in details.items() if value not in (None, "")},
    )


def _delivered(session: Session, claim: Claim, answer: Answer) -> None:
    jobs.finish(
        session,
        Delivery,
        claim,
        state=DeliveryState.DELIVERED,
        dimse_status=answer.status,
        last_error=answer.reason or None,
        delivered_at=utc_now(),
    )


def _later(session: Session, claim: Claim, answer: Answer) -> None:
    delay = jobs.backoff(claim.attempt)
    jobs.fail(session, Delivery, claim, delay, dimse_status=answer.status, last_error=answer.reason)


def _never(session: Session, claim: Claim, answer: Answer) -> None:
    jobs.finish(
        session,
        Delivery,
        claim,
        state=DeliveryState.PARKED,
        dimse_status=answer.status,
        last_error=answer.reason,
    )


_WRITE = {Verdict.DELIVERED: _delivered, Verdict.LATER: _later, Verdict.NEVER: _never}
_ACTION = {
    Verdict.DELIVERED: Action.DELIVERY_SENT,
    Verdict.LATER: Action.DELIVERY_RETRIED,
    Verdict.NEVER: Action.DELIVERY_PARKED,
}


def _photograph_id(session: Session, claim: Claim) -> str:
    query = select(Release.photograph_id).join(Delivery, Delivery.release_id == Release.id)
    return session.scalars(query.where(Delivery.id == claim.id)).one()


def _forwarded_everywhere(session: Session, photograph_id: str) -> None:
    """Move the photograph on when no delivery is left; its row lock makes the last two deliveries take turns."""
    photograph = session.scalars(select(Photograph).where(Photograph.id == photograph_id).with_for_update()).one()
    open_deliveries = (
        select(Delivery.id)
        .join(Release, Delivery.release_id == Release.id)
        .where(Release.photograph_id == photograph_id, Delivery.state != DeliveryState.DELIVERED)
    )
    if photograph.state == PhotographState.DEIDENTIFIED and session.scalars(open_deliveries).first() is None:
        check_move(PhotographState(photograph.state), PhotographState.FORWARDED)
        photograph.state = PhotographState.FORWARDED
        audit.record(session, Action.PHOTOGRAPH_FORWARDED, actor=ACTOR, photograph_id=photograph_id)
