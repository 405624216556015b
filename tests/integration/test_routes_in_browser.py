"""A route's whole form in a real browser, without scripts: what it sets, what it keeps, and how it looks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from service.confidentiality import Option
from service.gateway import Gateway
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


@pytest.fixture(name="gateway")
def _gateway(tmp_path: Path) -> Iterator[Gateway]:
    opened = open_gateway(settings_for(tmp_path / "data"))
    an_account(opened.database, "ada", Role.ADMIN)
    yield opened
    opened.close()


@pytest.fixture(name="page")
def _page(gateway: Gateway) -> Iterator[Page]:
    """The administrator's browser at the console, with scripts switched off."""
    with served(gateway) as base, chromium() as browser, _signed_in(browser, base) as page:
        yield page


def _signed_in(browser: Browser, base: str) -> Page:
    page = browser.new_context(java_script_enabled=False, base_url=base).new_page()
    page.goto("/configuration")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    return page


def _save(page: Page, reason: str) -> None:
    page.get_by_label("Why").fill(reason)
    page.get_by_role("button", name="Save").click()
    page.get_by_text("is saved; every part of the gateway follows").wait_for()


def test_each_setting_of_a_route_can_be_made_and_stays(gateway: Gateway, page: Page) -> None:
    """What the form sets counts for the gateway; another change later keeps it, and unticking everything sticks."""
    page.goto("/configuration/edit/route")
    page.get_by_label("Name").fill("scans")
    page.get_by_label("nowhere").check()
    page.get_by_label("when text is found").select_option("blank")
    page.get_by_label("a face that cannot be replaced").select_option("redact")
    page.get_by_label("such a cover ends where the head ends").check()
    page.get_by_label("what lies behind people").select_option("plain")
    page.get_by_label("cannot stay as they are encoded").select_option("jpeg-ls-lossless")
    page.get_by_label("send a DICOM Segmentation along").check()
    page.get_by_label("camera and software").check()
    page.get_by_label("texts that may leave").fill("EOS 90D\nPraxis, Nord\n")
    _save(page, "research wants maps")
    route = gateway.live.refresh().routes[-1]
    assert (route.text, route.fallback_syntax, route.segmentation) == ("blank", "jpeg-ls-lossless", True)
    assert (route.unreplaced, route.outline, route.backdrop) == ("redact", True, "plain")
    assert route.retain == {Option.MODIFIED_DATES, Option.STRUCTURED_CONTENT, Option.DEVICE_IDENTITY}
    assert route.texts == {"EOS 90D", "Praxis, Nord"}

    page.get_by_role("link", name="Change scans").click()
    page.get_by_label("nose").check()
    _save(page, "noses too")
    assert gateway.live.refresh().routes[-1] == route.model_copy(update={"preserve": frozenset({"nose"})})

    page.get_by_role("link", name="Change scans").click()
    for box in page.get_by_role("group", name="may stay").get_by_role("checkbox").all():
        box.uncheck()
    page.get_by_label("send a DICOM Segmentation along").uncheck()
    _save(page, "nothing stays")
    last = gateway.live.refresh().routes[-1]
    assert (last.retain, last.segmentation, last.text) == (frozenset(), False, "blank")


def test_both_kinds_of_dates_are_told_apart_on_the_form(page: Page) -> None:
    """Two ticks that contradict each other come back as a sentence, with what was typed."""
    page.goto("/configuration/edit/route")
    page.get_by_label("Name").fill("scans")
    page.get_by_label("nowhere").check()
    page.get_by_label("dates and times as they are").check()
    page.get_by_label("Why").fill("both")
    page.get_by_role("button", name="Save").click()

    assert "retains dates either moved or in full, not both" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("dates and times as they are").is_checked()


def test_the_form_is_fit_to_be_seen(gateway: Gateway) -> None:
    """Form, list and simulator pass axe in both widths and schemes and fit their screens."""
    with served(gateway) as base, chromium() as browser, browser.new_context(base_url=base) as context:
        page = context.new_page()
        page.goto("/configuration/edit/route")
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.goto("/configuration/edit/route")
        complaints = look(page, "route-form")
        page.get_by_label("Name").fill("scans")
        page.get_by_label("nowhere").check()
        page.get_by_label("send a DICOM Segmentation along").check()
        page.get_by_label("cannot stay as they are encoded").select_option("jpeg-2000-lossless")
        page.get_by_label("texts that may leave").fill("EOS 90D")
        _save(page, "to look at it")
        complaints += look(page, "route-list")
        page.goto("/configuration/history")
        complaints += look(page, "route-history")
        page.goto("/configuration/simulator?calling=CAMERA&view=EV19")
        complaints += look(page, "route-simulator")
    assert complaints == []
