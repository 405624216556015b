"""The whole way of a photograph in one process: over the network in, through the worker, over the network out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import Dataset, FileDataset

from service.forwarding import Courier
from service.gateway import Gateway
from service.listener import Listener
from service.pipeline import Worker
from service.pixels import Faces
from service.tables import Photograph
from tests.support.gateways import Archive, archive, open_gateway, rows, settings_for, store


@dataclass(frozen=True)
class Journey:
    """What arrived at the destination, as data sets and as bytes, and the photographs' rows."""

    arrived: list[Dataset]
    files: list[bytes]
    photographs: list[Photograph]


def journey(folder: Path, faces: Faces, *sent: FileDataset, extra: tuple[str, ...] = (), **route: Any) -> Journey:
    """Send objects through a route; `extra` are SOP classes beside the photographs' that the destination takes."""
    with archive(extra=extra) as place:
        fields = {"name": "all", "preserve": ["mouth"], "destinations": [place.name], **route}
        gateway = open_gateway(settings_for(folder, place, routes=[fields]))
        try:
            _through(gateway, place, faces, sent)
            return Journey(place.datasets(), list(place.received), rows(gateway.database, Photograph))
        finally:
            gateway.close()


def _through(gateway: Gateway, place: Archive, faces: Faces, sent: tuple[FileDataset, ...]) -> None:
    listener, worker = Listener(gateway, lambda: None), Worker(gateway, faces)
    listener.start()
    try:
        assert store(gateway.settings, *sent) == [0] * len(sent)
    finally:
        listener.stop()
    while worker.work_one():
        pass
    (destination,) = gateway.settings.destinations
    courier = Courier(gateway.settings, destination, gateway.database, gateway.releases)
    while courier.send_due():
        pass
    courier.close()
