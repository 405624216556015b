"""From an original to a finished object that the gates have judged; no state is changed here.

    case = deidentifier.open(photograph_id)      # read; whose, which view, which route
    finished = deidentifier.make(case)           # new faces, clean header, evidence, gates

Both raise Quarantined as soon as there is a doubt that no gate has to look into.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from pydicom import FileDataset
from sqlalchemy import select
from sqlalchemy.orm import Session

from service import audit
from service.audit import Action
from service.companions import with_segmentation
from service.errors import Quarantined
from service.finishing import Finished, finish
from service.gateway import Gateway
from service.headers import Cleaner, Profile
from service.instructions import Instructions, read_instructions
from service.objects import read
from service.pixels import (
    WRITABLE,
    Faces,
    Latent,
    Picture,
    Replaced,
    count_frames,
    cover_heads,
    decode,
    find_lines,
    with_covers,
    without,
)
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


class Deidentifier:
    def __init__(self, gateway: Gateway, faces: Faces) -> None:
        self._gateway = gateway
        self._faces = faces

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

    def make(self, case: Case) -> Finished:
        """Raises Quarantined for what cannot be decoded, and for faces where none or none where one should be."""
        settings = self._gateway.settings
        frames = range(count_frames(case.ds, settings.limits))
        pictures = [decode(case.ds, settings.limits, frame) for frame in frames]
        replaced = [self._treat(case, picture) for picture in pictures]
        threshold = settings.recognition_threshold
        profile = Profile(case.route.retain, case.route.texts, self._is_released(case.photograph))
        clean = Cleaner(self._gateway.pseudonyms, case.patient, profile).clean(case.ds)
        fallback = WRITABLE[case.route.fallback_syntax]
        finished = finish(case.ds, clean, pictures, replaced, case.view, self._faces, threshold, profile, fallback)
        return with_segmentation(finished, case.ds) if case.route.segmentation else finished

    def _is_released(self, photograph: Photograph) -> Callable[[str], bool]:
        """Whether another object of the same study has left, so that a reference to it leads somewhere."""

        def ask(sop_instance_uid: str) -> bool:
            query = select(Photograph.id).where(
                Photograph.sop_instance_uid == sop_instance_uid,
                Photograph.study_instance_uid == photograph.study_instance_uid,
                Photograph.state.in_((PhotographState.DEIDENTIFIED, PhotographState.FORWARDED)),
            )
            with self._gateway.database.read() as session:
                return session.scalars(query).first() is not None

        return ask

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

    def _treat(self, case: Case, picture: Picture) -> Replaced:
        """New faces, or none where the inside of a mouth is shown; under a person's instructions, parts covered."""
        is_mouth = case.view.kind is Kind.INTRAORAL
        texts = find_lines(self._faces, picture) if case.route.text == "blank" else ()
        boxes = (*case.instructions.redact, *texts)
        if case.instructions.cover_faces:
            covered = cover_heads(self._faces, picture, boxes, face_expected=not is_mouth, backdrop=case.backdrop)
            return replace(covered, texts=len(texts))
        seen = without(picture, boxes) if boxes else picture
        replaced = self._faces.leave(seen) if is_mouth else self._replace(case, seen)
        return replace(with_covers(replaced, picture, case.instructions.redact, texts), texts=len(texts))

    def _read(self, photograph: Photograph) -> FileDataset:
        try:
            with self._gateway.originals.path(photograph.blob) as path:
                return read(path)
        except FileNotFoundError as error:
            raise Quarantined(Cause.UNREADABLE, "the stored file is missing") from error

    def _replace(self, case: Case, picture: Picture) -> Replaced:
        """No identity is chosen by a photograph whose largest face cannot get one: it is held, or its heads covered."""
        route = case.route
        if self._faces.can_replace(picture):
            latent = self._identity(case, picture)
            return self._faces.replace(
                *(picture, latent, case.preserve, route.unreplaced, route.outline),
                hair=route.hair,
                backdrop=case.backdrop,
            )
        if route.unreplaced == "hold":
            raise Quarantined(Cause.FACE_NOT_REPLACED, "the largest face")
        return self._faces.redact(picture, case.preserve, route.outline, case.backdrop)

    def _identity(self, case: Case, picture: Picture) -> Latent:
        """The patient's one synthetic identity; a first photograph only chooses among random draws."""

        def propose() -> Latent:
            return self._faces.propose(picture, case.preserve)

        def created(session: Session) -> None:
            audit.record(
                session,
                Action.IDENTITY_CREATED,
                actor="worker",
                photograph_id=case.photograph.id,
                details={"generator": self._faces.version},
            )

        return self._gateway.identities.get_or_create(
            self._gateway.database, case.patient.id, self._faces.version, propose, created
        )


def account(case: Case, finished: Finished) -> dict[str, Any]:
    """How an object was made and judged, for the release's report and the audit; no patient data."""
    pixels = finished.pixels
    instructions = case.instructions.stored()
    return {
        **({"instructions": instructions} if instructions else {}),
        "preserve": sorted(case.preserve),
        "preserved_digest": pixels.digest,
        "faces": pixels.faces,
        **({"hair": case.route.hair} if case.route.hair == "keep" and pixels.faces else {}),
        **({"backdrop": pixels.backdrop} if pixels.backdrop else {}),
        **({"heads": pixels.heads, "outline": pixels.outlined} if pixels.heads else {}),
        **({"colours": finished.colours} if finished.colours else {}),
        "distances": [None if distance is None else round(distance, 4) for distance in pixels.distances],
        "gates": [{"name": gate.name, "passed": gate.passed, "detail": gate.detail} for gate in finished.gates],
    }


def report(case: Case, finished: Finished, seconds: float) -> dict[str, Any]:
    """The account with what people look up later and the audit need not hold; below 4 kB."""
    pixels = finished.pixels
    return {
        **account(case, finished),
        "preserved_pixels": pixels.preserved_pixels,
        "covered": pixels.covered,
        "duration_ms": round(1000 * seconds),
        "header": finished.header,
    }


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
