"""The console in process: a client for each role without signing in, and browsers that sign in."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.testclient import TestClient

from service.console import create_app
from service.console.access import CSRF_HEADER, Person
from service.console.cookies import SIGN_IN
from service.gateway import Gateway
from service.rights import RIGHTS, Role
from tests.support.gateways import free_port, wait_for

CSRF = "c" * 43
ADDRESS = "http://127.0.0.1:8042"


def person(role: Role, name: str = "") -> Person:
    return Person("0" * 32, name or f"{role}.person", role, RIGHTS[role], CSRF)


@contextmanager
def client_for(gateway: Gateway, who: Role | Person | None) -> Iterator[TestClient]:
    """A browser that belongs to somebody of this role, or to nobody; it follows no redirects."""
    somebody = person(who) if isinstance(who, Role) else who
    app = create_app(gateway, identify=lambda request: somebody)
    with TestClient(app, base_url=ADDRESS, headers={CSRF_HEADER: CSRF}, follow_redirects=False) as client:
        yield client


@contextmanager
def browser_at(gateway: Gateway, cookie: str = "") -> Iterator[TestClient]:
    """A browser at the console as it runs, known by its cookie alone; it follows no redirects."""
    with TestClient(create_app(gateway), base_url=ADDRESS, follow_redirects=False) as client:
        if cookie:
            client.cookies.set(SIGN_IN, cookie, domain="127.0.0.1", path="/")
        yield client


@contextmanager
def served(gateway: Gateway) -> Iterator[str]:
    """The console on a free port, for real browsers; its address."""
    port = free_port()
    options = uvicorn.Config(create_app(gateway), port=port, log_config=None, server_header=False)
    server = uvicorn.Server(options)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)


def form_token(page: str) -> str:
    """The CSRF token of the forms on a page."""
    return page.split('name="csrf" value="')[1].split('"')[0]
