"""The pages about people: your own, and the admins' list; what is somebody else's stays so."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import insert
from starlette.testclient import TestClient

from service.console.cookies import SIGN_IN
from service.gateway import Gateway
from service.people import tokens
from service.rights import Right, Role
from service.tables import Account, new_id, utc_now
from tests.support.console import browser_at, form_token
from tests.support.gateways import open_gateway, settings_for
from tests.support.people import ADDRESS, PASSWORD, Door, a_sign_in, account_row, an_account, entries

pytestmark = pytest.mark.usefixtures("quick_passwords")
OTHER = "nine green umbrellas"


@pytest.fixture(name="gateway")
def _gateway(tmp_path: Path) -> Iterator[Gateway]:
    opened = open_gateway(settings_for(tmp_path / "data"))
    yield opened
    opened.close()


@contextmanager
def signed_in(gateway: Gateway, name: str, role: Role) -> Iterator[tuple[TestClient, str]]:
    """A browser and the id of its person."""
    account_id = an_account(gateway.database, name, role)
    issued = a_sign_in(Door(gateway.database, keys=gateway.keys), account_id)
    with browser_at(gateway, issued.token) as browser:
        yield browser, account_id


def press(browser: TestClient, path: str, **fields: object) -> tuple[int, str]:
    """Send a form of the page that we are on; status and page."""
    token = form_token(browser.get("/you").text)
    answer = browser.post(path, data={"csrf": token} | fields)
    return answer.status_code, answer.headers.get("location", answer.text)


def once(page: str) -> str:
    """What is shown once."""
    return page.split('<code class="once">')[1].split("</code>")[0]


def test_changing_ones_password(gateway: Gateway) -> None:
    """The current password is asked for, the new one must be typed twice, and other browsers are signed out."""
    with signed_in(gateway, "anna", Role.REVIEWER) as (browser, account_id):
        door = Door(gateway.database, keys=gateway.keys)
        elsewhere = a_sign_in(door, account_id)
        for fields in (
            {"current": OTHER, "new": OTHER + "!", "again": OTHER + "!"},
            {"current": PASSWORD, "new": OTHER, "again": "x"},
            {"current": PASSWORD, "new": "short", "again": "short"},
            {},
        ):
            assert press(browser, "/you/password", **fields)[0] == 409
        assert press(browser, "/you/password", current=PASSWORD, new=OTHER, again=OTHER) == (303, "/you?done=password")
        assert "was changed" in browser.get("/you?done=password").text
        assert door.sign_ins.resolve(elsewhere.token) is None


def test_setting_up_codes(gateway: Gateway) -> None:
    """The page shows a picture and a secret; with the code that they give, codes are asked for from then on."""
    with signed_in(gateway, "anna", Role.REVIEWER) as (browser, account_id):
        page = browser.get("/you/codes").text
        secret, proposed = once(page).replace(" ", ""), page.split('name="proposed" value="')[1].split('"')[0]
        assert "<svg" in page
        assert "style=" not in page
        code = pyotp.TOTP(secret).now()
        status, again = press(browser, "/you/codes", proposed=proposed, code="1", password=PASSWORD)
        assert status == 409
        assert once(again).replace(" ", "") == secret, "the same secret after a mistake"
        assert press(browser, "/you/codes", proposed="forged", code=code, password=PASSWORD)[0] == 409
        assert account_row(gateway.database, account_id).sealed_totp is None
        assert press(browser, "/you/codes", proposed=proposed, code=code, password=PASSWORD)[0] == 303
        assert account_row(gateway.database, account_id).sealed_totp is not None


def test_a_proposed_secret_is_its_owners(gateway: Gateway) -> None:
    """The form of somebody else sets up nothing for me."""
    with signed_in(gateway, "anna", Role.REVIEWER) as (hers, _), signed_in(gateway, "bert", Role.REVIEWER) as (his, _):
        page = hers.get("/you/codes").text
        secret, proposed = once(page).replace(" ", ""), page.split('name="proposed" value="')[1].split('"')[0]
        code = pyotp.TOTP(secret).now()
        assert press(his, "/you/codes", proposed=proposed, code=code, password=PASSWORD)[0] == 409


def test_tokens_are_shown_once(gateway: Gateway) -> None:
    """A new token is on the page that made it and on no other, works, and is revoked by its owner."""
    with signed_in(gateway, "anna", Role.REVIEWER) as (browser, _):
        chosen = ["overview:read", "photographs:read"]
        status, page = press(browser, "/you/tokens", name="nightly", days="30", scopes=chosen)
        token = once(page)
        assert status == 200
        assert token not in browser.get("/you").text
        bearer = tokens.resolve(gateway.database, token, ADDRESS)
        assert bearer is not None
        assert {right.value for right in bearer.rights} == set(chosen)
        assert press(browser, f"/you/tokens/{bearer.token_id}/revoke") == (303, "/you?done=revoked")
        assert tokens.resolve(gateway.database, token, ADDRESS) is None
        for wrong in (
            {"name": "x", "days": "30", "scopes": ["accounts:manage"]},
            {"name": "x", "days": "999", "scopes": chosen},
            {"name": "x", "days": "-1", "scopes": chosen},
            {"name": "", "days": "30", "scopes": chosen},
            {"name": "x", "days": "30"},
        ):
            assert press(browser, "/you/tokens", **wrong)[0] == 409, wrong
        assert len(entries(gateway.database, "token.created")) == 1


def test_what_is_somebody_elses_stays_so(gateway: Gateway) -> None:
    """Whoever holds the ids of somebody else's token and sign-in can end neither, nor learn that they exist."""
    with signed_in(gateway, "anna", Role.REVIEWER) as (browser, _):
        door = Door(gateway.database, keys=gateway.keys)
        bert = an_account(gateway.database, "bert")
        theirs, token = a_sign_in(door, bert), tokens.make(gateway.database, bert, "x", {Right.SEE_OVERVIEW}, 1)
        with gateway.database.read() as session:
            [row], [key] = door.sign_ins.of(session, bert), tokens.of(session, bert)
        for path, absent in (
            (f"/you/sign-ins/{row.token_hash}/end", f"/you/sign-ins/{'0' * 64}/end"),
            (f"/you/tokens/{key.id}/revoke", f"/you/tokens/{'0' * 32}/revoke"),
        ):
            assert press(browser, path) == press(browser, absent)
            assert press(browser, path)[0] == 409
        assert door.sign_ins.resolve(theirs.token) is not None
        assert tokens.resolve(gateway.database, token, ADDRESS) is not None


