"""Photographs found, one photograph's history, its study as a series, and its pictures."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from service import pictures
from service.catalogue import History, Page, Query, history, of_study, search
from service.console import telling
from service.console.access import needs, person_of
from service.console.asking import STATES, Asked, SearchForm, frame_of, known_id, read_search, view_labels
from service.console.context import Console, console_of
from service.console.pages import page
from service.console.wording import t
from service.errors import VeraGateError
from service.headers import outside_uid
from service.pictures import NoPicture
from service.quarantine import Decision, retry
from service.rights import Right
from service.series import Slot, lay_out
from service.states import Cause, DeliveryState, PhotographState
from service.tables import HeldResult, Photograph, Release

router = APIRouter(prefix="/photographs")
_PAGE: Final = 50
_SHOWN: Final = ("result", "map", "outline", "original")


@router.get("", name="photographs", dependencies=[needs(Right.SEE_PHOTOGRAPHS)])
def photographs(request: Request) -> HTMLResponse:
    """The search form, and what it finds."""
    asked = read_search(dict(request.query_params))
    with console_of(request).database.read() as session:
        try:
            found = search(session, asked.query, request.query_params.get("after"), _PAGE) if not asked.wrong else None
        except VeraGateError as error:
            return _list(request, asked, None, str(error))
    return _list(request, asked, found)


@router.post("/search", name="photographs-search", dependencies=[needs(Right.SEE_PHOTOGRAPHS)])
def photographs_search(request: Request, form: Annotated[SearchForm, Form()]) -> Response:
    """The form comes here first, so that no original UID ever stands in an address: what it means outside does."""
    asked = read_search(form.model_dump())
    if asked.wrong:
        return _list(request, asked, None)
    with console_of(request).database.read() as session:
        if asked.query.instance:
            found = search(session, Query(instance=asked.query.instance), limit=_PAGE)
            if len(found.lines) == 1:
                return RedirectResponse(f"/photographs/{found.lines[0].id}", 303)
            return _list(request, asked, found)
        outside = {"study": _outside(request, session, asked.query.study)} if asked.query.study else {}
    return RedirectResponse(asked.address(**outside), 303)


@router.get("/{photograph_id}", name="photograph", dependencies=[needs(Right.SEE_PHOTOGRAPHS)])
def photograph(request: Request, photograph_id: str, show: str = "result", frame: str = "") -> HTMLResponse:
    """Everything about one photograph, from reception to delivery."""
    found = _history(request, photograph_id)
    return _one(request, found, show if show in _SHOWN else "result", frame)


@router.post("/{photograph_id}/retry", name="photograph-retry", dependencies=[needs(Right.RETRY)])
def photograph_retry(request: Request, photograph_id: str, reason: Annotated[str, Form()] = "") -> Response:
    """An operator's: a failed photograph starts over, parked deliveries are tried again."""
    found = _history(request, photograph_id)
    if not _may_be_retried(found):
        raise VeraGateError("Only what failed, or what a destination refused, can be tried again here.")
    if not reason.strip():
        return _one(request, found, "result", problem="reason_missing")
    seen = found.photograph.changed_at if found.photograph.state == PhotographState.FAILED else None
    decision = Decision(person_of(request).name, reason.strip()[:500], seen)
    retry(console_of(request).gateway, found.photograph.id, decision)
    return RedirectResponse(f"/photographs/{found.photograph.id}", 303)


@router.get("/{photograph_id}/study", name="photograph-study", dependencies=[needs(Right.SEE_PHOTOGRAPHS)])
def study(request: Request, photograph_id: str) -> HTMLResponse:
    """The study that a photograph belongs to, laid out as an orthodontic series."""
    found = _history(request, photograph_id)
    with console_of(request).database.read() as session:
        lines = of_study(session, found.photograph)
        left = select(Release.photograph_id).where(Release.photograph_id.in_([line.id for line in lines]))
        shown = set(session.scalars(left))
    return page(
        request,
        "study.html",
        history=found,
        series=lay_out(lines),
        count=len(lines),
        shown=shown,
        names=_names,
    )


def _outside(request: Request, session: Session, study: str) -> str:
    """The UID of a study outside, whichever side's was asked for."""
    is_outside = session.scalars(select(Photograph.id).where(Photograph.study_alias == study).limit(1)).first()
    return study if is_outside else outside_uid(console_of(request).gateway.pseudonyms, study)


def _names(slots: Sequence[Slot]) -> str:
    return ", ".join(t(f"study.{slot.name}") for slot in slots)


def _list(request: Request, asked: Asked, found: Page | None, problem: str = "") -> HTMLResponse:
    settings = console_of(request).settings
    return page(
        request,
        "photographs.html",
        200 if not asked.wrong and not problem else 400,
        asked=asked,
        found=found,
        problem=problem,
        next_url=asked.address(after=found.after) if found and found.after else None,
        first_url=asked.address() if "after" in request.query_params else None,
        wrong_names=", ".join(t(f"photographs.{name}") for name in asked.wrong),
        states=[(name, t(f"states.{name}")) for name in STATES],
        causes=[(cause, t(f"causes.{cause}")) for cause in Cause],
        views=[(label, label) for label in view_labels()],
        destinations=[(place.name, place.name) for place in settings.destinations],
    )


def _one(request: Request, found: History, show: str, frame: str = "", problem: str = "") -> HTMLResponse:
    console = console_of(request)
    finished = found.finished
    size = _size(console, finished)
    return page(
        request,
        "photograph.html",
        400 if problem else 200,
        history=found,
        photograph=found.photograph,
        finished=finished,
        released=found.released,
        report=finished.report if finished else {},
        held=isinstance(finished, HeldResult),
        size=size,
        frame=frame_of(frame, size.frames if size else 1),
        show=show,
        problem=problem,
        retriable=_may_be_retried(found),
        recognition=telling.recognition(finished.report, console.settings) if finished else None,
        tell=telling.tell,
        asked=telling.asked,
        view_words=telling.view_words,
        header_lines=telling.header_lines,
        removed_names=telling.removed_names,
    )


def _size(console: Console, finished: Release | HeldResult | None) -> pictures.Size | None:
    """The size that the page gives its pictures before they are there, so that nothing jumps."""
    if finished is None:
        return None
    try:
        return pictures.size_of_map(console.gateway, finished).within(pictures.FITS[-1])
    except NoPicture:
        return None


def _may_be_retried(found: History) -> bool:
    parked = any(delivery.state == DeliveryState.PARKED for delivery in found.deliveries)
    return found.photograph.state == PhotographState.FAILED or parked


def _history(request: Request, photograph_id: str) -> History:
    with console_of(request).database.read() as session:
        if session.get(Photograph, known_id(photograph_id)) is None:
            raise HTTPException(404)
        return history(session, photograph_id)
