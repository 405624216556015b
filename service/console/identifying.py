"""Who a request comes from, found once before any handler runs.

People are known by their cookie, programs under /api and at /metrics by their token; a cookie is worth nothing under
/api, so that no page of a stranger can use it there.
"""

from collections.abc import Callable
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from service.console.access import Person
from service.console.context import address_of, console_of
from service.console.cookies import SIGN_IN, VISIT
from service.people import tokens

Identify = Callable[[HTTPConnection], Person | None]
_API: Final = "/api/"
_NOBODYS: Final = ("/static/", "/healthz", "/readyz")
_BEARER: Final = "bearer "


def identify(request: HTTPConnection) -> Person | None:
    """The person whose sign-in, or the program whose token, comes with the request; None for nobody."""
    console, path = console_of(request), request.url.path
    said = request.headers.get("Authorization", "")
    if (path.startswith(_API) or path == "/metrics") and said[: len(_BEARER)].lower() == _BEARER:
        return _program(request, said[len(_BEARER) :].strip())
    token = console.cookies.read(request, SIGN_IN)
    if path.startswith(_API) or not token:
        return None
    known = console.sign_ins.resolve(token)
    if known is None:
        return None
    return Person(known.account_id, known.name, known.role, known.rights, known.csrf, known.stage, known.sign_in)


def _program(request: HTTPConnection, token: str) -> Person | None:
    console, address = console_of(request), address_of(request)
    console.throttle.guess(address, "")  # before the database is asked
    bearer = tokens.resolve(console.database, token, address)
    if bearer is None:
        return None
    console.throttle.forgive(address)
    return Person(bearer.account_id, bearer.name, bearer.role, bearer.rights, "", token_id=bearer.token_id)


class Identifying:
    """Puts the person into `request.state.person`, and the CSRF token of the browser before it has one."""

    def __init__(self, app: ASGIApp, identify: Identify) -> None:
        self._app = app
        self._identify = identify

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(_NOBODYS):
            request = HTTPConnection(scope)
            cookies = console_of(request).cookies
            state = scope.setdefault("state", {})
            state["csrf"] = cookies.visit_token(cookies.read(request, VISIT))
            state["person"] = await run_in_threadpool(self._identify, request)
        await self._app(scope, receive, send)
