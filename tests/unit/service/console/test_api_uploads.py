"""Pictures brought in over the REST API."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from service.console.access import Person
from service.gateway import Gateway
from service.rights import RIGHTS, Role
from service.tables import Photograph
from service.uploading.staging import Staging
from tests.support.console import client_for
from tests.support.gateways import open_gateway, settings_for
from tests.support.people import an_account
from tests.support.photographs import jpeg


@pytest.fixture(name="gateway")
def _gateway(tmp_path: Path) -> Iterator[Gateway]:
    opened = open_gateway(settings_for(tmp_path / "data"))
    yield opened
    opened.close()


def test_pictures_are_brought_in_with_one_request(gateway: Gateway) -> None:
    """Each picture becomes a photograph with its view, what is none is told so, and others see nothing of it."""
    picture = jpeg(np.zeros((90, 120, 3), np.uint8))
    files = [("files", ("1.jpg", picture, "image/jpeg")), ("files", ("2.jpg", b"GIF89a", "image/jpeg"))]
    values = {"patient_id": "4711", "taken_on": "2026-03-12", "views": ["EV19", ""]}
    with client_for(gateway, _uploader(gateway, "ada")) as robot:
        robot.app.state.staging = _staging(gateway)
        done = robot.post("/api/v1/uploads", files=files, data=values)
        late = robot.post("/api/v1/uploads", files=files, data=values | {"taken_on": "2999-01-01"})
        useless = robot.post("/api/v1/uploads", files=files[1:], data=values)
    with client_for(gateway, _uploader(gateway, "bert")) as other:
        other.app.state.staging = _staging(gateway)
        assert other.get(f"/api/v1/uploads/{done.json()['id']}").status_code == 404

    first, second = done.json()["pictures"]
    assert (done.status_code, first["state"], first["view"]) == (201, "RECEIVED", "EV19")
    assert "GIF" in second["problem"]
    assert "4711" not in done.text + late.text
    assert (late.status_code, useless.status_code) == (409, 409)
    with gateway.database.read() as session:
        assert [row.id for row in session.scalars(select(Photograph))] == [first["photograph_id"]]


def _staging(gateway: Gateway) -> Staging:
    """Staging that guesses no view, which would load the models."""
    staging = Staging(gateway.settings.staged, gateway.settings.limits)
    staging._viewer.__dict__["_reader"] = _NoFaces()
    return staging


class _NoFaces:
    def read(self, image: np.ndarray) -> None:
        return None


def _uploader(gateway: Gateway, name: str) -> Person:
    account_id = an_account(gateway.database, name, Role.OPERATOR)
    return Person(account_id, name, Role.OPERATOR, RIGHTS[Role.OPERATOR], "", token_id="t")
