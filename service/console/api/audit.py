"""Questions to the audit, and exports that prove themselves. That somebody asked is itself on record."""

from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

from service import exporting, inquiries
from service.audit import Action, Outcome, record
from service.console.access import needs, person_of
from service.console.api import models
from service.console.api.asking import asked_for
from service.console.api.fields import ID, Moment, Uid, Word
from service.console.context import address_of, console_of
from service.rights import Right

router = APIRouter(prefix="/audit", tags=["audit"])


class Question(BaseModel):
    """What every entry found has in common. `patient` is a pseudonym, UIDs may be those of either side, `ae` an AE
    title or a destination; `until` is exclusive."""

    model_config = ConfigDict(extra="forbid")

    patient: Word | None = None
    study: Uid | None = None
    sop_instance: Uid | None = None
    photograph: Annotated[str, Field(pattern=ID)] | None = None
    actor: Word | None = None
    ae: Word | None = None
    action: Action | None = None
    outcome: Outcome | None = None
    since: Moment | None = None
    until: Moment | None = None


class PagedQuestion(Question):
    after: str | None = Field(None, max_length=200, description="`after` of the page before")
    limit: int = Field(50, ge=1, le=500)


class Export(Question):
    format: Literal["jsonl", "csv", "html"] = "jsonl"


@router.post("/query", dependencies=[needs(Right.QUERY_AUDIT)])
def query(request: Request, question: PagedQuestion) -> models.Entries:
    """Entries, the newest first."""
    inquiry = _inquiry(question)
    database = console_of(request).database
    with database.read() as session:
        page = asked_for(lambda: inquiries.search(session, inquiry, question.after, question.limit))
    details = {"query": sorted(inquiry.asked()), "count": len(page.entries), "address": address_of(request)}
    with database.transaction() as session:
        record(session, Action.AUDIT_QUERIED, actor=person_of(request).name, details=details)
    return models.Entries(entries=[models.Entry.model_validate(entry) for entry in page.entries], after=page.after)


@router.post(
    "/export",
    dependencies=[needs(Right.EXPORT_AUDIT)],
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The file; `veragate audit verify-export` checks it",
            "content": {media_type: {} for media_type in exporting.MEDIA_TYPES.values()},
        }
    },
)
def export(request: Request, question: Export) -> StreamingResponse:
    """The answer as a file in which each entry comes with its proof."""
    gateway, person = console_of(request).gateway, person_of(request).name
    blocks = exporting.export(gateway, _inquiry(question), person, question.format)
    name = f'attachment; filename="audit.{question.format}"'
    media_type = exporting.MEDIA_TYPES[question.format]
    return StreamingResponse(blocks, media_type=media_type, headers={"Content-Disposition": name})


def _inquiry(question: Question) -> inquiries.Inquiry:
    asked = question.model_dump(include=set(Question.model_fields), exclude_none=True)
    return asked_for(lambda: inquiries.Inquiry(**asked))
