"""Who a request comes from, found once before any handler runs."""

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from service.console.access import Person

Identify = Callable[[HTTPConnection], Person | None]


def identify(request: HTTPConnection) -> Person | None:
    """The person whose sign-in the request's cookie belongs to, None for nobody."""
    return None


class Identifying:
    """Puts the person into `request.state.person`."""

    def __init__(self, app: ASGIApp, identify: Identify) -> None:
        self._app = app
        self._identify = identify

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope.setdefault("state", {})["person"] = await run_in_threadpool(self._identify, HTTPConnection(scope))
        await self._app(scope, receive, send)
