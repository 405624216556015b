"""The audit: what was done to which photograph, by whom, and with what outcome.

`record` writes into the caller's transaction, so a state change and its entry are there together or
not at all. Entries hold ids, codes and addresses, never what a data set says about a person.
"""

from enum import StrEnum
from math import isfinite
from typing import Any

from sqlalchemy.orm import Session

from service.sealing import check_keys, seal
from service.tables import AuditEntry, AuditPending, new_id
from service.verification import Verification, verify

__all__ = ["DETAILS", "Action", "Outcome", "Verification", "check_keys", "record", "seal", "verify"]

ACTOR_LENGTH = 100
TEXT_LENGTH = 500


class Action(StrEnum):
    """Subject and what happened to it; the console, the CLI and the standard's audit messages use these words."""

    PROCESS_STARTED = "process.started"
    PROCESS_STOPPED = "process.stopped"
    ASSOCIATION_REFUSED = "association.refused"
    STORE_REFUSED = "store.refused"
    PHOTOGRAPH_RECEIVED = "photograph.received"
    PHOTOGRAPHS_UPLOADED = "photographs.uploaded"
    PHOTOGRAPH_DUPLICATE = "photograph.duplicate"
    PHOTOGRAPH_DEIDENTIFIED = "photograph.deidentified"
    PHOTOGRAPH_QUARANTINED = "photograph.quarantined"
    PHOTOGRAPH_RELEASED = "photograph.released"
    PHOTOGRAPH_RETRIED = "photograph.retried"
    PHOTOGRAPH_REJECTED = "photograph.rejected"
    PHOTOGRAPH_FAILED = "photograph.failed"
    PHOTOGRAPH_FORWARDED = "photograph.forwarded"
    DELIVERY_SENT = "delivery.sent"
    DELIVERY_RETRIED = "delivery.retried"
    DELIVERY_PARKED = "delivery.parked"
    IDENTITY_CREATED = "identity.created"
    IDENTITY_REPLACED = "identity.replaced"
    PHOTOGRAPH_VIEWED = "photograph.viewed"
    ORIGINAL_VIEWED = "original.viewed"
    PHOTOGRAPH_PROPOSED = "photograph.proposed"
    PATIENT_LOOKED_UP = "patient.looked-up"
    AUDIT_QUERIED = "audit.queried"
    AUDIT_EXPORTED = "audit.exported"
    SIGN_IN_SUCCEEDED = "sign-in.succeeded"
    SIGN_IN_REFUSED = "sign-in.refused"
    SIGN_IN_ENDED = "sign-in.ended"
    ACCESS_DENIED = "access.denied"
    ACCOUNT_CREATED = "account.created"
    ACCOUNT_CHANGED = "account.changed"
    ACCOUNT_LOCKED = "account.locked"
    TOKEN_CREATED = "token.created"  # noqa: S105 - an action, not a token
    TOKEN_REVOKED = "token.revoked"  # noqa: S105
    CONFIGURATION_CHANGED = "configuration.changed"
    DESTINATION_TESTED = "destination.tested"
    REPOSITORY_UNREACHABLE = "repository.unreachable"
    REPOSITORY_REACHABLE = "repository.reachable"
    CHECKPOINT_COPIED = "checkpoint.copied"


class Outcome(StrEnum):
    SUCCESS = "success"
    REFUSED = "refused"
    FAILURE = "failure"


DETAILS = frozenset(
    {"calling_ae", "called_ae", "peer", "host", "port", "destination", "status", "dimse_status"}
    | {"route", "view", "profile", "preserve", "generator", "model_version", "version", "process", "pid"}
    | {"sop_class_uid", "transfer_syntax_uid", "digest", "preserved_digest", "size", "frames", "faces", "colours"}
    | {"heads", "outline", "hair", "backdrop"}
    | {"gates", "name", "passed", "detail", "distance", "distances", "duration_ms"}
    | {"cause", "reason", "error", "state", "attempt", "attempts", "delay_seconds", "count"}
    | {"release_id", "delivery_id", "released_by"}
    | {"account", "role", "method", "right", "address", "path", "scopes", "token_id", "expires_at"}
    | {
        "query",
        "format",
        "entries",
        "pseudonym",
        "repository",
        "batch",
        "decision",
        "instructions",
        "changes",
        "redact",
        "cover_faces",
        "proposer",
        "item",
    }
)


def record(
    session: Session,
    action: Action,
    *,
    actor: str,
    outcome: Outcome = Outcome.SUCCESS,
    photograph_id: str | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Insert an entry in the caller's transaction.

    `actor` is a process, an AE title or a person. Raises ValueError for a key of `details` (at any depth)
    outside `DETAILS`, and for values that JSON cannot hold.
    """
    entry = AuditEntry(
        id=new_id(),
        action=Action(action).value,
        outcome=Outcome(outcome).value,
        actor=_text(actor, ACTOR_LENGTH),
        photograph_id=photograph_id,
        details=_checked(details or {}),
    )
    session.add_all([entry, AuditPending(entry_id=entry.id)])


def _checked(value: Any) -> Any:
    """The value as it will be read back from the database: a change on the way would look like an edit."""
    if isinstance(value, dict):
        if unknown := value.keys() - DETAILS:
            raise ValueError(f"audit details may not hold {sorted(map(str, unknown))}")
        return {str(key): _checked(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value) if isinstance(value, (set, frozenset)) else value
        return [_checked(item) for item in items]
    if isinstance(value, str):
        return _text(value, TEXT_LENGTH)
    if value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and isfinite(value)):
        return value
    raise ValueError(f"audit details cannot hold a {type(value).__name__}")


def _text(value: str, length: int) -> str:
    """Text that both databases keep as it is: no NUL, no half of a surrogate pair, not too long."""
    return str(value).replace("\0", "").encode("utf-8", "replace").decode()[:length]
