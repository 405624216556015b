"""The four-eyes rule: one person proposes that a held object leaves, another one confirms.

    propose(gateway, photograph_id, decision)      # nothing leaves yet
    confirm(gateway, photograph_id, decision)      # by somebody else: now it does
    withdraw(gateway, photograph_id, decision)     # by the proposer, or declined by somebody else

A decision of any other kind (reject, redact, retry) answers a proposal too: the photograph is not what it was.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import audit
from service.audit import Action, Outcome
from service.database import insert_if_absent
from service.decisions import Decision, refuse_outdated
from service.errors import VeraGateError
from service.gateway import Gateway
from service.quarantine import let_leave, releasable, release
from service.tables import Photograph, Proposal

RELEASE: Final = "release"


def release_or_propose(gateway: Gateway, photograph_id: str, decision: Decision) -> bool:
    """What the rule allows for somebody who wants a release: True when it left, False when it waits for another."""
    if not gateway.settings.console.four_eyes:
        release(gateway, photograph_id, decision)
        return True
    with gateway.database.read() as session:
        waiting = session.get(Proposal, photograph_id)
    if waiting is None:
        propose(gateway, photograph_id, decision)
        return False
    confirm(gateway, photograph_id, decision)
    return True


def propose(gateway: Gateway, photograph_id: str, decision: Decision) -> None:
    """Put a release forward; VeraGateError when nothing can be released, or when somebody was faster."""
    with gateway.database.transaction() as session:
        session.get(Photograph, photograph_id, with_for_update=True)  # nobody decides otherwise meanwhile
        photograph, _ = releasable(session, photograph_id)
        refuse_outdated(photograph, decision.seen)
        values = {
            "photograph_id": photograph_id,
            "decision": RELEASE,
            "person": decision.person.strip()[:100],
            "reason": decision.reason.strip()[:500],
        }
        if not insert_if_absent(session, Proposal, ("photograph_id",), values):
            other = session.get_one(Proposal, photograph_id)
            raise VeraGateError(f"{other.person} proposed a release of {photograph_id} a moment ago; look again.")
        _record(session, photograph_id, decision, Outcome.SUCCESS, "proposed")


def confirm(gateway: Gateway, photograph_id: str, decision: Decision) -> None:
    """Release what another person proposed."""
    with gateway.database.read() as session:
        proposal = _get(session, photograph_id)
    if is_same(proposal.person, decision.person):
        raise VeraGateError("You proposed this release yourself; a second person has to confirm it.")
    let_leave(gateway, photograph_id, decision, proposer=proposal.person)


def withdraw(gateway: Gateway, photograph_id: str, decision: Decision) -> None:
    """Take a proposal back, or decline somebody else's; the photograph stays on the desk."""
    with gateway.database.transaction() as session:
        proposal = _get(session, photograph_id)
        session.delete(proposal)
        answer = "withdrawn" if is_same(proposal.person, decision.person) else "declined"
        _record(session, photograph_id, decision, Outcome.REFUSED, answer)


def waiting(session: Session, photograph_ids: Iterable[str]) -> dict[str, Proposal]:
    """The proposals that wait for a second person, by photograph."""
    query = select(Proposal).where(Proposal.photograph_id.in_(list(photograph_ids)))
    return {proposal.photograph_id: proposal for proposal in session.scalars(query)}


def is_same(one: str, other: str) -> bool:
    """Whether two names are one person's: capitals and spaces make nobody else."""
    return one.strip().casefold() == other.strip().casefold()


def _get(session: Session, photograph_id: str) -> Proposal:
    proposal = session.get(Proposal, photograph_id)
    if proposal is None:
        raise VeraGateError(f"Nothing is proposed for {photograph_id} (any more); look again.")
    return proposal


def _record(session: Session, photograph_id: str, decision: Decision, outcome: Outcome, answer: str) -> None:
    audit.record(
        session,
        Action.PHOTOGRAPH_PROPOSED,
        actor=decision.person.strip(),
        outcome=outcome,
        photograph_id=photograph_id,
        details={"reason": decision.reason.strip(), "decision": f"{RELEASE} {answer}"},
    )
