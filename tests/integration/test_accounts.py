"""Accounts, their set-up link and their tokens, on both databases."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select, update

from service.database import Database
from service.errors import VeraGateError
from service.people import accounts, passwords, set_up, tokens
from service.rights import RIGHTS, Right, Role
from service.tables import ApiToken, SetUpLink, utc_now
from tests.support.people import ADDRESS, PASSWORD, Door, a_sign_in, account_row, an_account, change, entries

pytestmark = pytest.mark.usefixtures("quick_passwords")


def link_of(database: Database) -> str:
    made = set_up.make_set_up_link(database, "http://127.0.0.1:8042/")
    assert made is not None
    assert urlsplit(made).path == "/set-up"
    return parse_qs(urlsplit(made).query)["link"][0]


def count_accounts(database: Database) -> int:
    with database.read() as session:
        return len(accounts.listed(session))


def at_once(*calls: Callable[[], object]) -> list[object]:
    """What the calls, let go at the same time, return or raise."""
    barrier = threading.Barrier(len(calls))

    def go(call: Callable[[], object]) -> object:
        barrier.wait(30)
        try:
            return call()
        except VeraGateError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(go, calls))


def test_a_new_account_has_a_first_password(database: Database) -> None:
    """An account is made with a generated password that must be changed, and the audit says by whom."""
    password = accounts.add(database, "  Dr.Weiß@Clinic ".replace("ß", "ss"), Role.REVIEWER, by="anna")
    with database.read() as session:
        [account] = accounts.listed(session)
    assert (account.name, account.role, account.must_change) == ("dr.weiss@clinic", "reviewer", True)
    assert passwords.matches(account.password_hash, password)
    [entry] = entries(database, "account.created")
    assert (entry.actor, entry.details) == ("anna", {"account": "dr.weiss@clinic", "role": "reviewer"})


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "a b",
        "<script>",
        "cli:root",
        "unknown",
        "Worker",
        "jörg",
        "a" * 65,
        ".a",
        "a\0",
        "anna;",
        "ａnna",
        "a\nb",
    ],
)
def test_names_are_plain(name: str) -> None:
    """No name holds markup, blanks or look-alikes, and none passes for a part of the gateway."""
    with pytest.raises(VeraGateError):
        accounts.check_name(name)


def test_a_name_is_one_persons(database: Database) -> None:
    """A second account of the same name is refused, in any spelling, and two at once make one."""
    an_account(database, "anna")
    with pytest.raises(VeraGateError, match="already"):
        accounts.add(database, "ANNA", Role.ADMIN, by="test")
    make = lambda: accounts.add(database, "bert", Role.REVIEWER, by="test")  # noqa: E731
    assert sum(isinstance(result, str) for result in at_once(make, make, make)) == 1
    assert count_accounts(database) == 2


def test_disabling_ends_everything(database: Database) -> None:
    """A disabled account is signed in nowhere and its tokens are worth nothing, until it is enabled."""
    door = Door(database)
    account_id = an_account(database, "bert")
    sign_in = a_sign_in(door, account_id)
    token = tokens.make(database, account_id, "script", {Right.SEE_OVERVIEW}, 30)
    accounts.disable(database, account_id, by="anna")
    assert door.sign_ins.resolve(sign_in.token) is None
    assert tokens.resolve(database, token, ADDRESS) is None
    accounts.enable(database, account_id, by="anna")
    assert door.sign_ins.resolve(sign_in.token) is None
    assert tokens.resolve(database, token, ADDRESS) is not None
    assert [entry.details["reason"] for entry in entries(database, "account.changed")] == ["disabled", "enabled"]
    [ended] = entries(database, "sign-in.ended")
    assert (ended.actor, ended.details["account"]) == ("anna", "bert")


def test_a_disabled_row_counts_at_once(database: Database) -> None:
    """Even a sign-in that was left over is nobody's once its account is disabled."""
    door = Door(database)
    account_id = an_account(database)
    sign_in = a_sign_in(door, account_id)
    change(database, account_id, disabled=True)
    assert door.sign_ins.resolve(sign_in.token) is None


def test_there_is_always_an_admin(database: Database) -> None:
    """The last active admin can neither be disabled nor demoted; nobody can do either to themselves."""
    anna, bert = an_account(database, "anna", Role.ADMIN), an_account(database, "bert", Role.ADMIN)
    for act in (
        lambda: accounts.disable(database, anna, by="anna"),
        lambda: accounts.change_role(database, anna, Role.REVIEWER, by="anna"),
    ):
        with pytest.raises(VeraGateError, match="your own"):
            act()
    accounts.disable(database, bert, by="anna")
    for act in (
        lambda: accounts.disable(database, anna, by="cli:root"),
        lambda: accounts.change_role(database, anna, Role.OPERATOR, by="cli:root"),
    ):
        with pytest.raises(VeraGateError, match="last active admin"):
            act()
    accounts.change_role(database, bert, Role.OPERATOR, by="anna")
    assert account_row(database, bert).role == "operator"


