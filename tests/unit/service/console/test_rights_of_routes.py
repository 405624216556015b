"""Each route, asked by each role, by nobody, and by people half-way in: only those may who are meant to.

A new route needs a line in the table; one without fails.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from service.console import create_app
from service.console.access import CSRF_HEADER
from service.console.cookies import SIGN_IN
from service.gateway import Gateway
from service.people import tokens
from service.people.sign_ins import FULL, PASSWORD, TOTP
from service.rights import RIGHTS, Right, Role
from tests.support.console import ADDRESS
from tests.support.gateways import open_gateway, settings_for
from tests.support.people import Door, a_sign_in, an_account, change, entries

pytestmark = pytest.mark.usefixtures("quick_passwords")

ANYBODY, SIGNED_IN, CODE_STEP, PASSWORD_STEP = "anybody", "signed in", "code step", "password step"

TABLE: dict[str, str] = {
    "GET /": Right.SEE_OVERVIEW,
    "GET /overview/live": Right.SEE_OVERVIEW,
    "GET /metrics": Right.SEE_METRICS,
    "GET /healthz": ANYBODY,
    "GET /readyz": ANYBODY,
    "GET /sign-in": ANYBODY,
    "POST /sign-in": ANYBODY,
    "GET /sign-in/code": CODE_STEP,
    "POST /sign-in/code": CODE_STEP,
    "GET /sign-in/password": PASSWORD_STEP,
    "POST /sign-in/password": PASSWORD_STEP,
    "GET /sign-in/provider": ANYBODY,
    "GET /sign-in/provider/return": ANYBODY,
    "POST /sign-out": ANYBODY,
    "GET /set-up": ANYBODY,
    "POST /set-up": ANYBODY,
    "GET /you": SIGNED_IN,
    "POST /you/password": SIGNED_IN,
    "GET /you/codes": SIGNED_IN,
    "POST /you/codes": SIGNED_IN,
    "POST /you/sign-ins/{sign_in}/end": SIGNED_IN,
    "POST /you/tokens": SIGNED_IN,
    "POST /you/tokens/{token_id}/revoke": SIGNED_IN,
    "GET /accounts": Right.MANAGE_ACCOUNTS,
    "POST /accounts": Right.MANAGE_ACCOUNTS,
    "POST /accounts/{account_id}/disable": Right.MANAGE_ACCOUNTS,
    "POST /accounts/{account_id}/enable": Right.MANAGE_ACCOUNTS,
    "POST /accounts/{account_id}/role": Right.MANAGE_ACCOUNTS,
    "POST /accounts/{account_id}/reset": Right.MANAGE_ACCOUNTS,
    "POST /accounts/tokens/{token_id}/revoke": Right.MANAGE_ACCOUNTS,
    "GET /photographs": Right.SEE_PHOTOGRAPHS,
    "POST /photographs/search": Right.SEE_PHOTOGRAPHS,
    "GET /photographs/{photograph_id}": Right.SEE_PHOTOGRAPHS,
    "GET /photographs/{photograph_id}/study": Right.SEE_PHOTOGRAPHS,
    "POST /photographs/{photograph_id}/retry": Right.RETRY,
    "GET /photographs/{photograph_id}/original": Right.SEE_ORIGINALS,
    "GET /photographs/{photograph_id}/result": Right.SEE_RESULTS,
    "GET /photographs/{photograph_id}/map": Right.SEE_RESULTS,
    "GET /photographs/{photograph_id}/outline": Right.SEE_RESULTS,
    "GET /review": Right.DECIDE,
    "GET /review/{photograph_id}": Right.DECIDE,
    "POST /review/{photograph_id}": Right.DECIDE,
    "GET /configuration": Right.SEE_CONFIGURATION,
    "POST /configuration/echo": Right.SEE_CONFIGURATION,
    "GET /configuration/history": Right.SEE_CONFIGURATION,
    "GET /configuration/simulator": Right.SEE_CONFIGURATION,
    "GET /configuration/edit/{kind}": Right.CHANGE_CONFIGURATION,
    "POST /configuration/edit/{kind}": Right.CHANGE_CONFIGURATION,
    "GET /configuration/remove/{kind}": Right.CHANGE_CONFIGURATION,
    "POST /configuration/remove/{kind}": Right.CHANGE_CONFIGURATION,
    "POST /configuration/move": Right.CHANGE_CONFIGURATION,
    "POST /configuration/allow": Right.CHANGE_CONFIGURATION,
    "GET /configuration/restore/{version}": Right.CHANGE_CONFIGURATION,
    "POST /configuration/restore/{version}": Right.CHANGE_CONFIGURATION,
    "GET /upload": Right.UPLOAD,
    "POST /upload": Right.UPLOAD,
    "GET /upload/{upload_id}": Right.UPLOAD,
    "POST /upload/{upload_id}": Right.UPLOAD,
    "GET /upload/{upload_id}/pictures/{number}": Right.UPLOAD,
    "GET /upload/{upload_id}/progress": Right.UPLOAD,
    "POST /upload/{upload_id}/discard": Right.UPLOAD,
    "GET /audit": Right.QUERY_AUDIT,
    "POST /audit/search": Right.QUERY_AUDIT,
    "POST /audit/patient": Right.LOOK_UP_PATIENTS,
    "POST /audit/export": Right.EXPORT_AUDIT,
    "POST /audit/verify": Right.QUERY_AUDIT,
    "GET /audit/entries/{entry_id}": Right.QUERY_AUDIT,
    "GET /api/v1/openapi.json": ANYBODY,
    "GET /api/v1/overview": Right.SEE_OVERVIEW,
    "GET /api/v1/configuration": Right.SEE_CONFIGURATION,
    "POST /api/v1/destinations/{name}/echo": Right.SEE_CONFIGURATION,
    "GET /api/v1/photographs": Right.SEE_PHOTOGRAPHS,
    "POST /api/v1/photographs/search": Right.SEE_PHOTOGRAPHS,
    "GET /api/v1/photographs/{photograph_id}": Right.SEE_PHOTOGRAPHS,
    "GET /api/v1/photographs/{photograph_id}/history": Right.SEE_PHOTOGRAPHS,
    "GET /api/v1/photographs/{photograph_id}/study": Right.SEE_PHOTOGRAPHS,
    "GET /api/v1/photographs/{photograph_id}/result": Right.SEE_RESULTS,
    "GET /api/v1/desk": Right.SEE_PHOTOGRAPHS,
    "POST /api/v1/photographs/{photograph_id}/release": Right.DECIDE,
    "POST /api/v1/photographs/{photograph_id}/withdraw": Right.DECIDE,
    "POST /api/v1/photographs/{photograph_id}/reject": Right.DECIDE,
    "POST /api/v1/photographs/{photograph_id}/retry": Right.DECIDE,
    "POST /api/v1/photographs/{photograph_id}/redact": Right.DECIDE,
    "POST /api/v1/photographs/{photograph_id}/resume": Right.RETRY,
    "POST /api/v1/uploads": Right.UPLOAD,
    "GET /api/v1/uploads/{upload_id}": Right.UPLOAD,
    "POST /api/v1/audit/query": Right.QUERY_AUDIT,
    "POST /api/v1/audit/export": Right.EXPORT_AUDIT,
}
ENDLESS = {"GET /overview/live"}  # answered for as long as somebody looks: asked here by those alone who may not
API = "/api/"
PROGRAMS = (API, "/metrics")  # nobody is sent from there to a page


@pytest.fixture(name="gateway")
def _gateway(tmp_path: Path) -> Iterator[Gateway]:
    opened = open_gateway(settings_for(tmp_path / "data"))
    yield opened
    opened.close()


def routes_of(app: FastAPI) -> list[str]:
    found = [(method, route) for route in iter_route_contexts(app.routes) for method in sorted(route.methods or [])]
    return [f"{method} {route.path}" for method, route in found]


class Asker:
    """One console, asked with any cookie."""

    def __init__(self, gateway: Gateway) -> None:
        self.door = Door(gateway.database, keys=gateway.keys)
        self._browser = TestClient(create_app(gateway), base_url=ADDRESS, follow_redirects=False)

    def ask(self, route: str, cookie: str, csrf: bytes = b"", token: str = "") -> tuple[int, str]:
        """Status and redirection, with zeros for every id; `token` is what a program shows."""
        method, path = route.split(" ", 1)
        self._browser.cookies.clear()
        if cookie:
            self._browser.cookies.set(SIGN_IN, cookie, domain="127.0.0.1", path="/")
        headers: dict[str, str | bytes] = {CSRF_HEADER: csrf} if csrf else {}
        if token and path.startswith(API):
            headers["Authorization"] = f"Bearer {token}"
        answer = self._browser.request(method, re.sub(r"{[^}]+}", "0" * 32, path), headers=headers)
        return answer.status_code, answer.headers.get("location", "")

    def sign_in(self, account_id: str, stage: str = FULL) -> tuple[str, bytes]:
        """A cookie and its form token."""
        issued = a_sign_in(self.door, account_id, stage)
        known = self.door.sign_ins.resolve(issued.token)
        assert known is not None
        return issued.token, known.csrf.encode()


@pytest.fixture
def asker(gateway: Gateway) -> Asker:
    return Asker(gateway)


def turned_away(route: str, answer: tuple[int, str], step: str) -> bool:
    """Was the asker sent to sign in (a program: told to)?"""
    if route.split(" ", 1)[1].startswith(PROGRAMS):
        return answer[0] == 401
    return answer[0] == 303 and answer[1].partition("?")[0] == step


def test_every_route_is_in_the_table(gateway: Gateway) -> None:
    """The table and the application name the same routes."""
    assert sorted(routes_of(create_app(gateway))) == sorted(TABLE)


@pytest.mark.parametrize("role", Role)
def test_a_role_may_what_its_rights_say(gateway: Gateway, asker: Asker, role: Role) -> None:
    """A right that a role lacks is refused with 403 and put on record; what it has is not refused."""
    account_id = an_account(gateway.database, "the.asker", role)
    token = tokens.make(gateway.database, account_id, "everything", RIGHTS[role], 1)
    refused = 0
    for route, needed in TABLE.items():
        may = needed in (ANYBODY, SIGNED_IN) or needed in RIGHTS[role]
        if may and route in ENDLESS:
            continue
        status, location = asker.ask(route, *asker.sign_in(account_id), token)
        if needed in (CODE_STEP, PASSWORD_STEP):
            assert (status, location) == (303, "/"), route
        elif may:
            assert status not in (401, 403, 405, 500), (route, status)
            assert needed == ANYBODY or not location.startswith("/sign-in"), (route, location)
        else:
            assert status == 403, (route, status)
            refused += 1
    denials = entries(gateway.database, "access.denied")
    assert len(denials) == refused
    assert {entry.actor for entry in denials} <= {"the.asker"}


def test_nobody_sees_anything(gateway: Gateway, asker: Asker) -> None:
    """Without a sign-in, with a forged one, a disabled account's or an ended one, every page leads to signing in."""
    anna, bert = an_account(gateway.database, "anna", Role.ADMIN), an_account(gateway.database, "bert", Role.ADMIN)
    disabled, ended = asker.sign_in(anna)[0], asker.sign_in(bert)[0]
    asker.door.sign_ins.end(ended)
    change(gateway.database, anna, disabled=True)
    for route, needed in TABLE.items():
        for cookie in ("", "forged", disabled, ended, asker.sign_in(bert)[0][:-1]):
            if needed != ANYBODY:
                assert turned_away(route, asker.ask(route, cookie), "/sign-in"), (route, cookie[:6])


