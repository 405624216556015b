"""Signing in by pages, as a browser without JavaScript does it, and what goes wrong on the way."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from service.console.cookies import SIGN_IN, VISIT
from service.gateway import Gateway
from service.people import accounts, set_up, totp
from service.rights import Role
from service.tables import SignIn, utc_now
from tests.support.console import ADDRESS, browser_at, form_token
from tests.support.gateways import open_gateway, settings_for
from tests.support.people import PASSWORD, Door, a_sign_in, account_row, an_account, change, entries
from tests.support.providers import Liar, oidc_settings

pytestmark = pytest.mark.usefixtures("quick_passwords")
OTHER = "nine green umbrellas"


@pytest.fixture(name="gateway")
def _gateway(tmp_path: Path) -> Iterator[Gateway]:
    opened = open_gateway(settings_for(tmp_path / "data"))
    yield opened
    opened.close()


@pytest.fixture
def browser(gateway: Gateway) -> Iterator[TestClient]:
    with browser_at(gateway) as opened:
        yield opened


def send(browser: TestClient, path: str, **fields: str) -> tuple[int, str]:
    """Fill in the form of the page at this path; status and where it leads."""
    token = form_token(browser.get(path).text)
    answer = browser.post(path.partition("?")[0], data={"csrf": token} | fields)
    return answer.status_code, answer.headers.get("location", answer.text)


def test_the_first_start(gateway: Gateway, browser: TestClient) -> None:
    """The link from the first start makes an admin who is signed in at once, and then leads nowhere."""
    link = str(set_up.make_set_up_link(gateway.database, ADDRESS)).removeprefix(ADDRESS)
    fields = {"link": parse_qs(urlsplit(link).query)["link"][0], "name": "Anna", "new": PASSWORD}
    status, page = send(browser, link, **fields, again=OTHER)
    assert (status, "not the same" in page, 'value="Anna"' in page) == (409, True, True)
    assert PASSWORD not in page
    assert send(browser, link, **fields, again=PASSWORD) == (303, "/")
    assert "anna" in browser.get("/accounts").text
    assert browser.get(link).status_code == 410
    assert browser.post("/set-up", data=fields | {"again": PASSWORD}).status_code == 403, "not from a page of ours"


def test_signing_in_and_out(gateway: Gateway, browser: TestClient) -> None:
    """A name and a password lead to the page that was wanted; signing out leads back, and Back shows nothing."""
    an_account(gateway.database, "anna", Role.ADMIN)
    assert browser.get("/accounts").headers["location"] == "/sign-in?next=/accounts"
    status, page = send(browser, "/sign-in?next=/accounts", name="anna", password=OTHER, next="/accounts")
    assert status == 422
    assert "not right" in page
    assert OTHER not in page
    assert send(browser, "/sign-in", name="anna", password=PASSWORD, next="/accounts") == (303, "/accounts")
    assert browser.get("/sign-in?next=/accounts").headers["location"] == "/accounts"
    cookie = browser.cookies[SIGN_IN]
    assert browser.post("/sign-out").status_code == 403, "not without a form of ours"
    answer = browser.post("/sign-out", data={"csrf": form_token(browser.get("/you").text)})
    assert answer.headers["location"] == "/sign-in"
    browser.cookies.set(SIGN_IN, cookie, domain="127.0.0.1", path="/")
    assert browser.get("/you").status_code == 303, "the old cookie is worth nothing"


def test_a_planted_cookie_is_worth_nothing(gateway: Gateway, browser: TestClient) -> None:
    """Whoever plants a cookie before a sign-in, their own or an invented one, does not share it afterwards."""
    door = Door(gateway.database, keys=gateway.keys)
    mallory = a_sign_in(door, an_account(gateway.database, "mallory"))
    an_account(gateway.database, "anna", Role.ADMIN)
    for planted in ("invented", mallory.token):
        browser.cookies.set(VISIT, "planted", domain="127.0.0.1", path="/")
        browser.cookies.set(SIGN_IN, planted, domain="127.0.0.1", path="/")
        if planted == "invented":
            token = form_token(browser.get("/sign-in").text)
        else:
            token = form_token(browser.get("/you").text)
        answer = browser.post("/sign-in", data={"csrf": token, "name": "anna", "password": PASSWORD})
        assert answer.status_code == 303
        fresh = answer.headers["set-cookie"].split("=")[1].split(";")[0]
        assert fresh != planted
        known = door.sign_ins.resolve(fresh)
        assert known is not None
        assert known.name == "anna"
        assert door.sign_ins.resolve(planted) is None
        browser.cookies.clear()


def test_each_step_has_a_new_cookie(gateway: Gateway, browser: TestClient) -> None:
    """Password, one-time code and a password of their own: a new cookie each, and the one before is forgotten."""
    password = accounts.add(gateway.database, "anna", Role.REVIEWER, by="test")
    with gateway.database.read() as session:
        account_id = accounts.id_of(session, "anna")
    secret = pyotp.random_base32()
    change(gateway.database, account_id, sealed_totp=totp.Totp(gateway.keys).seal(account_id, secret))
    door, cookies = Door(gateway.database, keys=gateway.keys), []
    assert send(browser, "/sign-in", name="anna", password=password, next="/you") == (303, "/sign-in/code?next=/you")
    cookies.append(browser.cookies[SIGN_IN])
    assert send(browser, "/sign-in/code?next=/you", code="1", next="/you")[0] == 422
    code = pyotp.TOTP(secret).now()
    assert send(browser, "/sign-in/code", code=code, next="/you") == (303, "/sign-in/password?next=/you")
    cookies.append(browser.cookies[SIGN_IN])
    assert send(browser, "/sign-in/password", new="short", again="short")[0] == 409
    assert send(browser, "/sign-in/password", new=OTHER, again=OTHER, next="/you") == (303, "/you")
    cookies.append(browser.cookies[SIGN_IN])
    assert len(set(cookies)) == 3
    assert [door.sign_ins.resolve(cookie) is not None for cookie in cookies] == [False, False, True]


def test_leaving_for_another_site_is_not_offered(gateway: Gateway, browser: TestClient) -> None:
    """A link that wants to lead elsewhere after signing in leads to the first page."""
    an_account(gateway.database)
    for wanted in ("//evil.example", "https://evil.example", "/\\evil.example", "/x\r\nSet-Cookie: a=b"):
        page = browser.get("/sign-in", params={"next": wanted})
        assert "evil.example" not in page.text
        answer = browser.post(
            "/sign-in", data={"csrf": form_token(page.text), "name": "anna", "password": PASSWORD, "next": wanted}
        )
        assert answer.headers["location"] == "/"
        assert "a" not in answer.cookies
        browser.cookies.clear()


def test_a_locked_account_looks_like_a_wrong_password(gateway: Gateway, browser: TestClient) -> None:
    """Ten failures later the right password gives the same page as a wrong one."""
    account_id = an_account(gateway.database)
    wrong = send(browser, "/sign-in", name="anna", password=OTHER)
    change(gateway.database, account_id, failures=9)
    send(browser, "/sign-in", name="anna", password=OTHER)
    assert len(entries(gateway.database, "account.locked")) == 1
    assert send(browser, "/sign-in", name="anna", password=PASSWORD) == wrong
    assert send(browser, "/sign-in", name="nobody", password=PASSWORD) == wrong


def test_a_form_before_signing_in_belongs_to_its_browser(gateway: Gateway, browser: TestClient) -> None:
    """Nobody can be signed in to a stranger's account by a form with another browser's token."""
    an_account(gateway.database, "mallory")
    with browser_at(gateway) as strangers:
        token = form_token(strangers.get("/sign-in").text)
    browser.get("/sign-in")
    for wrong in (token, "", "x"):
        answer = browser.post("/sign-in", data={"csrf": wrong, "name": "mallory", "password": PASSWORD})
        assert answer.status_code == 403
        assert SIGN_IN not in browser.cookies
    denials = entries(gateway.database, "access.denied")
    assert {(entry.actor, entry.details["reason"]) for entry in denials} == {("unknown", "wrong form token")}


def test_an_expired_sign_in_is_over(gateway: Gateway) -> None:
    """A cookie whose sign-in has expired leads to signing in."""
    door = Door(gateway.database, keys=gateway.keys)
    issued = a_sign_in(door, an_account(gateway.database))
    with browser_at(gateway, issued.token) as browser:
        assert browser.get("/you").status_code == 200
        with gateway.database.transaction() as session:
            session.execute(update(SignIn).values(expires_at=utc_now() - timedelta(seconds=1)))
        assert browser.get("/you").headers["location"] == "/sign-in?next=/you"
    with gateway.database.read() as session:
        assert session.scalars(select(SignIn)).all() == []


@pytest.fixture(name="liar", scope="module")
def _provider() -> Iterator[Liar]:
    with Liar().running() as running:
        yield running


@contextmanager
def console_of_a_hospital(liar: Liar, folder: Path) -> Iterator[tuple[Gateway, TestClient]]:
    liar.claims = {}
    provider = oidc_settings(liar.issuer, folder).model_dump(mode="json")
    opened = open_gateway(settings_for(folder / "data", console={"oidc": provider}))
    with browser_at(opened) as browser:
        yield opened, browser
    opened.close()


def through_provider(browser: TestClient, liar: Liar, wanted: str = "/") -> tuple[int, str]:
    """Go to the provider, agree, and come back with what it says."""
    away = browser.get("/sign-in/provider", params={"next": wanted})
    back = browser.get("/sign-in/provider/return", params=liar.agree(away.headers["location"]))
    return back.status_code, back.headers.get("location", back.text)


def test_the_hospitals_own_accounts(liar: Liar, tmp_path: Path) -> None:
    """The provider's button leads away and back to the page that was wanted, with the role of the person's group."""
    with console_of_a_hospital(liar, tmp_path) as (gateway, browser):
        page = browser.get("/sign-in?next=/you")
        assert 'href="/sign-in/provider?next=/you"' in page.text
        assert through_provider(browser, liar, "/you") == (303, "/you")
        page = browser.get("/you")
        assert "Signed in as carla" in page.text
        assert "Current password" not in page.text
        assert browser.get("/you/codes").status_code == 409
        [entry] = entries(gateway.database, "sign-in.succeeded")
        assert (entry.actor, entry.details["method"]) == ("carla", "identity provider")


def test_what_a_provider_says_is_not_always_enough(liar: Liar, tmp_path: Path) -> None:
    """No role, two roles, a taken name, an answer without a beginning: refused in words, and on record."""
    with console_of_a_hospital(liar, tmp_path) as (gateway, browser):
        an_account(gateway.database, "anna")
        sentences = {
            "gives you no role": {"roles": ["Choir"]},
            "one person has one role": {"roles": ["PACS", "Ortho Reviewers"]},
            "another account": {"preferred_username": "anna"},
            "cannot be believed": {"nonce": "another"},
        }
        for sentence, claims in sentences.items():
            liar.claims = claims
            status, page = through_provider(browser, liar)
            assert status == 403
            assert sentence in page
            assert SIGN_IN not in browser.cookies
        liar.claims = {}
        assert browser.get("/sign-in/provider/return", params={"code": "x", "state": "y"}).status_code == 403
        assert len(entries(gateway.database, "sign-in.refused")) == 5
        assert account_row(gateway.database, _only_id(gateway)).name == "anna"


def test_no_provider_no_button(browser: TestClient) -> None:
    """Without a configured provider there is nothing to go to."""
    assert "/sign-in/provider" not in browser.get("/sign-in").text
    for path in ("/sign-in/provider", "/sign-in/provider/return?code=x&state=y"):
        assert browser.get(path).headers["location"] == "/sign-in"


def _only_id(gateway: Gateway) -> str:
    with gateway.database.read() as session:
        [account] = accounts.listed(session)
    return account.id