def test_two_admins_cannot_remove_each_other(database: Database) -> None:
    """Of two admins who disable each other at the same time one stays."""
    anna, bert = an_account(database, "anna", Role.ADMIN), an_account(database, "bert", Role.ADMIN)
    results = at_once(
        lambda: accounts.disable(database, anna, by="bert"), lambda: accounts.disable(database, bert, by="anna")
    )
    assert sum(result is None for result in results) == 1


def test_a_reset_starts_over(database: Database) -> None:
    """After a reset there is a new first password, no one-time codes, no lock, and nobody is signed in."""
    door = Door(database)
    account_id = an_account(
        database, sealed_totp=b"x", totp_step=1, failures=12, locked_until=utc_now() + timedelta(hours=1)
    )
    sign_in = a_sign_in(door, account_id)
    password = accounts.reset(database, account_id, by="bert")
    assert door.sign_ins.resolve(sign_in.token) is None
    assert door.signing_in.with_password("anna", password, ADDRESS).stage == "password"
    assert account_row(database, account_id).sealed_totp is None


def test_people_of_the_provider_have_no_password_here(database: Database) -> None:
    """Neither a reset nor another role is given to an account that the identity provider decides about."""
    account_id = an_account(database, password_hash=None, oidc_issuer="https://idp", oidc_subject="1")
    with pytest.raises(VeraGateError, match="identity provider"):
        accounts.reset(database, account_id, by="bert")
    with pytest.raises(VeraGateError, match="identity provider"):
        accounts.change_role(database, account_id, Role.OPERATOR, by="bert")


def test_nobody_is_found_where_nobody_is(database: Database) -> None:
    """An id or a name that no account has is refused with a sentence by everything."""
    for act in (
        lambda: accounts.disable(database, "nonsense", by="anna"),
        lambda: accounts.enable(database, "nonsense", by="anna"),
        lambda: accounts.reset(database, "nonsense", by="anna"),
        lambda: accounts.change_role(database, "nonsense", Role.ADMIN, by="anna"),
        lambda: tokens.make(database, "nonsense", "script", {Right.SEE_OVERVIEW}, 1),
        lambda: tokens.revoke(database, "nonsense", by="anna"),
    ):
        with pytest.raises(VeraGateError, match="There is no such"):
            act()
    with database.read() as session, pytest.raises(VeraGateError, match="no account 'carla'"):
        accounts.id_of(session, "Carla")


def test_the_link_makes_the_first_admin_once(database: Database) -> None:
    """With no account at all a link makes an admin; then neither that link nor a new one is good for anything."""
    first, second = link_of(database), link_of(database)
    assert set_up.is_open(database, first)
    with database.read() as session:
        assert first not in session.scalars(select(SetUpLink.token_hash)).all()
    with pytest.raises(VeraGateError, match="at least 12"):
        set_up.redeem(database, first, "anna", "short", ADDRESS)
    assert set_up.redeem(database, first, " Anna", PASSWORD, ADDRESS) == "anna"
    assert not set_up.is_open(database, second)
    for link in (first, second, "forged"):
        with pytest.raises(VeraGateError, match="used already"):
            set_up.redeem(database, link, "bert", PASSWORD, ADDRESS)
    assert set_up.make_set_up_link(database, "http://x") is None
    with database.read() as session:
        [account] = accounts.listed(session)
    assert (account.role, account.must_change) == ("admin", False)
    assert len(entries(database, "sign-in.refused")) == 3


def test_a_link_lasts_a_day(database: Database) -> None:
    """A link that nobody followed for a day is closed."""
    link = link_of(database)
    with database.transaction() as session:
        session.execute(update(SetUpLink).values(expires_at=utc_now() - timedelta(seconds=1)))
    assert not set_up.is_open(database, link)
    with pytest.raises(VeraGateError):
        set_up.redeem(database, link, "anna", PASSWORD, ADDRESS)


def test_two_at_once_make_one_admin(database: Database) -> None:
    """Of several people who follow the same link, or different ones, at the same time one becomes admin."""
    links = [link_of(database), link_of(database)]
    calls = [
        lambda link=link, name=name: set_up.redeem(database, link, name, PASSWORD, ADDRESS)
        for link, name in zip(links * 2, ("anna", "bert", "carla", "dora"), strict=True)
    ]
    assert sum(isinstance(result, str) for result in at_once(*calls)) == 1
    assert count_accounts(database) == 1


