"""Routing and preservation orders."""

from service.rules import called_titles, choose_route, preserve_for
from service.settings import SECONDARY_CAPTURE, VL_PHOTOGRAPHIC, Settings, parse_settings
from service.views import Kind, View

SMILE = View(Kind.EXTRAORAL, frozenset({"EV23"}))


def _settings(*routes: dict[str, object]) -> Settings:
    destinations = [{"name": "pacs", "ae_title": "PACS", "host": "127.0.0.1", "port": 104}]
    return parse_settings(
        {"destinations": destinations, "routes": [{"destinations": ["pacs"], **route} for route in routes]}
    )


def _choose(
    settings: Settings, view: View = SMILE, calling: str = "CAM", sop_class: str = VL_PHOTOGRAPHIC
) -> str | None:
    route = choose_route(settings, calling, "VERAGATE", sop_class, view)
    return route and route.name


def test_the_first_route_whose_every_condition_holds_decides() -> None:
    """Of several routes that match, the one written first is taken."""
    settings = _settings({"name": "other", "calling_aes": ["X"]}, {"name": "one"}, {"name": "two"})

    assert _choose(settings) == "one"


def test_each_condition_alone_keeps_a_photograph_out() -> None:
    """A route is passed over when any of its conditions fails."""
    for condition in (
        {"calling_aes": ["OTHER"]},
        {"called_aes": ["OTHER"]},
        {"sop_classes": [SECONDARY_CAPTURE]},
        {"views": ["EV19"]},
    ):
        assert _choose(_settings({"name": "narrow", **condition})) is None


def test_a_view_condition_needs_every_code_that_fits() -> None:
    """A photograph whose codes leave a view open that the route does not name is not taken by it."""
    settings = _settings({"name": "frontal", "views": ["EV19", "EV20"]})

    assert _choose(settings, View(Kind.EXTRAORAL, frozenset({"EV19", "EV20"}))) == "frontal"
    assert _choose(settings, View(Kind.EXTRAORAL, frozenset({"EV19", "EV21"}))) is None
    assert _choose(settings, View(Kind.UNKNOWN)) is None


def test_orders_for_a_view_win_over_the_route_and_doubt_preserves_less() -> None:
    """What is preserved follows the view, and only what every possible view allows."""
    orders = {"EV23": ["mouth", "nose"], "EV24": ["mouth"]}
    route = _settings({"name": "r", "preserve": ["eyes"], "preserve_by_view": orders}).routes[0]

    assert preserve_for(route, SMILE) == {"mouth", "nose"}
    assert preserve_for(route, View(Kind.EXTRAORAL, frozenset({"EV23", "EV24"}))) == {"mouth"}
    assert preserve_for(route, View(Kind.EXTRAORAL, frozenset({"EV23", "EV19"}))) == set()
    assert preserve_for(route, View(Kind.UNKNOWN)) == {"eyes"}


def test_titles_that_routes_listen_for_are_answered() -> None:
    """The gateway answers to its own title and to those that a route names."""
    assert called_titles(_settings({"name": "r", "called_aes": ["STUDY7"]})) == {"VERAGATE", "STUDY7"}
