"""Copies of the signed checkpoints in a second folder, best on another machine, now and then.

Who would rewrite the log must rewrite each copy too. A folder that is away or hangs must not keep the sealer, so a
thread of its own copies; that it fails, and that it works again, goes on record once.
"""

import threading
import time
from datetime import timedelta
from typing import Final

from service import audit
from service.audit import Action, Outcome
from service.checkpoints import append_missing
from service.errors import Retry, VeraGateError
from service.gateway import Gateway
from service.logs import get_logger

ACTOR: Final = "sweeper"


class Copier:
    """Brings the copy up to date when it is due; `settings.audit.copy_folder` says where it is, if anywhere."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._log = get_logger(process=ACTOR)
        self._due = 0.0
        self._thread: threading.Thread | None = None
        self._works: bool | None = None

    def copy_when_due(self) -> None:
        """Start a copy unless there is none to make, it is too early, or the last one still runs."""
        if self._gateway.settings.checkpoint_copy is None or time.monotonic() < self._due:
            return
        if self._thread is not None and self._thread.is_alive():
            return
        self._due = time.monotonic() + timedelta(minutes=self._gateway.settings.audit.copy_minutes).total_seconds()
        self._thread = threading.Thread(target=self.copy, daemon=True, name="copies")
        self._thread.start()

    def copy(self) -> None:
        """Append what the copy lacks, and tell when that stops working or works again."""
        path = self._gateway.settings.checkpoint_copy
        if path is None:
            return
        reason = None
        try:
            if not path.parent.is_dir():  # making it would fill the place where a disk should be mounted
                raise VeraGateError("the folder is not there")
            append_missing(self._gateway.database, path)
        except Retry:
            return  # our database, not the folder; the next time will do
        except (OSError, VeraGateError) as error:
            reason = str(getattr(error, "strerror", None) or error)
            self._log.warning("checkpoints.not_copied", reason=reason)
        if self._works is not (reason is None):
            self._works = reason is None
            self._record(reason)

    def _record(self, reason: str | None) -> None:
        outcome = Outcome.SUCCESS if reason is None else Outcome.FAILURE
        details = {} if reason is None else {"reason": reason}
        with self._gateway.database.transaction() as session:
            audit.record(session, Action.CHECKPOINT_COPIED, actor=ACTOR, outcome=outcome, details=details)
