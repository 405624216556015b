"""The console as people use it: a real browser on the whole gateway, on SQLite and on PostgreSQL.

One gateway for each database serves all tests of the module; the photographs that wait on the desk come over DICOM.
Screenshots of every page are kept as artefacts (tests.support.browser).
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from service.rights import Role
from tests.support.browser import chromium, look
from tests.support.gateways import Archive, archive, free_port, settings_for, store, wait_for
from tests.support.photographs import FACE, INTRAORAL, PATIENT_ID, face, photograph, teeth
from tests.support.postgresql import fresh_database
from tests.support.processes import Running

pytestmark = [pytest.mark.journey, pytest.mark.needs("chromium")]
REPOSITORY = Path(__file__).parents[2]
PASSWORD = "a lamp, a ladder, four spoons"
FORBIDDEN = {
    Role.OPERATOR: ["/review", "/audit", "/accounts"],
    Role.REVIEWER: ["/configuration", "/audit", "/upload", "/accounts"],
    Role.COMPLIANCE: ["/review", "/upload", "/accounts"],
    Role.ADMIN: ["/photographs", "/review", "/audit", "/upload"],
}


@dataclass
class House:
    """A running gateway with its people, and the browser that they share, one context each."""

    base: str
    archive: Archive
    folder: Path
    database: str
    browser: Browser
    pages: dict[Role, Page] = field(default_factory=dict)

    def page(self, role: Role, path: str = "/") -> Page:
        page = self.pages[role]
        page.goto(self.base + path)
        return page

    def look(self, page: Page, name: str) -> None:
        assert look(page, f"{self.database}-{name}") == []


@pytest.fixture(
    scope="module",
    params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.needs("postgresql"), pytest.mark.integration])],
)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The gateway, four people who signed in, and two photographs on the desk."""
    folder = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        pacs = stack.enter_context(archive())
        port = free_port()
        changes: dict[str, object] = {"console": {"enabled": True, "port": port}}
        if request.param == "postgresql":
            changes["database_url"] = stack.enter_context(fresh_database())
        settings = settings_for(folder / "data", pacs, **changes)
        running = stack.enter_context(Running(settings, folder))
        browser = stack.enter_context(chromium())
        opened = House(f"http://127.0.0.1:{port}", pacs, folder, request.param, browser)
        _make_people(opened, running)
        for number in range(2):
            held = photograph(teeth(number, 480, 360), INTRAORAL)
            held.BurnedInAnnotation = "YES"
            assert store(settings, held) == [0]
        yield opened


def _make_people(house: House, running: Running) -> None:
    """The first account by the link of the first start, the others by that account."""
    wait_for(lambda: re.search(r"http://\S+/set-up\S+", running.log.read_text()))
    link = re.search(r"http://\S+/set-up\S+", running.log.read_text())
    assert link is not None
    admin = house.browser.new_page()
    admin.goto(link.group())
    house.look(admin, "set-up")
    admin.get_by_label("Name").fill("ada.admin")
    _choose_password(admin)
    house.pages[Role.ADMIN] = admin
    for role in (Role.OPERATOR, Role.REVIEWER, Role.COMPLIANCE):
        admin.goto(f"{house.base}/accounts")
        admin.get_by_label("Name", exact=True).fill(f"{role}.person")
        admin.get_by_label("Role", exact=True).select_option(role)
        admin.get_by_role("button", name="Add").click()
        first = admin.locator("code.once").inner_text()
        house.pages[role] = _sign_in(house, role, first)


def _sign_in(house: House, role: Role, first: str) -> Page:
    page = house.browser.new_context().new_page()
    page.goto(house.base)
    if role is Role.OPERATOR:
        house.look(page, "sign-in")
    page.get_by_label("Name").fill(f"{role}.person")
    page.get_by_label("Password").fill(first)
    page.get_by_role("button", name="Sign in", exact=True).click()
    _choose_password(page)
    return page


def _choose_password(page: Page) -> None:
    for label in ("New password", "New password again"):
        page.get_by_label(label, exact=True).fill(PASSWORD)
    page.locator("main form button").first.click()
    expect(page.get_by_role("heading", name="Acknowledged, not released")).to_be_visible()


@pytest.mark.parametrize("role", Role)
def test_a_page_that_is_not_theirs_is_closed_to_each_role(house: House, role: Role) -> None:
    """Whoever opens a page without the right is told so, sees none of it in the navigation, and it is on record."""
    for path in FORBIDDEN[role]:
        page = house.page(role, path)
        expect(page.get_by_role("heading", level=1)).to_have_text("This is not yours to see")
        assert page.locator(f'nav a[href="{path}"]').count() == 0
    house.look(page, f"forbidden-{role}")

    audit = house.page(Role.COMPLIANCE, "/audit")
    audit.get_by_label("Action").select_option("access.denied")
    audit.get_by_role("button", name="Find", exact=True).click()
    expect(audit.locator("#answer")).to_contain_text(f"{role}.person" if role is not Role.ADMIN else "ada.admin")


