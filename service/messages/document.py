"""An audit message as PS3.15 A.5.1 writes it: what it consists of, and its XML."""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from service.messages.codes import Code

PERSON, SYSTEM = "1", "2"  # ParticipantObjectTypeCode
PATIENT, REPORT, USER, SECURITY_RESOURCE, SEARCH = "1", "3", "6", "13", "24"  # ParticipantObjectTypeCodeRole
IMPORTED, VERIFIED, USED, DEIDENTIFIED, EXPORTED = "2", "4", "6", "7", "10"  # ParticipantObjectDataLifeCycle

_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECLARATION: Final = b'<?xml version="1.0" encoding="UTF-8"?>'
_APPLICATION_SERVER: Final = "4"  # AuditSourceTypeCode


@dataclass(frozen=True)
class Participant:
    """A person, process or node that took part. `titles` are its AE titles, `address` its IP address or host name."""

    user: str
    requestor: bool = False
    role: Code | None = None
    name: str | None = None
    titles: tuple[str, ...] = ()
    address: str | None = None


@dataclass(frozen=True)
class Thing:
    """What the event was about (a participant object); it needs a name, or else a query."""

    identifier: str
    kind: Code
    role: str
    name: str = ""
    query: bytes | None = None
    type: str = SYSTEM
    life_cycle: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    sop_class: str | None = None
    instances: tuple[str, ...] = ()
    anonymized: bool | None = None


@dataclass(frozen=True)
class Message:
    event: Code
    action: str
    occurred_at: datetime
    outcome: str
    participants: tuple[Participant, ...]
    source: str
    site: str | None = None
    type: Code | None = None
    description: str = ""
    things: tuple[Thing, ...] = ()


def render(message: Message) -> bytes:
    """The message as XML in UTF-8. Characters that XML cannot hold become U+FFFD."""
    root = Element("AuditMessage")
    event = SubElement(root, "EventIdentification", EventActionCode=message.action)
    event.set("EventDateTime", message.occurred_at.isoformat(timespec="milliseconds"))
    event.set("EventOutcomeIndicator", message.outcome)
    _code(event, "EventID", message.event)
    if message.type:
        _code(event, "EventTypeCode", message.type)
    if message.description:
        SubElement(event, "EventOutcomeDescription").text = clean(message.description)
    for participant in message.participants:
        _participant(root, participant)
    source = SubElement(root, "AuditSourceIdentification", AuditSourceID=clean(message.source))
    if message.site:
        source.set("AuditEnterpriseSiteID", clean(message.site))
    SubElement(source, "AuditSourceTypeCode").set("csd-code", _APPLICATION_SERVER)
    for thing in message.things:
        _thing(root, thing)
    return _DECLARATION + tostring(root, encoding="unicode").encode()


def clean(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)


def _code(parent: Element, name: str, code: Code) -> None:
    element = SubElement(parent, name)
    element.set("csd-code", code.value)
    element.set("codeSystemName", code.system)
    element.set("originalText", code.meaning)


def _participant(root: Element, participant: Participant) -> None:
    element = SubElement(root, "ActiveParticipant", UserID=clean(participant.user))
    element.set("UserIsRequestor", _boolean(participant.requestor))
    if participant.titles:
        element.set("AlternativeUserID", clean("AETITLES=" + ";".join(participant.titles)))
    if participant.name:
        element.set("UserName", clean(participant.name))
    if participant.address:
        element.set("NetworkAccessPointID", clean(participant.address))
        element.set("NetworkAccessPointTypeCode", "2" if _is_ip(participant.address) else "1")
    if participant.role:
        _code(element, "RoleIDCode", participant.role)


def _thing(root: Element, thing: Thing) -> None:
    element = SubElement(root, "ParticipantObjectIdentification", ParticipantObjectID=clean(thing.identifier))
    element.set("ParticipantObjectTypeCode", thing.type)
    element.set("ParticipantObjectTypeCodeRole", thing.role)
    if thing.life_cycle:
        element.set("ParticipantObjectDataLifeCycle", thing.life_cycle)
    _code(element, "ParticipantObjectIDTypeCode", thing.kind)
    if thing.query is None:
        SubElement(element, "ParticipantObjectName").text = clean(thing.name)
    else:
        SubElement(element, "ParticipantObjectQuery").text = b64encode(thing.query).decode()
    for name, value in thing.details.items():
        encoded = b64encode(value.encode("utf-8", "replace")).decode()
        SubElement(element, "ParticipantObjectDetail", type=name, value=encoded)
    if thing.sop_class:
        _description(element, thing, thing.sop_class)


def _description(element: Element, thing: Thing, sop_class: str) -> None:
    description = SubElement(element, "ParticipantObjectDescription")
    count = str(len(thing.instances) or 1)
    group = SubElement(description, "SOPClass", UID=clean(sop_class), NumberOfInstances=count)
    for instance in thing.instances:
        SubElement(group, "Instance", UID=clean(instance))
    if thing.anonymized is not None:
        SubElement(description, "Anonymized").text = _boolean(thing.anonymized)


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _is_ip(address: str) -> bool:
    try:
        ip_address(address)
    except ValueError:
        return False
    return True
