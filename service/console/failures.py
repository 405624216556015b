"""What a request gets that cannot have what it asked for: a page for people, JSON for programs; details in the log."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import audit
from service.audit import Action, Outcome
from service.console.access import Forbidden, Person, SignInNeeded, WrongForm
from service.console.context import address_of, console_of
from service.console.pages import page
from service.console.paths import step_of, with_next
from service.console.problems import from_program, problem
from service.console.throttle import TooOften
from service.console.wording import has
from service.errors import Retry, VeraGateError
from service.logs import get_logger


def handle_failures(app: FastAPI) -> None:
    kinds = (SignInNeeded, Forbidden, WrongForm, TooOften, HTTPException, RequestValidationError, Retry, VeraGateError)
    for kind in kinds:
        app.add_exception_handler(kind, answer)


class Unbroken:
    """Answers what the middleware inside it raises, and every error that nobody expected."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:
            if started:
                raise
            response = await run_in_threadpool(answer, Request(scope), error)
            await response(scope, receive, send)


def answer(request: Request, error: Exception) -> Response:
    """The one place where exceptions become HTTP statuses."""
    if isinstance(error, SignInNeeded):
        return _to_sign_in(request)
    if isinstance(error, Forbidden):
        _record_denial(request, right=error.right.value)
        return failure(request, 403)
    if isinstance(error, WrongForm):
        _record_denial(request, reason="wrong form token")
        return failure(request, 403, kind="form")
    if isinstance(error, TooOften):
        return failure(request, 429, headers={"Retry-After": str(error.seconds)})
    if isinstance(error, RequestValidationError):
        return _invalid(request, error)
    if isinstance(error, HTTPException):
        return failure(request, error.status_code, _detail(request, error), dict(error.headers or {}))
    if isinstance(error, ClientDisconnect):
        return Response(status_code=400)  # nobody is there to read it
    if isinstance(error, Retry):
        get_logger(process="console").warning("console.unavailable", reason=str(error))
        return failure(request, 503, headers={"Retry-After": "5"})
    if isinstance(error, VeraGateError):
        return failure(request, 409, str(error))  # what the modules below refuse they say in a sentence
    get_logger(process="console").error("console.error", exc_info=error)
    return failure(request, 500)


def failure(
    request: Request, status: int, sentence: str = "", headers: dict[str, str] | None = None, kind: str = ""
) -> Response:
    if from_program(request):
        response = problem(status, sentence)
    else:
        kind = kind or (str(status) if has(f"errors.{status}_title") else "other")
        response = page(request, "error.html", status=status, kind=kind, sentence=sentence, code=status)
    response.headers.update(headers or {})
    return response


def _invalid(request: Request, error: RequestValidationError) -> Response:
    """A program is told which of its values mean nothing, never what they were."""
    if not from_program(request):
        return failure(request, 400)
    errors = [{"where": ".".join(map(str, found["loc"])), "what": found["msg"]} for found in error.errors()]
    return problem(400, errors=errors)


def _detail(request: Request, error: HTTPException) -> str:
    """The sentence that came with it, for programs; pages have their own words."""
    said = error.detail if from_program(request) else ""
    return "" if said == HTTPStatus(error.status_code).phrase else said


def _to_sign_in(request: Request) -> Response:
    if from_program(request):
        return problem(401, "A token is needed: Authorization: Bearer ...")
    person: Person | None = getattr(request.state, "person", None)
    wanted = request.url.path if request.method == "GET" else "/"
    return RedirectResponse(with_next(step_of(person.stage if person else None), wanted), 303)


def _record_denial(request: Request, **why: str) -> None:
    """Whoever asked for what is not theirs is told, and it goes on record."""
    person: Person | None = getattr(request.state, "person", None)
    details = {"method": request.method, "path": request.url.path, "address": address_of(request)} | why
    actor = person.name if person is not None else "unknown"
    with console_of(request).database.transaction() as session:
        audit.record(session, Action.ACCESS_DENIED, actor=actor, outcome=Outcome.REFUSED, details=details)
