"""Where a browser is sent next: the missing step of a sign-in, then the page that was wanted, never another site."""

import re
from typing import Final
from urllib.parse import quote

from service.people.sign_ins import FULL, PASSWORD, TOTP

_OURS: Final = re.compile(r"/(?![/\\])[A-Za-z0-9/_.~-]{0,500}", re.ASCII)
_STEPS: Final = {None: "/sign-in", TOTP: "/sign-in/code", PASSWORD: "/sign-in/password", FULL: "/"}


def own_path(wanted: str) -> str:
    """The wanted page if it is a plain path of ours, else the first page."""
    return wanted if _OURS.fullmatch(wanted) and not wanted.startswith("/sign-") else "/"


def step_of(stage: str | None) -> str:
    """The page that a sign-in in this stage needs next."""
    return _STEPS[stage]


def with_next(step: str, wanted: str) -> str:
    """The address of a step that remembers the wanted page; the wanted page itself when no step is missing."""
    path = own_path(wanted)
    if step == "/":
        return path
    return step if path == "/" else f"{step}?next={quote(path, safe='/')}"
