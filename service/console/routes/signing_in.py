"""In and out: the first page, the steps between, the identity provider and back, and the link of the first start.

Every attempt is counted against its address, and against the name where one is typed.
"""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from service.console.access import CODE_MISSING, PASSWORD_MISSING, PUBLIC, Person
from service.console.context import PROVIDER_RETURN, address_of, console_of
from service.console.cookies import FLOW, SIGN_IN, VISIT, new_visit
from service.console.pages import page
from service.console.paths import own_path, step_of, with_next
from service.console.wording import t
from service.errors import VeraGateError
from service.people import set_up
from service.people.accounts import canonical_name
from service.people.lockout import SignInRefused, record_refusal
from service.people.oidc import FLOW_SECONDS
from service.people.oidc_documents import ProviderError
from service.people.sign_ins import FULL, Issued

router = APIRouter()
Field = Annotated[str, Form()]


@router.get("/sign-in", dependencies=[PUBLIC])
def sign_in_page(request: Request, next: str = "/") -> Response:
    person: Person | None = request.state.person
    if person is not None and person.stage == FULL:
        return RedirectResponse(own_path(next), 303)
    return _first_page(request, next)


@router.post("/sign-in", dependencies=[PUBLIC])
def sign_in(request: Request, name: Field = "", password: Field = "", next: Field = "/") -> Response:
    console, address = console_of(request), address_of(request)
    console.throttle.guess(address, canonical_name(name)[:64])
    try:
        issued = console.signing_in.with_password(name, password, address)
    except SignInRefused as refusal:
        return _first_page(request, next, str(refusal), 422)
    return _welcome(request, issued, next)


@router.get("/sign-in/code", dependencies=[CODE_MISSING])
def code_page(request: Request, next: str = "/") -> Response:
    return page(request, "sign_in_code.html", wanted=own_path(next), error="")


@router.post("/sign-in/code", dependencies=[CODE_MISSING])
def code(request: Request, code: Field = "", next: Field = "/") -> Response:
    console, address = console_of(request), address_of(request)
    console.throttle.guess(address, "")
    try:
        issued = console.signing_in.with_code(_cookie(request), code, address)
    except SignInRefused as refusal:
        return page(request, "sign_in_code.html", 422, wanted=own_path(next), error=str(refusal))
    return _welcome(request, issued, next)


@router.get("/sign-in/password", dependencies=[PASSWORD_MISSING])
def first_password_page(request: Request, next: str = "/") -> Response:
    return page(request, "sign_in_password.html", wanted=own_path(next), error="")


@router.post("/sign-in/password", dependencies=[PASSWORD_MISSING])
def first_password(request: Request, new: Field = "", again: Field = "", next: Field = "/") -> Response:
    console = console_of(request)
    try:
        check_same(new, again)
        issued = console.credentials.change_password(_cookie(request), None, new, address_of(request))
    except VeraGateError as refusal:
        return page(request, "sign_in_password.html", 409, wanted=own_path(next), error=str(refusal))
    return _welcome(request, issued, next)


@router.post("/sign-out", dependencies=[PUBLIC])
def sign_out(request: Request) -> Response:
    console = console_of(request)
    console.sign_ins.end(_cookie(request))
    response = RedirectResponse("/sign-in", 303)
    console.cookies.drop(response, SIGN_IN)
    return response


@router.get("/sign-in/provider", dependencies=[PUBLIC])
def to_provider(request: Request, next: str = "/") -> Response:
    console = console_of(request)
    if console.provider is None:
        return RedirectResponse("/sign-in", 303)
    try:
        url, flow = console.provider.begin(own_path(next))
    except ProviderError as error:
        return _refused_provider(request, error)
    response = RedirectResponse(url, 303)
    console.cookies.put(response, FLOW, flow, FLOW_SECONDS)
    return response


@router.get(PROVIDER_RETURN, dependencies=[PUBLIC])
def from_provider(request: Request) -> Response:
    console, address = console_of(request), address_of(request)
    console.throttle.guess(address, "")
    if console.provider is None:
        return RedirectResponse("/sign-in", 303)
    try:
        flow = console.cookies.read(request, FLOW) or ""
        claims, wanted = console.provider.finish(flow, dict(request.query_params))
        response = _welcome(request, console.signing_in.with_claims(claims, address), wanted)
    except ProviderError as error:
        response = _refused_provider(request, error)
    except SignInRefused as refusal:
        response = _first_page(request, "/", str(refusal), 403)
    console.cookies.drop(response, FLOW)
    return response


@router.get("/set-up", dependencies=[PUBLIC])
def set_up_page(request: Request, link: str = "") -> Response:
    if not set_up.is_open(console_of(request).database, link):
        return page(request, "set_up_closed.html", 410)
    return _with_visit(request, "set_up.html", link=link, name="", error="")


@router.post("/set-up", dependencies=[PUBLIC])
def first_account(request: Request, link: Field = "", name: Field = "", new: Field = "", again: Field = "") -> Response:
    console, address = console_of(request), address_of(request)
    console.throttle.guess(address, "")
    try:
        check_same(new, again)
        made = set_up.redeem(console.database, link, name, new, address)
    except VeraGateError as refusal:
        return _with_visit(request, "set_up.html", 409, link=link, name=name, error=str(refusal))
    return _welcome(request, console.signing_in.with_password(made, new, address), "/")


def check_same(new: str, again: str) -> None:
    """Raises VeraGateError when somebody typed two different passwords."""
    if new != again:
        raise VeraGateError(t("sign_in.not_the_same"))


def keep_signed_in(request: Request, response: Response, issued: Issued) -> Response:
    """The response with the new cookie; the sign-in of the one before, if it still lives, ends."""
    console = console_of(request)
    console.sign_ins.end(_cookie(request))
    console.cookies.put(response, SIGN_IN, issued.token)
    return response


def _welcome(request: Request, issued: Issued, wanted: str) -> Response:
    console_of(request).throttle.forgive(address_of(request))
    return keep_signed_in(request, RedirectResponse(with_next(step_of(issued.stage), wanted), 303), issued)


def _first_page(request: Request, wanted: str, error: str = "", status: int = 200) -> Response:
    provider = console_of(request).provider is not None
    return _with_visit(request, "sign_in.html", status, wanted=own_path(wanted), error=error, provider=provider)


def _refused_provider(request: Request, error: ProviderError) -> Response:
    with console_of(request).database.transaction() as session:
        record_refusal(session, None, error.reason, "identity provider", address_of(request))
    return _first_page(request, "/", str(error), 403)


def _with_visit(request: Request, template: str, status: int = 200, **values: object) -> Response:
    """A page with a form for a browser that nobody is signed in with; it gets a cookie to know it again."""
    cookies = console_of(request).cookies
    visit = cookies.read(request, VISIT) or new_visit()
    request.state.csrf = cookies.visit_token(visit)
    response = page(request, template, status, **values)
    cookies.put(response, VISIT, visit)
    return response


def _cookie(request: Request) -> str:
    return console_of(request).cookies.read(request, SIGN_IN) or ""
