"""Gateways for tests: settings on free ports and temporary folders, and a destination that remembers."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from pydicom import Dataset, dcmread
from pydicom.uid import UID
from pynetdicom import AE, _config, build_context, evt
from sqlalchemy import select

from service.database import Database
from service.destinations import keep_responses
from service.gateway import Gateway
from service.objects import SYNTAXES
from service.rules import SOP_CLASSES
from service.schema import migrate
from service.settings import Settings, parse_settings

CALLING, TITLE = "CAMERA", "VERAGATE"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings_for(folder: Path, *destinations: "Archive | tuple[str, int, str]", **changes: Any) -> Settings:
    """Settings that accept CAMERA and send everything to every destination, preserving mouth and nose."""
    places = [
        {"name": d.name, "ae_title": d.title, "host": "127.0.0.1", "port": d.port}
        if isinstance(d, Archive)
        else {"name": d[0], "ae_title": d[2], "host": "127.0.0.1", "port": d[1]}
        for d in destinations
    ] or [{"name": "nowhere", "ae_title": "NOWHERE", "host": "127.0.0.1", "port": free_port()}]
    values: dict[str, Any] = {
        "data_folder": str(folder),
        "listener": {"port": free_port(), "accepted_calling_aes": [CALLING]},
        "limits": {"min_free_disk_megabytes": 0},
        "console": {"enabled": False},
        "work": {"poll_seconds": 0.05, "sweep_seconds": 0.5, "seal_seconds": 0.3, "lease_seconds": 30},
        "destinations": places,
        "routes": [{"name": "all", "preserve": ["mouth"], "destinations": [place["name"] for place in places]}],
    }
    for key, value in changes.items():
        values[key] = {**values[key], **value} if isinstance(values.get(key), dict) else value
    return parse_settings(values)


def open_gateway(settings: Settings) -> Gateway:
    migrate(settings.url)
    return Gateway.open(settings)


class Archive:
    """A storage SCP that keeps every object it is sent, in the order of arrival."""

    def __init__(self, name: str = "archive", title: str = "ARCHIVE") -> None:
        self.name, self.title, self.port = name, title, free_port()
        self.status = 0x0000
        self.received: list[bytes] = []
        self.associations = 0
        self._lock = threading.Lock()
        self._server: Any = None

    def start(
        self, syntaxes: list[str] | None = None, calling: list[str] | None = None, extra: tuple[str, ...] = ()
    ) -> "Archive":
        ae = AE(self.title)
        ae.require_calling_aet = calling or []
        for sop_class in SOP_CLASSES:
            ae.add_supported_context(sop_class, syntaxes or sorted(SYNTAXES))
        for sop_class in ("1.2.840.10008.1.1", *extra):
            ae.add_supported_context(sop_class)
        handlers = [(evt.EVT_C_STORE, self._store), (evt.EVT_ESTABLISHED, self._count)]
        self._server = ae.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.ae.shutdown()
            self._server = None

    def datasets(self) -> list[Dataset]:
        return [dcmread(BytesIO(data)) for data in list(self.received)]

    def _count(self, event: evt.Event) -> None:
        self.associations += 1

    def _store(self, event: evt.Event) -> int:
        if self.status in (0x0000, 0xB000):
            with self._lock:
                self.received.append(_file_of(event))
        return self.status


def _file_of(event: evt.Event) -> bytes:
    """The object as a file; a listener in the same process makes pynetdicom receive to disk."""
    return event.dataset_path.read_bytes() if _config.STORE_RECV_CHUNKED_DATASET else event.encoded_dataset()


@contextmanager
def archive(**options: Any) -> Iterator[Archive]:
    place = Archive().start(**options)
    try:
        yield place
    finally:
        place.stop()


def store(
    settings: Settings, *datasets: Dataset, calling: str = CALLING, called: str = TITLE, patience: float = 30
) -> list[int]:
    """C-STORE data sets over one association; the statuses, fewer than data sets when it was refused or lost."""
    ae = AE(calling)
    ae.dimse_timeout = patience
    contexts = [build_context(ds.SOPClassUID, UID(ds.file_meta.TransferSyntaxUID)) for ds in datasets]
    unique = list({(c.abstract_syntax, tuple(c.transfer_syntax)): c for c in contexts}.values())
    association = ae.associate("127.0.0.1", settings.listener.port, contexts=unique, ae_title=called)
    if not association.is_established:
        return []
    keep_responses(association)
    statuses: list[int] = []
    for ds in datasets:
        if not association.is_established:
            break
        statuses.append(int(association.send_c_store(ds).get("Status", -1)))
    association.release()
    return statuses


def rows(database: Database, table: Any) -> list[Any]:
    with database.read() as session:
        return list(session.scalars(select(table)))


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> None:
    """Wait until the condition holds; the limit only ends a test that would never end."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"this did not happen in {seconds:.0f} s")
        time.sleep(0.05)
