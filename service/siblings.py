"""Other photographs of a patient, on which an identity is tried while it is chosen; nothing about them is stored."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import case as when
from sqlalchemy import select

from service.cases import Case, Cases
from service.errors import VeraGateError
from service.gateway import Gateway
from service.pixels import Picture, decode, without
from service.settings import Region
from service.states import PhotographState
from service.tables import Photograph
from service.views import Kind

MOST_OPENED: Final = 12  # photographs; a series has about as many, and most of them show teeth
_SMALLEST: Final = 16  # pixels of the shorter side, below which nothing is looked for

View = tuple[Picture, frozenset[Region]]


def siblings(gateway: Gateway, case: Case) -> Iterator[View]:
    """Photographs of the patient that wait for a new face, each with what is preserved in it.

    Those of the same study come first, then the newest. Each is read when it is asked for, under the limits of its
    own turn, and can be forgotten before the next. What cannot be read, or gets no new face, is passed over: its own
    turn will say why.
    """
    for photograph_id in _waiting(gateway, case):
        try:
            view = _view(gateway, Cases(gateway).open(photograph_id))
        except (VeraGateError, OSError):
            continue
        if view is not None:
            yield view


def _waiting(gateway: Gateway, case: Case) -> list[str]:
    photograph = case.photograph
    elsewhere = when((Photograph.study_instance_uid == photograph.study_instance_uid, 0), else_=1)
    query = (
        select(Photograph.id)
        .where(
            Photograph.patient_id == case.patient.id,
            Photograph.state == PhotographState.RECEIVED,
            Photograph.id != photograph.id,
        )
        .order_by(elsewhere, Photograph.received_at.desc(), Photograph.id)
        .limit(MOST_OPENED)
    )
    with gateway.database.read() as session:
        return list(session.scalars(query))


def _view(gateway: Gateway, case: Case) -> View | None:
    """The first frame as a detector will see it; None where it is to get no new face."""
    if case.view.kind is Kind.INTRAORAL or case.instructions.cover_faces:
        return None
    picture = decode(case.ds, gateway.settings.limits)
    if min(picture.rgb.shape[:2]) < _SMALLEST:
        return None
    return without(picture, case.instructions.redact), case.preserve
