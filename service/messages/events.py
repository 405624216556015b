"""From an audit entry to its DICOM audit message: what each action is called in PS3.15 A.5.3.

Every action stands either in `EVENTS` or in `LOCAL`, with the reason why no message tells of it.
Each message ends with the entry itself as an object: its place in the sealed log and its details, so that a
message that came twice is known by its entry, and can be held against the log.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from service.audit import Action, Outcome
from service.messages import codes, participants, things
from service.messages.codes import Code
from service.messages.document import (
    DEIDENTIFIED,
    EXPORTED,
    IMPORTED,
    REPORT,
    USED,
    VERIFIED,
    Message,
    Participant,
    Thing,
)
from service.messages.occasions import Occasion

DONE, MINOR, SERIOUS, MAJOR = "0", "4", "8", "12"
_INDICATORS: Final[dict[str, str]] = {Outcome.SUCCESS: DONE, Outcome.REFUSED: MINOR, Outcome.FAILURE: SERIOUS}


@dataclass(frozen=True)
class Event:
    """How an action is told. `outcome` is given where the entry's own outcome does not say it all."""

    code: Code
    action: str
    participants: Callable[[Occasion], list[Participant]]
    things: Callable[[Occasion], list[Thing]] = lambda occasion: []
    type: Code | None = None
    life_cycle: str | None = None
    outcome: str | None = None


def message(occasion: Occasion) -> Message | None:
    """The message that tells of an entry; None for an action that stays in the gateway's own log."""
    event = _BY_NAME.get(occasion.entry.action)
    if event is None:
        return None
    about = [
        replace(thing, life_cycle=event.life_cycle) if thing.role == REPORT else thing
        for thing in event.things(occasion)
    ]
    return Message(
        event=event.code,
        action=event.action,
        type=event.type,
        occurred_at=occasion.entry.occurred_at,
        outcome=event.outcome or _INDICATORS.get(occasion.entry.outcome, MAJOR),
        description=occasion.why,
        participants=tuple(event.participants(occasion)),
        source=occasion.settings.source,
        site=occasion.settings.site,
        things=(*about, things.entry(occasion)),
    )


def _deciding(action: str = "U") -> Event:
    """A decision that was taken is a success, whatever was decided."""
    return Event(
        codes.INSTANCES_ACCESSED, action, participants.person, things.photograph, life_cycle=VERIFIED, outcome=DONE
    )


def _looking() -> Event:
    return Event(codes.INSTANCES_ACCESSED, "R", participants.person, things.photograph, life_cycle=USED)


def _alerting(
    participants: Callable[[Occasion], list[Participant]],
    things: Callable[[Occasion], list[Thing]],
    type_: Code,
    outcome: str | None = None,
) -> Event:
    return Event(codes.SECURITY_ALERT, "E", participants, things, type_, outcome=outcome)


