"""`veragate up`: every role of the gateway as a child process that is started again when it dies.

Children learn that the supervisor is gone from the end of their standard input, so that nothing is left
running when the supervisor itself is killed. The sweeper stops last, because it seals the audit.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import service
from service.gateway import Gateway
from service.logs import get_logger
from service.schema import migrate
from service.settings import Settings

EXIT_CONFIGURATION: Final = 78  # EX_CONFIG: starting again would not help
READY: Final = b"ready"  # what a supervised role writes to its standard output when it is
STOP_SECONDS: Final = 30.0
_CHECK_SECONDS: Final = 0.2
_LONGEST_PAUSE: Final = 30.0
_STEADY_SECONDS: Final = 60.0


@dataclass
class Child:
    """One role and the process that plays it; `ready` is set when it has said so for the first time."""

    role: str
    config: Path
    ready: threading.Event = field(default_factory=threading.Event)
    process: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    started_at: float = 0.0
    start_at: float = 0.0

    def start(self) -> None:
        command = [sys.executable, "-P", "-m", "service", self.role, "--config", str(self.config), "--supervised"]
        # A session of its own: Ctrl-C reaches the supervisor alone, which then stops the roles in order.
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and package
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment(), start_new_session=True
        )
        self.started_at = time.monotonic()
        threading.Thread(target=self._hear, args=(self.process.stdout,), daemon=True).start()

    def _hear(self, output: IO[bytes]) -> None:
        for line in output:
            if line.strip() == READY:
                self.ready.set()
            else:
                sys.stdout.buffer.write(line)
                sys.stdout.flush()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def join(self, deadline: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Supervisor:
    def __init__(self, settings: Settings, config: Path) -> None:
        self._children = [Child(role, config.absolute()) for role in _roles(settings)]
        self._settings = settings
        self._log = get_logger(process="supervisor")

    def run(self, stop: threading.Event, announce: Callable[[], None]) -> int:
        """Migrate, start everything, keep it running until `stop`; the exit code, 0 for an orderly end.

        `announce` is called once, when every role has said that it is ready.
        """
        migrate(self._settings.url)
        Gateway.open(self._settings).close()  # a wrong secret ends here, in one sentence, not in each child
        for child in self._children:
            child.start()
        code, announced = 0, False
        while not stop.wait(_CHECK_SECONDS) and code == 0:
            code = next((c for child in self._children if (c := self._look_after(child))), 0)
            if not announced and code == 0 and all(child.ready.is_set() for child in self._children):
                announce()
                announced = True
        self._shut_down()
        return code

    def _look_after(self, child: Child) -> int:
        """Start a dead child again, later each time it dies soon; non-zero when that is pointless."""
        now = time.monotonic()
        if child.process is None:
            if now >= child.start_at:
                child.start()
            return 0
        code = child.process.poll()
        if code is None:
            return 0
        if code == EXIT_CONFIGURATION:
            return code
        child.deaths = 1 if now - child.started_at > _STEADY_SECONDS else child.deaths + 1
        pause = min(0.5 * 2 ** (child.deaths - 1), _LONGEST_PAUSE)
        child.process, child.start_at = None, now + pause
        self._log.warning("child.died", exit_code=code, action=child.role, delay_seconds=pause)
        return 0

    def _shut_down(self) -> None:
        last = [child for child in self._children if child.role == "sweep"]
        for group in ([child for child in self._children if child.role != "sweep"], last):
            deadline = time.monotonic() + STOP_SECONDS
            for child in group:
                child.stop()
            for child in group:
                child.join(deadline)


def _roles(settings: Settings) -> list[str]:
    console = ["console"] if settings.console.enabled else []
    report = ["report"] if settings.audit.repositories else []
    return ["listen", *["work"] * settings.work.workers, "send", "sweep", *console, *report]


def _environment() -> dict[str, str]:
    """The children import the very package that runs here, whatever lies in the working directory."""
    home = str(Path(service.__file__).parent.parent)
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))}
