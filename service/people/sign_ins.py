"""Sign-ins: the browsers that people are signed in with, from the cookie's first use to its end.

A cookie holds 256 random bits and the database their hash. What its owner still has to show stands in the sign-in's
stage: a one-time code (`totp`), a password of their own (`password`), nothing (`full`). `signing_in` makes a new
sign-in at each step and forgets the one before.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from service import audit
from service.audit import Action
from service.database import Database
from service.errors import VeraGateError
from service.rights import RIGHTS, Right, Role
from service.settings import ConsoleSettings
from service.tables import Account, SignIn, utc_now

FULL: Final = "full"
TOTP: Final = "totp"
PASSWORD: Final = "password"  # noqa: S105 - a stage
_STEP_LIMIT: Final = timedelta(minutes=10)  # to finish signing in
_SEEN_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Issued:
    """A new sign-in: `token` goes into the cookie and is kept nowhere else."""

    token: str
    stage: str


@dataclass(frozen=True)
class SignedIn:
    """Whom a cookie belongs to; no rights before the stage is full."""

    sign_in: str
    account_id: str
    name: str
    role: Role
    rights: frozenset[Right]
    stage: str
    csrf: str


class SignIns:
    def __init__(self, database: Database, limits: ConsoleSettings) -> None:
        self._database = database
        self._idle = timedelta(minutes=limits.idle_minutes)
        self._longest = timedelta(hours=limits.session_hours)

    def issue(self, session: Session, account: Account, stage: str, method: str, address: str) -> Issued:
        """A new sign-in in the caller's transaction; it counts, and is on record, once its stage is full."""
        now = utc_now()
        self._clear(session, now)
        token = secrets.token_urlsafe(32)
        row = SignIn(
            token_hash=hash_of(token),
            account_id=account.id,
            stage=stage,
            csrf=secrets.token_urlsafe(32),
            address=address[:64],
            created_at=now,
            seen_at=now,
            expires_at=now + (self._longest if stage == FULL else _STEP_LIMIT),
        )
        session.add(row)
        if stage == FULL:
            details = {"account": account.name, "role": account.role, "method": method, "address": address}
            audit.record(session, Action.SIGN_IN_SUCCEEDED, actor=account.name, details=details)
        return Issued(token, stage)

    def resolve(self, token: str) -> SignedIn | None:
        """Whom this cookie belongs to, None for nobody (any more)."""
        now = utc_now()
        query = select(SignIn, Account).join(Account, Account.id == SignIn.account_id)
        with self._database.read() as session:
            found = session.execute(query.where(SignIn.token_hash == hash_of(token))).one_or_none()
        if found is None:
            return None
        row, account = found
        if account.disabled or not self._is_live(row, now):
            self._end(row.token_hash, account.name, "disabled" if account.disabled else "expired")
            return None
        if now - row.seen_at > _SEEN_EVERY:
            with self._database.transaction() as session:
                session.execute(update(SignIn).where(SignIn.token_hash == row.token_hash).values(seen_at=now))
        role = Role(account.role)
        rights = RIGHTS[role] if row.stage == FULL else frozenset[Right]()
        return SignedIn(row.token_hash, account.id, account.name, role, rights, row.stage, row.csrf)

    def hold(self, session: Session, token: str) -> SignIn | None:
        """The living sign-in of a cookie, kept from others until the caller's transaction ends."""
        row = session.get(SignIn, hash_of(token), with_for_update=True)
        return row if row is not None and self._is_live(row, utc_now()) else None

    def end(self, token: str) -> None:
        """Sign out; a cookie that is nobody's has nothing to end."""
        known = self.resolve(token)
        if known is not None:
            self._end(known.sign_in, known.name, "signed out")

    def end_own(self, account_id: str, sign_in: str) -> None:
        """End another sign-in of this account. Raises VeraGateError when it has none like that."""
        with self._database.read() as session:
            row = session.get(SignIn, sign_in)
            account = session.get(Account, account_id)
        if row is None or account is None or row.account_id != account_id:
            raise VeraGateError("There is no such sign-in.")
        self._end(sign_in, account.name, "ended by its owner")

    def of(self, session: Session, account_id: str) -> list[SignIn]:
        """The living sign-ins of an account, the latest first."""
        rows = select(SignIn).where(SignIn.account_id == account_id, SignIn.stage == FULL)
        now = utc_now()
        return [row for row in session.scalars(rows.order_by(SignIn.created_at.desc())) if self._is_live(row, now)]

    def _is_live(self, row: SignIn, now: datetime) -> bool:
        return row.expires_at > now and row.seen_at + self._idle > now

    def _end(self, sign_in: str, name: str, reason: str) -> None:
        with self._database.transaction() as session:
            if session.scalar(delete(SignIn).where(SignIn.token_hash == sign_in).returning(SignIn.stage)) == FULL:
                record_end(session, name, name, reason)

    def _clear(self, session: Session, now: datetime) -> None:
        """Forget sign-ins that ended by themselves."""
        over = (SignIn.expires_at < now) | (SignIn.seen_at < now - self._idle)
        query = select(SignIn, Account.name).join(Account, Account.id == SignIn.account_id)
        for row, name in session.execute(query.where(over).with_for_update(of=SignIn, skip_locked=True)):
            session.delete(row)
            if row.stage == FULL:
                record_end(session, name, name, "expired")


def end_all(session: Session, account: Account, by: str, reason: str) -> None:
    """End every sign-in of an account, in the caller's transaction."""
    ended = session.scalars(delete(SignIn).where(SignIn.account_id == account.id).returning(SignIn.stage)).all()
    if FULL in ended:
        record_end(session, by, account.name, reason, count=ended.count(FULL))


def record_end(session: Session, by: str, name: str, reason: str, count: int = 1) -> None:
    details = {"account": name, "reason": reason, "count": count}
    audit.record(session, Action.SIGN_IN_ENDED, actor=by, details=details)


def hash_of(token: str) -> str:
    return sha256(token.encode("utf-8", "replace")).hexdigest()
