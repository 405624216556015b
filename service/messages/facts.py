"""What an audit entry alone does not say: whose photograph it was, under names that may leave the gateway.

The patient is the pseudonym, the study its UID outside, the instance the released one: whoever reads the
repository learns what the recipients of the photographs know, and cannot find the patient's records with it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.provenance import VISUAL_FEATURES
from service.tables import Patient, Photograph, Release

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Facts:
    """What is known of a photograph. `anonymized` follows the claim that the released object itself makes."""

    pseudonym: str = UNKNOWN
    study: str = UNKNOWN
    sop_class: str = UNKNOWN
    calling_ae: str = ""
    called_ae: str = ""
    peer: str = ""
    released: tuple[str, ...] = ()
    anonymized: bool = False


def gather(session: Session, photograph_ids: Iterable[str | None]) -> dict[str, Facts]:
    """The facts of those photographs that are on record, by id, in one query."""
    wanted = sorted({identifier for identifier in photograph_ids if identifier is not None})
    query = (
        select(Photograph, Patient.pseudonym, Release.sop_instance_uid, Release.profile)
        .outerjoin(Patient, Patient.id == Photograph.patient_id)
        .outerjoin(Release, Release.photograph_id == Photograph.id)
        .where(Photograph.id.in_(wanted))
    )
    return {row[0].id: _facts(*row) for row in session.execute(query)}


def _facts(photograph: Photograph, pseudonym: str | None, released: str | None, profile: str | None) -> Facts:
    claims: Sequence[str] = (profile or "").split()
    return Facts(
        pseudonym=pseudonym or UNKNOWN,
        study=photograph.study_alias or UNKNOWN,
        sop_class=photograph.sop_class_uid,
        calling_ae=photograph.calling_ae,
        called_ae=photograph.called_ae,
        peer=photograph.peer,
        released=() if released is None else (released,),
        anonymized=VISUAL_FEATURES.value in claims,
    )
