"""The whole gateway under fire: processes are killed with SIGKILL while photographs keep coming (I1, I5, I6).

Shown on one machine with SQLite; power failure is not simulated, only the death of processes.
"""

import hashlib
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom import FileDataset

from service.blobs import Blobs
from service.database import Database
from service.settings import Settings
from service.states import PhotographState
from service.tables import Identity, Patient, Photograph, Release
from tests.support import photographs
from tests.support.gateways import Archive, archive, rows, settings_for, store, wait_for
from tests.support.processes import Running, descendants, veragate

pytestmark = pytest.mark.journey

STORES, ASSOCIATIONS, PATIENTS = 500, 8, 5
SIZES = ((96, 72), (160, 120), (240, 180), (320, 240), (1600, 1200))
FINAL = {PhotographState.FORWARDED, PhotographState.QUARANTINED}


@pytest.fixture
def place() -> Iterator[Archive]:
    with archive() as running:
        yield running


def _photograph(number: int) -> FileDataset:
    """A picture like no other: mostly teeth of several sizes, a face now and then."""
    patient = f"PID-{number % PATIENTS}-CANARY"
    if number % 100 == 50:
        noise = np.random.default_rng(number).integers(-2, 3, photographs.face().shape)
        picture = np.clip(photographs.face() + noise, 0, 255).astype(np.uint8)
        return photographs.photograph(picture, photographs.FACE, patient_id=patient)
    size = SIZES[-1] if number % 50 == 49 else SIZES[number % 4]
    picture = photographs.teeth(number, *size)
    return photographs.photograph(picture, photographs.INTRAORAL, patient_id=patient)


class Senders:
    """Threads that store photographs, one association after another, and remember what was acknowledged."""

    def __init__(
        self, settings: Settings, count: int, threads: int, per_association: int, patience: float = 30
    ) -> None:
        self.acknowledged: dict[str, FileDataset] = {}
        self._settings = settings
        self._size = per_association
        self._patience = patience
        shares = [range(first, count, threads) for first in range(threads)]
        self._threads = [threading.Thread(target=self._send, args=(share,)) for share in shares]

    def __enter__(self) -> "Senders":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join()

    def _send(self, numbers: range) -> None:
        for first in range(0, len(numbers), self._size):
            batch = [_photograph(number) for number in numbers[first : first + self._size]]
            for ds, status in zip(batch, store(self._settings, *batch, patience=self._patience), strict=False):
                if status == 0x0000:
                    self.acknowledged[str(ds.SOPInstanceUID)] = ds


def _states(settings: Settings) -> dict[str, str]:
    return {photograph.sop_instance_uid: photograph.state for photograph in rows(Database(settings.url), Photograph)}


def _all_final(settings: Settings, expected: set[str]) -> bool:
    states = _states(settings)
    return expected <= states.keys() and set(states.values()) <= FINAL


def test_workers_that_are_killed_lose_and_double_nothing(tmp_path: Path, place: Archive) -> None:
    """500 stores over 8 associations, a worker killed three times: all final, none twice, the audit whole."""
    settings = settings_for(tmp_path / "data", place, work={"workers": 2, "lease_seconds": 6.0, "sweep_seconds": 0.5})
    with Running(settings, tmp_path) as gateway:
        with Senders(settings, STORES, ASSOCIATIONS, per_association=STORES) as senders:
            for released in (20, 90, 180):
                wait_for(lambda: len(rows(Database(settings.url), Release)) >= released, 120)  # noqa: B023
                gateway.kill_child("work")
        assert len(senders.acknowledged) == STORES
        wait_for(lambda: gateway.check() or _all_final(settings, set(senders.acknowledged)), 240)

    states = _states(settings)
    assert states.keys() == senders.acknowledged.keys()
    releases = rows(Database(settings.url), Release)
    uids = [str(ds.SOPInstanceUID) for ds in place.datasets()]
    assert set(uids) == {release.sop_instance_uid for release in releases}
    assert len(releases) == sum(state == PhotographState.FORWARDED for state in states.values())
    assert _pictures_of(place) == len(set(uids))
    assert len(rows(Database(settings.url), Patient)) == PATIENTS
    assert len(rows(Database(settings.url), Identity)) <= PATIENTS
    assert veragate("audit", "verify", config=gateway.config).returncode == 0
    assert list(settings.spool.iterdir()) == []


def test_what_was_acknowledged_survives_the_death_of_everything(tmp_path: Path, place: Archive) -> None:
    """Everything killed in the middle of stores, three times: no acknowledged photograph is lost."""
    settings = settings_for(tmp_path / "data", place, work={"lease_seconds": 3.0})
    acknowledged: dict[str, FileDataset] = {}
    for round_ in range(3):
        sending = Senders(settings, 40, 4, per_association=3, patience=5)
        with Running(settings, tmp_path) as gateway, sending as senders:
            wait_for(lambda: len(senders.acknowledged) >= 5 + 4 * round_)  # noqa: B023
            _kill_everything(gateway)
        acknowledged |= senders.acknowledged

    stored = {photograph.sop_instance_uid: photograph for photograph in rows(Database(settings.url), Photograph)}
    originals = Blobs(settings.originals)
    for uid, ds in acknowledged.items():
        data = originals.read(stored[uid].blob)
        assert hashlib.sha256(data).hexdigest() == stored[uid].digest
        assert ds.PixelData in data

    with Running(settings, tmp_path) as gateway:
        wait_for(lambda: gateway.check() or _all_final(settings, set(acknowledged)), 180)
    assert veragate("audit", "verify", config=gateway.config).returncode == 0


def _kill_everything(gateway: Running) -> None:
    assert gateway.process is not None
    for pid in [*descendants(gateway.process.pid), gateway.process.pid]:
        os.kill(pid, signal.SIGKILL)
    gateway.process.wait()
    gateway.process = None


def _pictures_of(place: Archive) -> int:
    """How many different pictures arrived."""
    return len({hashlib.sha256(ds.PixelData).hexdigest() for ds in place.datasets()})
