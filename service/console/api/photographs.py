"""Photographs found, one photograph with its history, its study as a series, and the cleaned picture."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from service import catalogue, looks, pictures
from service.console.access import Forbidden, needs, person_of
from service.console.api import models
from service.console.api.asking import asked_for
from service.console.api.fields import After, Limit, Moment, PhotographId, Uid, Word
from service.console.context import console_of
from service.rights import Right
from service.series import Slot, lay_out
from service.states import Cause, DeliveryState, PhotographState
from service.tables import HeldResult, Photograph

router = APIRouter(prefix="/photographs", tags=["photographs"])
_SEES = needs(Right.SEE_PHOTOGRAPHS)


class Wanted(BaseModel):
    """What every photograph found has in common; what is left out asks for nothing. `until` is exclusive."""

    model_config = ConfigDict(extra="forbid")

    pseudonym: Word | None = None
    source: Word | None = None
    destination: Word | None = None
    state: PhotographState | DeliveryState | None = None
    cause: Cause | None = None
    view: Word | None = None
    since: Moment | None = None
    until: Moment | None = None


class WantedByUid(Wanted):
    """UIDs may be those of either side; the answer only ever names those outside."""

    study: Uid | None = None
    instance: Uid | None = None
    after: str | None = None
    limit: int = 50


class Listing(Wanted):
    after: After = None
    limit: Limit = 50


@router.get("", dependencies=[_SEES])
def photographs(request: Request, wanted: Annotated[Listing, Query()]) -> models.Lines:
    """Photographs, the newest first."""
    return _found(request, wanted)


@router.post("/search", dependencies=[_SEES])
def search(request: Request, wanted: WantedByUid) -> models.Lines:
    """The same, also by the UID of a study or an object, which must not stand in an address."""
    return _found(request, wanted)


@router.get("/{photograph_id}", dependencies=[_SEES])
def photograph(request: Request, photograph_id: PhotographId) -> models.Photograph:
    """One photograph, with the gates' judgement and its deliveries."""
    return _told(_history(request, photograph_id))


@router.get("/{photograph_id}/history", dependencies=[_SEES])
def history(request: Request, photograph_id: PhotographId) -> models.History:
    """Everything that the audit says of it, from reception to delivery."""
    return models.History(entries=[models.Entry.model_validate(e) for e in _history(request, photograph_id).entries])


@router.get("/{photograph_id}/study", dependencies=[_SEES])
def study(request: Request, photograph_id: PhotographId) -> models.Study:
    """The study that it belongs to, laid out as an orthodontic series, with what is missing."""
    found = _history(request, photograph_id)
    with console_of(request).database.read() as session:
        series = lay_out(catalogue.of_study(session, found.photograph))
    return models.Study(slots=[_slot(slot) for slot in series.slots], others=[_line(line) for line in series.others])


@router.get(
    "/{photograph_id}/result",
    dependencies=[needs(Right.SEE_RESULTS)],
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}, "image/png": {}}, "description": "The picture"}},
)
def result(request: Request, photograph_id: PhotographId) -> Response:
    """The cleaned picture; one that is held back is only for those who may see originals. Each look is on record."""
    console, person = console_of(request), person_of(request)
    with console.database.read() as session:
        finished = catalogue.finished_of(session, photograph_id)
    if finished is None:
        raise HTTPException(404)
    if isinstance(finished, HeldResult) and Right.SEE_ORIGINALS not in person.rights:
        raise Forbidden(Right.SEE_ORIGINALS)
    looks.record_result(console.database, photograph_id, person.name)
    rendering = pictures.result(console.gateway, finished)
    return Response(rendering.data, media_type=rendering.media_type)


def _found(request: Request, wanted: Listing | WantedByUid) -> models.Lines:
    asked = wanted.model_dump(exclude={"after", "limit"}, exclude_none=True)
    query = catalogue.Query(**asked)
    with console_of(request).database.read() as session:
        page = asked_for(lambda: catalogue.search(session, query, wanted.after, wanted.limit))
    return models.Lines(photographs=[_line(line) for line in page.lines], after=page.after)


def _history(request: Request, photograph_id: str) -> catalogue.History:
    with console_of(request).database.read() as session:
        if session.get(Photograph, photograph_id) is None:
            raise HTTPException(404)
        return catalogue.history(session, photograph_id)


def _line(line: catalogue.Line) -> models.Line:
    return models.Line.model_validate(vars(line) | {"study": line.study_alias})


def _slot(slot: Slot) -> models.Slot:
    lines = [_line(line) for line in slot.lines]
    return models.Slot(name=slot.name, group=slot.group, usual=slot.usual, missing=slot.is_missing, photographs=lines)


def _told(found: catalogue.History) -> models.Photograph:
    row, finished = found.photograph, found.finished
    report = finished.report if finished else {}
    return models.Photograph(
        id=row.id,
        state=row.state,
        cause=row.cause,
        view=row.view,
        route=row.route,
        source=row.calling_ae,
        received_at=row.received_at,
        changed_at=row.changed_at,
        pseudonym=found.pseudonym,
        study=row.study_alias,
        sop_class_uid=row.sop_class_uid,
        result_uid=finished.sop_instance_uid if finished else None,
        profile=finished.profile if finished else None,
        model_version=finished.model_version if finished else None,
        released_by=found.released.released_by if found.released else None,
        gates=report.get("gates", []),
        distances=report.get("distances", []),
        deliveries=[
            models.Place(
                destination=delivery.destination,
                state=delivery.state,
                dimse_status=delivery.dimse_status,
                problem=delivery.last_error,
                delivered_at=delivery.delivered_at,
            )
            for delivery in found.deliveries
        ],
        proposal=models.Proposal.model_validate(found.proposal) if found.proposal else None,
    )
