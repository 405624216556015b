"""The desk: what is held, failed or parked, each with its cause in plain words. Nothing on it is patient data."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from service.states import EXPLANATION, Cause, DeliveryState, PhotographState
from service.tables import Delivery, HeldResult, Photograph, Release

_WAITING: Final = (PhotographState.QUARANTINED, PhotographState.FAILED)


@dataclass(frozen=True)
class DeskItem:
    """One line; `advice` says what helps, `releasable` whether a finished object could leave as it is."""

    photograph_id: str
    state: str
    cause: str
    advice: str
    view: str
    route: str
    received_at: datetime
    releasable: bool


def desk(session: Session) -> list[DeskItem]:
    """Everything that waits for a person, oldest first."""
    parked = (
        select(Photograph, Delivery)
        .join(Release, Release.photograph_id == Photograph.id)
        .join(Delivery, Delivery.release_id == Release.id)
        .where(Delivery.state == DeliveryState.PARKED)
    )
    items = [_parked_item(photograph, delivery) for photograph, delivery in session.execute(parked)]
    return sorted([*held(session), *items], key=lambda item: item.received_at)


def held(session: Session, limit: int | None = None) -> list[DeskItem]:
    """The photographs that wait for a reviewer, oldest first: held ones, and those that failed at every attempt."""
    rows = select(Photograph, HeldResult.id).join(HeldResult, isouter=True).where(Photograph.state.in_(_WAITING))
    oldest = rows.order_by(Photograph.received_at, Photograph.id).limit(limit)
    return [_held_item(photograph, result) for photograph, result in session.execute(oldest)]


def neighbours(session: Session, photograph: Photograph) -> tuple[str | None, str | None]:
    """The ids of the waiting photographs before and after this one, which itself may be decided by now."""
    here = tuple_(Photograph.received_at, Photograph.id)
    at = (photograph.received_at, photograph.id)
    waiting = select(Photograph.id).where(Photograph.state.in_(_WAITING)).limit(1)
    before = waiting.where(here < at).order_by(Photograph.received_at.desc(), Photograph.id.desc())
    after = waiting.where(here > at).order_by(Photograph.received_at, Photograph.id)
    return session.scalar(before), session.scalar(after)


def _held_item(photograph: Photograph, result_id: str | None) -> DeskItem:
    if photograph.cause is None:
        cause, advice = "attempts-used-up", "Every attempt failed for a technical reason; see the log, then retry."
    else:
        cause, advice = photograph.cause, EXPLANATION[Cause(photograph.cause)]
    return _item(photograph, cause, advice, releasable=result_id is not None)


def _parked_item(photograph: Photograph, delivery: Delivery) -> DeskItem:
    advice = f"Delivery to {delivery.destination} is parked: {delivery.last_error or 'attempts used up'}."
    return _item(photograph, "delivery-parked", advice, releasable=False)


def _item(photograph: Photograph, cause: str, advice: str, releasable: bool) -> DeskItem:
    return DeskItem(
        photograph_id=photograph.id,
        state=photograph.state,
        cause=cause,
        advice=advice,
        view=photograph.view or "",
        route=photograph.route or "",
        received_at=photograph.received_at,
        releasable=releasable,
    )
