"""Where a photograph would go, told by the very rules that send it there."""

from pathlib import Path
from typing import Any

import pytest

from service.configuring.simulator import Facts, explain, facts_of, view_of
from service.errors import VeraGateError
from service.gateway import Gateway
from service.reception import Origin, receive
from service.settings import SECONDARY_CAPTURE, VL_PHOTOGRAPHIC, Settings
from service.spool import Received
from service.tables import Photograph
from service.views import Kind
from tests.support import photographs
from tests.support.gateways import CALLING, TITLE, open_gateway, rows, settings_for

ROUTES: list[dict[str, Any]] = [
    {"name": "other", "calling_aes": ["OTHER"], "destinations": ["nowhere"]},
    {"name": "teeth", "views": ["IV07"], "sop_classes": [SECONDARY_CAPTURE], "destinations": ["nowhere"]},
    {"name": "smiles", "preserve": ["nose"], "preserve_by_view": {"EV19": ["mouth"]}, "destinations": ["nowhere"]},
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path, routes=ROUTES)


def _facts(code: str = "EV19", calling: str = CALLING, called: str = TITLE) -> Facts:
    return Facts(calling, called, VL_PHOTOGRAPHIC, view_of(code))


def test_each_route_says_what_kept_the_photograph_out(settings: Settings) -> None:
    """The routes stand in their order with the conditions that failed; the first without any decides."""
    told = explain(settings, _facts())

    assert [(tried.route.name, tried.failed) for tried in told.tried] == [
        ("other", ("calling_aes",)),
        ("teeth", ("sop_classes", "views")),
        ("smiles", ()),
    ]
    assert (told.door, told.chosen and told.chosen.name, told.preserve) == ("open", "smiles", {"mouth"})


def test_without_a_route_it_would_be_held(tmp_path: Path) -> None:
    """Where nothing matches nothing is chosen and nothing is preserved."""
    told = explain(settings_for(tmp_path, routes=ROUTES[:1]), _facts())

    assert (told.chosen, told.preserve) == (None, frozenset())


@pytest.mark.parametrize(
    ("facts", "door"),
    [
        (_facts(calling="STRANGER"), "caller unknown"),
        (_facts(called="NOBODY"), "title unknown"),
        (_facts(calling="UPLOAD"), "open"),
    ],
)
def test_the_door_is_told_apart_from_the_routes(settings: Settings, facts: Facts, door: str) -> None:
    """An association that would be refused is said to be, and pictures of the upload page need none."""
    assert explain(settings, facts).door == door


def test_a_view_that_does_not_exist_is_refused() -> None:
    """Nonsense for a code is a sentence; no code at all means a photograph without codes."""
    with pytest.raises(VeraGateError, match="not the code"):
        view_of("EV99")
    assert view_of("").kind is Kind.UNKNOWN


def _stored(gateway: Gateway, data: bytes, name: str) -> str:
    path = gateway.settings.data_folder / f"{name}.dcm"
    path.write_bytes(data)
    receive(gateway, Received(path, len(data), name), Origin(CALLING, TITLE, "peer", VL_PHOTOGRAPHIC, "1.2.3", "1.2"))
    return next(row.id for row in rows(gateway.database, Photograph) if row.digest == name)


def test_a_stored_photograph_is_told_by_its_own_header(tmp_path: Path) -> None:
    """Its view is read from the original's header; one that cannot be read, or is not there, is a sentence."""
    gateway = open_gateway(settings_for(tmp_path / "data", routes=ROUTES))
    ds = photographs.photograph(photographs.teeth(), "IV10")
    good = _stored(gateway, photographs.save(ds, tmp_path / "good.dcm").read_bytes(), "a" * 64)
    bad = _stored(gateway, b"no DICOM", "b" * 64)

    assert facts_of(gateway, good).view.codes == {"IV10"}
    with pytest.raises(VeraGateError, match="cannot be read"):
        facts_of(gateway, bad)
    with pytest.raises(VeraGateError, match="no such photograph"):
        facts_of(gateway, "x")
    gateway.close()
