"""Sign-in and the pages about people in a real browser: without scripts, at both widths, against WCAG 2.2 AA."""

from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, ConsoleMessage

from service.gateway import Gateway
from service.people import accounts, set_up
from service.rights import Role
from tests.support.browser import chromium, look
from tests.support.console import served
from tests.support.gateways import open_gateway, settings_for
from tests.support.people import PASSWORD, an_account

pytestmark = [
    pytest.mark.integration,
    pytest.mark.needs("chromium"),
    pytest.mark.usefixtures("quick_passwords"),
]
OTHER = "nine green umbrellas"


@pytest.fixture(name="gateway")
def _gateway(tmp_path: Path) -> Iterator[Gateway]:
    opened = open_gateway(settings_for(tmp_path / "data"))
    yield opened
    opened.close()


@pytest.fixture(name="browser")
def _browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def test_from_the_first_start_to_two_steps_without_scripts(gateway: Gateway, browser: Browser) -> None:
    """From the link of the first start to an account with one-time codes, by plain forms alone."""
    with served(gateway) as base, browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(str(set_up.make_set_up_link(gateway.database, base)))
        page.get_by_label("Name").fill("anna")
        page.get_by_label("New password", exact=True).fill(PASSWORD)
        page.get_by_label("New password again").fill(PASSWORD)
        page.get_by_role("button", name="Make the account").click()

        page.get_by_role("link", name="anna").click()
        page.get_by_role("link", name="Set up one-time codes").click()
        secret = page.locator("code.once").inner_text().replace(" ", "")
        page.get_by_label("The code that it shows").fill(pyotp.TOTP(secret).now())
        page.get_by_label("Current password").fill(PASSWORD)
        page.get_by_role("button", name="Ask for codes").click()
        page.get_by_role("button", name="Sign out").click()

        page.goto(base + "/accounts")
        page.get_by_label("Name").fill("anna")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        assert page.get_by_role("heading", level=1).inner_text() == "One more step"
        page.get_by_label("One-time code").fill(pyotp.TOTP(secret).at(0))
        page.get_by_role("button", name="Go on").click()
        assert "not right" in page.get_by_role("alert").inner_text()
        with gateway.database.transaction() as session:
            accounts.hold(session, accounts.id_of(session, "anna")).totp_step = None
        page.get_by_label("One-time code").fill(pyotp.TOTP(secret).now())
        page.get_by_role("button", name="Go on").click()
        assert page.url == base + "/accounts"


def test_the_pages_about_people_are_fit_to_be_seen(gateway: Gateway, browser: Browser) -> None:
    """Each page passes axe, wide and narrow, light and dark, fits its screen, and breaks no policy of its own."""
    said: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
            said.append(message.text)

    an_account(gateway.database, "anna", Role.ADMIN)
    complaints: list[str] = []
    with served(gateway) as base, browser.new_context() as context:
        page = context.new_page()
        page.on("console", listen)
        page.goto(base + "/sign-in")
        page.get_by_label("Name").fill("anna")
        page.get_by_label("Password").fill(OTHER)
        page.get_by_role("button", name="Sign in").click()
        complaints += look(page, "people-refused")
        page.get_by_label("Name").fill("anna")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.goto(base + "/accounts")
        page.get_by_label("Name", exact=True).fill("bert")
        page.get_by_role("button", name="Add the account").click()
        first = page.locator("code.once").inner_text()
        complaints += look(page, "people-accounts")
        page.goto(base + "/you")
        page.get_by_label("Name", exact=True).fill("nightly")
        page.get_by_label("see how the gateway is doing").check()
        page.get_by_role("button", name="Make the token").click()
        complaints += look(page, "people-you")
        page.goto(base + "/you/codes")
        complaints += look(page, "people-codes")
        page.get_by_role("button", name="Sign out").click()
        page.get_by_label("Name").fill("bert")
        page.get_by_label("Password").fill(first)
        page.get_by_role("button", name="Sign in").click()
        complaints += look(page, "people-first-password")
    assert complaints == []
    assert said == []
