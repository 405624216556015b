"""What becomes of the hair: the identity's tone, or the photograph's own where the route says so."""

from pathlib import Path
from typing import Any

import pytest

from service.states import PhotographState
from tests.support import photographs
from tests.support.desks import Desk
from tests.support.fakefaces import BOX, FakeFaces


@pytest.mark.parametrize(("route", "numbers"), [({}, 4), ({"hair": "renew"}, 4), ({"hair": "keep"}, 3)])
def test_the_tone_of_the_hair_is_drawn_and_not_rendered_where_the_route_keeps_it(
    tmp_path: Path, route: dict[str, Any], numbers: int
) -> None:
    """The patient's identity has its tone whatever the route says; what the engine is shown ends before it."""
    desk, faces = Desk(tmp_path, **route), FakeFaces(BOX)
    try:
        photograph = desk.take(photographs.teeth(width=480, height=400), faces)

        assert photograph.state == PhotographState.DEIDENTIFIED
        assert len(faces.anonymizer.shown) == numbers  # type: ignore[attr-defined]
        with desk.gateway.database.read() as session:
            stored = desk.gateway.identities.get(session, photograph.patient_id, faces.version)
        assert stored is not None
        assert len(stored) == 4
        assert desk.details("photograph.deidentified").get("hair") == ("keep" if numbers == 3 else None)
    finally:
        desk.gateway.close()
