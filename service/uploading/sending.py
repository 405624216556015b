"""Staged pictures into custody, by the same door as every sender's photographs, and how far each one has come.

The calling AE title of an upload is `console.upload_ae`, which routes can name; who uploaded is in the audit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from service import audit
from service.audit import Action
from service.database import insert_if_absent
from service.errors import Rejected, Retry, VeraGateError
from service.gateway import Gateway
from service.reception import Origin, receive
from service.settings import VL_PHOTOGRAPHIC
from service.spool import Spool
from service.states import EXPLANATION, Cause
from service.tables import Photograph, Upload, UploadedPicture
from service.uploading.staging import Staged, StagedPicture, Staging, arrived
from service.uploading.wrapping import Sitting, Wrapped, wrap
from service.views import attributes_for

_NOT_STORED: Final = "It could not be stored just now; upload this picture again."


@dataclass(frozen=True)
class Uploader:
    """The person, as the audit and the row of the upload know them, and the address they came from."""

    account_id: str
    name: str
    address: str


@dataclass(frozen=True)
class Line:
    """One picture of an upload. `state` is a photograph's, or empty where there is none (yet): then `problem` says
    why, unless it is still on its way into custody. `advice` is a sentence where it is held."""

    number: int
    view: str
    state: str
    problem: str
    advice: str
    photograph_id: str | None


@dataclass(frozen=True)
class Recent:
    """One of a person's uploads, for a list."""

    id: str
    created_at: datetime
    pictures: int


def send(
    gateway: Gateway,
    staging: Staging,
    staged: Staged,
    sitting: Sitting,
    views: dict[int, str],
    uploader: Uploader,
    ring: Callable[[], None],
) -> None:
    """Take the pictures that have a view in `views` into custody; those without one are left out.

    Raises VeraGateError with a sentence before anything is done, and Gone for the second of two that send the same.
    """
    chosen = _chosen(staged, views)
    with staging.claimed(staged) as folder:
        _open_upload(gateway, staged, views, chosen, uploader)
        settings = gateway.live.file
        spool = Spool(settings.spool, settings.limits.max_object_megabytes, settings.limits.min_free_disk_megabytes)
        for picture in chosen:
            _send_one(gateway, spool, folder, picture, sitting, views[picture.number], staged.id, uploader)
    ring()


def progress(session: Session, upload_id: str, account_id: str, sending: bool) -> list[Line]:
    """Each picture and how far it has come; none for an upload that is not this account's.

    `sending`: whether somebody is still bringing its pictures in; if not, what has no photograph never will.
    """
    upload = session.get(Upload, upload_id)
    if upload is None or upload.account_id != account_id:
        return []
    query = select(UploadedPicture, Photograph).join(Photograph, isouter=True)
    rows = session.execute(query.where(UploadedPicture.upload_id == upload_id).order_by(UploadedPicture.number))
    return [_line(picture, photograph, sending) for picture, photograph in rows]


def recent(session: Session, account_id: str, limit: int = 10) -> list[Recent]:
    """A person's last uploads, the newest first."""
    query = select(Upload.id, Upload.created_at, func.count(UploadedPicture.number)).join(UploadedPicture)
    query = query.where(Upload.account_id == account_id).group_by(Upload.id, Upload.created_at)
    return [Recent(*row) for row in session.execute(query.order_by(Upload.created_at.desc()).limit(limit))]


def _chosen(staged: Staged, views: dict[int, str]) -> list[StagedPicture]:
    chosen = [picture for picture in staged.taken if views.get(picture.number)]
    if not chosen:
        raise VeraGateError("Choose the view of at least one picture; those without one are left out.")
    for picture in chosen:
        try:
            attributes_for(views[picture.number])
        except KeyError as error:
            raise VeraGateError(f"The view of picture {picture.number} is none of ADA-1100.") from error
    return chosen


def _open_upload(
    gateway: Gateway, staged: Staged, views: dict[int, str], chosen: list[StagedPicture], uploader: Uploader
) -> None:
    refused = [picture for picture in staged.pictures if picture.problem is not None]
    with gateway.database.transaction() as session:
        insert_if_absent(session, Upload, ("id",), {"id": staged.id, "account_id": uploader.account_id})
        session.add_all(
            UploadedPicture(upload_id=staged.id, number=p.number, view=views.get(p.number), problem=p.problem)
            for p in (*chosen, *refused)
        )
        details = {"count": len(chosen), "address": uploader.address}
        audit.record(session, Action.PHOTOGRAPHS_UPLOADED, actor=uploader.name, details=details)


def _send_one(
    gateway: Gateway,
    spool: Spool,
    folder: Path,
    picture: StagedPicture,
    sitting: Sitting,
    view: str,
    upload_id: str,
    uploader: Uploader,
) -> None:
    """Custody or a sentence; one picture that fails does not keep the others out."""
    wrapped = wrap(arrived(folder, picture), view, sitting, upload_id, picture.number)
    photograph_id = problem = None
    try:
        photograph_id = _receive(gateway, spool, wrapped, uploader)
    except Rejected as refusal:
        problem = f"It was not stored: {refusal}."
    except (Retry, OSError):
        problem = _NOT_STORED
    with gateway.database.transaction() as session:
        where = UploadedPicture.upload_id == upload_id, UploadedPicture.number == picture.number
        session.execute(update(UploadedPicture).where(*where).values(photograph_id=photograph_id, problem=problem))


def _receive(gateway: Gateway, spool: Spool, wrapped: Wrapped, uploader: Uploader) -> str:
    """The id of the photograph that the object became, on disk and on record before this returns."""
    settings = gateway.live.file
    origin = Origin(
        calling_ae=settings.console.upload_ae,
        called_ae=settings.listener.ae_title,
        peer=uploader.address,
        sop_class_uid=VL_PHOTOGRAPHIC,
        sop_instance_uid=wrapped.sop_instance_uid,
        transfer_syntax_uid=wrapped.transfer_syntax_uid,
    )
    file = spool.create()
    file.write(wrapped.data)
    receive(gateway, file.finish(), origin)
    with gateway.database.read() as session:
        query = select(Photograph.id).where(Photograph.sop_instance_uid == wrapped.sop_instance_uid)
        return session.scalars(query.order_by(Photograph.received_at)).first() or ""


def _line(picture: UploadedPicture, photograph: Photograph | None, sending: bool) -> Line:
    problem = picture.problem or ""
    if photograph is None and not problem and not sending:
        problem = _NOT_STORED
    cause = photograph.cause if photograph is not None else None
    return Line(
        number=picture.number,
        view=picture.view or "",
        state=photograph.state if photograph is not None else "",
        problem=problem,
        advice=EXPLANATION[Cause(cause)] if cause else "",
        photograph_id=picture.photograph_id,
    )
