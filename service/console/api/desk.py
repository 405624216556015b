"""What waits for a person, and a person's decisions, which a program carries in with that person's token."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from service import desk as waiting
from service import proposals, quarantine
from service.console.access import needs, person_of
from service.console.api import models
from service.console.api.fields import Moment, PhotographId, Reason, Word
from service.console.context import console_of
from service.decisions import Decision
from service.errors import VeraGateError
from service.gateway import Gateway
from service.instructions import MOST_BOXES, Instructions, PixelBox
from service.rights import Right
from service.settings import Backdrop
from service.states import PhotographState
from service.tables import Photograph

router = APIRouter(tags=["desk"])
_DECIDES = needs(Right.DECIDE)


class Reasoned(BaseModel):
    """`seen`: the photograph's `changed_at` as it was looked at; with it a decision that comes too late is refused."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason = Field(examples=["the distance is large enough for this view"])
    seen: Moment | None = None


class Restart(Reasoned):
    """Start over, by another route where one is named; what was asked to be covered stays covered."""

    route: Word | None = None


class Cover(Reasoned):
    """Boxes in pixels of the original: left, top, right, bottom, the last two exclusive; `backdrop`: what becomes of
    what lies behind people, null for what the route says."""

    boxes: Annotated[list[PixelBox], Field(max_length=MOST_BOXES, examples=[[[0, 0, 300, 80]]])] = []
    cover_faces: bool = False
    backdrop: Backdrop | None = None


@router.get("/desk", dependencies=[needs(Right.SEE_PHOTOGRAPHS)])
def desk(request: Request) -> models.Desk:
    """Everything that waits for a person, the oldest first."""
    with console_of(request).database.read() as session:
        return models.Desk(items=[models.DeskItem.model_validate(item) for item in waiting.desk(session)])


@router.post("/photographs/{photograph_id}/release", dependencies=[_DECIDES])
def release(request: Request, photograph_id: PhotographId, body: Reasoned) -> models.Decided:
    """Let a held result leave; under the four-eyes rule propose it, or confirm what somebody else proposed."""
    left = proposals.release_or_propose(_gateway(request), _known(request, photograph_id), _decision(request, body))
    return _decided(request, photograph_id, waits=not left)


@router.post("/photographs/{photograph_id}/withdraw", dependencies=[_DECIDES])
def withdraw(request: Request, photograph_id: PhotographId, body: Reasoned) -> models.Decided:
    """Take back a proposal, or decline somebody else's."""
    proposals.withdraw(_gateway(request), _known(request, photograph_id), _decision(request, body))
    return _decided(request, photograph_id)


@router.post("/photographs/{photograph_id}/reject", dependencies=[_DECIDES])
def reject(request: Request, photograph_id: PhotographId, body: Reasoned) -> models.Decided:
    """Close it for good: nothing of it leaves."""
    quarantine.reject(_gateway(request), _known(request, photograph_id), _decision(request, body))
    return _decided(request, photograph_id)


@router.post("/photographs/{photograph_id}/retry", dependencies=[_DECIDES])
def retry(request: Request, photograph_id: PhotographId, body: Restart) -> models.Decided:
    """Start over from the original."""
    instructions = None
    if body.route is not None:
        instructions = _instructions(request, photograph_id).model_copy(update={"route": body.route})
    quarantine.retry(_gateway(request), _known(request, photograph_id), _decision(request, body), instructions)
    return _decided(request, photograph_id)


@router.post("/photographs/{photograph_id}/redact", dependencies=[_DECIDES])
def redact(request: Request, photograph_id: PhotographId, body: Cover) -> models.Decided:
    """Start over with parts of the picture covered, or with another backdrop than the route's."""
    decision = _decision(request, body)
    photograph = _known(request, photograph_id)
    quarantine.redact(_gateway(request), photograph, decision, body.boxes, body.cover_faces, body.backdrop)
    return _decided(request, photograph_id)


@router.post("/photographs/{photograph_id}/resume", dependencies=[needs(Right.RETRY)])
def resume(request: Request, photograph_id: PhotographId, body: Reasoned) -> models.Decided:
    """An operator's: try again what failed for a technical reason, or what a destination refused."""
    state = _row(request, photograph_id).state
    if state not in (PhotographState.FAILED, PhotographState.DEIDENTIFIED):
        raise VeraGateError("Only what failed, or what a destination refused, can be tried again here.")
    seen = body.seen if state == PhotographState.FAILED else None
    decision = Decision(person_of(request).name, body.reason, seen)
    quarantine.retry(_gateway(request), photograph_id, decision)
    return _decided(request, photograph_id)


def _gateway(request: Request) -> Gateway:
    return console_of(request).gateway


def _decision(request: Request, body: Reasoned) -> Decision:
    return Decision(person_of(request).name, body.reason, body.seen)


def _row(request: Request, photograph_id: str) -> Photograph:
    with console_of(request).database.read() as session:
        found = session.get(Photograph, photograph_id)
    if found is None:
        raise HTTPException(404)
    return found


def _known(request: Request, photograph_id: str) -> str:
    return _row(request, photograph_id).id


def _instructions(request: Request, photograph_id: str) -> Instructions:
    return Instructions.model_validate(_row(request, photograph_id).instructions or {})


def _decided(request: Request, photograph_id: str, waits: bool = False) -> models.Decided:
    return models.Decided(state=_row(request, photograph_id).state, waits=waits)
