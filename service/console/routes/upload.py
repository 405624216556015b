"""Upload for a practice without a PACS: pictures, then their views and whose they are, then how far each has come."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from service.codes import read_table
from service.console.access import needs, person_of
from service.console.asking import known_id
from service.console.context import address_of, console_of
from service.console.pages import page
from service.console.wording import t
from service.errors import VeraGateError
from service.rights import Right
from service.states import PhotographState
from service.tables import utc_now
from service.uploading.arriving import LARGEST_FILE
from service.uploading.sending import Line, Uploader, progress, recent, send
from service.uploading.staging import MOST_PICTURES, Staged, Staging
from service.uploading.wrapping import read_sitting

router = APIRouter(prefix="/upload", dependencies=[needs(Right.UPLOAD)])
_MOST_PARTS: Final = 1000
_ENDED: Final = frozenset({PhotographState.FORWARDED, PhotographState.REJECTED})


@router.get("", name="upload")
def upload(request: Request) -> HTMLResponse:
    return _first_page(request)


@router.post("", name="upload-pictures")
async def take_pictures(request: Request) -> Response:
    """The files, as a form without scripts sends them too. Whatever breaks off on the way leaves nothing behind."""
    form = await request.form(max_files=_MOST_PARTS)
    return await run_in_threadpool(_take, request, form)


@router.get("/{upload_id}", name="upload-views")
def views(request: Request, upload_id: str) -> HTMLResponse:
    """Whose pictures they are and what each shows; after sending, how far each one has come."""
    known_id(upload_id)
    staging, account = staging_of(request), person_of(request).account_id
    if staging.is_staged(upload_id):
        return _views_page(request, staging.find(upload_id, account))
    return _progress_page(request, upload_id)


@router.get("/{upload_id}/pictures/{number}", name="upload-preview")
def preview(request: Request, upload_id: str, number: int) -> Response:
    """A small picture of one that is staged, for whoever uploaded it."""
    staging = staging_of(request)
    staged = staging.find(known_id(upload_id), person_of(request).account_id)
    return Response(staging.preview(staged, number), media_type="image/jpeg")


@router.get("/{upload_id}/progress", name="upload-progress")
def progress_part(request: Request, upload_id: str) -> HTMLResponse:
    """The inner part of the progress page, which a script asks for again and again."""
    lines = _lines(request, known_id(upload_id))
    return page(request, "upload_progress_inner.html", lines=lines, settled=_settled(lines))


@router.post("/{upload_id}", name="upload-send")
async def send_pictures(request: Request, upload_id: str) -> Response:
    form = await request.form()
    return await run_in_threadpool(_send, request, known_id(upload_id), form)


@router.post("/{upload_id}/discard", name="upload-discard")
def discard(request: Request, upload_id: str) -> Response:
    staging = staging_of(request)
    staging.discard(staging.find(known_id(upload_id), person_of(request).account_id))
    return RedirectResponse("/upload", 303)


def staging_of(request: Request) -> Staging:
    """One for the process, since it keeps what looks at pictures."""
    state = request.app.state
    if not hasattr(state, "staging"):
        settings = console_of(request).gateway.live.file
        state.staging = Staging(settings.staged, settings.limits)
    staging: Staging = state.staging
    return staging


def _take(request: Request, form: FormData) -> Response:
    files = [file for file in form.getlist("files") if isinstance(file, UploadFile) and (file.filename or file.size)]
    if len(files) > MOST_PICTURES:
        return _first_page(request, t("upload.too_many", count=len(files), most=MOST_PICTURES))
    try:
        with staging_of(request).draft(person_of(request).account_id) as draft:
            for file in files:
                if (file.size or 0) > LARGEST_FILE:
                    draft.refuse(t("upload.too_large", megabytes=LARGEST_FILE >> 20))
                else:
                    draft.add(file.file.read())
    except VeraGateError as error:
        return _first_page(request, str(error))
    return RedirectResponse(f"/upload/{draft.id}", 303)


def _send(request: Request, upload_id: str, form: FormData) -> Response:
    staging, person, gateway = staging_of(request), person_of(request), console_of(request).gateway
    if not staging.is_staged(upload_id):
        return RedirectResponse(f"/upload/{upload_id}", 303)  # pressed twice: show what became of it
    staged = staging.find(upload_id, person.account_id)
    filled = {key: value for key, value in form.items() if isinstance(value, str)}
    chosen = {picture.number: filled.get(f"view-{picture.number}", "") for picture in staged.taken}
    try:
        sitting = read_sitting(filled.get("patient_id", ""), filled.get("taken_on", ""), filled.get("issuer", ""))
        uploader = Uploader(person.account_id, person.name, address_of(request))
        send(gateway, staging, staged, sitting, chosen, uploader, lambda: None)  # the sweep rings within seconds
    except VeraGateError as error:
        if not staging.is_staged(upload_id):
            return RedirectResponse(f"/upload/{upload_id}", 303)
        return _views_page(request, staged, str(error), filled)
    return RedirectResponse(f"/upload/{upload_id}", 303)


def _first_page(request: Request, problem: str = "") -> HTMLResponse:
    with console_of(request).database.read() as session:
        earlier = recent(session, person_of(request).account_id)
    status = 400 if problem else 200
    return page(request, "upload.html", status, problem=problem, earlier=earlier, most=MOST_PICTURES)


def _views_page(
    request: Request, staged: Staged, problem: str = "", filled: dict[str, str] | None = None
) -> HTMLResponse:
    filled = filled or {}
    return page(
        request,
        "upload_views.html",
        400 if problem else 200,
        staged=staged,
        problem=problem,
        filled={"taken_on": utc_now().date().isoformat()} | filled,
        chosen={p.number: filled.get(f"view-{p.number}", p.guess) for p in staged.taken},
        groups=_view_groups(),
    )


def _progress_page(request: Request, upload_id: str) -> HTMLResponse:
    lines = _lines(request, upload_id)
    return page(request, "upload_progress.html", upload_id=upload_id, lines=lines, settled=_settled(lines))


def _lines(request: Request, upload_id: str) -> list[Line]:
    sending = staging_of(request).is_sending(upload_id)
    with console_of(request).database.read() as session:
        lines = progress(session, upload_id, person_of(request).account_id, sending)
    if not lines:
        raise HTTPException(404)
    return lines


def _settled(lines: list[Line]) -> bool:
    """Whether nothing more will happen by itself."""
    waiting = (PhotographState.QUARANTINED, PhotographState.FAILED)
    return all(line.problem or line.state in _ENDED or line.state in waiting for line in lines)


def _view_groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """Every ADA-1100 view by where it is taken, with its words."""
    rows = read_table("views")
    kinds = dict.fromkeys(row["kind"] for row in rows)
    return [(kind, [(row["code"], view_name(row["code"])) for row in rows if row["kind"] == kind]) for kind in kinds]


def view_name(code: str) -> str:
    """A view in words, with its code behind them."""
    return f"{t(f'views.{code}')} ({code})"
