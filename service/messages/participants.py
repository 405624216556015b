"""Who took part in what an entry records: persons, processes and DICOM nodes (PS3.15 A.5.2.1 to A.5.2.4)."""

from dataclasses import replace

from service.messages import codes
from service.messages.codes import Code
from service.messages.document import Participant
from service.messages.facts import UNKNOWN
from service.messages.occasions import Occasion


def application(occasion: Occasion) -> list[Participant]:
    titles = (occasion.ae_title,) if occasion.entry.actor == "listener" else ()
    process = occasion.detail("pid", occasion.entry.actor)
    return [Participant(process, role=codes.APPLICATION, name=occasion.entry.actor, titles=titles)]


def process(occasion: Occasion) -> list[Participant]:
    return [Participant(occasion.entry.actor, requestor=True, name=occasion.entry.actor)]


def person(occasion: Occasion) -> list[Participant]:
    """A person, as login name at this gateway (A.5.2.1)."""
    actor, address = occasion.entry.actor, occasion.detail("address") or None
    return [Participant(f"{actor}@{occasion.settings.source}", requestor=True, name=actor, address=address)]


def person_at_gateway(occasion: Occasion) -> list[Participant]:
    return [*person(occasion), gateway(occasion)]


def importing(occasion: Occasion) -> list[Participant]:
    """A person who brings in files; where they came from is a browser, known by its address (A.5.3.5)."""
    (somebody,) = person(occasion)
    files = Participant("files chosen in a browser", role=codes.SOURCE_MEDIA, address=somebody.address)
    return [replace(somebody, role=codes.DESTINATION_ROLE), files]


def gateway(occasion: Occasion, role: Code | None = None) -> Participant:
    return Participant(occasion.settings.source, role=role, titles=(occasion.ae_title,) if occasion.ae_title else ())


def arrival(occasion: Occasion) -> list[Participant]:
    caller = occasion.entry.actor
    address = occasion.detail("peer", occasion.facts.peer) or None
    here = Participant(
        occasion.settings.source,
        role=codes.DESTINATION_ROLE,
        titles=(occasion.detail("called_ae", occasion.facts.called_ae) or occasion.ae_title,),
    )
    return [Participant(caller, True, codes.SOURCE_ROLE, titles=(caller,), address=address), here]


def departure(occasion: Occasion) -> list[Participant]:
    name = occasion.detail("destination", UNKNOWN)
    there = occasion.destinations.get(name)
    ours = (there.calling_ae if there and there.calling_ae else occasion.ae_title,)
    titles, address = ((there.ae_title,), there.host) if there else ((), None)
    return [
        Participant(occasion.entry.actor, True, codes.SOURCE_ROLE, titles=ours),
        Participant(name, role=codes.DESTINATION_ROLE, titles=titles, address=address),
    ]


def alarm(occasion: Occasion) -> list[Participant]:
    """The gateway reports; whoever tried is never the requestor of an alert (A.5.3.11)."""
    caller, address = occasion.entry.actor, occasion.detail("peer") or occasion.detail("address") or None
    return [replace(gateway(occasion), requestor=True), Participant(caller, name=caller, address=address)]
