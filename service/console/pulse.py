"""The overview, read by one thread for everybody who looks, and handed out as it changes."""

import threading
from dataclasses import dataclass
from typing import Final

from service.errors import VeraGateError
from service.gateway import Gateway
from service.logs import get_logger
from service.overview import Overview, overview

PERIOD: Final = 2.0


@dataclass(frozen=True)
class Beat:
    """One reading; `number` counts up, `problem` says why there is none."""

    number: int
    overview: Overview | None
    problem: str | None = None


class Pulse:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._beat: Beat | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True, name="pulse")
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(PERIOD * 2)

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    @property
    def latest(self) -> Beat:
        """The newest reading; the first one to ask takes it itself."""
        return self._beat or self.read()

    def _run(self) -> None:
        while not self._stop.is_set():
            self.read()
            self._stop.wait(PERIOD)

    def read(self) -> Beat:
        with self._lock:
            number = self._beat.number + 1 if self._beat else 1
            try:
                with self._gateway.database.read() as session:
                    self._beat = Beat(number, overview(session, self._gateway.settings))
            except VeraGateError as error:
                get_logger(process="console").warning("overview.unavailable", reason=str(error))
                self._beat = Beat(number, None, str(error))
            return self._beat
