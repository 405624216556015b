"""What every decision of a person has in common: a name, a reason, one step in the states, an audit entry.

Decisions that are not possible raise VeraGateError with a sentence that says why; so does one about a photograph
that somebody else has decided about since the person looked.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from service import audit, jobs
from service.audit import Action, Outcome
from service.errors import VeraGateError
from service.states import PhotographState, check_move
from service.tables import Photograph, Proposal


@dataclass(frozen=True)
class Decision:
    """Who decides, and why; `seen` is the photograph's `changed_at` as the person saw it, where a page can tell."""

    person: str
    reason: str
    seen: datetime | None = None

    def __post_init__(self) -> None:
        if not self.person.strip() or not self.reason.strip():
            raise VeraGateError("A decision needs the name of a person and a reason.")


def get_photograph(session: Session, photograph_id: str) -> Photograph:
    """VeraGateError where there is none."""
    photograph = session.get(Photograph, photograph_id)
    if photograph is None:
        raise VeraGateError(f"There is no photograph {photograph_id}.")
    return photograph


def move(
    session: Session, photograph: Photograph, after: PhotographState, seen: datetime | None, **values: Any
) -> None:
    """One step on, unless somebody else was faster; a proposal that waited is answered by it."""
    refuse_outdated(photograph, seen)
    before = PhotographState(photograph.state)
    try:
        check_move(before, after)
    except ValueError as error:
        raise VeraGateError(f"{photograph.id} is {before} and cannot become {after}.") from error
    fresh: dict[str, Any] = {"state": after, "cause": None, "cause_detail": None, **values}
    if not jobs.requeue(session, Photograph, photograph.id, before, **fresh):
        raise VeraGateError(f"{photograph.id} was changed by somebody else a moment ago; look again.")
    session.execute(delete(Proposal).where(Proposal.photograph_id == photograph.id))


def refuse_outdated(photograph: Photograph, seen: datetime | None) -> None:
    """VeraGateError when the photograph is no longer the one that the person looked at."""
    if seen is not None and photograph.changed_at != seen:
        raise VeraGateError(f"{photograph.id} was changed by somebody else since you looked at it; look again.")


def record(
    session: Session,
    action: Action,
    photograph: Photograph,
    decision: Decision,
    outcome: Outcome = Outcome.SUCCESS,
    details: dict[str, Any] | None = None,
) -> None:
    """Enter a decision into the audit, in the transaction of what it changes."""
    known = {key: value for key, value in (details or {}).items() if value is not None}
    audit.record(
        session,
        action,
        actor=decision.person.strip(),
        outcome=outcome,
        photograph_id=photograph.id,
        details={"reason": decision.reason.strip(), **known},
    )
