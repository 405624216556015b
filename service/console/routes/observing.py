"""What machines ask: figures for Prometheus, and whether the gateway lives and may receive."""

from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from service.console.access import PUBLIC, Needs
from service.console.context import console_of
from service.health import obstacles
from service.metrics import CONTENT_TYPE, exposition
from service.rights import Right

router = APIRouter()


class _MetricsNeeds(Needs):
    """The right to see metrics, unless the configuration opens them to everybody."""

    async def __call__(self, request: Request) -> None:
        if not console_of(request).settings.console.open_metrics:
            await super().__call__(request)


_SEES_METRICS: Final = Depends(_MetricsNeeds(Right.SEE_METRICS))


@router.get("/metrics", dependencies=[_SEES_METRICS])
def metrics(request: Request) -> Response:
    return Response(exposition(request.app.state.figures), media_type=CONTENT_TYPE)


@router.get("/healthz", dependencies=[PUBLIC])
def alive() -> Response:
    return JSONResponse({"alive": True})


@router.get("/readyz", dependencies=[PUBLIC])
def ready(request: Request) -> Response:
    """200 when a store would be accepted now, 503 with the reasons when not."""
    console = console_of(request)
    found = obstacles(console.gateway.live.file, console.database)
    return JSONResponse({"ready": not found, "obstacles": found}, 503 if found else 200)
