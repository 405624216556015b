"""Taking a received object into custody: on disk first, then on record, and only then acknowledged."""

import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import audit, tallies
from service.audit import Action
from service.blobs import shard
from service.database import insert_if_absent
from service.errors import Quarantined, Rejected
from service.gateway import Gateway
from service.headers import outside_uid
from service.objects import read_header
from service.pseudonyms import find_or_create_patient
from service.spool import Received
from service.states import Cause, PhotographState
from service.tables import Photograph, new_id
from service.traces import traced

NOT_OF_THIS_CLASS: Final = 0xA900
NOT_UNDERSTOOD: Final = 0xC000
_UID: Final = re.compile(r"[0-9.]{1,64}", re.ASCII)
_TAGS: Final = ["SpecificCharacterSet", "SOPClassUID", "StudyInstanceUID", "PatientID", "IssuerOfPatientID"]


@dataclass(frozen=True)
class Origin:
    """Who sent an object, to which of our names, from which address, and what the command called it."""

    calling_ae: str
    called_ae: str
    peer: str
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str


def receive(gateway: Gateway, received: Received, origin: Origin) -> bool:
    """Put one object on record; True when it is new work, False for one that came before, bit for bit.

    A file that cannot be parsed is kept too: it is the sender's evidence, and a worker says why it is held.
    After an error the blob may stay behind without a row; the sweep removes it when nobody can need it.

    Raises Rejected with a DIMSE status, Retry when the database does not answer, OSError when the disk does not.
    """
    if not _UID.fullmatch(origin.sop_instance_uid):
        raise Rejected(NOT_UNDERSTOOD, "the SOP Instance UID of the store command is not a UID")
    header = read_header(received.path, _TAGS)
    if header.get("SOPClassUID", origin.sop_class_uid) != origin.sop_class_uid:
        raise Rejected(NOT_OF_THIS_CLASS, "the data set's SOP class is not the one that the store command names")
    if _is_known(gateway, received, origin):
        return False
    photograph_id = new_id()
    blob = shard(photograph_id)
    with traced("receive", photograph_id):
        gateway.originals.adopt(received.path, blob)
        with gateway.database.transaction() as session:
            is_new = _record(session, gateway, header, received, origin, photograph_id, blob)
    if not is_new:
        gateway.originals.delete(blob)
    return is_new


def _is_known(gateway: Gateway, received: Received, origin: Origin) -> bool:
    query = select(Photograph.id).where(
        Photograph.sop_instance_uid == origin.sop_instance_uid, Photograph.digest == received.digest
    )
    with gateway.database.read() as session:
        known = session.scalar(query)
    if known is None:
        return False
    with gateway.database.transaction() as session:
        _record_duplicate(session, origin, known)
    return True


def _record(
    session: Session,
    gateway: Gateway,
    header: dict[str, str],
    received: Received,
    origin: Origin,
    photograph_id: str,
    blob: str,
) -> bool:
    """Insert the row and its audit entry; False when a rival stored the same object a moment before."""
    twin = _twin(session, origin.sop_instance_uid)
    values = {
        "id": photograph_id,
        "state": PhotographState.RECEIVED if twin is None else PhotographState.QUARANTINED,
        "cause": None if twin is None else Cause.SAME_UID_OTHER_CONTENT,
        "sop_class_uid": origin.sop_class_uid,
        "sop_instance_uid": origin.sop_instance_uid,
        "transfer_syntax_uid": origin.transfer_syntax_uid,
        "study_instance_uid": _uid(header.get("StudyInstanceUID")),
        "study_alias": _study_alias(gateway, header),
        "patient_id": _patient_id(session, gateway, header),
        "calling_ae": origin.calling_ae,
        "called_ae": origin.called_ae,
        "peer": origin.peer,
        "blob": blob,
        "digest": received.digest,
        "size": received.size,
    }
    if not insert_if_absent(session, Photograph, ("sop_instance_uid", "digest"), values):
        _record_duplicate(session, origin, None)
        return False
    details = {"peer": origin.peer, "called_ae": origin.called_ae, "digest": received.digest, "size": received.size}
    audit.record(
        session, Action.PHOTOGRAPH_RECEIVED, actor=origin.calling_ae, photograph_id=photograph_id, details=details
    )
    tallies.count(session, tallies.RECEIVED, origin.calling_ae)
    if twin is not None:
        held = {"cause": Cause.SAME_UID_OTHER_CONTENT}
        audit.record(
            session, Action.PHOTOGRAPH_QUARANTINED, actor="listener", photograph_id=photograph_id, details=held
        )
        tallies.count(session, tallies.QUARANTINED, Cause.SAME_UID_OTHER_CONTENT)
    return True


def _twin(session: Session, sop_instance_uid: str) -> str | None:
    """An earlier photograph with this UID that still counts."""
    query = select(Photograph.id).where(
        Photograph.sop_instance_uid == sop_instance_uid, Photograph.state != PhotographState.REJECTED
    )
    return session.scalars(query.order_by(Photograph.received_at)).first()


def _record_duplicate(session: Session, origin: Origin, photograph_id: str | None) -> None:
    audit.record(
        session,
        Action.PHOTOGRAPH_DUPLICATE,
        actor=origin.calling_ae,
        photograph_id=photograph_id,
        details={"peer": origin.peer, "called_ae": origin.called_ae},
    )


def _patient_id(session: Session, gateway: Gateway, header: dict[str, str]) -> str | None:
    patient_id, issuer = header.get("PatientID", ""), header.get("IssuerOfPatientID", "")
    try:
        return find_or_create_patient(session, gateway.pseudonyms, patient_id, issuer).id
    except Quarantined:
        return None


def _study_alias(gateway: Gateway, header: dict[str, str]) -> str | None:
    """The UID under which the study is known outside: the one that the cleaned header will carry."""
    study = _uid(header.get("StudyInstanceUID"))
    return None if study is None else outside_uid(gateway.pseudonyms, study)


def _uid(value: str | None) -> str | None:
    return value if value is not None and _UID.fullmatch(value) else None