def test_ones_own_browsers(gateway: Gateway) -> None:
    """Every browser one is signed in with is listed with where it is, and can be signed out from here."""
    with signed_in(gateway, "anna", Role.REVIEWER) as (browser, account_id):
        door = Door(gateway.database, keys=gateway.keys)
        other = a_sign_in(door, account_id)
        known = door.sign_ins.resolve(other.token)
        assert known is not None
        page = browser.get("/you").text
        assert ADDRESS in page
        assert "this browser" in page
        assert press(browser, f"/you/sign-ins/{known.sign_in}/end")[0] == 303
        assert door.sign_ins.resolve(other.token) is None
        assert browser.get("/you").status_code == 200


def test_an_admin_looks_after_accounts(gateway: Gateway) -> None:
    """Adding, disabling, enabling, another role, a reset: each works, and first passwords are shown once."""
    with signed_in(gateway, "anna", Role.ADMIN) as (browser, _):
        status, page = press(browser, "/accounts", name="Bert", role="operator")
        assert status == 200
        first = once(page)
        assert first not in browser.get("/accounts").text
        door = Door(gateway.database, keys=gateway.keys)
        assert door.signing_in.with_password("bert", first, ADDRESS).stage == "password"
        with gateway.database.read() as session:
            bert = session.query(Account).filter_by(name="bert").one().id
        assert press(browser, f"/accounts/{bert}/disable") == (303, "/accounts")
        assert account_row(gateway.database, bert).disabled
        assert press(browser, f"/accounts/{bert}/enable") == (303, "/accounts")
        assert press(browser, f"/accounts/{bert}/role", role="reviewer") == (303, "/accounts")
        row = account_row(gateway.database, bert)
        assert (row.disabled, row.role) == (False, "reviewer")
        again = once(press(browser, f"/accounts/{bert}/reset")[1])
        assert door.signing_in.with_password("bert", again, ADDRESS).stage == "password"
        assert {entry.actor for entry in entries(gateway.database, "account.changed")} == {"anna"}


def test_what_an_admin_cannot_do(gateway: Gateway) -> None:
    """Not themselves, not the last admin, not a role that is none, not a name that is taken."""
    with signed_in(gateway, "anna", Role.ADMIN) as (browser, anna):
        assert press(browser, f"/accounts/{anna}/disable")[0] == 409
        assert press(browser, f"/accounts/{anna}/role", role="reviewer")[0] == 409
        assert press(browser, "/accounts", name="anna", role="admin")[0] == 409
        assert press(browser, "/accounts", name="bert", role="root")[0] == 409
        assert press(browser, f"/accounts/{'0' * 32}/reset")[0] == 409
        assert account_row(gateway.database, anna).role == "admin"


def test_an_admin_ends_any_token(gateway: Gateway) -> None:
    """The list of all tokens shows whose they are, and an admin can revoke each."""
    with signed_in(gateway, "anna", Role.ADMIN) as (browser, _):
        bert = an_account(gateway.database, "bert")
        token = tokens.make(gateway.database, bert, "nightly", {Right.SEE_OVERVIEW}, 1)
        assert "nightly" in browser.get("/accounts").text
        assert press(browser, f"/accounts/tokens/{token.split('_')[1]}/revoke")[0] == 303
        assert tokens.resolve(gateway.database, token, ADDRESS) is None
        [entry] = entries(gateway.database, "token.revoked")
        assert (entry.actor, entry.details["account"]) == ("anna", "bert")


def test_markup_in_what_people_typed_is_text(gateway: Gateway) -> None:
    """Names with markup, however they came into the database, are shown as they are and run nothing."""
    evil = "<img src=x onerror=alert(1)>\"'"
    with signed_in(gateway, "anna", Role.ADMIN) as (browser, anna):
        with gateway.database.transaction() as session:
            known = {"must_change": False, "failures": 0, "disabled": False, "created_at": utc_now()}
            session.execute(insert(Account).values(id=new_id(), name=evil, role="reviewer", **known))
        tokens.make(gateway.database, anna, evil, {Right.SEE_OVERVIEW}, 1)
        _, page = press(browser, "/accounts", name=evil, role="admin")
        for shown in (page, browser.get("/accounts").text, browser.get("/you").text):
            assert "<img src=x" not in shown
            assert "&lt;img src=x" in shown


def test_a_disabled_person_is_out_at_once(gateway: Gateway) -> None:
    """A browser that is signed in is signed out by the request after its account was disabled."""
    with (
        signed_in(gateway, "anna", Role.ADMIN) as (admins, _),
        signed_in(gateway, "bert", Role.REVIEWER) as (his, bert),
    ):
        assert his.get("/you").status_code == 200
        press(admins, f"/accounts/{bert}/disable")
        assert his.get("/you").headers["location"] == "/sign-in?next=/you"
        assert SIGN_IN in his.cookies, "the cookie is still there and worth nothing"
