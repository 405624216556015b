"""The first page of the console."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from service import audit
from service.audit import Action, Outcome
from service.gateway import Gateway
from service.rights import Role
from tests.support.console import client_for
from tests.support.gateways import open_gateway, settings_for


@pytest.fixture(name="gateway")
def _gateway(tmp_path: Path) -> Iterator[Gateway]:
    opened = open_gateway(settings_for(tmp_path / "data"))
    yield opened
    opened.close()


@pytest.mark.parametrize("role", Role)
def test_every_role_sees_how_the_gateway_is_doing(gateway: Gateway, role: Role) -> None:
    """The overview is for all four roles, and its first figure is what was acknowledged and not released."""
    with client_for(gateway, role) as browser:
        page = browser.get("/")

    assert page.status_code == 200
    figures = page.text.split('class="figures"')[1]
    assert figures.index("Acknowledged, not released") < figures.index("For a person")


def test_what_a_sender_calls_itself_is_only_text(gateway: Gateway) -> None:
    """An AE title with markup in it is shown as it was written and runs nothing."""
    with gateway.database.transaction() as session:
        details = {"reason": "calling AE title unknown"}
        audit.record(session, Action.ASSOCIATION_REFUSED, actor="<b>X</b>", outcome=Outcome.REFUSED, details=details)

    with client_for(gateway, Role.OPERATOR) as browser:
        page = browser.get("/").text

    assert "&lt;b&gt;X&lt;/b&gt;" in page
    assert "<b>X</b>" not in page


def test_the_figures_come_without_asking_again(gateway: Gateway) -> None:
    """The stream sends the page's inner part at once, as server-sent events."""
    with client_for(gateway, Role.OPERATOR) as browser:
        pulse = browser.app.state.console.pulse
        threading.Timer(0.5, pulse.stop).start()  # a console that stops ends its streams
        answer = browser.get("/overview/live")

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.startswith("data: <p")


def test_nobody_sees_it_without_signing_in(gateway: Gateway) -> None:
    """Whoever is not signed in is sent to sign in and back."""
    with client_for(gateway, None) as browser:
        answer = browser.get("/")

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
