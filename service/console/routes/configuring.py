"""Changing the configuration: one entry at a time, saved as a version of the whole."""

from collections.abc import Callable
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from service.codes import read_table
from service.confidentiality import Option
from service.configuration import Content, content_of
from service.configuring.changes import NotSaved, Outdated, Review, restore, review, save
from service.console.access import needs, person_of
from service.console.context import console_of
from service.console.entries import EntryForm, Kind, edited, form_of, moved, without
from service.console.pages import page
from service.console.routes.configuration import sop_class_names
from service.console.wording import t
from service.errors import VeraGateError
from service.rights import Right
from service.settings import Backdrop, Hair, OnFace, OnText, Syntax

router = APIRouter(prefix="/configuration", dependencies=[needs(Right.CHANGE_CONFIGURATION)])
Text = Annotated[str, Form()]
Number = Annotated[int, Form()]


@router.get("/edit/{kind}", name="configuration-edit")
def edit(request: Request, kind: Kind, name: str = "") -> HTMLResponse:
    live = console_of(request).gateway.live
    form = form_of(live.refresh(), kind, name)
    form.base = live.version
    return _form(request, kind, form)


@router.post("/edit/{kind}", name="configuration-edit-save")
def save_edit(request: Request, kind: Kind, form: Annotated[EntryForm, Form()]) -> Response:
    try:
        _save(request, form.base, form.reason, lambda content: edited(content, kind, form))
    except NotSaved as refusal:
        return _form(request, kind, form, refusal.problems)
    except VeraGateError as refusal:
        return _form(request, kind, form, (str(refusal),))
    return _saved(request)


@router.get("/remove/{kind}", name="configuration-remove")
def remove(request: Request, kind: Kind, name: str = "") -> HTMLResponse:
    """What would come of it, before it is done."""
    gateway = console_of(request).gateway
    version = _newest(request)
    values = without(_content(request, version), kind, name)
    return _removal(request, kind, name, version, review(gateway.live, gateway.database, values))


@router.post("/remove/{kind}", name="configuration-remove-save")
def save_removal(request: Request, kind: Kind, name: Text = "", base: Number = 0, reason: Text = "") -> Response:
    try:
        _save(request, base, reason, lambda content: without(content, kind, name))
    except NotSaved as refusal:
        return _removal(request, kind, name, base, Review(refusal.problems), 409)
    return _saved(request)


@router.post("/move", name="configuration-move")
def move(request: Request, name: Text = "", direction: Text = "", base: Number = 0) -> Response:
    reason = t("configuring.moved_up" if direction == "up" else "configuring.moved_down", name=name)
    _save(request, base, reason, lambda content: moved(content, name, direction == "up"))
    return _saved(request)


@router.post("/allow", name="configuration-allow")
def allow(request: Request, name: Text = "", base: Number = 0) -> Response:
    """Let a caller send that was refused at the door."""
    form = EntryForm(name=name)
    _save(request, base, t("configuring.allowed"), lambda content: edited(content, "sender", form))
    return _saved(request)


@router.get("/restore/{version}", name="configuration-restore")
def restoring(request: Request, version: int) -> HTMLResponse:
    gateway = console_of(request).gateway
    found = review(gateway.live, gateway.database, _content(request, version).stored())
    return page(request, "configuration_restore.html", wanted=version, base=gateway.live.version, found=found)


@router.post("/restore/{version}", name="configuration-restore-save")
def save_restoring(request: Request, version: int, base: Number = 0, reason: Text = "") -> Response:
    gateway = console_of(request).gateway
    try:
        restore(gateway.live, gateway.database, base, version, person_of(request).name, reason)
    except NotSaved as refusal:
        found = Review(refusal.problems)
        return page(request, "configuration_restore.html", 409, wanted=version, base=base, found=found)
    return _saved(request)


def _save(request: Request, base: int, reason: str, change: Callable[[Content], dict[str, Any]]) -> None:
    """Save the version that the person looked at with their change; Outdated where it is not the newest any more."""
    gateway = console_of(request).gateway
    if base != _newest(request):
        raise Outdated(t("configuring.outdated"))
    values = change(_content(request, base))
    save(gateway.live, gateway.database, base, values, person_of(request).name, reason)


def _newest(request: Request) -> int:
    live = console_of(request).gateway.live
    live.refresh()
    return live.version


def _content(request: Request, version: int) -> Content:
    with console_of(request).database.read() as session:
        return content_of(session, version)


def _saved(request: Request) -> Response:
    return RedirectResponse(f"/configuration?saved={_newest(request)}", 303)


def _form(request: Request, kind: Kind, form: EntryForm, problems: tuple[str, ...] = ()) -> HTMLResponse:
    gateway = console_of(request).gateway
    return page(
        request,
        "configuration_edit.html",
        409 if problems else 200,
        kind=kind,
        form=form,
        problems=problems,
        locked=_is_in_file(request, kind, form.original),
        destinations=[(destination.name, destination.name) for destination in gateway.settings.destinations],
        views=[(row["code"], row["name"]) for row in read_table("views")],
        sop_classes=sop_class_names(),
        on_text=[(word, t(f"on_text.{word}")) for word in get_args(OnText)],
        on_face=[(word, t(f"on_face.{word}")) for word in get_args(OnFace)],
        on_hair=[(word, t(f"on_hair.{word}")) for word in get_args(Hair)],
        on_backdrop=[(word, t(f"on_backdrop.{word}")) for word in get_args(Backdrop)],
        syntaxes=[(word, t(f"syntaxes.{word}")) for word in get_args(Syntax)],
        options=[(str(option), t(f"options.{option}")) for option in Option],
    )


def _is_in_file(request: Request, kind: Kind, name: str) -> bool:
    file = console_of(request).gateway.live.file
    if kind == "sender":
        return name in file.listener.accepted_calling_aes
    return name in {entry.name for entry in (file.destinations if kind == "destination" else file.routes)}


def _removal(request: Request, kind: Kind, name: str, base: int, found: Review, status: int = 200) -> HTMLResponse:
    return page(request, "configuration_remove.html", status, kind=kind, name=name, base=base, found=found)
