"""What people see and change about themselves: password, one-time codes, browsers, tokens for their programs."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from service.console.access import SIGNED_IN, person_of
from service.console.context import address_of, console_of
from service.console.cookies import SIGN_IN
from service.console.pages import page
from service.console.routes.signing_in import check_same, keep_signed_in
from service.console.wording import t
from service.errors import VeraGateError
from service.people import tokens, totp
from service.people.lockout import SignInRefused
from service.rights import Right
from service.tables import Account

router = APIRouter(dependencies=[SIGNED_IN])
Field = Annotated[str, Form()]


@router.get("/you")
def you_page(request: Request, done: str = "") -> Response:
    return _you(request, done=done if done in ("password", "codes", "ended", "revoked") else "")


@router.post("/you/password")
def change_password(request: Request, current: Field = "", new: Field = "", again: Field = "") -> Response:
    console, address = console_of(request), address_of(request)
    console.throttle.guess(address, person_of(request).name)
    try:
        check_same(new, again)
        issued = console.credentials.change_password(_cookie(request), current, new, address)
    except VeraGateError as refusal:
        return _you(request, 409, password_error=str(refusal))
    return keep_signed_in(request, RedirectResponse("/you?done=password", 303), issued)


@router.get("/you/codes")
def codes_page(request: Request) -> Response:
    _check_has_password(request)
    _, proposed = console_of(request).credentials.propose_totp(person_of(request).account_id)
    return _codes(request, proposed)


@router.post("/you/codes")
def set_up_codes(request: Request, password: Field = "", code: Field = "", proposed: Field = "") -> Response:
    console, address = console_of(request), address_of(request)
    _check_has_password(request)
    console.throttle.guess(address, person_of(request).name)
    try:
        issued = console.credentials.confirm_totp(_cookie(request), password, proposed, code, address)
    except SignInRefused as refusal:
        return _codes(request, proposed, str(refusal), 409)
    return keep_signed_in(request, RedirectResponse("/you?done=codes", 303), issued)


@router.post("/you/sign-ins/{sign_in}/end")
def end_sign_in(request: Request, sign_in: str) -> Response:
    console_of(request).sign_ins.end_own(person_of(request).account_id, sign_in)
    return RedirectResponse("/you?done=ended", 303)


@router.post("/you/tokens")
def make_token(
    request: Request, name: Field = "", days: Field = "", scopes: Annotated[list[str] | None, Form()] = None
) -> Response:
    person = person_of(request)
    try:
        wanted = {right for right in Right if right.value in (scopes or [])}
        life = int(days) if days.isdecimal() and len(days) < 5 else 0
        made = tokens.make(console_of(request).database, person.account_id, name, wanted, life)
    except VeraGateError as refusal:
        return _you(request, 409, token_error=str(refusal))
    return _you(request, made_token=made)


@router.post("/you/tokens/{token_id}/revoke")
def revoke_token(request: Request, token_id: str) -> Response:
    person = person_of(request)
    tokens.revoke(console_of(request).database, token_id, by=person.name, owner=person.account_id)
    return RedirectResponse("/you?done=revoked", 303)


def _you(
    request: Request,
    status: int = 200,
    *,
    done: str = "",
    password_error: str = "",
    token_error: str = "",
    made_token: str = "",
) -> Response:
    console, person = console_of(request), person_of(request)
    with console.database.read() as session:
        account = session.get_one(Account, person.account_id)
        browsers = console.sign_ins.of(session, person.account_id)
        own_tokens = tokens.of(session, person.account_id)
    return page(
        request,
        "you.html",
        status,
        account=account,
        browsers=browsers,
        tokens=own_tokens,
        rights=sorted(right.value for right in person.rights),
        done=done,
        password_error=password_error,
        token_error=token_error,
        made_token=made_token,
        most_days=tokens.MAX_DAYS,
    )


def _codes(request: Request, proposed: str, error: str = "", status: int = 200) -> Response:
    person = person_of(request)
    secret = console_of(request).credentials.proposed_totp(person.account_id, proposed)
    return page(
        request,
        "you_codes.html",
        status,
        proposed=proposed,
        secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        picture=totp.qr_code(secret, person.name),
        address=totp.uri(secret, person.name),
        error=error,
    )


def _check_has_password(request: Request) -> None:
    with console_of(request).database.read() as session:
        if session.get_one(Account, person_of(request).account_id).password_hash is None:
            raise VeraGateError(t("you.at_provider"))


def _cookie(request: Request) -> str:
    return console_of(request).cookies.read(request, SIGN_IN) or ""
