"""Pictures brought in by a program, in one request: files, whose they are, when they were taken, what each shows."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from fastapi import APIRouter, File, Form, Path, Request, UploadFile
from starlette.exceptions import HTTPException

from service.console.access import needs, person_of
from service.console.api import models
from service.console.api.fields import ID
from service.console.context import address_of, console_of
from service.console.routes.upload import staging_of
from service.errors import VeraGateError
from service.rights import Right
from service.uploading.arriving import LARGEST_FILE
from service.uploading.sending import Uploader, progress, send
from service.uploading.staging import MOST_PICTURES, Staged, Staging
from service.uploading.wrapping import read_sitting

router = APIRouter(prefix="/uploads", tags=["uploads"], dependencies=[needs(Right.UPLOAD)])


@router.post("", status_code=201)
def upload(
    request: Request,
    files: Annotated[list[UploadFile], File(min_length=1, max_length=MOST_PICTURES, description="JPEG or PNG")],
    patient_id: Annotated[str, Form(min_length=1, max_length=64, examples=["4711"])],
    taken_on: Annotated[date, Form(examples=["2026-03-12"])],
    issuer: Annotated[str, Form(max_length=64)] = "",
    views: Annotated[
        list[str], Form(max_length=MOST_PICTURES, description="ADA-1100 codes in the files' order; guessed where blank")
    ] = [],  # noqa: B006 - FastAPI copies it
) -> models.Upload:
    """Take pictures into custody like any sender's photographs; a file that is no picture is named with the reason."""
    console, person, staging = console_of(request), person_of(request), staging_of(request)
    sitting = read_sitting(patient_id, taken_on.isoformat(), issuer)
    staged = _staged(staging, person.account_id, files)
    try:
        uploader = Uploader(person.account_id, person.name, address_of(request))
        send(console.gateway, staging, staged, sitting, _chosen(staged, views), uploader, lambda: None)
    finally:
        staging.discard(staged)  # where it could not be sent
    return _told(request, staged.id)


@router.get("/{upload_id}")
def progress_of(request: Request, upload_id: Annotated[str, Path(pattern=ID)]) -> models.Upload:
    """How far each picture of an upload of one's own has come."""
    return _told(request, upload_id)


def _staged(staging: Staging, account_id: str, files: Sequence[UploadFile]) -> Staged:
    """The files' pictures; raises VeraGateError when none of the files is one."""
    with staging.draft(account_id) as draft:
        for file in files:
            if (file.size or 0) > LARGEST_FILE:
                draft.refuse(f"The file is larger than {LARGEST_FILE >> 20} MB.")
            else:
                draft.add(file.file.read())
    staged = staging.find(draft.id, account_id)
    if not staged.taken:
        staging.discard(staged)
        raise VeraGateError(" ".join(dict.fromkeys(picture.problem or "" for picture in staged.pictures)))
    return staged


def _chosen(staged: Staged, views: Sequence[str]) -> dict[int, str]:
    said = dict(enumerate(views, start=1))
    return {picture.number: said.get(picture.number) or picture.guess for picture in staged.taken}


def _told(request: Request, upload_id: str) -> models.Upload:
    sending = staging_of(request).is_sending(upload_id)
    with console_of(request).database.read() as session:
        lines = progress(session, upload_id, person_of(request).account_id, sending)
    if not lines:
        raise HTTPException(404)
    return models.Upload(id=upload_id, pictures=[models.Picture.model_validate(line) for line in lines])
