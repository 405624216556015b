"""A gateway with one route and its worker, for what becomes of single photographs."""

import hashlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.uid import UID, JPEGBaseline8Bit, generate_uid

from service.blobs import map_key
from service.gateway import Gateway
from service.pipeline import Worker
from service.pixels import Faces, read_map
from service.reception import Origin, receive
from service.spool import Received
from service.tables import AuditEntry, Photograph, Release
from tests.support import photographs
from tests.support.gateways import CALLING, TITLE, open_gateway, rows, settings_for


class Desk:
    """A gateway whose only route is as told, and its worker."""

    def __init__(self, folder: Path, **route: Any) -> None:
        routes = [{"name": "all", "destinations": ["nowhere"], **route}]
        self.gateway: Gateway = open_gateway(settings_for(folder, routes=routes))
        self.gateway.settings.spool.mkdir(exist_ok=True, parents=True)

    def take(
        self, picture: NDArray[np.uint8], faces: Faces, view: str = "EV19", syntax: UID = JPEGBaseline8Bit
    ) -> Photograph:
        """Receive a photograph, work on it, and say how it stands then."""
        ds = photographs.photograph(picture, view, syntax=syntax)
        path = photographs.save(ds, self.gateway.settings.spool / f"{generate_uid()}.part")
        received = Received(path, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
        origin = Origin(CALLING, TITLE, "127.0.0.1", ds.SOPClassUID, ds.SOPInstanceUID, syntax)
        assert receive(self.gateway, received, origin)
        assert Worker(self.gateway, faces).work_one()
        photograph = self.all(Photograph)[-1]
        assert isinstance(photograph, Photograph)
        return photograph

    def all(self, table: Any) -> list[Any]:
        return rows(self.gateway.database, table)

    def released(self) -> tuple[Release, Dataset]:
        (release,) = self.all(Release)
        return release, dcmread(BytesIO(self.gateway.releases.read(release.blob)))

    def parts(self) -> NDArray[np.uint8]:
        (release,) = self.all(Release)
        return read_map(self.gateway.maps.read(map_key(release.blob)))

    def details(self, action: str) -> dict[str, Any]:
        """What the audit has of the one entry of this kind."""
        (entry,) = [entry for entry in self.all(AuditEntry) if entry.action == action]
        details: dict[str, Any] = entry.details
        return details
