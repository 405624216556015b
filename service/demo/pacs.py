"""The destination: a small DICOM node of the demonstration that keeps what it is sent."""

import socket
from pathlib import Path
from typing import Any

from pydicom.uid import JPEGBaseline8Bit
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]
from pynetdicom.transport import ThreadedAssociationServer

from service.settings import VL_PHOTOGRAPHIC

AE_TITLE = "DEMO-PACS"


class Pacs:
    """A storage SCP on a free port of this machine; objects land in `folder` as <SOP Instance UID>.dcm."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ae = AE(AE_TITLE)
        self._ae.add_supported_context(VL_PHOTOGRAPHIC, JPEGBaseline8Bit)
        self._ae.add_supported_context(Verification)
        self._server: ThreadedAssociationServer | None = None
        self.port = free_port()

    def __enter__(self) -> "Pacs":
        self.folder.mkdir(parents=True, exist_ok=True)
        self._server = self._ae.start_server(
            ("127.0.0.1", self.port), block=False, evt_handlers=[(evt.EVT_C_STORE, self._keep)]
        )
        return self

    def __exit__(self, *problem: object) -> None:
        if self._server is not None:
            self._server.shutdown()

    def _keep(self, event: Any) -> int:
        path = self.folder / f"{event.request.AffectedSOPInstanceUID}.dcm"
        path.write_bytes(event.encoded_dataset())
        return 0x0000


def free_port() -> int:
    """A TCP port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
