"""What stands against a configuration, in sentences for whoever wrote it; nothing here looks into the database."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from service.configuration import Content
from service.configuring.titles import look_alikes
from service.rules import SOP_CLASSES
from service.settings import Route, Settings
from service.views import attributes_for

_FIELDS: Final = {
    "name": "the name",
    "ae_title": "the AE title",
    "host": "the host",
    "port": "the port",
    "calling_ae": "our AE title there",
    "calling_aes": "the calling AE titles",
    "called_aes": "the called AE titles",
    "destinations": "the destinations",
    "preserve": "what is preserved",
    "preserve_by_view": "what is preserved by view",
    "text": "what becomes of text in the picture",
    "unreplaced": "what becomes of a face that cannot be replaced",
    "outline": "whether a covered head keeps its outline",
    "hair": "what becomes of the hair",
    "backdrop": "what becomes of what lies behind people",
    "fallback_syntax": "the syntax of what cannot leave as it came",
    "retain": "what is retained",
    "texts": "a text that may leave",
}
_MESSAGES: Final = {
    "missing": "is missing",
    "string_too_long": "may have at most {max_length} characters",
    "string_too_short": "is missing",
    "string_pattern_mismatch": "has a character that may not be there",
    "string_type": "is missing",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "greater_than_equal": "must be from 1 to 65535",
    "less_than_equal": "must be from 1 to 65535",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "too_short": "are missing",
    "too_long": "are more than {max_length}",
    "extra_forbidden": "is not a setting",
}
_SECTIONS: Final = {"senders": "sender", "destinations": "destination", "routes": "route"}


def read_content(values: dict[str, Any]) -> tuple[Content, list[str]]:
    """The content, and one sentence for each field that is not what it must be."""
    try:
        return Content.model_validate(values), []
    except ValidationError as error:
        return Content(), list(dict.fromkeys(_sentence(values, found) for found in error.errors()))


def problems_of(file: Settings, content: Content) -> list[str]:
    """Everything that keeps a well-formed content from being used with the file."""
    return [
        *_doubles(content),
        *_against_the_file(file, content),
        *_against_the_upload_page(file, content),
        *(problem for route in content.routes for problem in _route(file, content, route)),
    ]


def warnings_of(settings: Settings) -> list[str]:
    """What is allowed and seldom meant."""
    senders = settings.listener.accepted_calling_aes
    titles = {settings.listener.ae_title, *senders, *(d.ae_title for d in settings.destinations)}
    found = [f"The AE titles '{a}' and '{b}' are easily taken for one another." for a, b in look_alikes(titles)]
    for route in settings.routes:
        unknown = sorted(route.calling_aes - senders - {settings.console.upload_ae})
        found += [f"The route '{route.name}' waits for '{title}', which may not send." for title in unknown]
    return found + [
        f"The route '{name}' is never reached: '{first}' takes everything before it."
        for first, name in _hidden(settings)
    ]


def _sentence(values: dict[str, Any], error: ErrorDetails) -> str:
    section, *rest = [str(part) for part in error["loc"]]
    number = int(rest[0]) if rest and rest[0].isdigit() else None
    entry = values[section][number] if number is not None else None
    if error["type"] == "value_error":
        return f"The {error['ctx']['error']}."
    message = _MESSAGES.get(error["type"], "cannot be used").format(**error.get("ctx", {}))
    if number is None:
        return f"The {section} {message}."
    what = f"The {_SECTIONS[section]} {_label(entry, number)}"
    if section == "senders":
        return f"{what}: the AE title {message}."
    field = rest[1] if len(rest) > 1 else ""
    return f"{what}: {_FIELDS.get(field, field)} {message}."


def _label(entry: Any, number: int) -> str:
    name = entry.get("name") if isinstance(entry, dict) else entry
    return f"'{str(name)[:64]}'" if name and str(name).strip() else f"number {number + 1}"


def _doubles(content: Content) -> Iterator[str]:
    for kind, entries in (("destinations", content.destinations), ("routes", content.routes)):
        for name, count in Counter(entry.name for entry in entries).items():
            if count > 1:
                yield f"{count} {kind} have the name '{name}'."


def _against_the_file(file: Settings, content: Content) -> Iterator[str]:
    for kind, own, others in (
        ("destination", file.destinations, content.destinations),
        ("route", file.routes, content.routes),
    ):
        defined = {entry.name for entry in own}
        for entry in others:
            if entry.name in defined:
                yield f"The configuration file defines the {kind} '{entry.name}'; it can be changed only there."


def _against_the_upload_page(file: Settings, content: Content) -> Iterator[str]:
    if file.console.upload_ae in content.senders:
        yield f"'{file.console.upload_ae}' is the upload page's own title; no sender may use it."


def _route(file: Settings, content: Content, route: Route) -> Iterator[str]:
    known = {entry.name for entry in (*file.destinations, *content.destinations)}
    for name in route.destinations:
        if name not in known:
            yield f"The route '{route.name}' names the destination '{name}', which is not defined."
    for view in sorted({*route.views, *route.preserve_by_view}):
        if not _is_view(view):
            yield f"The route '{route.name}' names the view '{view[:64]}', which is not an ADA-1100 code."
    for sop_class in sorted(route.sop_classes - set(SOP_CLASSES)):
        yield f"The route '{route.name}' names the SOP class '{sop_class[:64]}', which this gateway does not receive."


def _is_view(code: str) -> bool:
    try:
        attributes_for(code)
    except KeyError:
        return False
    return True


def _hidden(settings: Settings) -> Iterator[tuple[str, str]]:
    """Routes behind one without any condition."""
    takes_all = next(
        (r for r in settings.routes if not (r.calling_aes or r.called_aes or r.sop_classes or r.views)), None
    )
    if takes_all is not None:
        for route in settings.routes[settings.routes.index(takes_all) + 1 :]:
            yield takes_all.name, route.name
