"""Who asks, and whether they may: a dependency on every route, and a test that no route is without one.

    @router.get("/audit", dependencies=[needs(Right.QUERY_AUDIT)])
    @router.get("/you", dependencies=[SIGNED_IN])
    @router.get("/healthz", dependencies=[PUBLIC])
    def handler(request: Request) -> Response:
        person = person_of(request)

The same dependency asks every unsafe request for the CSRF token of its page: in the form field `csrf`, or in the
header X-CSRF-Token where a script sends it. Programs with a token of their own have no cookie to be misused.
"""

import hmac
from dataclasses import dataclass
from typing import Any, Final, cast

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from service.people.sign_ins import FULL, PASSWORD, TOTP
from service.rights import Right, Role

CSRF_HEADER: Final = "X-CSRF-Token"
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_FORM: Final = "application/x-www-form-urlencoded"
_FILES: Final = "multipart/form-data"


@dataclass(frozen=True)
class Person:
    """Who is signed in: `name` is the audit's actor; `csrf` belongs into every form; `stage` is full once nothing is
    missing (a second factor, a password of their own); `token_id` is set for a program with an API token."""

    account_id: str
    name: str
    role: Role
    rights: frozenset[Right]
    csrf: str
    stage: str = FULL
    sign_in: str = ""
    token_id: str | None = None


class SignInNeeded(Exception):
    """Nobody is signed in, or not all the way: the browser is sent to sign in and comes back."""


class Forbidden(Exception):
    """Somebody is signed in who has no right to this."""

    def __init__(self, right: Right) -> None:
        super().__init__(right.value)
        self.right = right


class WrongForm(Exception):
    """A request that changes something did not come from a page that we gave to this browser."""


class Needs:
    """The dependency behind `needs`, `SIGNED_IN` (any role), `PUBLIC` (anybody) and those between two steps."""

    def __init__(self, right: Right | None = None, *, stage: str | None = FULL) -> None:
        self.right = right
        self.stage = stage

    async def __call__(self, request: Request) -> None:
        person: Person | None = getattr(request.state, "person", None)
        if self.stage is not None and (person is None or person.stage != self.stage):
            raise SignInNeeded
        if request.method not in _SAFE and (person is None or person.token_id is None):
            await _check_form(request, person)
        if self.right is not None and (person is None or self.right not in person.rights):
            raise Forbidden(self.right)


def needs(right: Right) -> Any:
    """The dependency that lets pass only people who have this right."""
    return Depends(Needs(right))


SIGNED_IN: Any = Depends(Needs())
PUBLIC: Any = Depends(Needs(stage=None))
CODE_MISSING: Any = Depends(Needs(stage=TOTP))
PASSWORD_MISSING: Any = Depends(Needs(stage=PASSWORD))


def person_of(request: Request) -> Person:
    """Whoever passed `needs`."""
    return cast(Person, request.state.person)


async def _check_form(request: Request, person: Person | None) -> None:
    """Raise WrongForm unless the request carries the token of this sign-in, or of this browser before one."""
    expected = [person.csrf] if person is not None else []
    expected.append(getattr(request.state, "csrf", ""))
    given = request.headers.get(CSRF_HEADER)
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind == _FORM or (kind == _FILES and given is None):
        form = await request.form()
        if any(isinstance(value, str) and "\0" in value for value in form.values()):
            raise HTTPException(400)  # no database keeps it, and nobody types it
        field = form.get("csrf")
        given = given or (field if isinstance(field, str) else None)
    if not any(token and hmac.compare_digest(token.encode(), (given or "").encode()) for token in expected):
        raise WrongForm
