"""SIGKILL at each step of a store (I1): what was acknowledged is there, what was not can be sent again.

The listener runs in a child process in which one step is replaced by the process's own death, before or after it.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.listener import Listener
from service.settings import Settings
from service.sweeping import Sweeper
from service.tables import AuditEntry, Photograph
from tests.support import photographs
from tests.support.gateways import open_gateway, rows, settings_for, store, wait_for
from tests.support.processes import REPOSITORY, write_configuration

pytestmark = pytest.mark.journey

DYING_LISTENER = """
import os, signal, sys
from pathlib import Path
from importlib import import_module
from service.gateway import Gateway
from service.listener import Listener
from service.settings import load_settings

module, owner, name, when = sys.argv[2:6]
place = getattr(import_module(module), owner) if owner else import_module(module)
step = getattr(place, name)

def dying(*arguments, **options):
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    step(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(place, name, dying)
Listener(Gateway.open(load_settings(Path(sys.argv[1]))), lambda: None).start()
print("ready", flush=True)
signal.pause()
"""

STEPS = [
    ("service.spool", "SpoolFile", "write", "after"),
    ("service.spool", "Spool", "finish", "before"),
    ("service.spool", "Spool", "finish", "after"),
    ("service.blobs", "Blobs", "adopt", "before"),
    ("service.blobs", "Blobs", "adopt", "after"),
    ("service.reception", "", "_record", "before"),
    ("service.reception", "", "_record", "after"),
    ("service.listener", "", "receive", "after"),
]


@pytest.mark.parametrize("step", STEPS, ids=" ".join)
def test_a_store_that_died_can_be_sent_again(tmp_path: Path, step: tuple[str, str, str, str]) -> None:
    """The sender got no answer, sends again, and there is one photograph, whole, with one file on disk."""
    settings = settings_for(tmp_path / "data")
    gateway = open_gateway(settings)
    ds = photographs.photograph(photographs.teeth(), photographs.INTRAORAL)
    _die_at(settings, tmp_path, step, lambda: store(settings, ds))
    listener = Listener(gateway, lambda: None)
    listener.start()

    assert store(settings, ds) == [0x0000]

    listener.stop()
    (photograph,) = rows(gateway.database, Photograph)
    data = gateway.originals.read(photograph.blob)
    assert hashlib.sha256(data).hexdigest() == photograph.digest
    assert ds.PixelData in data
    assert [e.action for e in rows(gateway.database, AuditEntry)].count("photograph.received") == 1
    _grow_old(settings)
    Sweeper(gateway).tidy()
    assert len(rows(gateway.database, Photograph)) == 1
    assert [path for path in settings.originals.rglob("*") if path.is_file()] == [settings.originals / photograph.blob]
    assert list(settings.spool.iterdir()) == []


def _die_at(settings: Settings, folder: Path, step: tuple[str, str, str, str], send: object) -> None:
    """Run a listener that dies at the step, and send to it; the sender must not hear of success."""
    config = write_configuration(settings, folder / "veragate.toml")
    command = [sys.executable, "-c", DYING_LISTENER, str(config), *step]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    assert callable(send)
    assert 0x0000 not in send()
    wait_for(lambda: process.poll() is not None)
    assert process.returncode == -9
    process.stdout.close()


def _grow_old(settings: Settings) -> None:
    for folder in (settings.spool, settings.originals):
        for path in folder.rglob("*"):
            os.utime(path, (0, 0))
