"""Who may send what, and where a photograph goes: decisions on settings and codes alone, without any I/O."""

from service.settings import Region, Route, Settings
from service.storage_classes import PHOTOGRAPHIC
from service.views import View

SOP_CLASSES = tuple(PHOTOGRAPHIC)


def called_titles(settings: Settings) -> frozenset[str]:
    """The AE titles that this gateway answers to: its own and those that a route listens for."""
    return frozenset({settings.listener.ae_title}.union(*(route.called_aes for route in settings.routes)))


def choose_route(settings: Settings, calling: str, called: str, sop_class: str, view: View) -> Route | None:
    """The first route whose every condition holds; None means that the photograph has nowhere to go."""
    matching = (r for r in settings.routes if not failed_conditions(r, calling, called, sop_class, view))
    return next(matching, None)


def preserve_for(route: Route, view: View) -> frozenset[Region]:
    """The regions that come out unchanged: what the route says for this view, else what it says for all.

    Where the codes fit several views with different orders, only what every order allows is preserved.
    """
    orders = [route.preserve_by_view.get(code, route.preserve) for code in sorted(view.codes)]
    return frozenset.intersection(*orders) if orders else route.preserve


def failed_conditions(route: Route, calling: str, called: str, sop_class: str, view: View) -> tuple[str, ...]:
    """The route's fields that keep such a photograph out; none where it matches."""
    held = {
        "calling_aes": not route.calling_aes or calling in route.calling_aes,
        "called_aes": not route.called_aes or called in route.called_aes,
        "sop_classes": not route.sop_classes or sop_class in route.sop_classes,
        "views": not route.views or (bool(view.codes) and view.codes <= route.views),
    }
    return tuple(field for field, holds in held.items() if not holds)
