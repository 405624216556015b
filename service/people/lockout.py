"""Guessing made slow: after ten failures in a row an account answers nobody for a while, longer each time.

A locked account gives the same answer as a wrong password, to its owner too. Failures count for passwords and
one-time codes alike, and only somebody who has shown all that is asked of them is forgiven. The functions work in
the caller's transaction, which holds the account's row.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from service import audit
from service.audit import Action, Outcome
from service.errors import VeraGateError
from service.tables import Account

FREE_FAILURES: Final = 10
UNKNOWN: Final = "unknown"  # the actor where nobody is known; what was typed may be a password in the wrong field
_FIRST_LOCK: Final = timedelta(minutes=1)
_LONGEST_LOCK: Final = timedelta(hours=1)
_DOUBLINGS: Final = 6  # beyond this the longest lock is reached


class SignInRefused(VeraGateError):
    """Nobody was signed in; the message does not say why."""


def judge(session: Session, account: Account, right: bool, now: datetime, address: str) -> str | None:
    """Why this attempt is refused, None if it is not; one that is not right is counted."""
    if account.disabled:
        return "disabled"
    if is_locked(account, now):
        return "locked"
    if not right:
        _count_failure(session, account, now, address)
        return "wrong"
    return None


def is_locked(account: Account, now: datetime) -> bool:
    return account.locked_until is not None and account.locked_until > now


def forgive(account: Account) -> None:
    account.failures = 0
    account.locked_until = None


def record_refusal(session: Session, account: Account | None, reason: str, method: str, address: str) -> None:
    details: dict[str, Any] = {"reason": reason, "method": method, "address": address}
    if account is not None:
        details["account"] = account.name
    actor = account.name if account is not None else UNKNOWN
    audit.record(session, Action.SIGN_IN_REFUSED, actor=actor, outcome=Outcome.REFUSED, details=details)


def _count_failure(session: Session, account: Account, now: datetime, address: str) -> None:
    account.failures += 1
    beyond = account.failures - FREE_FAILURES
    if beyond < 0:
        return
    pause = min(_FIRST_LOCK * 2 ** min(beyond, _DOUBLINGS), _LONGEST_LOCK)
    account.locked_until = now + pause
    details = {"account": account.name, "attempts": account.failures, "address": address}
    details["delay_seconds"] = int(pause.total_seconds())
    audit.record(session, Action.ACCOUNT_LOCKED, actor=account.name, outcome=Outcome.REFUSED, details=details)
