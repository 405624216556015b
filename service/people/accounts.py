"""Accounts: people who may sign in, each with one role. Every change is on record with who made it.

`by` is the audit's actor: an account's name, or `cli:` and the operating system's user. What is not possible
raises VeraGateError with a sentence that says why.
"""

import re
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import audit
from service.audit import Action
from service.database import Database, insert_if_absent
from service.errors import VeraGateError
from service.people import passwords
from service.people.lockout import forgive
from service.people.sign_ins import end_all
from service.rights import Role
from service.tables import Account, new_id

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}", re.ASCII)
_OURS: Final = frozenset(  # other actors of the audit: no person may pass for one of them
    {"unknown", "anonymize", "gates", "listener", "listen", "receiver", "worker", "work", "sender", "send"}
    | {"sweeper", "sweep", "supervisor", "sealer", "console", "report", "reporter", "veragate", "system"}
)


def canonical_name(name: str) -> str:
    """The one spelling of a name: lower case, without blanks around it."""
    return name.strip().lower()


def check_name(name: str) -> str:
    """The canonical name. Raises VeraGateError unless it can be one."""
    canonical = canonical_name(name)
    if not _NAME.fullmatch(canonical):
        raise VeraGateError("A name has 1 to 64 letters a to z, digits, dots, hyphens, underscores or @.")
    if canonical in _OURS:
        raise VeraGateError(f"'{canonical}' is what the audit calls a part of VeraGate; choose another name.")
    return canonical


def add(database: Database, name: str, role: Role, *, by: str) -> str:
    """Make a local account; its first password, which nobody can read again and its owner must change."""
    canonical, password = check_name(name), passwords.generate()
    hashed = passwords.hash_password(password)
    with database.transaction() as session:
        insert(session, canonical, role, by=by, password_hash=hashed, must_change=True)
    return password


def insert(session: Session, name: str, role: Role, *, by: str, **values: Any) -> str:
    """A new account in the caller's transaction; its id. Raises VeraGateError when the name is taken."""
    account_id = new_id()
    defaults = {"must_change": False, "failures": 0, "disabled": False}
    row = {"id": account_id, "name": name, "role": role.value} | defaults | values
    if not insert_if_absent(session, Account, ("name",), row):
        raise VeraGateError(f"There is an account '{name}' already.")
    audit.record(session, Action.ACCOUNT_CREATED, actor=by, details={"account": name, "role": role.value})
    return account_id


def listed(session: Session) -> list[Account]:
    return list(session.scalars(select(Account).order_by(Account.name)))


def id_of(session: Session, name: str) -> str:
    """The id of an account. Raises VeraGateError when there is none of that name."""
    account_id = session.scalar(select(Account.id).where(Account.name == canonical_name(name)))
    if account_id is None:
        raise VeraGateError(f"There is no account '{canonical_name(name)}'.")
    return account_id


def hold(session: Session, account_id: str) -> Account:
    """The account's row, kept from others until the transaction ends. Raises VeraGateError when there is none."""
    account = session.scalar(select(Account).where(Account.id == account_id).with_for_update())
    if account is None:
        raise VeraGateError("There is no such account.")
    return account


def disable(database: Database, account_id: str, *, by: str) -> None:
    """Nobody signs in with it any more, and whoever is signed in is not any more."""
    with database.transaction() as session:
        account = _hold_with_admins(session, account_id)
        if account.name == by:
            raise VeraGateError("You cannot disable your own account; another admin can.")
        _keep_an_admin(session, account)
        account.disabled = True
        end_all(session, account, by, "disabled")
        record_change(session, account, by, "disabled")


def enable(database: Database, account_id: str, *, by: str) -> None:
    with database.transaction() as session:
        account = hold(session, account_id)
        account.disabled = False
        forgive(account)
        record_change(session, account, by, "enabled")


def change_role(database: Database, account_id: str, role: Role, *, by: str) -> None:
    with database.transaction() as session:
        account = _hold_with_admins(session, account_id)
        if account.name == by:
            raise VeraGateError("You cannot change your own role; another admin can.")
        if account.oidc_issuer is not None:
            raise VeraGateError("The identity provider decides about this account's role.")
        if role != Role.ADMIN:
            _keep_an_admin(session, account)
        account.role = role.value
        end_all(session, account, by, "role changed")
        record_change(session, account, by, "role")


def reset(database: Database, account_id: str, *, by: str) -> str:
    """A new first password, no one-time codes, no lock, nobody signed in: for whoever lost a password or a phone."""
    password = passwords.generate()
    hashed = passwords.hash_password(password)
    with database.transaction() as session:
        account = hold(session, account_id)
        if account.oidc_issuer is not None:
            raise VeraGateError(f"'{account.name}' signs in with the identity provider and has no password here.")
        account.password_hash, account.must_change = hashed, True
        account.sealed_totp = account.totp_step = None
        forgive(account)
        end_all(session, account, by, "reset")
        record_change(session, account, by, "reset")
    return password


def record_change(session: Session, account: Account, by: str, what: str, **details: Any) -> None:
    said = {"account": account.name, "role": account.role, "reason": what} | details
    audit.record(session, Action.ACCOUNT_CHANGED, actor=by, details=said)


def _hold_with_admins(session: Session, account_id: str) -> Account:
    """The row with those of all admins, in one order: two admins cannot remove each other at once."""
    wanted = (Account.id == account_id) | (Account.role == Role.ADMIN.value)
    session.scalars(select(Account).where(wanted).order_by(Account.id).with_for_update()).all()
    return hold(session, account_id)


def _keep_an_admin(session: Session, account: Account) -> None:
    active = select(Account.id).where(Account.role == Role.ADMIN.value, Account.disabled.is_(False))
    if account.role == Role.ADMIN and session.scalar(active.where(Account.id != account.id)) is None:
        raise VeraGateError("This is the last active admin; make another one first.")
