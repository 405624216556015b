"""What the API answers with. Nothing in it identifies a patient: people are pseudonyms, UIDs are those outside."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

_ID = Field(examples=["0123456789abcdef0123456789abcdef"])


class _Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Place(_Answer):
    """One destination of a photograph, and how far its delivery is."""

    destination: str = Field(examples=["research"])
    state: str = Field(examples=["DELIVERED"])
    dimse_status: int | None = None
    problem: str | None = None
    delivered_at: datetime | None = None


class Line(_Answer):
    """A photograph in a list."""

    id: str = _ID
    state: str = Field(examples=["FORWARDED"])
    cause: str | None = Field(None, description="Why it is held", examples=["no-face-found"])
    view: str | None = Field(None, examples=["EV19 Frontal smile"])
    route: str | None = None
    source: str = Field(examples=["CAMERA1"])
    received_at: datetime
    pseudonym: str | None = Field(None, examples=["K7QX2M9D4TAB"])
    study: str | None = Field(None, description="Study Instance UID outside", examples=["2.25.1234"])


class Lines(_Answer):
    photographs: list[Line]
    after: str | None = Field(description="Asks for the next page; null on the last one")


class Gate(_Answer):
    name: str = Field(examples=["recognition"])
    passed: bool
    detail: str = ""


class Proposal(_Answer):
    """A release that waits for a second person."""

    person: str
    reason: str
    proposed_at: datetime


class Photograph(Line):
    """Everything about one photograph but its history. `changed_at` belongs into a decision as `seen`."""

    changed_at: datetime
    sop_class_uid: str
    result_uid: str | None = Field(None, description="SOP Instance UID of the cleaned object")
    profile: str | None = Field(None, examples=["113100 113101 113102 113107"])
    model_version: str | None = None
    released_by: str | None = Field(None, description="`gates`, or who released it")
    gates: list[Gate]
    distances: list[float | None]
    deliveries: list[Place]
    proposal: Proposal | None = None


class Entry(_Answer):
    """An entry of the audit."""

    id: str = _ID
    occurred_at: datetime
    action: str = Field(examples=["photograph.received"])
    outcome: str = Field(examples=["success"])
    actor: str
    photograph_id: str | None = None
    details: dict[str, Any]


class History(_Answer):
    entries: list[Entry]


class Entries(_Answer):
    entries: list[Entry]
    after: str | None = Field(description="Asks for the next page; null on the last one")


class Slot(_Answer):
    """One view of the usual orthodontic series, and the photographs that show it."""

    name: str
    group: str
    usual: bool
    missing: bool
    photographs: list[Line]


class Study(_Answer):
    slots: list[Slot]
    others: list[Line]


class DeskItem(_Answer):
    """What waits for a person, and what helps."""

    photograph_id: str = _ID
    state: str
    cause: str
    advice: str
    view: str
    route: str
    received_at: datetime
    releasable: bool


class Desk(_Answer):
    items: list[DeskItem]


class Decided(_Answer):
    """What became of the photograph; `waits` when a second person has to confirm."""

    state: str = Field(examples=["DEIDENTIFIED"])
    waits: bool = False


class Stage(_Answer):
    state: str
    count: int
    oldest: datetime | None


class Destination(_Answer):
    name: str
    pending: int
    parked: int
    delivered: int = Field(description="In the last day")
    oldest: datetime | None
    problem: str | None


class Process(_Answer):
    role: str
    host: str
    pid: int
    seen_at: datetime


class Overview(_Answer):
    """How the gateway is doing, in one snapshot; lists of counts are by the hour, the oldest first."""

    made_at: datetime
    stages: list[Stage]
    destinations: list[Destination]
    received: list[int]
    released: list[int]
    held: list[int]
    delivered: list[int]
    processes: list[Process]
    silent: list[Process]
    disk_free: int
    disk_total: int
    disk_low: bool
    unsealed: int
    seal_age: float | None
    seal_stalled: bool


class Node(_Answer):
    name: str
    ae_title: str
    host: str
    port: int
    calling_ae: str | None = None


class Route(_Answer):
    """The first route that matches decides; an empty condition matches everything."""

    name: str
    calling_aes: list[str]
    called_aes: list[str]
    sop_classes: list[str]
    views: list[str]
    preserve: list[str]
    preserve_by_view: dict[str, list[str]]
    destinations: list[str]
    text: str
    segmentation: bool
    unreplaced: str
    outline: bool
    hair: str
    backdrop: str
    fallback_syntax: str
    retain: list[str]
    texts: list[str]


class Configuration(_Answer):
    """What counts now, of the file and the console together; `version` is the console's newest, 0 for none."""

    version: int
    ae_title: str
    senders: list[str]
    destinations: list[Node]
    routes: list[Route]


class Answered(_Answer):
    """What came of a C-ECHO; `problem` is null when the destination answered."""

    destination: str
    problem: str | None
    milliseconds: int


class Picture(_Answer):
    """One picture of an upload: the photograph that it became, or why it became none."""

    number: int
    view: str
    state: str
    problem: str
    advice: str
    photograph_id: str | None


class Upload(_Answer):
    id: str = _ID
    pictures: list[Picture]
