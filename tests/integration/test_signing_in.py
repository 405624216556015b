"""From a name and a password to a cookie and to its end, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from service.database import Database
from service.errors import VeraGateError
from service.people import accounts, lockout, totp
from service.people.lockout import SignInRefused
from service.people.signing_in import Claims
from service.rights import RIGHTS, Role
from service.settings import ConsoleSettings
from service.tables import SignIn, utc_now
from tests.support.people import (
    ADDRESS,
    KEYS,
    PASSWORD,
    Door,
    a_sign_in,
    account_row,
    an_account,
    change,
    entries,
)  # fmt: skip

pytestmark = pytest.mark.usefixtures("quick_passwords")
OTHER = "nine green umbrellas"


@pytest.fixture
def door(database: Database) -> Door:
    return Door(database)


def with_codes(database: Database, account_id: str) -> pyotp.TOTP:
    """The account asks for one-time codes; the phone that makes them."""
    secret = pyotp.random_base32()
    change(database, account_id, sealed_totp=totp.Totp(KEYS).seal(account_id, secret))
    return pyotp.TOTP(secret)


def refuse(door: Door, name: str, password: str) -> str:
    with pytest.raises(SignInRefused) as refusal:
        door.signing_in.with_password(name, password, ADDRESS)
    return str(refusal.value)


def age(database: Database, **values: Any) -> None:
    with database.transaction() as session:
        session.execute(update(SignIn).values(**values))


def test_the_right_password_signs_in(door: Door) -> None:
    """A name in any spelling and its password give a cookie with the role's rights, and the audit says so."""
    account_id = an_account(door.database)
    issued = door.signing_in.with_password(" Anna ", PASSWORD, ADDRESS)
    person = door.sign_ins.resolve(issued.token)
    assert person is not None
    assert (person.account_id, person.name, person.rights) == (account_id, "anna", RIGHTS[Role.REVIEWER])
    [entry] = entries(door.database, "sign-in.succeeded")
    assert (entry.actor, entry.details["address"], entry.details["method"]) == ("anna", ADDRESS, "password")


def test_only_the_hash_of_a_cookie_is_stored(door: Door) -> None:
    """The database alone, in whoever's hands, signs nobody in."""
    issued = a_sign_in(door, an_account(door.database))
    with door.database.read() as session:
        [row] = session.scalars(select(SignIn))
    assert issued.token not in (row.token_hash, row.csrf)
    assert door.sign_ins.resolve(row.token_hash) is None


def test_a_forged_cookie_is_nobodys(door: Door) -> None:
    """What was never issued belongs to nobody, however it looks."""
    a_sign_in(door, an_account(door.database))
    for token in ("", "x", "ü" * 43, "\0", "\ud800", "A" * 5000):
        assert door.sign_ins.resolve(token) is None


def test_every_refusal_sounds_the_same(door: Door) -> None:
    """No account, a wrong password, a locked, a disabled and a provider's account get one and the same answer."""
    an_account(door.database, "wrong")
    an_account(door.database, "locked", locked_until=utc_now() + timedelta(hours=1))
    an_account(door.database, "disabled", disabled=True)
    an_account(door.database, "theirs", password_hash=None, oidc_issuer="https://idp", oidc_subject="1")
    said = {refuse(door, "nobody", PASSWORD), refuse(door, "wrong", OTHER), refuse(door, "theirs", PASSWORD)}
    said |= {refuse(door, name, PASSWORD) for name in ("locked", "disabled")}
    assert len(said) == 1
    reasons = [entry.details["reason"] for entry in entries(door.database, "sign-in.refused")]
    assert sorted(reasons) == ["disabled", "locked", "no such account", "wrong", "wrong"]


def test_what_nobody_is_called_is_not_on_record(door: Door) -> None:
    """A name without an account may be a password typed in the wrong field: the audit keeps neither."""
    refuse(door, "my secret password", "anna")
    [entry] = entries(door.database, "sign-in.refused")
    assert (entry.actor, entry.details["address"]) == ("unknown", ADDRESS)
    assert "secret" not in str(entry.details) + entry.actor


