"""The review desk: what waits for a person, one photograph to look at closely, and the decision about it."""

from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from service import pictures, proposals, quarantine
from service.catalogue import History, history
from service.console import telling
from service.console.access import needs, person_of
from service.console.asking import frame_of, known_id
from service.console.context import console_of
from service.console.pages import page
from service.decisions import Decision
from service.desk import held, neighbours
from service.errors import VeraGateError
from service.instructions import Instructions, read_instructions
from service.pictures import NoPicture, Size
from service.rights import Right
from service.states import EXPLANATION, Cause, PhotographState
from service.tables import HeldResult, Photograph

router = APIRouter(prefix="/review", dependencies=[needs(Right.DECIDE)])
DECISIONS: Final = ("release", "propose", "confirm", "withdraw", "redact", "retry", "reject")
_MOST: Final = 200
_LONGEST_REASON: Final = 500


class DecisionForm(BaseModel):
    """The form as it comes; `seen` is the photograph's `changed_at` when the page was made."""

    decision: str = ""
    reason: str = ""
    seen: str = ""
    boxes: str = ""
    cover_faces: bool = False
    backdrop: Literal["", "keep", "plain"] = ""
    route: str = ""
    keep_covers: bool = False


@router.get("", name="review")
def desk_page(request: Request, done: str = "") -> HTMLResponse:
    """Everything that waits, the oldest first."""
    with console_of(request).database.read() as session:
        items = held(session, _MOST + 1)
        proposed = proposals.waiting(session, [item.photograph_id for item in items])
    more = len(items) > _MOST
    return page(request, "review.html", items=items[:_MOST], more=more, proposed=proposed, done=_done(done))


@router.get("/{photograph_id}", name="review-one")
def review(request: Request, photograph_id: str, done: str = "", frame: str = "") -> HTMLResponse:
    """One photograph beside its original, with everything that a decision needs."""
    return _review(request, _history(request, photograph_id), DecisionForm(), done=done, frame=frame)


@router.post("/{photograph_id}", name="review-decide")
def decide(request: Request, photograph_id: str, form: Annotated[DecisionForm, Form()]) -> Response:
    """Carry out a decision and go on to the next photograph; whoever comes second is told (409)."""
    found = _history(request, photograph_id)
    if problem := _problem(request, found, form):
        return _review(request, found, form, problem=problem)
    decision = Decision(person_of(request).name, form.reason.strip()[:_LONGEST_REASON], _moment(form.seen))
    _carry_out(request, found.photograph, form, decision)
    with console_of(request).database.read() as session:
        before, after = neighbours(session, found.photograph)
    following = after or before
    return RedirectResponse(f"/review{'/' + following if following else ''}?done={form.decision}", 303)


def _carry_out(request: Request, photograph: Photograph, form: DecisionForm, decision: Decision) -> None:
    gateway = console_of(request).gateway
    if form.decision == "redact":
        boxes = _boxes(form.boxes) or []
        quarantine.redact(gateway, photograph.id, decision, boxes, form.cover_faces, form.backdrop or None)
    elif form.decision == "retry":
        kept = read_instructions(photograph.instructions) if form.keep_covers else Instructions()
        wanted = kept.model_copy(update={"route": form.route or None})
        quarantine.retry(gateway, photograph.id, decision, wanted)
    else:
        simple = {
            "release": quarantine.release,
            "reject": quarantine.reject,
            "propose": proposals.propose,
            "confirm": proposals.confirm,
            "withdraw": proposals.withdraw,
        }
        simple[form.decision](gateway, photograph.id, decision)


def _problem(request: Request, found: History, form: DecisionForm) -> str:
    """What is wrong with a form before anything is decided: a key of the page's words, or nothing."""
    if form.decision not in DECISIONS:
        return "needs_choice"
    if not form.reason.strip():
        return "needs_reason"
    if form.decision == "redact":
        boxes = _boxes(form.boxes)
        if boxes is None or not _fit_into(boxes, _size(request, found)):
            return "bad_boxes"
        if not boxes and not form.cover_faces and not form.backdrop:
            return "nothing_to_cover"
    routes = [route.name for route in console_of(request).settings.routes]
    return "no_such_route" if form.decision == "retry" and form.route and form.route not in routes else ""


def _review(
    request: Request, found: History, form: DecisionForm, problem: str = "", done: str = "", frame: str = ""
) -> HTMLResponse:
    console, photograph = console_of(request), found.photograph
    with console.database.read() as session:
        before, after = neighbours(session, photograph)
    size = _size(request, found)
    result = found.finished if isinstance(found.finished, HeldResult) else None
    report = result.report if result else {}
    instructions = read_instructions(photograph.instructions)
    return page(
        request,
        "reviewing.html",
        400 if problem else 200,
        history=found,
        photograph=photograph,
        result=result,
        report=report,
        waits=photograph.state in (PhotographState.QUARANTINED, PhotographState.FAILED),
        advice=EXPLANATION[Cause(photograph.cause)] if photograph.cause else "",
        recognition=telling.recognition(report, console.settings),
        size=size,
        shown_size=size.within(pictures.FITS[-1]) if size else None,
        frame=frame_of(frame, size.frames if size else 1),
        before=before,
        after=after,
        choices=_choices(request, found),
        mine=found.proposal is not None and proposals.is_same(found.proposal.person, person_of(request).name),
        routes=[("", "")] + [(route.name, route.name) for route in console.settings.routes],
        form=form,
        boxes=form.boxes or "\n".join(" ".join(map(str, box)) for box in instructions.redact),
        instructions=instructions,
        asked=telling.asked,
        view_words=telling.view_words,
        problem=problem,
        done=_done(done),
    )


def _choices(request: Request, found: History) -> list[str]:
    """The decisions that are possible now, the one that is asked for most first."""
    if found.photograph.state not in (PhotographState.QUARANTINED, PhotographState.FAILED):
        return []
    choices = ["redact", "retry", "reject"] if found.photograph.state == PhotographState.QUARANTINED else ["reject"]
    if found.photograph.state == PhotographState.QUARANTINED and isinstance(found.finished, HeldResult):
        return [*_releases(request, found), *choices]
    return choices


def _releases(request: Request, found: History) -> list[str]:
    if not console_of(request).settings.console.four_eyes:
        return ["release"]
    if found.proposal is None:
        return ["propose"]
    own = proposals.is_same(found.proposal.person, person_of(request).name)
    return ["withdraw"] if own else ["confirm", "withdraw"]


def _size(request: Request, found: History) -> Size | None:
    """The original's size in pixels, which is the result's too; None where it cannot be read."""
    gateway = console_of(request).gateway
    try:
        if found.finished is not None:
            return pictures.size_of_map(gateway, found.finished)
        return pictures.size_of(gateway, found.photograph)
    except NoPicture:
        return None


def _boxes(text: str) -> list[tuple[int, int, int, int]] | None:
    """A box from each line that is not blank; None where a line is no box."""
    try:
        lines = [line.replace(",", " ").split() for line in text.splitlines() if line.strip()]
        return list(read_instructions({"redact": [[int(part) for part in line] for line in lines]}).redact)
    except (ValueError, VeraGateError):
        return None


def _fit_into(boxes: list[tuple[int, int, int, int]], size: Size | None) -> bool:
    return size is None or all(right <= size.width and bottom <= size.height for _, _, right, bottom in boxes)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def _done(word: str) -> str:
    return word if word in DECISIONS else ""


def _history(request: Request, photograph_id: str) -> History:
    with console_of(request).database.read() as session:
        if session.get(Photograph, known_id(photograph_id)) is None:
            raise HTTPException(404)
        return history(session, photograph_id)
