"""The scaled-out gateway: listener → Redis → Celery workers (solo pool) → destination, on PostgreSQL.

Each role is a process of its own, as in containers. The database is the truth: the broker is emptied on the way.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import redis

from service.database import Database
from service.schema import migrate
from service.settings import Settings
from service.states import PhotographState
from service.tables import AuditEntry, Identity, Patient, Photograph, Release
from tests.support import photographs
from tests.support.gateways import Archive, archive, rows, settings_for, store, wait_for
from tests.support.postgresql import fresh_database
from tests.support.processes import REPOSITORY, Running, veragate, write_configuration

pytestmark = [pytest.mark.integration, pytest.mark.needs("postgresql", "redis")]

BROKER = "redis://127.0.0.1:6379/0"


class Scaled:
    """A gateway in scaled mode whose roles a test starts and kills."""

    def __init__(self, folder: Path, url: str, place: Archive, sweep_seconds: float) -> None:
        secret = folder / "master.secret"
        secret.write_text(os.urandom(32).hex())
        secret.chmod(0o600)
        self.place = place
        self.folder = folder
        self.settings: Settings = settings_for(
            folder / "data", place, mode="scaled", database_url=url, broker_url=BROKER, master_secret_file=str(secret),
            project=f"test-{uuid4().hex[:8]}", work={"sweep_seconds": sweep_seconds, "lease_seconds": 8},
        )  # fmt: skip
        self.database = Database(url)
        self._roles: list[Running] = []

    @property
    def config(self) -> Path:
        return write_configuration(self.settings, self.folder / "veragate.toml")

    def start(self, *names: str) -> list[Running]:
        """Start a process for each role named."""
        for name in names:
            role = Running(self.settings, self.folder / f"{len(self._roles)}-{name}", name)
            role.start()
            self._roles.append(role)
        if "listen" in names:
            wait_for(self.listening)
        return self._roles[-len(names) :]

    def stop(self) -> None:
        for role in self._roles:
            role.ask_to_stop()
        for role in self._roles:
            role.stop()
        self._roles.clear()

    def send(self, count: int, first: int = 0) -> None:
        datasets = [photographs.photograph(photographs.teeth(first + n), "IV07") for n in range(count)]
        assert store(self.settings, *datasets) == [0x0000] * count

    def all_forwarded(self, count: int) -> bool:
        for role in self._roles:
            role.check()
        states = [photograph.state for photograph in rows(self.database, Photograph)]
        return len(states) == count and set(states) == {PhotographState.FORWARDED}

    def listening(self) -> bool:
        import socket

        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.settings.listener.port)) == 0

    def empty_broker(self) -> int:
        """Delete every message of this gateway, as a Redis that lost its memory would; how many keys there were."""
        client = redis.Redis.from_url(BROKER)
        keys = list(client.scan_iter(f"veragate:{self.settings.project}:*"))
        return int(client.delete(*keys)) if keys else 0


@pytest.fixture
def scaled(tmp_path: Path) -> Iterator[Callable[..., Scaled]]:
    """Makes a gateway with its own database and its own place in Redis; `sweep_seconds` as the test needs it."""
    with fresh_database() as url, archive() as place:
        migrate(url)
        made: list[Scaled] = []

        def make(sweep_seconds: float) -> Scaled:
            made.append(Scaled(tmp_path, url, place, sweep_seconds))
            return made[-1]

        try:
            yield make
        finally:
            for gateway in made:
                gateway.stop()
                gateway.database.close()
                gateway.empty_broker()


def test_photographs_travel_by_doorbell(scaled: Callable[..., Scaled]) -> None:
    """With no sweep to help, each photograph is worked and delivered once, and the audit of it all verifies."""
    gateway = scaled(sweep_seconds=600)
    gateway.start("sweep", "work", "send", "listen")
    wait_for(lambda: len(_started(gateway)) == 4)

    gateway.send(12)

    wait_for(lambda: gateway.all_forwarded(12), 120)
    assert len({ds.SOPInstanceUID for ds in gateway.place.datasets()}) == len(gateway.place.received) == 12
    assert len(rows(gateway.database, Patient)) == 1
    wait_for(lambda: "0 not yet" in veragate("audit", "verify", config=gateway.config).stdout)


def test_losing_the_broker_loses_no_work(scaled: Callable[..., Scaled]) -> None:
    """Photographs whose every message is deleted are worked all the same, after a sweep."""
    gateway = scaled(sweep_seconds=1)
    gateway.start("listen")
    gateway.send(6)
    wait_for(lambda: gateway.empty_broker() > 0)

    gateway.start("work", "send", "sweep")

    wait_for(lambda: gateway.all_forwarded(6), 120)
    assert len(gateway.place.received) == 6


def test_a_killed_worker_costs_a_lease_and_two_workers_share_one_identity(scaled: Callable[..., Scaled]) -> None:
    """A worker killed in the middle of its work is replaced by another; the patient keeps one identity."""
    gateway = scaled(sweep_seconds=1)
    _, _, first = gateway.start("send", "sweep", "work")
    gateway.start("work", "listen")
    gateway.send(8)
    portraits = [photographs.photograph(photographs.face(), view) for view in ("EV19", "EV20")]
    assert store(gateway.settings, *portraits) == [0x0000, 0x0000]
    wait_for(lambda: len(rows(gateway.database, Release)) >= 2)

    first.kill()

    wait_for(_all_settled(gateway, 10), 150)
    assert len(rows(gateway.database, Identity)) == 1
    uids = [ds.SOPInstanceUID for ds in gateway.place.datasets()]
    assert len(uids) == len(set(uids)) == len(rows(gateway.database, Release))


def test_the_application_is_there_for_celery_itself(scaled: Callable[..., Scaled]) -> None:
    """`celery --app service.tasks` finds the tasks for the configuration in the environment."""
    command = [sys.executable, "-m", "celery", "--app", "service.tasks", "report"]
    environment = os.environ | {"VERAGATE_CONFIG": str(scaled(sweep_seconds=1).config)}

    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "task_acks_late: True" in done.stdout


def _started(gateway: Scaled) -> list[AuditEntry]:
    return [entry for entry in rows(gateway.database, AuditEntry) if entry.action == "process.started"]


def _all_settled(scaled: Scaled, count: int) -> Callable[[], bool]:
    final = {PhotographState.FORWARDED, PhotographState.QUARANTINED}

    def settled() -> bool:
        states = [photograph.state for photograph in rows(scaled.database, Photograph)]
        return len(states) == count and set(states) <= final

    return settled
