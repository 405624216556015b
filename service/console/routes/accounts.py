"""Who may sign in: for admins. A first password is in the answer to the request that made it, and nowhere after."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from service.console.access import needs, person_of
from service.console.context import console_of
from service.console.pages import page
from service.console.wording import t
from service.errors import VeraGateError
from service.people import accounts, tokens
from service.people.lockout import is_locked
from service.rights import RIGHTS, Right, Role
from service.tables import Account, utc_now

router = APIRouter(prefix="/accounts", dependencies=[needs(Right.MANAGE_ACCOUNTS)])
Field = Annotated[str, Form()]


@router.get("")
def accounts_page(request: Request) -> Response:
    return _accounts(request)


@router.post("")
def add_account(request: Request, name: Field = "", role: Field = "") -> Response:
    try:
        wanted = _role(role)
        password = accounts.add(console_of(request).database, name, wanted, by=person_of(request).name)
    except VeraGateError as refusal:
        return _accounts(request, 409, add_error=str(refusal), name=name, role=role)
    return _accounts(request, first_password=(accounts.canonical_name(name), password))


@router.post("/{account_id}/disable")
def disable(request: Request, account_id: str) -> Response:
    accounts.disable(console_of(request).database, account_id, by=person_of(request).name)
    return RedirectResponse("/accounts", 303)


@router.post("/{account_id}/enable")
def enable(request: Request, account_id: str) -> Response:
    accounts.enable(console_of(request).database, account_id, by=person_of(request).name)
    return RedirectResponse("/accounts", 303)


@router.post("/{account_id}/role")
def change_role(request: Request, account_id: str, role: Field = "") -> Response:
    accounts.change_role(console_of(request).database, account_id, _role(role), by=person_of(request).name)
    return RedirectResponse("/accounts", 303)


@router.post("/{account_id}/reset")
def reset(request: Request, account_id: str) -> Response:
    database = console_of(request).database
    password = accounts.reset(database, account_id, by=person_of(request).name)
    with database.read() as session:
        name = session.get_one(Account, account_id).name
    return _accounts(request, first_password=(name, password))


@router.post("/tokens/{token_id}/revoke")
def revoke(request: Request, token_id: str) -> Response:
    tokens.revoke(console_of(request).database, token_id, by=person_of(request).name)
    return RedirectResponse("/accounts", 303)


def _accounts(
    request: Request,
    status: int = 200,
    *,
    first_password: tuple[str, str] | None = None,
    add_error: str = "",
    name: str = "",
    role: str = "",
) -> Response:
    with console_of(request).database.read() as session:
        people, keys = accounts.listed(session), tokens.listed(session)
    now = utc_now()
    return page(
        request,
        "accounts.html",
        status,
        accounts=people,
        locked={account.id for account in people if is_locked(account, now)},
        tokens=keys,
        roles=[(each.value, t(f"roles.{each.value}")) for each in Role],
        rights={each.value: sorted(right.value for right in RIGHTS[each]) for each in Role},
        first_password=first_password,
        add_error=add_error,
        name=name,
        role=role,
    )


def _role(value: str) -> Role:
    try:
        return Role(value)
    except ValueError as error:
        raise VeraGateError(t("accounts.no_role")) from error
