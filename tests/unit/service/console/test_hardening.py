"""What stands before every page: hosts, other sites' requests, sizes, rates, and the headers of every answer."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from service.console import create_app
from service.console.access import CSRF_HEADER
from service.console.paths import own_path, with_next
from service.console.throttle import Buckets, Throttle, TooOften, network_of
from service.errors import Retry
from service.gateway import Gateway
from service.people.sign_ins import SignIns
from service.rights import Role
from tests.support.console import ADDRESS, browser_at, client_for
from tests.support.gateways import open_gateway, settings_for
from tests.support.people import Door, a_sign_in, an_account

pytestmark = pytest.mark.usefixtures("quick_passwords")
EVERYTHING = ("/", "/sign-in", "/nowhere", "/static/style.css", "/static/nowhere", "/metrics", "/healthz", "/you")


@pytest.fixture(name="gateway")
def _gateway(tmp_path: Path) -> Iterator[Gateway]:
    opened = open_gateway(settings_for(tmp_path / "data"))
    yield opened
    opened.close()


@contextmanager
def console_with(folder: Path, **console: Any) -> Iterator[TestClient]:
    opened = open_gateway(settings_for(folder / "data", console=console))
    with TestClient(create_app(opened), base_url=console.get("public_url", ADDRESS), follow_redirects=False) as client:
        yield client
    opened.close()


def test_every_answer_tells_the_browser_to_be_strict(gateway: Gateway) -> None:
    """Pages, files, redirections and errors alike carry the policy, and only static files may be kept."""
    with client_for(gateway, Role.ADMIN) as browser:
        for path in EVERYTHING:
            headers = browser.get(path).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "*" not in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
            kept = path == "/static/style.css"
            assert headers["cache-control"] == ("no-cache" if kept else "no-store"), path
            assert "strict-transport-security" not in headers
        assert "immutable" in browser.get("/static/style.css?123").headers["cache-control"]


def test_an_error_of_ours_is_as_strict_and_says_nothing(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """When something breaks there is a page with every header, and nothing on it of what broke."""

    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError("DOE^JANE")

    monkeypatch.setattr("service.console.routes.overview.page", break_down)
    with client_for(gateway, Role.ADMIN) as browser:
        answer = browser.get("/")
    assert answer.status_code == 500
    assert "DOE" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_database_that_is_gone_is_said_so(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """A console without its database answers 503 and when to come again, also before it knows who asks."""

    def be_gone(*_: object) -> None:
        raise Retry("the database does not answer")

    monkeypatch.setattr(SignIns, "resolve", be_gone)
    with browser_at(gateway, "a-cookie") as browser:
        answer = browser.get("/you")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


def test_under_https_cookies_and_browsers_insist_on_it(tmp_path: Path) -> None:
    """With a certificate, or a proxy that has one, cookies go over https to this host alone, and HSTS is set."""
    with console_with(tmp_path, public_url="https://veragate.example") as browser:
        answer = browser.get("/sign-in")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-veragate-visit=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert "domain" not in cookie.lower()
    assert answer.headers["strict-transport-security"].startswith("max-age=")


def test_plain_http_is_for_this_machine(gateway: Gateway) -> None:
    """Without https, which settings allow on this machine alone, cookies are still hidden from scripts."""
    with browser_at(gateway) as browser:
        cookie = browser.get("/sign-in").headers["set-cookie"]
    assert cookie.startswith("veragate-visit=")
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8042", "127.0.0.1.evil.example", "", "[", "a b"])
def test_another_hosts_name_is_not_answered(gateway: Gateway, host: str) -> None:
    """A name that a stranger made point here (DNS rebinding) gets no page."""
    with browser_at(gateway) as browser:
        assert browser.get("/sign-in", headers={"Host": host}).status_code == 400
        assert browser.get("/healthz", headers={"Host": host}).status_code == 200, "probes ask by address"


def test_its_own_names_are_answered(gateway: Gateway, tmp_path: Path) -> None:
    """On this machine by its local names, behind a proxy by the public one alone."""
    with browser_at(gateway) as browser:
        for host in ("127.0.0.1:8042", "localhost:1", "[::1]:8042", "LOCALHOST"):
            assert browser.get("/sign-in", headers={"Host": host}).status_code == 200, host
    with console_with(tmp_path / "proxied", public_url="https://veragate.example") as browser:
        assert browser.get("/sign-in").status_code == 200
        assert browser.get("/sign-in", headers={"Host": "127.0.0.1:8042"}).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "nonsense"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "file://"},
    ],
)
def test_another_sites_page_cannot_post_here(gateway: Gateway, headers: dict[str, str]) -> None:
    """A form on another site is refused by what the browser says about it, whatever token it carries."""
    with client_for(gateway, Role.ADMIN) as browser:
        answer = browser.post("/accounts", data={"name": "eve", "role": "admin"}, headers=headers)
        assert answer.status_code == 403
        ours = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}
        assert browser.post("/accounts", data={"name": "a b"}, headers=ours).status_code == 409


def test_more_than_can_be_meant_is_refused(gateway: Gateway) -> None:
    """A form of many megabytes is refused, whether it says how long it is, lies, or comes in pieces."""
    with client_for(gateway, Role.ADMIN) as browser:
        assert browser.post("/accounts", data={"name": "x" * 2_000_000}).status_code == 413
        pieces = (b"name=" + b"x" * 500_000 for _ in range(4))
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        assert browser.post("/accounts", content=pieces, headers=kind).status_code == 413
        for length in ("-1", "1e9", "abc"):
            lying = kind | {"Content-Length": length}
            assert browser.post("/accounts", content=b"name=x", headers=lying).status_code == 413


NONSENSE = ["\0", "%00", "\ud7ff\uffff", "<script>alert(1)</script>", "' OR 1=1 --", "../../../etc/passwd", "x" * 9000]
FIELDS = ("name", "role", "days", "scopes", "current", "new", "again", "password", "next", "link", "code", "proposed")


def test_nonsense_breaks_nothing(database_url: str, tmp_path: Path) -> None:
    """Whatever stands in an address, a query or a form: a clear refusal, never an error of ours, and no markup."""
    gateway = open_gateway(settings_for(tmp_path / "data", database_url=database_url))
    door = Door(gateway.database, keys=gateway.keys)
    admin = an_account(gateway.database, "anna", Role.ADMIN)
    forms = (
        "/accounts",
        "/you/tokens",
        "/you/password",
        "/you/codes",
        "/sign-in",
        "/set-up",
        f"/accounts/{admin}/role",
    )
    issued = a_sign_in(door, admin)
    known = door.sign_ins.resolve(issued.token)
    assert known is not None
    with browser_at(gateway, issued.token) as browser:
        browser.headers[CSRF_HEADER] = known.csrf
        for nonsense in NONSENSE:
            path = quote(nonsense[:50], safe="")
            query = dict.fromkeys(FIELDS, nonsense[:999])
            answers = [browser.post(form, data=dict.fromkeys(FIELDS, nonsense)) for form in forms]
            answers += [browser.get(page, params=query) for page in ("/sign-in", "/set-up", "/you")]
            answers += [browser.post(f"/accounts/{path}/disable"), browser.post(f"/you/tokens/{path}/revoke")]
            answers += [browser.post(f"/you/sign-ins/{path}/end"), browser.get(f"/{path}")]
            assert [answer.status_code for answer in answers if answer.status_code >= 500] == [], nonsense[:12]
            assert not any("<script>alert" in answer.text for answer in answers)
        assert browser.get("/you").status_code == 200
    gateway.database.close()


def test_a_browser_that_leaves_is_no_error(gateway: Gateway) -> None:
    """A browser that disconnects while it sends a form is no error of ours, and nothing is done."""
    headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/x-www-form-urlencoded")]
    scope = {"type": "http", "method": "POST", "path": "/sign-out", "query_string": b"", "headers": headers}
    scope |= {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8042), "scheme": "http", "http_version": "1.1"}
    arriving = iter([{"type": "http.request", "body": b"name=an", "more_body": True}, {"type": "http.disconnect"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(arriving)

    async def send(message: Any) -> None:
        sent.append(message)

    with capture_logs() as logs:
        asyncio.run(create_app(gateway)(scope, receive, send))
    assert [message["status"] for message in sent if "status" in message] == [400]
    assert [line for line in logs if line["log_level"] == "error"] == []


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static/%2e%2e%2f%2e%2e%2fsecrets.py",
        "/static//etc/passwd",
        "/static/..%5capp.py",
        "/static/style.css%00.png",
        "/static/",
        "/static",
    ],
)
def test_only_the_static_folder_is_static(gateway: Gateway, path: str) -> None:
    """No address leads out of the folder, and none lists it."""
    with browser_at(gateway) as browser:
        answer = browser.get(path)
    assert answer.status_code in (303, 307, 400, 404, 405)
    assert "import" not in answer.text


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%2f/evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: x=y",
        "evil.example",
        "/sign-out",
        "",
        "/@evil.example",
    ],
)
def test_nobody_is_sent_elsewhere(wanted: str) -> None:
    """The page to go to after signing in is a page of ours, or the first one."""
    assert own_path(wanted) == "/"
    assert with_next("/", wanted) == "/"
    assert with_next("/sign-in", wanted) == "/sign-in"


def test_the_wanted_page_is_remembered() -> None:
    """A plain path of ours is kept through the steps of signing in."""
    assert with_next("/sign-in", "/photographs/abc") == "/sign-in?next=/photographs/abc"
    assert with_next("/", "/photographs/abc") == "/photographs/abc"


def test_a_bucket_empties_and_fills() -> None:
    """So many at once, then as many as time allows; whoever waits as told may go on."""
    now = 0.0
    bucket = Buckets(rate=0.5, burst=3, clock=lambda: now)
    for _ in range(3):
        bucket.take("a")
    with pytest.raises(TooOften) as refused:
        bucket.take("a")
    bucket.take("b")
    now += refused.value.seconds
    bucket.take("a")
    with pytest.raises(TooOften):
        bucket.take("a")
    bucket.put_back("a")
    bucket.take("a")


def test_memory_of_askers_is_bounded() -> None:
    """However many addresses ask, only so many are remembered."""
    bucket = Buckets(rate=1, burst=1)
    for number in range(12_000):
        bucket.take(str(number))
    assert len(bucket) == 10_000


def test_a_network_counts_as_one() -> None:
    """An IPv6 network counts as one asker, an address in either notation too, and nonsense is only text."""
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1%eth0") != network_of("2001:db8:1::1")
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1")
    assert network_of("testclient") == "testclient"


def test_guessing_is_slowed_by_address_and_by_name() -> None:
    """Guesses run out for an address whatever the names, and for a name wherever they come from."""
    throttle = Throttle(clock=lambda: 0.0)
    with pytest.raises(TooOften):
        for number in range(31):
            throttle.guess("192.0.2.1", str(number))
    with pytest.raises(TooOften):
        for number in range(16):
            throttle.guess(f"192.0.2.{number + 2}", "anna")


def test_too_many_sign_ins_are_told_to_wait(gateway: Gateway) -> None:
    """Whoever tries too often gets 429 and how long to wait, before a password is even looked at."""
    with client_for(gateway, None) as browser:
        for _ in range(40):
            answer = browser.post("/sign-in", data={"name": "anna", "csrf": "x"})
    assert answer.status_code == 403, "a request without our form is no guess"
    with client_for(gateway, Role.ADMIN) as browser:
        before = [browser.post("/sign-in", data={"name": "anna"}).status_code for _ in range(15)]
        answer = browser.post("/sign-in", data={"name": "anna"})
    assert set(before) == {422}
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


def test_too_many_requests_of_any_kind_are_told_to_wait(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood from one address ends in 429; files of the pages' look do not count."""
    with client_for(gateway, Role.ADMIN) as browser:
        monkeypatch.setattr(browser.app.state.console.throttle, "_requests", Buckets(1, 3))  # type: ignore[attr-defined]
        for _ in range(5):
            browser.get("/static/style.css")
        statuses = [browser.get("/sign-in").status_code for _ in range(4)]
    assert statuses[-1] == 429
    assert 429 not in statuses[:3]