def test_ten_failures_lock_the_account_for_longer_each_time(door: Door) -> None:
    """After the tenth failure the right password helps no more until the time is up; the next lock is longer."""
    account_id = an_account(door.database)
    change(door.database, account_id, failures=lockout.FREE_FAILURES - 1)
    refuse(door, "anna", OTHER)
    refuse(door, "anna", PASSWORD)
    first = entries(door.database, "account.locked")
    assert [entry.details["attempts"] for entry in first] == [10]
    assert account_row(door.database, account_id).failures == 10, "attempts on a locked account do not count"

    change(door.database, account_id, locked_until=utc_now() - timedelta(seconds=1))
    refuse(door, "anna", OTHER)
    second = entries(door.database, "account.locked")[1]
    assert second.details["delay_seconds"] > first[0].details["delay_seconds"]

    change(door.database, account_id, locked_until=utc_now() - timedelta(seconds=1), failures=10_000)
    refuse(door, "anna", OTHER)
    assert entries(door.database, "account.locked")[2].details["delay_seconds"] == 3600
    change(door.database, account_id, locked_until=utc_now() - timedelta(seconds=1))
    door.signing_in.with_password("anna", PASSWORD, ADDRESS)
    row = account_row(door.database, account_id)
    assert (row.failures, row.locked_until) == (0, None)


def test_guesses_at_the_same_time_are_all_counted(door: Door) -> None:
    """Wrong guesses in parallel are counted one by one, and the lock holds for the right one after them."""
    account_id = an_account(door.database)
    change(door.database, account_id, failures=2)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: refuse(door, "anna", OTHER), range(8)))
    assert account_row(door.database, account_id).failures == 10
    refuse(door, "anna", PASSWORD)


def test_a_second_step_is_asked_for(door: Door) -> None:
    """With one-time codes the password alone gives no rights; the code gives them, under a new cookie."""
    phone = with_codes(door.database, an_account(door.database))
    half = door.signing_in.with_password("anna", PASSWORD, ADDRESS)
    known = door.sign_ins.resolve(half.token)
    assert known is not None
    assert (half.stage, known.rights) == ("totp", frozenset())
    assert entries(door.database, "sign-in.succeeded") == []

    whole = door.signing_in.with_code(half.token, phone.now(), ADDRESS)
    assert whole.token != half.token
    assert door.sign_ins.resolve(half.token) is None
    person = door.sign_ins.resolve(whole.token)
    assert person is not None
    assert person.rights == RIGHTS[Role.REVIEWER]
    assert person.csrf != known.csrf


def test_a_code_signs_in_once(door: Door) -> None:
    """A code that somebody saw over a shoulder does not serve again."""
    phone = with_codes(door.database, an_account(door.database))
    code = phone.now()
    door.signing_in.with_code(door.signing_in.with_password("anna", PASSWORD, ADDRESS).token, code, ADDRESS)
    again = door.signing_in.with_password("anna", PASSWORD, ADDRESS)
    with pytest.raises(SignInRefused):
        door.signing_in.with_code(again.token, code, ADDRESS)


def test_codes_cannot_be_guessed_either(door: Door) -> None:
    """Wrong codes lock the account too, and the right password in between forgives nothing."""
    account_id = an_account(door.database)
    phone = with_codes(door.database, account_id)
    for _ in range(lockout.FREE_FAILURES):
        change(door.database, account_id, totp_step=None)
        half = door.signing_in.with_password("anna", PASSWORD, ADDRESS)
        with pytest.raises(SignInRefused):
            door.signing_in.with_code(half.token, "000000x", ADDRESS)
    with pytest.raises(SignInRefused):
        door.signing_in.with_code(half.token, phone.now(), ADDRESS)
    refuse(door, "anna", PASSWORD)


def test_a_half_signed_in_cookie_is_no_signed_in_one(door: Door) -> None:
    """Neither a full sign-in nor one that must change its password can be used as the step of the code."""
    account_id = an_account(door.database)
    phone = with_codes(door.database, account_id)
    for stage in ("full", "password"):
        with pytest.raises(SignInRefused, match="begin again"):
            door.signing_in.with_code(a_sign_in(door, account_id, stage).token, phone.now(), ADDRESS)


def test_weaker_hashes_are_made_again(door: Door) -> None:
    """Signing in replaces a hash that was made with weaker parameters."""
    weak = PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD)
    account_id = an_account(door.database, password_hash=weak)
    door.signing_in.with_password("anna", PASSWORD, ADDRESS)
    assert account_row(door.database, account_id).password_hash != weak
    door.signing_in.with_password("anna", PASSWORD, ADDRESS)


