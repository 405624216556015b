"""A photograph opened for work: read, and everything decided about it that needs no look at its pixels.

case = Cases(gateway).open(photograph_id)    # whose, which view, which route
"""

from dataclasses import dataclass

from pydicom import FileDataset
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.errors import Quarantined
from service.gateway import Gateway
from service.instructions import Instructions, read_instructions
from service.objects import read
from service.rules import choose_route, preserve_for
from service.settings import Backdrop, Region, Route
from service.states import Cause, PhotographState
from service.tables import Patient, Photograph
from service.views import Kind, View, classify


@dataclass(frozen=True, eq=False)
class Case:
    """One photograph with everything that was decided about it before its pixels were touched."""

    photograph: Photograph
    patient: Patient
    ds: FileDataset
    view: View
    route: Route
    instructions: Instructions

    @property
    def preserve(self) -> frozenset[Region]:
        return preserve_for(self.route, self.view)

    @property
    def backdrop(self) -> Backdrop:
        """What a person asked for, else what the route says; the inside of a mouth has nothing behind it."""
        if self.view.kind is Kind.INTRAORAL:
            return "keep"
        return self.instructions.backdrop or self.route.backdrop


class Cases:
    """Opens photographs."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def open(self, photograph_id: str) -> Case:
        """Raises Quarantined: UNREADABLE, UNSUPPORTED, PATIENT_ID_MISSING, PATIENT_ID_MIXED, NO_ROUTE."""
        with self._gateway.database.read() as session:
            photograph = session.get_one(Photograph, photograph_id)
        ds = self._read(photograph)
        with self._gateway.database.read() as session:
            patient = _patient(session, photograph)
        view = classify(ds)
        instructions = read_instructions(photograph.instructions)
        route = self._route(photograph, view, instructions)
        if route is None:
            raise Quarantined(Cause.NO_ROUTE)
        return Case(photograph, patient, ds, view, route, instructions)

    def _read(self, photograph: Photograph) -> FileDataset:
        try:
            with self._gateway.originals.path(photograph.blob) as path:
                return read(path)
        except FileNotFoundError as error:
            raise Quarantined(Cause.UNREADABLE, "the stored file is missing") from error

    def _route(self, photograph: Photograph, view: View, instructions: Instructions) -> Route | None:
        """The route that a person chose, else the first that matches."""
        settings = self._gateway.settings
        if instructions.route is None:
            sender = photograph.calling_ae, photograph.called_ae
            return choose_route(settings, *sender, photograph.sop_class_uid, view)
        chosen = next((route for route in settings.routes if route.name == instructions.route), None)
        if chosen is None:
            raise Quarantined(Cause.NO_ROUTE, "the route that a person chose is not configured any more")
        return chosen


def _patient(session: Session, photograph: Photograph) -> Patient:
    """The patient, unless there is none or the study knows another one too: then nobody can say whose face it is."""
    if photograph.patient_id is None:
        raise Quarantined(Cause.PATIENT_ID_MISSING)
    if photograph.study_instance_uid is not None:
        others = select(Photograph.id).where(
            Photograph.study_instance_uid == photograph.study_instance_uid,
            Photograph.patient_id != photograph.patient_id,
            Photograph.state != PhotographState.REJECTED,
        )
        if session.scalars(others).first() is not None:
            raise Quarantined(Cause.PATIENT_ID_MIXED)
    return session.get_one(Patient, photograph.patient_id)
