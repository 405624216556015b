"""The audit's pages: questions, one entry with its proof, exports, the seal, and from a Patient ID to its pseudonym.

Every question goes on record by the names of its fields. Original UIDs and Patient IDs come by POST and leave the
address again before an answer is shown: what they mean outside, or the photograph that is meant, takes their place.
"""

from typing import Annotated, Final, cast

from fastapi import APIRouter, Form, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from service import exporting, inquiries, sealing
from service.audit import Action, Outcome, record
from service.console.access import needs, person_of
from service.console.asking import known_id
from service.console.context import address_of, console_of
from service.console.pages import page
from service.console.questions import Question, pairs
from service.console.verifying import Verifying
from service.console.wording import t
from service.errors import VeraGateError
from service.headers import outside_uid
from service.inquiries import Inquiry
from service.proofs import Proof, proof_of
from service.pseudonyms import look_up
from service.rights import Right
from service.sealing import entry_bytes, last_checkpoint, seal_age
from service.tables import AuditEntry, AuditPending, Photograph, Release
from service.verify_export import fingerprint

router = APIRouter(prefix="/audit")
_PAGE: Final = 50
_LONGEST_REASON: Final = 500


class ExportForm(Question):
    format: str = "csv"


@router.get("", name="audit", dependencies=[needs(Right.QUERY_AUDIT)])
def audit(request: Request) -> HTMLResponse:
    """The form and the seal; with `find` in the address also the answer."""
    asked = Question.model_validate({key: value for key, value in request.query_params.items() if key in _FIELDS})
    if "find" not in request.query_params:
        return _audit(request, asked)
    after = request.query_params.get("after")
    try:
        found = _answer(request, Inquiry.of(**asked.filled()), after)
    except VeraGateError as error:
        return _audit(request, asked, problem=str(error))
    return _audit(request, asked, found=found, first_url=asked.address() if after else None)


_FIELDS: Final = frozenset(Question.model_fields)


@router.post("/search", name="audit-search", dependencies=[needs(Right.QUERY_AUDIT)])
def audit_search(request: Request, form: Annotated[Question, Form()]) -> Response:
    """The form comes here first, so that no original UID stands in an address."""
    try:
        inquiry = Inquiry.of(**form.filled())
    except VeraGateError as error:
        return _audit(request, form, problem=str(error))
    with console_of(request).database.read() as session:
        if inquiry.study is not None:
            form.study = _study_outside(request, session, inquiry.study)
        if inquiry.sop_instance is not None and not _is_released(session, inquiry.sop_instance):
            meant = session.scalars(select(Photograph.id).where(Photograph.sop_instance_uid == inquiry.sop_instance))
            if len(ids := list(meant)) != 1:  # none, or several that share a UID: shown here and under no address
                return _audit(request, form, found=_answer(request, inquiry, None))
            form.sop_instance, form.photograph = "", form.photograph or ids[0]
    return RedirectResponse(form.address(), 303)