def test_a_token_has_some_of_its_owners_rights(database: Database) -> None:
    """A token speaks for its owner with the rights it was given, and the audit says who made and who ended it."""
    account_id = an_account(database)
    token = tokens.make(database, account_id, " nightly ", {Right.SEE_PHOTOGRAPHS, Right.SEE_OVERVIEW}, 30)
    bearer = tokens.resolve(database, token, ADDRESS)
    assert bearer is not None
    assert (bearer.account_id, bearer.name) == (account_id, "anna")
    assert bearer.rights == {Right.SEE_PHOTOGRAPHS, Right.SEE_OVERVIEW}
    with database.read() as session:
        [row] = tokens.of(session, account_id)
    assert token.split("_")[2] not in row.token_hash
    assert row.used_at is None or row.used_at <= utc_now()
    tokens.revoke(database, row.id, by="bert")
    tokens.revoke(database, row.id, by="bert")
    assert tokens.resolve(database, token, ADDRESS) is None
    [made], [ended] = entries(database, "token.created"), entries(database, "token.revoked")
    assert (made.actor, made.details["name"], ended.actor, ended.details["account"]) == (
        "anna",
        "nightly",
        "bert",
        "anna",
    )


def test_a_token_loses_what_its_owner_loses(database: Database) -> None:
    """When the owner's role changes the token keeps only what the new role allows."""
    account_id = an_account(database)
    token = tokens.make(database, account_id, "script", {Right.SEE_ORIGINALS, Right.SEE_OVERVIEW}, 30)
    change(database, account_id, role="operator")
    bearer = tokens.resolve(database, token, ADDRESS)
    assert bearer is not None
    assert bearer.rights == {Right.SEE_OVERVIEW}


def test_a_token_has_its_bounds(database: Database) -> None:
    """No token without a name, without rights, with rights its owner has not, or without an end within a year."""
    account_id = an_account(database)
    one = {Right.SEE_OVERVIEW}
    for name, scopes, days in (
        ("script", {Right.MANAGE_ACCOUNTS}, 30),
        ("script", set[Right](), 30),
        ("script", one, 0),
        ("script", one, 366),
        (" ", one, 30),
        ("x" * 65, one, 30),
        ("a\nb", one, 30),
    ):
        with pytest.raises(VeraGateError):
            tokens.make(database, account_id, name, scopes, days)
    assert entries(database, "token.created") == []


def test_other_tokens_open_nothing(database: Database) -> None:
    """Forged, cut, mixed, expired and revoked tokens speak for nobody, and each attempt is on record."""
    account_id = an_account(database)
    token = tokens.make(database, account_id, "script", {Right.SEE_OVERVIEW}, 30)
    other = tokens.make(database, account_id, "other", {Right.SEE_OVERVIEW}, 30)
    mixed = "_".join([*token.split("_")[:2], other.split("_")[2]])
    forged = ["", "vg_", token[:-1], token + "0", token.upper(), mixed, token.replace("vg_", ""), "\0", "vg_ü_ü"]
    assert [tokens.resolve(database, text, ADDRESS) for text in forged] == [None] * len(forged)
    assert {entry.actor for entry in entries(database, "sign-in.refused")} == {"unknown"}
    with database.transaction() as session:
        session.execute(update(ApiToken).values(expires_at=utc_now()))
    assert tokens.resolve(database, token, ADDRESS) is None
    last = entries(database, "sign-in.refused")[-1]
    assert (last.actor, last.details["reason"], len(entries(database, "sign-in.refused"))) == (
        "anna", "expired", len(forged) + 1,
    )  # fmt: skip


def test_use_is_noted_once_a_minute(database: Database) -> None:
    """The time of use is there to be seen, and a busy program does not write it with every request."""
    account_id = an_account(database)
    token = tokens.make(database, account_id, "script", {Right.SEE_OVERVIEW}, 30)

    def used() -> object:
        tokens.resolve(database, token, ADDRESS)
        with database.read() as session:
            return tokens.of(session, account_id)[0].used_at

    first = used()
    assert first is not None
    assert used() == first
    with database.transaction() as session:
        session.execute(update(ApiToken).values(used_at=utc_now() - timedelta(minutes=2)))
    assert used() != first


def test_tokens_are_their_owners_to_end(database: Database) -> None:
    """A token of somebody else is to me as if it were not there; the list of all has the living ones."""
    anna, bert = an_account(database, "anna"), an_account(database, "bert")
    for account_id in (anna, bert):
        tokens.make(database, account_id, "script", {Right.SEE_OVERVIEW}, 30)
    with database.read() as session:
        [theirs] = tokens.of(session, bert)
    with pytest.raises(VeraGateError, match="no such token"):
        tokens.revoke(database, theirs.id, by="anna", owner=anna)
    tokens.revoke(database, theirs.id, by="bert", owner=bert)
    with database.read() as session:
        assert [name for _, name in tokens.listed(session)] == ["anna"]


def test_no_role_has_every_right() -> None:
    """Duties are separated: an admin sees no photographs, and nobody who decides can change where they go."""
    photographs = {Right.SEE_PHOTOGRAPHS, Right.SEE_RESULTS, Right.SEE_ORIGINALS, Right.DECIDE}
    assert not RIGHTS[Role.ADMIN] & photographs
    for role in Role:
        assert not RIGHTS[role] >= {Right.DECIDE, Right.CHANGE_CONFIGURATION}
        assert not RIGHTS[role] >= {Right.SEE_ORIGINALS, Right.MANAGE_ACCOUNTS}