@pytest.mark.parametrize(("stage", "own", "step"), [(TOTP, CODE_STEP, "code"), (PASSWORD, PASSWORD_STEP, "password")])
def test_half_way_in_is_not_in(gateway: Gateway, asker: Asker, stage: str, own: str, step: str) -> None:
    """Somebody who still has to show a code or choose a password gets that page, whatever they ask for."""
    admin = an_account(gateway.database, "anna", Role.ADMIN)
    cookie, csrf = asker.sign_in(admin, stage)
    for route, needed in TABLE.items():
        if needed not in (ANYBODY, own):
            assert turned_away(route, asker.ask(route, cookie, csrf), f"/sign-in/{step}"), route
    assert asker.ask(f"GET /sign-in/{step}", cookie) == (200, "")


def test_changing_something_takes_a_form_of_ours(gateway: Gateway, asker: Asker) -> None:
    """Every route that changes something refuses a request without this sign-in's form token, and changes nothing."""
    for role in Role:
        account_id = an_account(gateway.database, f"the.{role}", role)
        (cookie, _), (_, others) = asker.sign_in(account_id), asker.sign_in(account_id)
        for route, needed in TABLE.items():
            may = needed in (ANYBODY, SIGNED_IN) or needed in RIGHTS[role]
            if may and not route.startswith("GET ") and not route.split(" ", 1)[1].startswith(PROGRAMS):
                for token in (b"", b"wrong", others, "\u00fc".encode()):
                    assert asker.ask(route, cookie, token)[0] == 403, (route, token)
        assert asker.door.sign_ins.resolve(cookie) is not None