EVENTS: Final[dict[Action, Event]] = {
    Action.PROCESS_STARTED: Event(
        codes.APPLICATION_ACTIVITY, "E", participants.application, type=codes.APPLICATION_START
    ),
    Action.PROCESS_STOPPED: Event(
        codes.APPLICATION_ACTIVITY, "E", participants.application, type=codes.APPLICATION_STOP
    ),
    Action.ASSOCIATION_REFUSED: _alerting(participants.alarm, things.caller, codes.NODE_AUTHENTICATION),
    Action.STORE_REFUSED: _alerting(participants.alarm, things.caller, codes.RESTRICTED_FUNCTION),
    Action.PHOTOGRAPH_RECEIVED: Event(
        codes.INSTANCES_TRANSFERRED, "C", participants.arrival, things.photograph, life_cycle=IMPORTED
    ),
    Action.PHOTOGRAPH_DUPLICATE: Event(
        codes.INSTANCES_TRANSFERRED, "R", participants.arrival, things.photograph, life_cycle=IMPORTED
    ),
    Action.PHOTOGRAPH_DEIDENTIFIED: Event(
        codes.INSTANCES_ACCESSED, "U", participants.process, things.result, life_cycle=DEIDENTIFIED
    ),
    Action.PHOTOGRAPH_FAILED: Event(
        codes.INSTANCES_ACCESSED, "U", participants.process, things.photograph, life_cycle=DEIDENTIFIED
    ),
    Action.PHOTOGRAPH_QUARANTINED: _alerting(participants.process, things.held, codes.OBJECT_SECURITY_CHANGED),
    Action.PHOTOGRAPH_RELEASED: Event(
        codes.INSTANCES_ACCESSED, "U", participants.person, things.result, life_cycle=VERIFIED
    ),
    Action.PHOTOGRAPH_RETRIED: _deciding(),
    Action.PHOTOGRAPH_REJECTED: _deciding(),
    Action.PHOTOGRAPH_PROPOSED: _deciding("R"),
    Action.PHOTOGRAPH_VIEWED: _looking(),
    Action.ORIGINAL_VIEWED: _looking(),
    Action.DELIVERY_SENT: Event(
        codes.INSTANCES_TRANSFERRED, "R", participants.departure, things.result, life_cycle=EXPORTED
    ),
    # A transfer that was begun and has no "transferred" of its own: A.5.3.3 wants the two to be compared.
    Action.DELIVERY_RETRIED: Event(
        codes.BEGIN_TRANSFERRING, "E", participants.departure, things.result, life_cycle=EXPORTED, outcome=MINOR
    ),
    Action.DELIVERY_PARKED: Event(
        codes.BEGIN_TRANSFERRING, "E", participants.departure, things.result, life_cycle=EXPORTED, outcome=SERIOUS
    ),
    Action.PHOTOGRAPHS_UPLOADED: Event(codes.IMPORT, "C", participants.importing, things.brought),
    Action.PATIENT_LOOKED_UP: Event(codes.QUERY, "E", participants.person_at_gateway, things.look_up),
    Action.AUDIT_QUERIED: Event(codes.AUDIT_LOG_USED, "R", participants.person, things.log),
    Action.AUDIT_EXPORTED: Event(codes.AUDIT_LOG_USED, "R", participants.person, things.log),
    Action.SIGN_IN_SUCCEEDED: Event(codes.USER_AUTHENTICATION, "E", participants.person_at_gateway, type=codes.LOGIN),
    Action.SIGN_IN_REFUSED: Event(codes.USER_AUTHENTICATION, "E", participants.person_at_gateway, type=codes.LOGIN),
    Action.SIGN_IN_ENDED: Event(codes.USER_AUTHENTICATION, "E", participants.person_at_gateway, type=codes.LOGOUT),
    Action.ACCESS_DENIED: _alerting(participants.alarm, things.place, codes.RESTRICTED_FUNCTION),
    Action.ACCOUNT_CREATED: _alerting(participants.person, things.account, codes.USER_SECURITY_CHANGED),
    Action.ACCOUNT_CHANGED: _alerting(participants.person, things.account, codes.USER_SECURITY_CHANGED),
    Action.ACCOUNT_LOCKED: _alerting(participants.alarm, things.account, codes.USER_SECURITY_CHANGED, outcome=MAJOR),
    Action.TOKEN_CREATED: _alerting(participants.person, things.account, codes.USER_SECURITY_CHANGED),
    Action.TOKEN_REVOKED: _alerting(participants.person, things.account, codes.USER_SECURITY_CHANGED),
    Action.CONFIGURATION_CHANGED: _alerting(participants.person, things.configuration, codes.NETWORK_CONFIGURATION),
}

_BY_NAME: Final[dict[str, Event]] = {action.value: event for action, event in EVENTS.items()}

LOCAL: Final[dict[Action, str]] = {
    Action.PHOTOGRAPH_FORWARDED: "the sum of its deliveries, each of which has a message",
    Action.IDENTITY_CREATED: "a synthetic face is no record that the standard knows, and tells nobody anything",
    Action.IDENTITY_REPLACED: "nobody has seen the face before or can see it: it was in nothing that could leave",
    Action.DESTINATION_TESTED: "a C-ECHO moves no data of a patient",
    Action.REPOSITORY_UNREACHABLE: "about the messages' own way: it would add to what cannot be sent",
    Action.REPOSITORY_REACHABLE: "about the messages' own way: what was missing arrives by itself",
    Action.CHECKPOINT_COPIED: "the checkpoint is sent itself",
}
