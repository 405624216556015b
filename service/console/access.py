"""Who asks, and whether they may: a dependency on every route, and a test that no route is without one.

@router.get("/audit", dependencies=[needs(Right.QUERY_AUDIT)])
@router.get("/you", dependencies=[SIGNED_IN])
@router.get("/healthz", dependencies=[PUBLIC])
def handler(request: Request) -> Response:
    person = person_of(request)
"""

from dataclasses import dataclass
from typing import Any, cast

from fastapi import Depends, Request

from service.rights import Right, Role


@dataclass(frozen=True)
class Person:
    """Who is signed in: `name` is the audit's actor; `csrf` belongs into every form; `stage` is full once nothing is
    missing (a second factor, a password of their own)."""

    account_id: str
    name: str
    role: Role
    rights: frozenset[Right]
    csrf: str
    stage: str = "full"


class SignInNeeded(Exception):
    """Nobody is signed in, or not all the way: the browser is sent to sign in and comes back."""


class Forbidden(Exception):
    """Somebody is signed in who has no right to this."""

    def __init__(self, right: Right) -> None:
        super().__init__(right.value)
        self.right = right


class Needs:
    """The dependency behind `needs`, `SIGNED_IN` (any role) and `PUBLIC` (anybody)."""

    def __init__(self, right: Right | None = None, *, public: bool = False) -> None:
        self.right = right
        self.public = public

    def __call__(self, request: Request) -> None:
        if self.public:
            return
        person = getattr(request.state, "person", None)
        if person is None or person.stage != "full":
            raise SignInNeeded
        if self.right is not None and self.right not in person.rights:
            raise Forbidden(self.right)


def needs(right: Right) -> Any:
    """The dependency that lets pass only people who have this right."""
    return Depends(Needs(right))


SIGNED_IN: Any = Depends(Needs())
PUBLIC: Any = Depends(Needs(public=True))


def person_of(request: Request) -> Person:
    """Whoever passed `needs`."""
    return cast(Person, request.state.person)