def test_the_first_password_must_be_changed(door: Door) -> None:
    """A first password signs in to the page for a new one and to nothing else; then everything is open."""
    password = accounts.add(door.database, "berta", Role.OPERATOR, by="anna")
    half = door.signing_in.with_password("berta", password, ADDRESS)
    known = door.sign_ins.resolve(half.token)
    assert known is not None
    assert (known.stage, known.rights) == ("password", frozenset())
    with pytest.raises(VeraGateError, match="at least 12"):
        door.credentials.change_password(half.token, None, "short", ADDRESS)
    with pytest.raises(VeraGateError, match="the one that you have"):
        door.credentials.change_password(half.token, None, password, ADDRESS)
    whole = door.credentials.change_password(half.token, None, PASSWORD, ADDRESS)
    person = door.sign_ins.resolve(whole.token)
    assert person is not None
    assert person.rights == RIGHTS[Role.OPERATOR]
    assert door.sign_ins.resolve(half.token) is None
    refuse(door, "berta", password)


def test_a_new_password_ends_all_other_sign_ins(door: Door) -> None:
    """Whoever changes a password, which asks for the current one, is the only one who stays signed in."""
    account_id = an_account(door.database)
    mine, elsewhere = a_sign_in(door, account_id), a_sign_in(door, account_id)
    with pytest.raises(SignInRefused, match="current password"):
        door.credentials.change_password(mine.token, OTHER, "twelve long trombones", ADDRESS)
    assert account_row(door.database, account_id).failures == 1
    new = door.credentials.change_password(mine.token, PASSWORD, OTHER, ADDRESS)
    assert door.sign_ins.resolve(new.token) is not None
    assert door.sign_ins.resolve(mine.token) is None
    assert door.sign_ins.resolve(elsewhere.token) is None
    [ended] = entries(door.database, "sign-in.ended")
    assert ended.details["count"] == 2


def test_a_full_sign_in_cannot_skip_the_current_password(door: Door) -> None:
    """Leaving the current password out is for first passwords alone, and a half sign-in changes none."""
    account_id = an_account(door.database)
    for stage in ("full", "totp"):
        with pytest.raises(SignInRefused):
            door.credentials.change_password(a_sign_in(door, account_id, stage).token, None, OTHER, ADDRESS)


def test_codes_are_set_up_with_a_first_code(door: Door) -> None:
    """One-time codes are asked for once the password and a first code were shown; that code is then spent."""
    account_id = an_account(door.database)
    mine = a_sign_in(door, account_id)
    secret, proposed = door.credentials.propose_totp(account_id)
    code = pyotp.TOTP(secret).now()
    for password, shown in ((OTHER, code), (PASSWORD, "12345")):
        with pytest.raises(SignInRefused):
            door.credentials.confirm_totp(mine.token, password, proposed, shown, ADDRESS)
    new = door.credentials.confirm_totp(mine.token, PASSWORD, proposed, code, ADDRESS)
    assert door.sign_ins.resolve(new.token) is not None
    assert door.sign_ins.resolve(mine.token) is None
    stored = account_row(door.database, account_id).sealed_totp
    assert stored is not None
    assert secret.encode() not in stored
    half = door.signing_in.with_password("anna", PASSWORD, ADDRESS)
    with pytest.raises(SignInRefused):
        door.signing_in.with_code(half.token, code, ADDRESS)


def test_sign_ins_end_by_themselves(door: Door) -> None:
    """A sign-in ends when nobody uses it, at its limit however busy, and half of one after ten minutes."""
    account_id = an_account(door.database)
    idle = a_sign_in(door, account_id)
    age(door.database, seen_at=utc_now() - timedelta(minutes=31))
    assert door.sign_ins.resolve(idle.token) is None
    old = a_sign_in(door, account_id)
    age(door.database, expires_at=utc_now() - timedelta(seconds=1))
    assert door.sign_ins.resolve(old.token) is None
    assert [entry.details["reason"] for entry in entries(door.database, "sign-in.ended")] == ["expired"] * 2
    a_sign_in(door, account_id, "totp")
    with door.database.read() as session:
        [half] = session.scalars(select(SignIn))
    assert half.expires_at - half.created_at == timedelta(minutes=10)


