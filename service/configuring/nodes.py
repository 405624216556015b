"""The nodes around the gateway: do destinations answer, and who was refused at the door?"""

import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import audit
from service.audit import Action, Outcome
from service.database import Database
from service.destinations import echo
from service.errors import VeraGateError
from service.settings import Settings
from service.tables import AuditEntry

_LOOKED_THROUGH: Final = 500


@dataclass(frozen=True)
class Answered:
    """What came of a C-ECHO: `problem` is a sentence, None when the destination answered."""

    destination: str
    problem: str | None
    milliseconds: int


@dataclass(frozen=True)
class Refused:
    """A peer that was refused at the door: when last, how often lately, and as what."""

    calling_ae: str
    called_ae: str
    peer: str
    reason: str
    last_at: datetime
    count: int


def knock(settings: Settings, database: Database, name: str, person: str) -> Answered:
    """C-ECHO a destination on somebody's request, on record; raises VeraGateError when it is not configured."""
    destination = next((d for d in settings.destinations if d.name == name), None)
    if destination is None:
        raise VeraGateError("There is no such destination.")
    began = time.monotonic()
    problem = echo(settings, destination)
    took = round(1000 * (time.monotonic() - began))
    details = {"destination": name, "duration_ms": took} | ({} if problem is None else {"reason": problem})
    outcome = Outcome.SUCCESS if problem is None else Outcome.FAILURE
    with database.transaction() as session:
        audit.record(session, Action.DESTINATION_TESTED, actor=person, outcome=outcome, details=details)
    return Answered(name, None if problem is None else _sentence(problem), took)


def refused(session: Session, limit: int = 10) -> list[Refused]:
    """Who was refused lately, the latest first; one line for each caller, title, peer and reason."""
    query = select(AuditEntry.occurred_at, AuditEntry.actor, AuditEntry.details)
    query = query.where(AuditEntry.action == Action.ASSOCIATION_REFUSED)
    found: dict[tuple[str, ...], Refused] = {}
    for at, actor, details in session.execute(query.order_by(AuditEntry.occurred_at.desc()).limit(_LOOKED_THROUGH)):
        called_ae, peer, reason = (str(details.get(name, "")) for name in ("called_ae", "peer", "reason"))
        known = found.setdefault(
            (actor, called_ae, peer, reason), Refused(actor, called_ae, peer, reason, last_at=at, count=0)
        )
        found[actor, called_ae, peer, reason] = replace(known, count=known.count + 1)
    return list(found.values())[:limit]


def _sentence(problem: str) -> str:
    return f"{problem[0].upper()}{problem[1:].rstrip('.')}."
