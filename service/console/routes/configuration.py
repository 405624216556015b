"""Who may send, where photographs go and by which route: shown, tested, and compared with what it was."""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from pydicom.uid import UID
from starlette.responses import HTMLResponse, Response

from service.codes import read_table
from service.configuring.changes import history, stranded
from service.configuring.checks import warnings_of
from service.configuring.nodes import Answered, knock, refused
from service.configuring.simulator import Explanation, Facts, explain, facts_of, view_of
from service.console.access import needs, person_of
from service.console.context import console_of
from service.console.pages import page
from service.console.wording import t
from service.errors import VeraGateError
from service.rights import Right
from service.rules import SOP_CLASSES
from service.settings import VL_PHOTOGRAPHIC

router = APIRouter(prefix="/configuration", dependencies=[needs(Right.SEE_CONFIGURATION)])
_SHOWN_VERSIONS: Final = 50


@router.get("", name="configuration")
def configuration(request: Request, saved: int = 0) -> HTMLResponse:
    return _overview(request, saved=saved)


@router.post("/echo", name="configuration-echo")
def echo(request: Request, name: Annotated[str, Form()] = "") -> Response:
    """C-ECHO a destination and show the answer beside it."""
    console = console_of(request)
    return _overview(request, answered=knock(console.settings, console.database, name, person_of(request).name))


@router.get("/history", name="configuration-history")
def versions(request: Request) -> HTMLResponse:
    with console_of(request).database.read() as session:
        found = history(session, _SHOWN_VERSIONS)
    return page(request, "configuration_history.html", versions=found)


@router.get("/simulator", name="configuration-simulator")
def simulator(
    request: Request, photograph: str = "", calling: str = "", called: str = "", sop_class: str = "", view: str = ""
) -> HTMLResponse:
    """Where a photograph would go: a stored one, or one that is only imagined."""
    settings = console_of(request).settings
    asked = {
        "photograph": photograph.strip(),
        "calling": calling.strip(),
        "called": called.strip() or settings.listener.ae_title,
        "sop_class": sop_class or VL_PHOTOGRAPHIC,
        "view": view,
    }
    told, problem = _explained(request, asked)
    return page(
        request,
        "simulator.html",
        asked=asked,
        told=told,
        problem=problem,
        senders=sorted(settings.listener.accepted_calling_aes | {settings.console.upload_ae}),
        views=[(row["code"], f"{t('views.' + row['code'])} ({row['code']})") for row in read_table("views")],
        sop_classes=sop_class_names(),
    )


def sop_class_names() -> list[tuple[str, str]]:
    return [(uid, UID(uid).name) for uid in SOP_CLASSES]


def _explained(request: Request, asked: dict[str, str]) -> tuple[Explanation | None, str]:
    console = console_of(request)
    try:
        if asked["photograph"]:
            return explain(console.settings, facts_of(console.gateway, asked["photograph"])), ""
        if asked["calling"]:
            facts = Facts(asked["calling"], asked["called"], asked["sop_class"], view_of(asked["view"]))
            return explain(console.settings, facts), ""
    except VeraGateError as error:
        return None, str(error)
    return None, ""


def _overview(request: Request, saved: int = 0, answered: Answered | None = None) -> HTMLResponse:
    console = console_of(request)
    live = console.gateway.live
    settings, reading = live.refresh(), console.pulse.latest.overview
    with console.database.read() as session:
        strangers = refused(session)
        lost = stranded(session, settings)
        last = history(session, 1)
    return page(
        request,
        "configuration.html",
        settings=settings,
        file=live.file,
        base=live.version,
        problem=live.problem,
        warnings=warnings_of(settings),
        places={} if reading is None else {place.name: place for place in reading.places},
        strangers=strangers,
        stranded=lost,
        last=last[0] if last else None,
        saved=saved,
        answered=answered,
        names=dict(sop_class_names()),
    )
