"""The console in process: a client for each role, without signing in."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.testclient import TestClient

from service.console import create_app
from service.console.access import Person
from service.gateway import Gateway
from service.rights import RIGHTS, Role

CSRF = "c" * 43


def person(role: Role, name: str = "") -> Person:
    return Person("0" * 32, name or f"{role}.person", role, RIGHTS[role], CSRF)


@contextmanager
def client_for(gateway: Gateway, who: Role | Person | None) -> Iterator[TestClient]:
    """A browser that belongs to somebody of this role, or to nobody; it follows no redirects."""
    somebody = person(who) if isinstance(who, Role) else who
    app = create_app(gateway, identify=lambda request: somebody)
    with TestClient(app, base_url="http://127.0.0.1:8042", follow_redirects=False) as client:
        yield client
