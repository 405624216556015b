"""Photographs on record without any picture: rows as the gateway writes them, in the states that a test needs."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from service.settings import VL_PHOTOGRAPHIC
from service.states import DeliveryState, PhotographState
from service.tables import Delivery, HeldResult, Patient, Photograph, Release, new_id, utc_now

SYNTAX = "1.2.840.10008.1.2.1"


def add_patient(session: Session, pseudonym: str) -> Patient:
    patient = Patient(id=new_id(), key=new_id(), pseudonym=pseudonym, date_offset_days=-1)
    session.add(patient)
    session.flush()
    return patient


def photograph_row(**values: Any) -> Photograph:
    """The row of a photograph that was forwarded, unless `values` say otherwise."""
    usual = {
        "id": new_id(), "state": PhotographState.FORWARDED, "sop_class_uid": VL_PHOTOGRAPHIC,
        "sop_instance_uid": f"1.2.{new_id()}"[:64], "transfer_syntax_uid": SYNTAX, "calling_ae": "CAMERA",
        "called_ae": "VERAGATE", "peer": "127.0.0.1", "blob": "aa/bb/original.dcm", "digest": new_id(), "size": 4,
        "route": "all", "received_at": utc_now(),
    }  # fmt: skip
    return Photograph(**{**usual, **values})


def add_photograph(session: Session, **values: Any) -> Photograph:
    photograph = photograph_row(**values)
    session.add(photograph)
    session.flush()
    return photograph


def add_release(session: Session, photograph: Photograph, *destinations: str, **values: Any) -> Release:
    """Its release, with a delivery that arrived at each destination."""
    row = Release(**_finished(photograph, "2.25"), released_by="gates", **values)
    session.add(row)
    session.flush()
    at = utc_now()
    session.add_all(
        Delivery(release_id=row.id, destination=name, state=DeliveryState.DELIVERED, dimse_status=0, delivered_at=at)
        for name in destinations
    )
    return row


def add_held(session: Session, photograph: Photograph, **values: Any) -> HeldResult:
    row = HeldResult(**(_finished(photograph, "2.25") | values))
    session.add(row)
    session.flush()
    return row


def _finished(photograph: Photograph, root: str) -> dict[str, Any]:
    return {
        "id": new_id(), "photograph_id": photograph.id, "blob": f"aa/bb/{photograph.id}.dcm", "digest": "d", "size": 5,
        "sop_class_uid": VL_PHOTOGRAPHIC, "sop_instance_uid": f"{root}.{int(photograph.id, 16)}",
        "transfer_syntax_uid": SYNTAX, "profile": "113100", "model_version": "m", "report": {},
    }  # fmt: skip


def moment(day: int) -> datetime:
    return utc_now().replace(year=2026, month=3, day=day, hour=12, minute=0, second=0, microsecond=0)
