"""One sender, destination or route as the fields of a form, and back; checked where everything is (configuring)."""

import re
from typing import Any, Final, Literal

from pydantic import BaseModel

from service.configuration import Content, plain_defaults
from service.errors import VeraGateError
from service.settings import Route, Settings

Kind = Literal["sender", "destination", "route"]
SECTIONS: Final[dict[Kind, str]] = {"sender": "senders", "destination": "destinations", "route": "routes"}
_SEPARATORS: Final = re.compile(r"[,;\n]")
_CHOSEN: Final = ("text", "unreplaced", "hair", "backdrop", "fallback_syntax", "retain")  # what a new route says
_BY_VIEW: Final = re.compile(r"\s*([A-Za-z]{2}\d{2})\s*[:=]\s*(.*)")


class EntryForm(BaseModel):
    """Every field of the three forms. `base` is the version that the person looked at, `original` the name before."""

    base: int = 0
    original: str = ""
    reason: str = ""
    name: str = ""
    ae_title: str = ""
    host: str = ""
    port: str = ""
    calling_ae: str = ""
    calling_aes: str = ""
    called_aes: str = ""
    sop_classes: list[str] = []
    views: str = ""
    preserve: list[str] = []
    preserve_by_view: str = ""
    destinations: list[str] = []
    text: str = ""
    segmentation: bool = False
    unreplaced: str = ""
    outline: bool = False
    hair: str = ""
    backdrop: str = ""
    fallback_syntax: str = ""
    retain: list[str] = []
    texts: str = ""


def edited(content: Content, kind: Kind, form: EntryForm) -> dict[str, Any]:
    """The content with this entry in the place of the one that it was, or behind all others."""
    values = content.stored()
    entries = values[SECTIONS[kind]]
    entry = form.name.strip() if kind == "sender" else _entry(kind, form)
    place = _place(entries, form.original) if form.original else None
    if place is None:
        entries.append(entry)
    else:
        entries[place] = entry if isinstance(entry, str) else _kept(entries[place]) | entry
    return values


def without(content: Content, kind: Kind, name: str) -> dict[str, Any]:
    values = content.stored()
    entries = values[SECTIONS[kind]]
    place = _place(entries, name)
    if place is None:
        raise VeraGateError("This entry is not in the console's configuration (any more).")
    del entries[place]
    return values


def moved(content: Content, name: str, up: bool) -> dict[str, Any]:
    """The routes with this one a place earlier or later."""
    values = content.stored()
    routes = values["routes"]
    place = _place(routes, name)
    other = None if place is None else place - 1 if up else place + 1
    if place is None or other is None or not 0 <= other < len(routes):
        raise VeraGateError("This route cannot be moved there.")
    routes[place], routes[other] = routes[other], routes[place]
    return values


def form_of(settings: Settings, kind: Kind, name: str) -> EntryForm:
    """The form filled in with an entry; for a name that is not there, as a new one begins."""
    if kind == "sender":
        known = name in settings.listener.accepted_calling_aes
        return EntryForm(original=name, name=name) if known else EntryForm()
    if kind == "destination":
        found = next((d for d in settings.destinations if d.name == name), None)
        if found is None:
            return EntryForm()
        fields = found.model_dump(exclude_none=True) | {"port": str(found.port)}
        return EntryForm(original=name, **fields)
    return _route_form(settings, name)


def _route_form(settings: Settings, name: str) -> EntryForm:
    """What a browser does not send is not ticked, so the ticks of a new route are set here and not as defaults."""
    route = next((r for r in settings.routes if r.name == name), None)
    if route is None:
        usual = plain_defaults(Route)
        return EntryForm(**{field: usual[field] for field in _CHOSEN})
    lines = (f"{view}: {', '.join(sorted(regions))}" for view, regions in sorted(route.preserve_by_view.items()))
    return EntryForm(
        original=name,
        name=name,
        calling_aes="\n".join(sorted(route.calling_aes)),
        called_aes="\n".join(sorted(route.called_aes)),
        sop_classes=sorted(route.sop_classes),
        views=" ".join(sorted(route.views)),
        preserve=sorted(route.preserve),
        preserve_by_view="\n".join(lines),
        destinations=list(route.destinations),
        text=route.text,
        segmentation=route.segmentation,
        unreplaced=route.unreplaced,
        outline=route.outline,
        hair=route.hair,
        backdrop=route.backdrop,
        fallback_syntax=route.fallback_syntax,
        retain=sorted(route.retain),
        texts="\n".join(sorted(route.texts)),
    )


def _kept(entry: dict[str, Any]) -> dict[str, Any]:
    """What a form does not show stays as it was."""
    return {name: value for name, value in entry.items() if name not in EntryForm.model_fields}


def _entry(kind: Kind, form: EntryForm) -> dict[str, Any]:
    if kind == "destination":
        place = {"name": form.name, "ae_title": form.ae_title, "host": form.host, "port": form.port.strip()}
        return place | ({"calling_ae": form.calling_ae} if form.calling_ae.strip() else {})
    values: dict[str, Any] = {
        "name": form.name,
        "calling_aes": _titles(form.calling_aes),
        "called_aes": _titles(form.called_aes),
        "sop_classes": form.sop_classes,
        "views": form.views.upper().replace(",", " ").split(),
        "preserve": form.preserve,
        "preserve_by_view": _by_view(form.preserve_by_view),
        "text": form.text,
        "segmentation": form.segmentation,
        "unreplaced": form.unreplaced,
        "outline": form.outline,
        "hair": form.hair,
        "backdrop": form.backdrop,
        "fallback_syntax": form.fallback_syntax,
        "texts": [line.strip() for line in form.texts.splitlines() if line.strip()],
    }
    chosen = {key: value for key, value in values.items() if value}
    return chosen | {"destinations": form.destinations, "retain": form.retain}


def _titles(text: str) -> list[str]:
    """AE titles one on a line or with commas between; they may have blanks inside."""
    return [title.strip() for title in _SEPARATORS.split(text) if title.strip()]


def _by_view(text: str) -> dict[str, list[str]]:
    """Lines such as "EV19: mouth, nose"; nothing behind the colon preserves nothing."""
    found = {}
    for line in text.splitlines():
        if line.strip():
            parts = _BY_VIEW.fullmatch(line)
            if parts is None:
                raise VeraGateError(
                    f"'{line.strip()[:40]}' is not a view and what to preserve, such as EV19: mouth, nose."
                )
            found[parts[1].upper()] = parts[2].replace(",", " ").lower().split()
    return found


def _place(entries: list[Any], name: str) -> int | None:
    names = [entry if isinstance(entry, str) else entry["name"] for entry in entries]
    return names.index(name) if name in names else None
