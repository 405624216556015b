"""A verification of the whole audit in the background, since it takes minutes on a long log; one at a time."""

import threading
from datetime import datetime

from service.audit import Verification, verify
from service.errors import Retry
from service.gateway import Gateway
from service.logs import get_logger
from service.tables import utc_now


class Verifying:
    """`found` is what the last one found, None when the database did not answer; `at` is when it ended."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self.found: Verification | None = None
        self.at: datetime | None = None

    @property
    def runs(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin, unless one runs."""
        with self._lock:
            if not self.runs:
                self._thread = threading.Thread(target=self._verify, daemon=True, name="verifying")
                self._thread.start()

    def _verify(self) -> None:
        gateway, settings = self._gateway, self._gateway.settings
        try:
            self.found = verify(gateway.database, gateway.keys, settings.checkpoints, settings.checkpoint_copy)
        except (Retry, OSError):
            get_logger(process="console").exception("audit.not_verified")
            self.found = None
        self.at = utc_now()
