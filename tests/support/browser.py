"""A real browser: Debian's Chromium driven by Playwright, screenshots kept as artefacts, pages checked with axe."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

ARTEFACTS = Path(os.environ.get("VERAGATE_ARTEFACTS", Path(__file__).parents[2] / "test-artefacts"))
SIZES = {"wide": (1280, 900), "narrow": (375, 812)}
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_OPTIONS)
        try:
            yield browser
        finally:
            browser.close()


def problems(page: Page) -> list[str]:
    """What axe finds on the page against WCAG 2.2 AA, each with its rule and the element."""
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": _RULES}, "resultTypes": ["violations"]})
    return [
        f"{rule['id']}: {node['target']} {node.get('failureSummary', '')}"
        for rule in found.response["violations"]
        for node in rule["nodes"]
    ]


def look(page: Page, name: str) -> list[str]:
    """Screenshots wide and narrow, light and dark; what axe complains of, and pages wider than their screen."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    complaints = []
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=ARTEFACTS / f"{name}-{size}-{scheme}.png", full_page=True)
            complaints += [f"{name} {size} {scheme}: {problem}" for problem in problems(page)]
        beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if beyond > 0:
            complaints.append(f"{name} {size}: {beyond} px wider than the screen")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")
    return complaints
