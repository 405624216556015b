"""What came out of the gateway for each photograph that was sent, read from its database and from the destination."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.encaps import get_frame
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.database import Database
from service.demo.series import Shot
from service.states import EXPLANATION, Cause, PhotographState
from service.tables import Delivery, HeldResult, Photograph, Release

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Outcome:
    """One photograph's end: its row, what the worker wrote down, and the pictures before and after.

    `distances`: of each replaced face, original to result; `status`: the destination's C-STORE answer.
    """

    shot: Shot
    original: Picture
    view: str = "-"
    state: str = "LOST"
    cause: str | None = None
    distances: tuple[float | None, ...] = ()
    status: int | None = None
    received: FileDataset | None = None

    @property
    def result(self) -> Picture | None:
        return None if self.received is None else decode(self.received)

    def problems(self, threshold: float) -> Iterator[str]:
        """What fell short of the promise, in plain words."""
        if self.state != PhotographState.FORWARDED or self.received is None:
            yield f"{self.state}. {EXPLANATION[Cause(self.cause)] if self.cause else 'It did not arrive in time.'}"
            return
        if self.status != 0:
            yield f"the destination answered {self.status}"
        if self.shot.face and not (self.distances and all(d is not None and d >= threshold for d in self.distances)):
            yield "a face is missing or still recognised"
        if not self.shot.face and (self.distances or not np.array_equal(self.original, decode(self.received))):
            yield "the picture of the teeth was changed"
        if left := self._identifiers_left(self.received):
            yield f"{left} identifiers are still in the object"

    def _identifiers_left(self, received: FileDataset) -> int:
        """Identifying values of the sent header that the received object holds anywhere, header or pixel data."""
        stream = BytesIO()
        received.save_as(stream)
        parts = [part for value in self.shot.patient.header.values() for part in value.split("^") if len(part) > 3]
        return sum(part.encode() in stream.getvalue() for part in parts)


def collect(database: Database, sent: Iterable[tuple[Shot, FileDataset]], folder: Path) -> list[Outcome]:
    """The outcome of each photograph, in the order in which they were sent; `folder` is the destination's."""
    with database.read() as session:
        return [_outcome(session, shot, ds, folder) for shot, ds in sent]


def _outcome(session: Session, shot: Shot, ds: FileDataset, folder: Path) -> Outcome:
    photograph = session.scalar(select(Photograph).where(Photograph.sop_instance_uid == ds.SOPInstanceUID))
    if photograph is None:
        return Outcome(shot, decode(ds))
    release = session.scalar(select(Release).where(Release.photograph_id == photograph.id))
    held = session.scalar(select(HeldResult).where(HeldResult.photograph_id == photograph.id))
    finished = release or held
    outcome = Outcome(
        shot,
        decode(ds),
        view=photograph.view or "-",
        state=photograph.state,
        cause=photograph.cause,
        distances=tuple(finished.report["distances"]) if finished else (),
    )
    if release is None:
        return outcome
    delivery = session.scalar(select(Delivery).where(Delivery.release_id == release.id))
    path = folder / f"{release.sop_instance_uid}.dcm"
    return replace(
        outcome,
        status=delivery.dimse_status if delivery else None,
        received=dcmread(path) if path.is_file() else None,
    )


def progress_of(database: Database) -> tuple[int, int]:
    """How many photographs a worker is done with, and how many of these nothing will happen to any more."""
    with database.read() as session:
        moved = session.scalar(select(func.count()).where(Photograph.state != PhotographState.RECEIVED)) or 0
        waiting = session.scalar(select(func.count()).where(Photograph.state == PhotographState.DEIDENTIFIED)) or 0
    return moved, moved - waiting


def decode(ds: FileDataset) -> Picture:
    """The JPEG inside, RGB uint8 [H, W, 3]."""
    with Image.open(BytesIO(get_frame(ds.PixelData, 0, number_of_frames=1))) as picture:
        return np.asarray(picture.convert("RGB"))
