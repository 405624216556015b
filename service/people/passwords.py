"""Passwords: hashed with Argon2id, generated for first use, refused when they are short or obvious.

Nothing here knows whose password it is. `matches` takes as long for somebody who does not exist as for somebody
who does, so that the time of an answer does not tell account names.
"""

import secrets
import threading
import unicodedata
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from service.errors import VeraGateError

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 256
_HASHER: Final = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)  # RFC 9106 4, one lane
_TURNS: Final = threading.BoundedSemaphore(4)  # each hash takes 64 MB: a flood of sign-ins must not take them all
_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"  # no letter that reads like another or like a digit
_OBVIOUS: Final = (
    frozenset({"password", "passwort", "motdepasse", "letmein", "welcome", "veragate", "changeme"})
    | frozenset({"administrator", "orthodontics", "qwertyuiop", "qwertzuiop", "abcdefghijkl"})
    | frozenset({"1234567890", "0123456789", "123456789", "12345678", "9876543210"})
)


def hash_password(password: str) -> str:
    with _TURNS:
        return _HASHER.hash(_canonical(password))


def matches(hashed: str | None, password: str) -> bool:
    """Is this the password of that hash? Without a hash it never is, after the same work."""
    with _TURNS:
        try:
            return _HASHER.verify(hashed or _nobody(), _canonical(password)[:MAX_LENGTH]) and hashed is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(hashed: str) -> bool:
    """Was it hashed with other parameters than a password is today?"""
    return _HASHER.check_needs_rehash(hashed)


def generate() -> str:
    """A first password, 100 bits, in groups that can be read out and typed."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(20))
    return "-".join(letters[start : start + 5] for start in range(0, 20, 5))


def check(password: str, name: str) -> None:
    """Raise VeraGateError, with a sentence for whoever chose it, unless the password will do for this account."""
    canonical = _canonical(password)
    if len(canonical) < MIN_LENGTH:
        raise VeraGateError(f"A password has at least {MIN_LENGTH} characters; a few unrelated words are a good one.")
    if len(canonical) > MAX_LENGTH:
        raise VeraGateError(f"A password has at most {MAX_LENGTH} characters.")
    if name.casefold() in canonical.casefold():
        raise VeraGateError("A password must not contain the name of its account.")
    if len(set(canonical)) < 5 or _is_obvious(canonical):
        raise VeraGateError("This password is among the first that anybody would try; choose another one.")


def _is_obvious(password: str) -> bool:
    """Little is left of it once the words that everybody tries, and digits and signs around them, are taken away."""
    rest = password.casefold()
    for word in sorted(_OBVIOUS, key=len, reverse=True):
        rest = rest.replace(word, "")
    letters = [character for character in rest if character.isalpha()]
    return len(rest) < len(password) and len(letters) < 4


def _canonical(password: str) -> str:
    """One spelling for keyboards that write the same character in several ways."""
    return unicodedata.normalize("NFKC", password)


@cache
def _nobody() -> str:
    return _HASHER.hash(secrets.token_urlsafe(16))
