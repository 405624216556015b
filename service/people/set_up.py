"""The way in while there is no account at all: a link that makes the first admin, once.

There is never a default password. Links stay valid for a day or until there is an account, however that came about.
"""

import secrets
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from service import audit
from service.audit import Action, Outcome
from service.database import Database
from service.errors import VeraGateError
from service.people import accounts, passwords
from service.people.lockout import UNKNOWN
from service.people.sign_ins import hash_of
from service.rights import Role
from service.tables import Account, SetUpLink, utc_now

LIFETIME: Final = timedelta(hours=24)
_SPENT: Final = "This link was used already or is out of date; `veragate console` prints a new one if one is needed."


def make_set_up_link(database: Database, base_url: str) -> str | None:
    """A new link, valid for a day; None once there is an account."""
    token = secrets.token_urlsafe(32)
    with database.transaction() as session:
        if _has_accounts(session):
            return None
        now = utc_now()
        session.execute(delete(SetUpLink).where(SetUpLink.expires_at < now))
        session.add(SetUpLink(token_hash=hash_of(token), expires_at=now + LIFETIME))
    return f"{base_url.rstrip('/')}/set-up?link={token}"


def is_open(database: Database, token: str) -> bool:
    """Would this link still make an account?"""
    with database.read() as session:
        link = session.get(SetUpLink, hash_of(token))
        return link is not None and link.expires_at > utc_now() and not _has_accounts(session)


def redeem(database: Database, token: str, name: str, password: str, address: str) -> str:
    """Make the first admin, with a password of their own; the account's name.

    Of two who try at the same time one makes it. Raises VeraGateError when the link is not (or no longer) good,
    or the name or the password is none.
    """
    if not is_open(database, token):
        _record_refusal(database, address)
        raise VeraGateError(_SPENT)
    canonical = accounts.check_name(name)
    passwords.check(password, canonical)
    hashed = passwords.hash_password(password)
    with database.transaction() as session:
        # All links, in one order: whoever comes second waits here and then finds none.
        links = session.scalars(select(SetUpLink).order_by(SetUpLink.token_hash).with_for_update()).all()
        if hash_of(token) in {link.token_hash for link in links} and not _has_accounts(session):
            session.execute(delete(SetUpLink))
            accounts.insert(session, canonical, Role.ADMIN, by=canonical, password_hash=hashed)
            return canonical
    _record_refusal(database, address)
    raise VeraGateError(_SPENT)


def _has_accounts(session: Session) -> bool:
    return session.scalar(select(Account.id).limit(1)) is not None


def _record_refusal(database: Database, address: str) -> None:
    details = {"reason": "spent or unknown", "method": "set-up link", "address": address}
    with database.transaction() as session:
        audit.record(session, Action.SIGN_IN_REFUSED, actor=UNKNOWN, outcome=Outcome.REFUSED, details=details)
