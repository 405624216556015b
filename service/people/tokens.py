"""API tokens: a program's key to the REST API, with some of its owner's rights and an end.

    vg_<id>_<secret>

The database has the secret's hash alone. At each use the token's scopes are cut down to what its owner's role allows
at that moment, and a disabled owner's tokens are worth nothing.
"""

import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from service import audit
from service.audit import Action, Outcome
from service.database import Database
from service.errors import VeraGateError
from service.people import accounts
from service.people.lockout import UNKNOWN
from service.people.sign_ins import hash_of
from service.rights import RIGHTS, Right, Role
from service.tables import Account, ApiToken, new_id, utc_now

PREFIX: Final = "vg_"
MAX_DAYS: Final = 365
_FORM: Final = re.compile(r"vg_([0-9a-f]{32})_([0-9a-f]{64})", re.ASCII)
_USED_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Bearer:
    """Whom a token speaks for, and what it may do now; `name` is the audit's actor."""

    token_id: str
    account_id: str
    name: str
    role: Role
    rights: frozenset[Right]


def make(database: Database, account_id: str, name: str, scopes: Collection[Right], days: int) -> str:
    """A new token of this account, shown this once. Raises VeraGateError for what cannot be one."""
    if not name.strip() or len(name.strip()) > 64 or not name.isprintable():
        raise VeraGateError("A token needs a name of at most 64 characters, to know it by.")
    if not 1 <= days <= MAX_DAYS:
        raise VeraGateError(f"A token lives for 1 to {MAX_DAYS} days.")
    token_id, secret = new_id(), secrets.token_hex(32)
    with database.transaction() as session:
        account = accounts.hold(session, account_id)
        if not scopes or not set(scopes) <= RIGHTS[Role(account.role)]:
            raise VeraGateError("A token needs at least one right, and only those that its owner has.")
        token = ApiToken(
            id=token_id,
            account_id=account_id,
            name=name.strip(),
            token_hash=hash_of(secret),
            scopes=sorted(right.value for right in scopes),
            expires_at=utc_now() + timedelta(days=days),
        )
        session.add(token)
        _record(session, Action.TOKEN_CREATED, account.name, token, account.name)
    return f"{PREFIX}{token_id}_{secret}"


def resolve(database: Database, text: str, address: str) -> Bearer | None:
    """Whom this token speaks for; None for one that is forged, cut, expired, revoked or its owner's no longer."""
    form = _FORM.fullmatch(text)
    token_id, secret = form.groups() if form else ("", "")
    with database.read() as session:
        query = select(ApiToken, Account).join(Account, Account.id == ApiToken.account_id)
        found = session.execute(query.where(ApiToken.id == token_id)).one_or_none()
    if found is None or not hmac.compare_digest(found[0].token_hash, hash_of(secret)):
        _refuse(database, None, UNKNOWN, "unknown", address)
        return None
    token, account = found
    if reason := _reason_against(token, account):
        _refuse(database, token, account.name, reason, address)
        return None
    _mark_used(database, token)
    role = Role(account.role)
    rights = frozenset(right for right in RIGHTS[role] if right.value in token.scopes)
    return Bearer(token.id, account.id, account.name, role, rights)


def of(session: Session, account_id: str) -> list[ApiToken]:
    """The tokens of an account, the newest first."""
    query = select(ApiToken).where(ApiToken.account_id == account_id).order_by(ApiToken.created_at.desc(), ApiToken.id)
    return list(session.scalars(query))


def listed(session: Session) -> list[tuple[ApiToken, str]]:
    """All tokens that still work, each with its owner's name."""
    query = select(ApiToken, Account.name).join(Account, Account.id == ApiToken.account_id)
    query = query.where(ApiToken.revoked_at.is_(None), ApiToken.expires_at > utc_now())
    return [(token, name) for token, name in session.execute(query.order_by(Account.name, ApiToken.created_at))]


def revoke(database: Database, token_id: str, *, by: str, owner: str | None = None) -> None:
    """End a token for good; with `owner`, an account's id, only one of theirs. Raises VeraGateError for no such one."""
    with database.transaction() as session:
        token = session.scalar(select(ApiToken).where(ApiToken.id == token_id).with_for_update())
        if token is None or (owner is not None and token.account_id != owner):
            raise VeraGateError("There is no such token.")
        if token.revoked_at is None:
            token.revoked_at = utc_now()
            _record(session, Action.TOKEN_REVOKED, by, token, session.get_one(Account, token.account_id).name)


def _reason_against(token: ApiToken, account: Account) -> str | None:
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at <= utc_now():
        return "expired"
    return "disabled" if account.disabled else None


def _mark_used(database: Database, token: ApiToken) -> None:
    now = utc_now()
    if token.used_at is None or now - token.used_at > _USED_EVERY:
        with database.transaction() as session:
            session.execute(update(ApiToken).where(ApiToken.id == token.id).values(used_at=now))


def _refuse(database: Database, token: ApiToken | None, actor: str, reason: str, address: str) -> None:
    details = {"reason": reason, "method": "token", "address": address}
    if token is not None:
        details["token_id"] = token.id
    with database.transaction() as session:
        audit.record(session, Action.SIGN_IN_REFUSED, actor=actor, outcome=Outcome.REFUSED, details=details)


def _record(session: Session, action: Action, actor: str, token: ApiToken, owner: str) -> None:
    details = {"token_id": token.id, "name": token.name, "account": owner, "scopes": token.scopes}
    details["expires_at"] = token.expires_at.isoformat()
    audit.record(session, action, actor=actor, details=details)
