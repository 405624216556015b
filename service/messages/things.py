"""What an entry was about: studies and patients, the log, accounts, what gave the alarm (PS3.15 A.5.3)."""

import json
from dataclasses import replace

from service.messages import codes
from service.messages.codes import Code
from service.messages.document import PATIENT, PERSON, REPORT, SEARCH, SECURITY_RESOURCE, USER, Thing
from service.messages.facts import UNKNOWN
from service.messages.occasions import Occasion


def photograph(occasion: Occasion) -> list[Thing]:
    """The study and its one patient."""
    facts = occasion.facts
    study = Thing(facts.study, codes.STUDY_INSTANCE_UID, REPORT, facts.study, sop_class=facts.sop_class)
    return [study, _patient(facts.pseudonym)]


def result(occasion: Occasion) -> list[Thing]:
    """The study with the cleaned object in it, and whether that object claims that nobody is recognisable."""
    study, patient = photograph(occasion)
    facts = occasion.facts
    return [replace(study, instances=facts.released, anonymized=facts.anonymized), patient]


def _patient(pseudonym: str) -> Thing:
    return Thing(pseudonym, codes.PATIENT_NUMBER, PATIENT, pseudonym, type=PERSON)


def brought(occasion: Occasion) -> list[Thing]:
    """Whose the pictures are stands in the message of each one's reception, which follows."""
    return [_patient(UNKNOWN)]


def held(occasion: Occasion) -> list[Thing]:
    uri = occasion.uri("photographs", occasion.entry.photograph_id or UNKNOWN)
    return [_alert(occasion, uri, codes.URI), *photograph(occasion)]


def caller(occasion: Occasion) -> list[Thing]:
    return [_alert(occasion, occasion.entry.actor, codes.NODE_ID)]


def place(occasion: Occasion) -> list[Thing]:
    return [_alert(occasion, occasion.uri(occasion.detail("path").lstrip("/")), codes.URI)]


def configuration(occasion: Occasion) -> list[Thing]:
    return [_alert(occasion, occasion.uri("configuration", occasion.detail("version", "current")), codes.URI)]


def account(occasion: Occasion) -> list[Thing]:
    name = occasion.detail("account", occasion.entry.actor)
    return [replace(_alert(occasion, name, codes.USER_IDENTIFIER), role=USER, name=name)]


def _alert(occasion: Occasion, identifier: str, kind: Code) -> Thing:
    text = f"{occasion.entry.action}: {occasion.why}" if occasion.why else occasion.entry.action
    return Thing(identifier, kind, SECURITY_RESOURCE, identifier, details={"Alert Description": text})


def log(occasion: Occasion) -> list[Thing]:
    return [Thing(occasion.uri("audit"), codes.URI, SECURITY_RESOURCE, "Security Audit Log")]


def look_up(occasion: Occasion) -> list[Thing]:
    """That a Patient ID was asked for, not which: it is the very thing that must not get out."""
    search = Thing("Patient ID", codes.SEARCH_CRITERIA, SEARCH, query=b"Patient ID (not recorded)")
    found = occasion.detail("pseudonym")
    return [search, _patient(found)] if found else [search]


def entry(occasion: Occasion) -> Thing:
    details = json.dumps(occasion.entry.details, sort_keys=True, ensure_ascii=False)
    return Thing(
        occasion.uri("audit", occasion.entry.id),
        codes.URI,
        SECURITY_RESOURCE,
        occasion.entry.action,
        details={"position": str(occasion.position), "details": details},
    )