@router.post("/patient", name="audit-patient", dependencies=[needs(Right.LOOK_UP_PATIENTS)])
def audit_patient(
    request: Request,
    patient_id: Annotated[str, Form()] = "",
    issuer: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """From an original Patient ID to the questions about its pseudonym."""
    if not patient_id.strip() or not reason.strip():
        missing = "audit.patient_missing" if not patient_id.strip() else "audit.reason_missing"
        return _audit(request, Question(), patient_problem=t(missing))
    console = console_of(request)
    with console.database.transaction() as session:
        pseudonym = look_up(session, console.gateway.pseudonyms, patient_id, issuer or None)
        record(
            session,
            Action.PATIENT_LOOKED_UP,
            actor=person_of(request).name,
            outcome=Outcome.FAILURE if pseudonym is None else Outcome.SUCCESS,
            details={
                "reason": reason.strip()[:_LONGEST_REASON],
                "address": address_of(request),
                **({} if pseudonym is None else {"pseudonym": pseudonym}),
            },
        )
    if pseudonym is None:
        return _audit(request, Question(), patient_problem=t("audit.unknown_patient"))
    return RedirectResponse(Question(patient=pseudonym).address(), 303)


@router.post("/export", name="audit-export", dependencies=[needs(Right.EXPORT_AUDIT)])
def audit_export(request: Request, form: Annotated[ExportForm, Form()]) -> Response:
    """The whole answer as a file that proves itself, written while it is read."""
    inquiry = Inquiry.of(**form.filled())
    blocks = exporting.export(console_of(request).gateway, inquiry, person_of(request).name, form.format)
    disposition = f'attachment; filename="audit.{form.format}"'
    media_type = exporting.MEDIA_TYPES[form.format]
    return StreamingResponse(blocks, media_type=media_type, headers={"Content-Disposition": disposition})


@router.post("/verify", name="audit-verify", dependencies=[needs(Right.QUERY_AUDIT)])
def audit_verify(request: Request) -> Response:
    """Begin to verify the whole audit; the page says what was found."""
    _on_record(request, ["verify"])
    _verifying(request).start()
    return RedirectResponse("/audit#seal", 303)


@router.get("/entries/{entry_id}", name="audit-entry", dependencies=[needs(Right.QUERY_AUDIT)])
def audit_entry(request: Request, entry_id: str) -> HTMLResponse:
    """One entry, everything that it says, and the proof that it was sealed so."""
    console = console_of(request)
    proof: Proof | None = None
    problem = ""
    with console.database.read() as session:
        entry = session.get(AuditEntry, known_id(entry_id))
        if entry is None:
            raise HTTPException(404)
        try:
            proof = proof_of(session, console.gateway.keys, entry)
        except VeraGateError as error:
            problem = str(error)
    _on_record(request, ["entry"])
    return page(
        request, "audit_entry.html", entry=entry, proof=proof, problem=problem, record=entry_bytes(entry).decode(),
        pairs=pairs(entry),
    )  # fmt: skip


def _answer(request: Request, inquiry: Inquiry, after: str | None) -> inquiries.Page:
    with console_of(request).database.read() as session:
        found = inquiries.search(session, inquiry, after, _PAGE)
    _on_record(request, sorted(inquiry.asked()), len(found.entries))
    return found


def _on_record(request: Request, query: list[str], count: int | None = None) -> None:
    details = {"query": query, "address": address_of(request)} | ({} if count is None else {"count": count})
    with console_of(request).database.transaction() as session:
        record(session, Action.AUDIT_QUERIED, actor=person_of(request).name, details=details)


def _study_outside(request: Request, session: Session, study: str) -> str:
    known = select(Photograph.id).where(Photograph.study_alias == study).limit(1)
    is_outside = session.scalars(known).first() is not None
    return study if is_outside else outside_uid(console_of(request).gateway.pseudonyms, study)


def _is_released(session: Session, uid: str) -> bool:
    return session.scalars(select(Release.id).where(Release.sop_instance_uid == uid).limit(1)).first() is not None


def _audit(
    request: Request,
    asked: Question,
    *,
    found: inquiries.Page | None = None,
    first_url: str | None = None,
    problem: str = "",
    patient_problem: str = "",
) -> HTMLResponse:
    return page(
        request,
        "audit.html",
        400 if problem or patient_problem else 200,
        asked=asked,
        found=found,
        problem=problem,
        patient_problem=patient_problem,
        pairs=pairs,
        next_url=asked.address(after=found.after) if found and found.after else None,
        first_url=first_url,
        actions=sorted(((action.value, t(f"actions.{action}")) for action in Action), key=lambda choice: choice[1]),
        outcomes=[(outcome.value, t(f"outcomes.{outcome}")) for outcome in Outcome],
        formats=[(form, t(f"audit.format_{form}")) for form in exporting.MEDIA_TYPES],
        seal=_seal(request),
    )


def _seal(request: Request) -> dict[str, object]:
    console = console_of(request)
    key = sealing.public_key(console.gateway.keys)
    with console.database.read() as session:
        age, last = seal_age(session), last_checkpoint(session)
        waiting = session.scalars(select(AuditPending.entry_id).limit(1)).first() is not None
    stalled = age is not None and age > console.settings.audit.stalled_seconds
    copy = console.settings.audit.copy_folder
    return {
        "age": age, "last": last, "waiting": waiting, "stalled": stalled, "key": key, "fingerprint": fingerprint(key),
        "copies_in": copy, "verifying": _verifying(request),
    }  # fmt: skip


def _verifying(request: Request) -> Verifying:
    """One for the application, made when it is first asked for."""
    state = request.app.state
    if not hasattr(state, "verifying"):
        state.verifying = Verifying(console_of(request).gateway)
    return cast(Verifying, state.verifying)
