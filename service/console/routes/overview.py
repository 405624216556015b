"""The first page: how the gateway is doing, live."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response, StreamingResponse

from service.console.access import needs
from service.console.context import console_of
from service.console.pages import page
from service.console.pulse import PERIOD, Beat
from service.rights import Right

router = APIRouter(dependencies=[needs(Right.SEE_OVERVIEW)])
_QUIET_SECONDS: Final = 15.0
_LONGEST_SECONDS: Final = 600.0  # then the browser comes again, and its right is looked at anew


@router.get("/", name="overview")
def overview_page(request: Request) -> HTMLResponse:
    return page(request, "overview.html", beat=console_of(request).pulse.latest)


@router.get("/overview/live", name="overview-live")
async def live(request: Request) -> Response:
    """Server-sent events: the inner part of the page, whenever a new reading is there."""
    events = _events(request)
    return StreamingResponse(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _events(request: Request) -> AsyncIterator[str]:
    pulse = console_of(request).pulse
    loop = asyncio.get_running_loop()
    ends, seen, told = loop.time() + _LONGEST_SECONDS, 0, loop.time()
    while loop.time() < ends and not pulse.stopped and not await request.is_disconnected():
        beat = await asyncio.to_thread(lambda: pulse.latest)
        if beat.number != seen:
            seen, told = beat.number, loop.time()
            yield await asyncio.to_thread(_event, request, beat)
        elif loop.time() - told > _QUIET_SECONDS:
            told = loop.time()
            yield ": still here\n\n"
        await asyncio.sleep(PERIOD / 2)


def _event(request: Request, beat: Beat) -> str:
    html = bytes(page(request, "overview_inner.html", beat=beat).body).decode()
    return "".join(f"data: {line}\n" for line in html.splitlines()) + "\n"
