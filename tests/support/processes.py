"""The whole gateway as processes: `veragate up` with a configuration file, its children found and killed by pid."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from service.settings import Settings
from tests.support.gateways import wait_for

REPOSITORY = Path(__file__).parents[2]


def write_configuration(settings: Settings, path: Path) -> Path:
    """The settings as a file; a JSON string is a TOML string too."""
    values = settings.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    path.write_text("".join(f"{key} = {_toml(value)}\n" for key, value in values.items()))
    return path


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(value)


def veragate(*arguments: str, config: Path) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    command = [sys.executable, "-m", "service", *arguments, "--config", str(config)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)


class Running:
    """A `veragate` process (`up`, or one role) until the end of the context; its log is a file."""

    def __init__(
        self, settings: Settings, folder: Path, role: str = "up", environment: dict[str, str] | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._environment = os.environ | (environment or {})
        self.settings = settings
        self.config = write_configuration(settings, folder / "veragate.toml")
        self.log = folder / f"{role}.log"
        self._role = role
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Running":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        said_before = self._said_ready()
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "service", self._role, "--config", str(self.config)]
            self.process = subprocess.Popen(
                command, cwd=REPOSITORY, env=self._environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        if self._role == "up":
            wait_for(lambda: self.check() or self._said_ready() > said_before, 120)

    def _said_ready(self) -> int:
        return self.log.read_text().count("VeraGate is ready") if self.log.exists() else 0

    def check(self) -> None:
        """Fail with the log when the process ended by itself."""
        if self.process is not None and self.process.poll() is not None:
            raise AssertionError(f"{self._role} ended with {self.process.returncode}:\n{self.log.read_text()[-3000:]}")

    def ask_to_stop(self) -> None:
        if self.process is not None:
            self.process.terminate()

    def stop(self) -> int:
        """Ask for an orderly end; the exit code."""
        if self.process is None:
            return 0
        self.ask_to_stop()
        process, self.process = self.process, None
        try:
            return process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise

    def kill(self) -> None:
        """SIGKILL the process itself."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def children(self, role: str) -> list[int]:
        """The pids of the child processes that play `role`."""
        assert self.process is not None
        return [pid for pid in descendants(self.process.pid) if role in _arguments(pid)]

    def kill_child(self, role: str) -> int:
        """SIGKILL one child; its pid."""
        wait_for(lambda: self.children(role))
        pid = self.children(role)[0]
        os.kill(pid, signal.SIGKILL)
        return pid

    def pause_child(self, role: str) -> int:
        """SIGSTOP the one child that plays `role`, outside of any transaction; its pid, for SIGCONT.

        Stopped within a transaction on SQLite, it would keep all others from writing.
        """
        (pid,) = self.children(role)
        while True:
            os.kill(pid, signal.SIGSTOP)
            wait_for(lambda: _state(pid) == "T")
            if _can_be_written(self.settings.data_folder / "veragate.sqlite"):
                return pid
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.1)


def _can_be_written(database: Path) -> bool:
    connection = sqlite3.connect(database, timeout=2, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def _arguments(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []
