"""What people change about their own sign-in: their password, and one-time codes as a second step.

Both ask for the current password, end every other sign-in of the account, and give a new one.
"""

from typing import Final

from service.database import Database
from service.errors import VeraGateError
from service.people import accounts, passwords, totp
from service.people.lockout import SignInRefused, forgive, judge, record_refusal
from service.people.sign_ins import FULL, PASSWORD, Issued, SignedIn, SignIns, end_all
from service.secrets import Keys
from service.tables import Account, utc_now

_GONE: Final = "You are not signed in any more."


class Credentials:
    def __init__(self, database: Database, keys: Keys, sign_ins: SignIns) -> None:
        self._database = database
        self._totp = totp.Totp(keys)
        self._sign_ins = sign_ins

    def change_password(self, token: str, current: str | None, new: str, address: str) -> Issued:
        """A password of their own.

        `current` may be missing for somebody who has just shown the first password, which they must change.
        Raises VeraGateError when the new one will not do, SignInRefused when the current one is not right.
        """
        known = self._known(token, FULL if current is not None else PASSWORD)
        passwords.check(new, known.name)
        before = self._hash_of(known)
        right = current is None or passwords.matches(before, current)
        if right and passwords.matches(before, new):
            raise VeraGateError("The new password is the one that you have; choose another one.")
        hashed = passwords.hash_password(new)
        with self._database.transaction() as session:
            account = accounts.hold(session, known.account_id)
            right = right and account.password_hash == before and self._sign_ins.hold(session, token) is not None
            reason = judge(session, account, right, utc_now(), address)
            if reason is None:
                account.password_hash, account.must_change = hashed, False
                forgive(account)
                end_all(session, account, account.name, "password changed")
                accounts.record_change(session, account, account.name, "password", address=address)
                return self._sign_ins.issue(session, account, FULL, "password changed", address)
            record_refusal(session, account, reason, "password change", address)
        raise SignInRefused("The current password is not right.")

    def propose_totp(self, account_id: str) -> tuple[str, str]:
        """A secret for one-time codes, for the person and for the form: see `totp.Totp.propose`."""
        return self._totp.propose(account_id)

    def proposed_totp(self, account_id: str, proposed: str) -> str:
        """The secret again, from the form. Raises VeraGateError for one that was not proposed to this account."""
        return self._totp.accept(account_id, proposed)

    def confirm_totp(self, token: str, password: str, proposed: str, code: str, address: str) -> Issued:
        """Ask for one-time codes from now on, once the password and a first code were shown.

        Raises SignInRefused when one of them is not right, VeraGateError for a form that was not ours.
        """
        known = self._known(token, FULL)
        secret = self._totp.accept(known.account_id, proposed)
        before = self._hash_of(known)
        right = passwords.matches(before, password)
        with self._database.transaction() as session:
            account = accounts.hold(session, known.account_id)
            right = right and account.password_hash == before and self._sign_ins.hold(session, token) is not None
            reason = judge(session, account, right, utc_now(), address)
            step = totp.matching_step(secret, code, account.totp_step)
            if reason is None and step is not None:
                account.sealed_totp, account.totp_step = self._totp.seal(account.id, secret), step
                end_all(session, account, account.name, "one-time codes set up")
                accounts.record_change(session, account, account.name, "one-time codes", address=address)
                return self._sign_ins.issue(session, account, FULL, "one-time codes set up", address)
            record_refusal(session, account, reason or "wrong code", "set-up of codes", address)
        raise SignInRefused("The password is not right." if reason else "This code is not right; wait for the next.")

    def _known(self, token: str, stage: str) -> SignedIn:
        known = self._sign_ins.resolve(token)
        if known is None or known.stage != stage:
            raise SignInRefused(_GONE)
        return known

    def _hash_of(self, known: SignedIn) -> str | None:
        with self._database.read() as session:
            return session.get_one(Account, known.account_id).password_hash
