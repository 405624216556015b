"""From an original to a finished object that the gates have judged; no state is changed here.

    case = Cases(gateway).open(photograph_id)    # read; whose, which view, which route
    made = deidentifier.make(case)               # new faces, clean header, evidence, gates

Both raise Quarantined as soon as there is a doubt that no gate has to look into.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.cases import Case
from service.choices import Choices, Chosen
from service.companions import with_segmentation
from service.errors import Quarantined
from service.finishing import Finished, finish
from service.gateway import Gateway
from service.headers import Cleaner, Profile
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
from service.states import Cause, PhotographState
from service.tables import Photograph
from service.views import Kind


@dataclass(frozen=True, eq=False)
class Made:
    """A judged object, and the identity that it shows; None where no face was replaced."""

    finished: Finished
    chosen: Chosen | None


class Deidentifier:
    def __init__(self, gateway: Gateway, faces: Faces) -> None:
        self._gateway = gateway
        self._faces = faces
        self._choices = Choices(gateway, faces)

    def make(self, case: Case) -> Made:
        """Raises Quarantined for what cannot be decoded, and for faces where none or none where one should be."""
        settings = self._gateway.settings
        frames = range(count_frames(case.ds, settings.limits))
        pictures = [decode(case.ds, settings.limits, frame) for frame in frames]
        identity = _Identity(self._choices, case)
        replaced = [self._treat(case, picture, identity) for picture in pictures]
        threshold = settings.recognition_threshold
        profile = Profile(case.route.retain, case.route.texts, self._is_released(case.photograph))
        clean = Cleaner(self._gateway.pseudonyms, case.patient, profile).clean(case.ds)
        fallback = WRITABLE[case.route.fallback_syntax]
        finished = finish(case.ds, clean, pictures, replaced, case.view, self._faces, threshold, profile, fallback)
        finished = with_segmentation(finished, case.ds) if case.route.segmentation else finished
        return Made(finished, identity.chosen)

    def choose_again(self, case: Case, made: Made) -> bool:
        """For an object to which the recogniser alone objects: whether the patient has another identity now.

        False where the face that stayed too near is not the patient's (that comes first), or where the identity stays.
        """
        distance = next(iter(made.finished.pixels.distances), None)
        if made.chosen is None or distance is None or not distance < self._gateway.settings.recognition_threshold:
            return False
        return self._choices.again(case, made.chosen, distance)

    def settle(self, session: Session, case: Case, made: Made) -> None:
        """Keep the identity that an object shows for good, in the transaction by which the object may leave.

        Raises IdentityReplaced where the patient was given another one meanwhile.
        """
        if made.chosen is not None:
            self._choices.settle(session, case, made.chosen)

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

    def _treat(self, case: Case, picture: Picture, identity: "_Identity") -> Replaced:
        """New faces, or none where the inside of a mouth is shown; under a person's instructions, parts covered."""
        is_mouth = case.view.kind is Kind.INTRAORAL
        texts = find_lines(self._faces, picture) if case.route.text == "blank" else ()
        boxes = (*case.instructions.redact, *texts)
        if case.instructions.cover_faces:
            covered = cover_heads(self._faces, picture, boxes, face_expected=not is_mouth, backdrop=case.backdrop)
            return replace(covered, texts=len(texts))
        seen = without(picture, boxes) if boxes else picture
        replaced = self._faces.leave(seen) if is_mouth else self._replace(case, seen, identity)
        return replace(with_covers(replaced, picture, case.instructions.redact, texts), texts=len(texts))

    def _replace(self, case: Case, picture: Picture, identity: "_Identity") -> Replaced:
        """No identity is chosen by a photograph whose largest face cannot get one: it is held, or its heads covered."""
        route = case.route
        if self._faces.can_replace(picture):
            return self._faces.replace(
                *(picture, identity.ask(picture), case.preserve, route.unreplaced, route.outline),
                hair=route.hair,
                backdrop=case.backdrop,
            )
        if route.unreplaced == "hold":
            raise Quarantined(Cause.FACE_NOT_REPLACED, "the largest face")
        return self._faces.redact(picture, case.preserve, route.outline, case.backdrop)


class _Identity:
    """The patient's identity for all frames of one object; the first that needs it asks."""

    def __init__(self, choices: Choices, case: Case) -> None:
        self.chosen: Chosen | None = None
        self._choices, self._case = choices, case

    def ask(self, picture: Picture) -> Latent:
        self.chosen = self.chosen or self._choices.get(self._case, picture)
        return self.chosen.latent


def account(case: Case, finished: Finished) -> dict[str, Any]:
    """How an object was made and judged, for the release's report and the audit; no patient data."""
    pixels = finished.pixels
    instructions = case.instructions.stored()
    return {
        **({"instructions": instructions} if instructions else {}),
        "preserve": sorted(case.preserve),
        "preserved_digest": pixels.digest,
        "faces": pixels.faces,
        **({"hair": case.route.hair} if case.route.hair != "renew" and pixels.faces else {}),
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
