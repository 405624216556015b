"""Where would this photograph go? The same rules as for a real one, told step by step; nothing is changed.

explain(settings, Facts("CAMERA", "VERAGATE", VL_PHOTOGRAPHIC, "EV19"))
explain(settings, facts_of(gateway, photograph_id))       # a stored one: its header, never its pixels
"""

from dataclasses import dataclass
from typing import Literal

from pydicom import dcmread

from service.errors import VeraGateError
from service.gateway import Gateway
from service.rules import called_titles, choose_route, failed_conditions, preserve_for
from service.settings import Region, Route, Settings
from service.tables import Photograph
from service.views import Kind, View, attributes_for, classify

Door = Literal["open", "caller unknown", "title unknown"]


@dataclass(frozen=True)
class Facts:
    """All that the rules look at."""

    calling_ae: str
    called_ae: str
    sop_class_uid: str
    view: View


@dataclass(frozen=True)
class Tried:
    """One route in its turn: the fields that kept the photograph out, none where it would have been taken."""

    route: Route
    failed: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """`door`: whether the association would be accepted; `chosen`: the first route that takes it, None holds it."""

    facts: Facts
    door: Door
    tried: tuple[Tried, ...]
    chosen: Route | None
    preserve: frozenset[Region]


def explain(settings: Settings, facts: Facts) -> Explanation:
    """Each route in order, and what would come of it."""
    known = (facts.calling_ae, facts.called_ae, facts.sop_class_uid, facts.view)
    chosen = choose_route(settings, *known)
    return Explanation(
        facts=facts,
        door=_door(settings, facts),
        tried=tuple(Tried(route, failed_conditions(route, *known)) for route in settings.routes),
        chosen=chosen,
        preserve=frozenset() if chosen is None else preserve_for(chosen, facts.view),
    )


def view_of(code: str) -> View:
    """The view of a photograph that carries the codes of one ADA-1100 view; of one without codes for ""."""
    if not code:
        return View(Kind.UNKNOWN)
    try:
        return classify(attributes_for(code))
    except KeyError as error:
        raise VeraGateError(f"'{code[:16]}' is not the code of an ADA-1100 view.") from error


def facts_of(gateway: Gateway, photograph_id: str) -> Facts:
    """What the rules see of a stored photograph, from its row and its header."""
    with gateway.database.read() as session:
        photograph = session.get(Photograph, photograph_id)
    if photograph is None:
        raise VeraGateError("There is no such photograph.")
    return Facts(
        photograph.calling_ae, photograph.called_ae, photograph.sop_class_uid, _stored_view(gateway, photograph)
    )


def _stored_view(gateway: Gateway, photograph: Photograph) -> View:
    try:
        with gateway.originals.path(photograph.blob) as path:
            return classify(dcmread(path, stop_before_pixels=True))
    except Exception as error:  # a corrupt file may raise anything from deep inside the parser
        raise VeraGateError("The header of this photograph cannot be read, so no route was looked for.") from error


def _door(settings: Settings, facts: Facts) -> Door:
    if facts.called_ae not in called_titles(settings):
        return "title unknown"
    if facts.calling_ae not in settings.listener.accepted_calling_aes | {settings.console.upload_ae}:
        return "caller unknown"
    return "open"
