"""People for tests: accounts with passwords they chose, sign-ins, and what the audit says about them."""

from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import select

from service.database import Database
from service.people import accounts
from service.people.credentials import Credentials
from service.people.sign_ins import FULL, Issued, SignIns
from service.people.signing_in import SigningIn
from service.rights import Role
from service.secrets import Keys
from service.settings import ConsoleSettings
from service.tables import Account, AuditEntry

KEYS = Keys(b"k" * 32)
PASSWORD = "seven plain brackets"
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)  # of what argon2 calls a hash the cheapest
HASHED = QUICK.hash(PASSWORD)
ADDRESS = "192.0.2.7"


class Door:
    """Everything that signs people in, on one database."""

    def __init__(self, database: Database, limits: ConsoleSettings = ConsoleSettings(), keys: Keys = KEYS) -> None:  # noqa: B008
        self.database = database
        self.sign_ins = SignIns(database, limits)
        self.signing_in = SigningIn(database, keys, self.sign_ins)
        self.credentials = Credentials(database, keys, self.sign_ins)


def an_account(database: Database, name: str = "anna", role: Role = Role.REVIEWER, **values: Any) -> str:
    """An account with PASSWORD; its id."""
    with database.transaction() as session:
        return accounts.insert(session, name, role, by="test", **({"password_hash": HASHED} | values))


def a_sign_in(door: Door, account_id: str, stage: str = FULL) -> Issued:
    """A sign-in in a stage, without going through the steps."""
    with door.database.transaction() as session:
        return door.sign_ins.issue(session, session.get_one(Account, account_id), stage, "test", ADDRESS)


def account_row(database: Database, account_id: str) -> Account:
    with database.read() as session:
        return session.get_one(Account, account_id)


def change(database: Database, account_id: str, **values: Any) -> None:
    with database.transaction() as session:
        account = session.get_one(Account, account_id)
        for name, value in values.items():
            setattr(account, name, value)


def entries(database: Database, action: str) -> list[AuditEntry]:
    """The audit's entries of one action, in order."""
    with database.read() as session:
        query = select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.occurred_at)
        return list(session.scalars(query))
