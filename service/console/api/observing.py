"""How the gateway is doing, what it is configured to do, and whether its destinations answer."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.exceptions import HTTPException

from service.configuration import newest_version
from service.configuring import nodes
from service.console.access import needs, person_of
from service.console.api import models
from service.console.context import console_of
from service.overview import overview as look
from service.rights import Right

router = APIRouter()


@router.get("/overview", tags=["gateway"], dependencies=[needs(Right.SEE_OVERVIEW)])
def overview(request: Request) -> models.Overview:
    """What waits and for how long, what was done in the last day, what it runs on."""
    console = console_of(request)
    with console.database.read() as session:
        seen = look(session, console.settings)
    values = vars(seen) | {"stages": list(seen.stages.values()), "destinations": seen.places}
    return models.Overview.model_validate(values)


@router.get("/configuration", tags=["gateway"], dependencies=[needs(Right.SEE_CONFIGURATION)])
def configuration(request: Request) -> models.Configuration:
    """Senders, destinations and routes as they count now."""
    console = console_of(request)
    settings = console.settings
    with console.database.read() as session:
        version = newest_version(session)
    return models.Configuration(
        version=version,
        ae_title=settings.listener.ae_title,
        senders=sorted(settings.listener.accepted_calling_aes),
        destinations=[models.Node.model_validate(destination) for destination in settings.destinations],
        routes=[models.Route.model_validate(route) for route in settings.routes],
    )


@router.post("/destinations/{name}/echo", tags=["gateway"], dependencies=[needs(Right.SEE_CONFIGURATION)])
def echo(request: Request, name: Annotated[str, Path(max_length=64)]) -> models.Answered:
    """C-ECHO a destination; that it was asked is on record."""
    console = console_of(request)
    settings = console.settings
    if name not in [destination.name for destination in settings.destinations]:
        raise HTTPException(404)
    return models.Answered.model_validate(nodes.knock(settings, console.database, name, person_of(request).name))
