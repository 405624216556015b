"""The console as an ASGI application: routes, what stands before them, and pages for what goes wrong."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Final
from urllib.parse import quote

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from service import __version__, audit
from service.audit import Action, Outcome
from service.console.access import Forbidden, SignInNeeded, person_of
from service.console.context import Console, console_of
from service.console.identifying import Identify, Identifying, identify
from service.console.pages import page
from service.console.problems import from_program, problem
from service.console.pulse import Pulse
from service.console.routes import observing, overview
from service.console.wording import has
from service.errors import Retry, VeraGateError
from service.gateway import Gateway
from service.logs import get_logger
from service.metrics import Figures

ROUTERS: Final = (overview.router, observing.router)


def create_app(gateway: Gateway, identify: Identify = identify) -> FastAPI:
    """The application on an open gateway; `identify` says who a request comes from."""
    console = Console(gateway, Pulse(gateway))
    app = FastAPI(
        title="VeraGate", version=__version__, openapi_url=None, docs_url=None, redoc_url=None, lifespan=_lifespan
    )
    app.state.console = console
    app.state.figures = Figures(lambda: gateway.settings, gateway.database)
    app.mount("/static", StaticFiles(directory=str(files("service.console") / "static")), name="static")
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(Identifying, identify=identify)
    app.add_exception_handler(SignInNeeded, _to_sign_in)
    app.add_exception_handler(Forbidden, _forbidden)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Retry, _unavailable)
    app.add_exception_handler(VeraGateError, _refused)
    app.add_exception_handler(Exception, _broken)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    console: Console = app.state.console
    console.pulse.start()
    yield
    console.pulse.stop()


def _to_sign_in(request: Request, _: Exception) -> Response:
    if from_program(request):
        return problem(401, "A token is needed: Authorization: Bearer ...")
    wanted = request.url.path if request.method == "GET" else "/"
    return RedirectResponse(f"/sign-in?next={quote(wanted, safe='/')}", 303)


def _forbidden(request: Request, error: Exception) -> Response:
    """Whoever asked for what is not theirs is told, and it goes on record."""
    assert isinstance(error, Forbidden)
    with console_of(request).database.transaction() as session:
        audit.record(
            session,
            Action.ACCESS_DENIED,
            actor=person_of(request).name,
            outcome=Outcome.REFUSED,
            details={"right": error.right.value, "method": request.method, "path": request.url.path},
        )
    return _error(request, 403)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(request, error.status_code)


def _refused(request: Request, error: Exception) -> Response:
    """What the modules below refuse they say in a sentence that anybody may read."""
    return _error(request, 409, str(error))


def _unavailable(request: Request, error: Exception) -> Response:
    get_logger(process="console").warning("console.unavailable", reason=str(error))
    return _error(request, 503)


def _broken(request: Request, error: Exception) -> Response:
    get_logger(process="console").error("console.error", exc_info=error)
    return _error(request, 500)


def _error(request: Request, status: int, sentence: str = "") -> Response:
    if from_program(request):
        return problem(status, sentence)
    kind = str(status) if has(f"errors.{status}_title") else "other"
    return page(request, "error.html", status=status, kind=kind, sentence=sentence, code=status)
