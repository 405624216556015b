import pytest
from argon2 import PasswordHasher

from service.errors import VeraGateError
from service.people import passwords

GOOD = "seven plain brackets"


def test_a_password_matches_its_hash_alone() -> None:
    """A hash knows its password, in whichever way a keyboard writes it, and no other."""
    hashed = passwords.hash_password("Ⅶ plain brackets é")
    assert passwords.matches(hashed, "VII plain brackets e\u0301")
    assert not passwords.matches(hashed, GOOD)
    assert "plain" not in hashed


@pytest.mark.parametrize("hashed", [None, "", "not a hash", "$argon2id$v=19$m=65536"])
def test_nothing_matches_no_hash(hashed: str | None) -> None:
    """An account without a password, or with a damaged one, is opened by none."""
    assert not passwords.matches(hashed, GOOD)


def test_nobody_is_compared_with_a_hash_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """For somebody who does not exist as much is computed as for somebody who does."""
    verified: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:
            verified.append(str(hash).rsplit("$", 2)[0])
            return super().verify(hash, password)

    hashed = passwords.hash_password(GOOD)
    monkeypatch.setattr(passwords, "_HASHER", Counting(time_cost=3, memory_cost=64 * 1024, parallelism=1))
    passwords.matches(hashed, GOOD)
    passwords.matches(None, GOOD)
    assert len(verified) == 2
    assert verified[0] == verified[1], "the same parameters"


def test_old_parameters_are_seen() -> None:
    """A hash that was made with weaker parameters is known as outdated."""
    assert passwords.is_outdated(PasswordHasher(time_cost=1, memory_cost=1024).hash(GOOD))
    assert not passwords.is_outdated(passwords.hash_password(GOOD))


@pytest.mark.parametrize(
    "password",
    ["short", "a" * 257, "my name is Anna!", "Password1234", "!!veragate-2026!!", "aaaaaaaaaaaaaa", "123456789012"],
)
def test_what_anybody_would_try_is_refused(password: str) -> None:
    """Short, endless, obvious passwords and those with the account's name are refused with a sentence."""
    with pytest.raises(VeraGateError, match=r"^[A-Z].*\.$"):
        passwords.check(password, "anna")


def test_generated_passwords_are_good_ones() -> None:
    """First passwords pass the rules for passwords, and no two are the same."""
    made = {passwords.generate() for _ in range(100)}
    assert len(made) == 100
    for password in made:
        passwords.check(password, "anna")
    passwords.check(GOOD, "anna")
