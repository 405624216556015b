"""Signing in, step by step: a name and a password, a one-time code, or an identity provider's word.

Each step gives a new cookie, so that one planted in a browser is worth nothing after its owner signs in. Whoever is
refused gets one sentence, the same for every reason, after the same work; the audit has the reason. Passwords are
compared outside of transactions, since that takes long on purpose, and judged inside, one attempt after another.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.database import Database
from service.errors import VeraGateError
from service.people import accounts, passwords, totp
from service.people.lockout import SignInRefused, forgive, judge, record_refusal
from service.people.sign_ins import FULL, PASSWORD, TOTP, Issued, SignIns
from service.rights import Role
from service.secrets import Keys
from service.tables import Account, utc_now

_REFUSED: Final = "The name or password is not right, or the account is locked for now."
_CODE_REFUSED: Final = "This code is not right, or no longer; wait for the next one."


@dataclass(frozen=True)
class Claims:
    """What an identity provider says about a person."""

    issuer: str
    subject: str
    name: str
    role: Role


class SigningIn:
    def __init__(self, database: Database, keys: Keys, sign_ins: SignIns) -> None:
        self._database = database
        self._totp = totp.Totp(keys)
        self._sign_ins = sign_ins

    def with_password(self, name: str, password: str, address: str) -> Issued:
        """Raises SignInRefused."""
        with self._database.read() as session:
            seen = session.scalar(select(Account).where(Account.name == accounts.canonical_name(name)))
        hashed = seen.password_hash if seen is not None else None
        right = passwords.matches(hashed, password)
        better = passwords.hash_password(password) if right and passwords.is_outdated(hashed or "") else hashed
        with self._database.transaction() as session:
            account = accounts.hold(session, seen.id) if seen is not None else None
            if account is None:
                reason: str | None = "no such account"
            elif account.password_hash != hashed:
                reason = "changed meanwhile"
            else:
                reason = judge(session, account, right, utc_now(), address)
            if account is not None and reason is None:
                account.password_hash = better
                return self._proceed(session, account, "password", address)
            record_refusal(session, account, reason or "", "password", address)
        raise SignInRefused(_REFUSED)

    def with_code(self, token: str, code: str, address: str) -> Issued:
        """The second step. Raises SignInRefused."""
        with self._database.transaction() as session:
            row = self._sign_ins.hold(session, token)
            if row is None or row.stage != TOTP:
                raise SignInRefused("This sign-in took too long; begin again.")
            account = accounts.hold(session, row.account_id)
            step = self._step(account, code)
            reason = judge(session, account, step is not None, utc_now(), address)
            if reason is None:
                account.totp_step = step
                session.delete(row)
                return self._proceed(session, account, "password and code", address, code_shown=True)
            record_refusal(session, account, reason, "code", address)
        raise SignInRefused(_CODE_REFUSED)

    def with_claims(self, claims: Claims, address: str) -> Issued:
        """Somebody whom the identity provider vouches for; the first time makes their account.

        Raises SignInRefused, here with the reason: whoever reads it has shown who they are.
        """
        with self._database.transaction() as session:
            account = _provided(session, claims)
            if account is not None and not account.disabled:
                _follow_role(session, account, claims.role)
                return self._sign_ins.issue(session, account, FULL, "identity provider", address)
            reason = "disabled" if account is not None else "name is taken"
            record_refusal(session, account, reason, "identity provider", address)
        if account is not None:
            raise SignInRefused("This account is disabled here; an admin can enable it.")
        raise SignInRefused(f"There is another account '{claims.name}' here; an admin has to settle whose it is.")

    def _proceed(
        self, session: Session, account: Account, method: str, address: str, code_shown: bool = False
    ) -> Issued:
        """The next stage of somebody who has passed one."""
        if account.sealed_totp is not None and not code_shown:
            return self._sign_ins.issue(session, account, TOTP, method, address)
        forgive(account)
        stage = PASSWORD if account.must_change else FULL
        return self._sign_ins.issue(session, account, stage, method, address)

    def _step(self, account: Account, code: str) -> int | None:
        if account.sealed_totp is None:
            return None
        return totp.matching_step(self._totp.open(account.id, account.sealed_totp), code, account.totp_step)


def _provided(session: Session, claims: Claims) -> Account | None:
    """The account of these claims, made if there is none; None when its name belongs to somebody else."""
    query = select(Account).where(Account.oidc_issuer == claims.issuer, Account.oidc_subject == claims.subject)
    account = session.scalar(query.with_for_update())
    if account is not None:
        return account
    known = {"oidc_issuer": claims.issuer, "oidc_subject": claims.subject}
    try:
        accounts.insert(session, claims.name, claims.role, by=claims.name, **known)
    except VeraGateError:  # taken, or made a moment ago by another sign-in of the same person
        return session.scalar(query.with_for_update())
    return session.scalars(query).one()


def _follow_role(session: Session, account: Account, role: Role) -> None:
    if account.role != role:
        account.role = role.value
        accounts.record_change(session, account, account.name, "role at the identity provider")
