"""What becomes of the hair: the identity's tone, or the photograph's own, or a cap, where the route says so."""

from pathlib import Path
from typing import Any

import pytest

from service.states import PhotographState
from tests.support import photographs
from tests.support.desks import Desk
from tests.support.fakefaces import BOX, FakeFaces


@pytest.mark.parametrize(
    ("route", "numbers", "told"),
    [({}, 4, None), ({"hair": "renew"}, 4, None), ({"hair": "keep"}, 3, "keep"), ({"hair": "cap"}, 4, "cap")],
)
def test_what_the_route_says_becomes_of_the_hair(
    tmp_path: Path, route: dict[str, Any], numbers: int, told: str | None
) -> None:
    """The patient's identity has its tone whatever the route says; where hair is kept, what the engine is shown ends
    before it, and where a cap is wanted it is told so. The audit tells what was not usual."""
    desk, faces = Desk(tmp_path, **route), FakeFaces(BOX)
    try:
        photograph = desk.take(photographs.teeth(width=480, height=400), faces)

        assert photograph.state == PhotographState.DEIDENTIFIED
        assert len(faces.anonymizer.shown) == numbers  # type: ignore[attr-defined]
        with desk.gateway.database.read() as session:
            stored = desk.gateway.identities.get(session, photograph.patient_id, faces.version)
        assert stored is not None
        assert len(stored) == 4
        assert faces.anonymizer.capped == (told == "cap")  # type: ignore[attr-defined]
        assert desk.details("photograph.deidentified").get("hair") == told
    finally:
        desk.gateway.close()