def test_an_operator_sees_how_it_is_doing_and_finds_a_photograph(house: House) -> None:
    """The overview comes to life by itself; the search finds what is held, and its page tells why."""
    page = house.page(Role.OPERATOR)
    desk = page.locator(".figure", has_text="For a person").locator(".number")
    expect(desk).not_to_have_text("0", timeout=60_000)
    house.look(page, "overview")

    page = house.page(Role.OPERATOR, "/photographs")
    page.get_by_label("State").select_option("QUARANTINED")
    page.get_by_role("button", name="Find").click()
    house.look(page, "photographs")
    page.locator("main tbody a").first.click()
    expect(page.locator("main")).to_contain_text("there is text in the picture")
    house.look(page, "photograph")


def test_a_reviewer_releases_with_the_keyboard_alone(house: House) -> None:
    """From the desk to a decision without a mouse; the photograph arrives at its destination."""
    arrived = len(house.archive.received)
    page = house.page(Role.REVIEWER, "/review")
    page.locator("main a[href^='/review/']").first.wait_for()
    house.look(page, "review")
    page.locator("main a[href^='/review/']").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/review/*")
    page.wait_for_load_state("networkidle")
    house.look(page, "reviewing")
    page.keyboard.press("1")
    expect(page.locator("input[value=release]")).to_be_checked()
    page.keyboard.press("r")
    page.keyboard.type("Looked at it: the label names a tooth.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".notice.good").first).to_be_visible()
    wait_for(lambda: len(house.archive.received) > arrived)


def test_the_second_of_two_reviewers_is_told(house: House) -> None:
    """A decision that somebody else took in the meantime is refused with a sentence, and nothing happens twice."""
    page = house.page(Role.REVIEWER, "/review")
    path = page.locator("main a[href^='/review/']").first.get_attribute("href")
    assert path is not None
    first, second = house.page(Role.REVIEWER, path), house.pages[Role.REVIEWER].context.new_page()
    second.goto(house.base + path)
    for number, one in enumerate((first, second)):
        one.locator("input[value=reject]").check()
        one.get_by_label("Reason").fill(f"decision {number}")
        one.locator("#decision button").last.click()
    expect(second.get_by_role("heading", level=1)).to_have_text("That cannot be done now")
    house.look(second, "too-late")
    second.close()


def test_an_operator_uploads_and_sees_it_delivered(house: House, tmp_path: Path) -> None:
    """A folder of pictures becomes a patient's study, each with its view, and arrives at the destination."""
    arrived = len(house.archive.received)
    files = [tmp_path / "smile.jpg", tmp_path / "teeth.jpg"]
    Image.fromarray(face()).save(files[0], quality=92)
    Image.fromarray(teeth(5, 480, 360)).save(files[1], quality=92)
    page = house.page(Role.OPERATOR, "/upload")
    house.look(page, "upload")
    page.locator("input[type=file]").first.set_input_files(files)
    page.locator("main form button").first.click()
    page.get_by_label("Patient ID").fill(PATIENT_ID)
    views = page.locator("select[name^=view]")
    expect(views).to_have_count(2, timeout=60_000)
    views.nth(0).select_option(FACE)
    views.nth(1).select_option(INTRAORAL)
    house.look(page, "upload-views")
    page.get_by_role("button", name="Send").click()
    wait_for(lambda: len(house.archive.received) >= arrived + 2, 120)
    expect(page.locator("main")).to_contain_text("Delivered", timeout=60_000)
    house.look(page, "upload-done")
    assert {str(ds.PatientID) for ds in house.archive.datasets()[arrived:]} != {PATIENT_ID}


@pytest.mark.parametrize("form", ["csv", "jsonl", "html"])
def test_a_compliance_officer_exports_what_an_outsider_can_check(house: House, form: str, tmp_path: Path) -> None:
    """The exported audit is proved by the stand-alone script, and one changed letter in it is found."""
    page = house.page(Role.COMPLIANCE, "/audit")
    page.get_by_role("button", name="Find", exact=True).click()
    page.locator("#answer").wait_for()
    if form == "csv":
        house.look(page, "audit")
    with page.expect_download() as download:
        page.locator(f"button[value={form}]").click()
    exported = Path(shutil.copy(download.value.path(), tmp_path / f"audit.{form}"))

    assert _verified(exported) == 0
    exported.write_bytes(exported.read_bytes().replace(b"photograph.received", b"photograph.rejected", 1))
    assert _verified(exported) == 1


def _verified(path: Path) -> int:
    command = [sys.executable, "-I", str(REPOSITORY / "docs" / "verify_export.py"), str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode


def test_the_other_pages_are_fit_to_be_seen(house: House) -> None:
    """Routes, accounts, one's own page and an entry's proof pass the rules of accessibility on every screen."""
    for role, path, name in (
        (Role.ADMIN, "/configuration", "configuration"),
        (Role.OPERATOR, "/configuration", "configuration-read"),
        (Role.ADMIN, "/accounts", "accounts"),
        (Role.COMPLIANCE, "/you", "you"),
        (Role.OPERATOR, "/nowhere", "not-found"),
    ):
        house.look(house.page(role, path), name)


def test_pages_work_without_javascript(house: House) -> None:
    """With scripts switched off a person can sign in and see every figure of the overview."""
    context = house.browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{house.base}/sign-in")
    page.get_by_label("Name").fill("operator.person")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Acknowledged, not released")).to_be_visible()
    context.close()
