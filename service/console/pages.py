"""Pages from templates: escaped, with the words of `wording`, times that the browser shows in its own zone.

    return page(request, "photographs.html", rows=rows)

Every template can use: person (who is signed in, or None), may("photographs:read"), t(key), csrf() for the
hidden field of a form, url("name", id=...), asset("style.css"), and the filters when, ago, bytes, number.
"""

from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from service import __version__
from service.console.wording import has, t
from service.rights import Right
from service.tables import utc_now


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """The template as a response. A handler that has no person (sign-in, errors) gets a page without navigation."""
    person = getattr(request.state, "person", None)
    globals_ = {
        "request_path": request.url.path,
        "person": person,
        "may": lambda right: person is not None and Right(right) in person.rights,
        "csrf": lambda: _csrf(person.csrf if person is not None else getattr(request.state, "csrf", "")),
        "url": lambda name, **parts: request.app.url_path_for(name, **parts),
    }
    html = environment().get_template(template).render(globals_ | values)
    return HTMLResponse(html, status)


@cache
def environment() -> Environment:
    made = Environment(
        loader=PackageLoader("service.console", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"t": t, "has_text": has, "asset": asset, "version": __version__, "now": utc_now}
    made.filters |= {"when": when, "ago": ago, "bytes": readable_size, "number": readable_number}
    return made


@cache
def asset(name: str) -> str:
    """The address of a static file, with its digest so that browsers keep exactly this one."""
    content = (files("service.console") / "static" / name).read_bytes()
    return f"/static/{name}?{sha256(content).hexdigest()[:12]}"


def when(moment: datetime | None) -> Markup:
    """A time in UTC that times.js turns into the viewer's own zone; UTC stays on hover."""
    if moment is None:
        return Markup('<span class="none">–</span>')
    utc = moment.astimezone(UTC)
    shown = Markup('<time datetime="{}" title="{}">{}</time>')
    return shown.format(utc.isoformat(), f"{utc:%Y-%m-%d %H:%M:%S} UTC", f"{utc:%Y-%m-%d %H:%M} UTC")


def ago(seconds: float | datetime | None) -> str:
    """A duration, or the time since a moment, in one or two units."""
    if seconds is None:
        return "–"
    if isinstance(seconds, datetime):
        seconds = (utc_now() - seconds).total_seconds()
    seconds = max(seconds, 0)
    for size, unit, smaller, small in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if seconds >= size:
            rest = int(seconds % size // smaller)
            return f"{int(seconds // size)} {unit}" + (f" {rest} {small}" if rest else "")
    return f"{int(seconds // 60)} min" if seconds >= 60 else f"{int(seconds)} s"


def readable_size(size: int) -> str:
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def readable_number(value: int) -> str:
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _csrf(token: str) -> Markup:
    return Markup('<input type="hidden" name="csrf" value="{}">').format(token)