def test_using_a_sign_in_keeps_it(database: Database) -> None:
    """A sign-in that is used is seen, at most once a minute, and lives on."""
    door = Door(database, ConsoleSettings(idle_minutes=5))
    issued = a_sign_in(door, an_account(database))
    before = utc_now() - timedelta(minutes=4)
    age(database, seen_at=before)
    assert door.sign_ins.resolve(issued.token) is not None
    with database.read() as session:
        [seen] = session.scalars(select(SignIn.seen_at))
    assert seen > before
    assert door.sign_ins.resolve(issued.token) is not None
    with database.read() as session:
        assert session.scalars(select(SignIn.seen_at)).one() == seen


def test_signing_out_ends_this_sign_in_alone(door: Door) -> None:
    """After signing out the cookie is nobody's, and other browsers stay signed in."""
    account_id = an_account(door.database)
    mine, other = a_sign_in(door, account_id), a_sign_in(door, account_id)
    door.sign_ins.end(mine.token)
    door.sign_ins.end("nobody's")
    assert door.sign_ins.resolve(mine.token) is None
    assert door.sign_ins.resolve(other.token) is not None
    [ended] = entries(door.database, "sign-in.ended")
    assert (ended.actor, ended.details["reason"]) == ("anna", "signed out")


def test_only_ones_own_sign_ins_can_be_ended(door: Door) -> None:
    """A sign-in of somebody else is to me as if it were not there."""
    anna, bert = an_account(door.database), an_account(door.database, "bert")
    theirs = a_sign_in(door, bert)
    with door.database.read() as session:
        [row] = door.sign_ins.of(session, bert)
    for wrong in (row.token_hash, "nonsense"):
        with pytest.raises(VeraGateError, match="no such sign-in"):
            door.sign_ins.end_own(anna, wrong)
    door.sign_ins.end_own(bert, row.token_hash)
    assert door.sign_ins.resolve(theirs.token) is None


CLAIMS = Claims("https://idp.example", "subject-1", "carla", Role.REVIEWER)


def test_the_identity_provider_brings_people(door: Door) -> None:
    """The first sign-in makes the account, later ones find it by its subject; the role follows the claim."""
    first = door.signing_in.with_claims(CLAIMS, ADDRESS)
    person = door.sign_ins.resolve(first.token)
    assert person is not None
    assert (person.name, person.role) == ("carla", Role.REVIEWER)
    renamed = Claims(CLAIMS.issuer, CLAIMS.subject, "carla.new", Role.OPERATOR)
    again = door.sign_ins.resolve(door.signing_in.with_claims(renamed, ADDRESS).token)
    assert again is not None
    assert (again.account_id, again.name, again.role) == (person.account_id, "carla", Role.OPERATOR)
    earlier = door.sign_ins.resolve(first.token)
    assert earlier is not None
    assert earlier.rights == RIGHTS[Role.OPERATOR], "the role counts at once, everywhere"
    assert len(entries(door.database, "account.created")) == len(entries(door.database, "account.changed")) == 1


def test_a_provider_cannot_take_over_an_account(door: Door) -> None:
    """A name that is taken here, or by another subject, is refused; so is a disabled account."""
    an_account(door.database, "carla")
    with pytest.raises(SignInRefused, match="another account 'carla'"):
        door.signing_in.with_claims(CLAIMS, ADDRESS)
    known = Claims(CLAIMS.issuer, "subject-2", "dora", Role.ADMIN)
    person = door.sign_ins.resolve(door.signing_in.with_claims(known, ADDRESS).token)
    assert person is not None
    for other in (Claims("https://other.example", "subject-2", "dora", Role.ADMIN),
                  Claims(CLAIMS.issuer, "subject-3", "dora", Role.ADMIN)):  # fmt: skip
        with pytest.raises(SignInRefused, match="another account"):
            door.signing_in.with_claims(other, ADDRESS)
    change(door.database, person.account_id, disabled=True)
    with pytest.raises(SignInRefused, match="disabled"):
        door.signing_in.with_claims(known, ADDRESS)
    assert len(entries(door.database, "sign-in.refused")) == 4


def test_two_first_sign_ins_at_once_make_one_account(door: Door) -> None:
    """A person who opens two tabs on the first day has one account."""
    with ThreadPoolExecutor(4) as pool:
        issued = list(pool.map(lambda _: door.signing_in.with_claims(CLAIMS, ADDRESS), range(4)))
    people = {known.account_id for one in issued if (known := door.sign_ins.resolve(one.token))}
    assert len(people) == len(entries(door.database, "account.created")) == 1
