"""The pictures of the pages: originals and held results for those who may see them, each look on record first."""

import re
from collections.abc import Callable
from textwrap import wrap
from typing import Final

from fastapi import APIRouter, Request
from markupsafe import escape
from starlette.exceptions import HTTPException
from starlette.responses import Response

from service import looks, pictures
from service.catalogue import finished_of
from service.console.access import Forbidden, needs, person_of
from service.console.asking import known_id
from service.console.context import console_of
from service.pictures import NoPicture, Rendering
from service.rights import Right
from service.tables import HeldResult, Photograph, Release

router = APIRouter(prefix="/photographs")
_NUMBER: Final = re.compile(r"[1-9]\d{0,4}", re.ASCII)


@router.get("/{photograph_id}/original", name="photograph-original", dependencies=[needs(Right.SEE_ORIGINALS)])
def original_picture(request: Request, photograph_id: str, fit: str = "", frame: str = "") -> Response:
    """The original; the look is on record before there is anything to look at."""
    found = _row(request, photograph_id)
    looks.record_original(console_of(request).database, found.id, person_of(request).name)
    return _picture(lambda: pictures.original(console_of(request).gateway, found, _fit(fit), _frame(frame)), keep=False)


@router.get("/{photograph_id}/result", name="photograph-result", dependencies=[needs(Right.SEE_RESULTS)])
def result_picture(request: Request, photograph_id: str, fit: str = "", frame: str = "") -> Response:
    finished = _finished(request, photograph_id)
    looks.record_result(console_of(request).database, finished.photograph_id, person_of(request).name)
    return _picture(lambda: pictures.result(console_of(request).gateway, finished, _fit(fit), _frame(frame)))


@router.get("/{photograph_id}/map", name="photograph-map", dependencies=[needs(Right.SEE_RESULTS)])
def map_picture(request: Request, photograph_id: str, fit: str = "", frame: str = "") -> Response:
    finished = _finished(request, photograph_id)
    return _picture(lambda: pictures.overlay(console_of(request).gateway, finished, _fit(fit), _frame(frame)))


@router.get("/{photograph_id}/outline", name="photograph-outline", dependencies=[needs(Right.SEE_RESULTS)])
def outline_picture(request: Request, photograph_id: str, fit: str = "", frame: str = "") -> Response:
    finished = _finished(request, photograph_id)
    return _picture(lambda: pictures.outline(console_of(request).gateway, finished, _fit(fit), _frame(frame)))


def _row(request: Request, photograph_id: str) -> Photograph:
    with console_of(request).database.read() as session:
        found = session.get(Photograph, known_id(photograph_id))
    if found is None:
        raise HTTPException(404)
    return found


def _finished(request: Request, photograph_id: str) -> Release | HeldResult:
    """What there is to look at; one that is held back is only for those who may see originals."""
    with console_of(request).database.read() as session:
        found = finished_of(session, known_id(photograph_id))
    if found is None:
        raise HTTPException(404)
    if isinstance(found, HeldResult) and Right.SEE_ORIGINALS not in person_of(request).rights:
        raise Forbidden(Right.SEE_ORIGINALS)
    return found


def _fit(text: str) -> int | None:
    """One of the sizes that pages use; anything else is the picture in full."""
    return next((fit for fit in pictures.FITS if text == str(fit)), None)


def _frame(text: str) -> int:
    """Counted from 1 on the pages; nonsense is a frame that does not exist."""
    return int(text) - 1 if _NUMBER.fullmatch(text) else 0 if not text else -1


def _picture(make: Callable[[], Rendering], *, keep: bool = True) -> Response:
    headers = {"Cache-Control": "private, max-age=300" if keep else "no-store", "X-Content-Type-Options": "nosniff"}
    try:
        rendering = make()
    except NoPicture as error:
        return Response(_sentence(str(error)), 404, headers, "image/svg+xml")
    return Response(rendering.data, 200, headers, rendering.media_type)


def _sentence(text: str) -> str:
    """A picture that says why there is none."""
    lines = "".join(f'<tspan x="50%" dy="1.4em">{escape(line)}</tspan>' for line in wrap(text, 46)[:8])
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="480" height="360" viewBox="0 0 480 360">'
        '<rect width="480" height="360" fill="#e6eaee"/>'
        '<text x="50%" y="38%" text-anchor="middle" font-family="sans-serif" font-size="17" fill="#35424e">'
        f"{lines}</text></svg>"
    )
