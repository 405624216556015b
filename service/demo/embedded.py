"""The gateway as an operator starts it, with `veragate up`, on a data folder of its own and free ports."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.demo.pacs import AE_TITLE as PACS
from service.demo.pacs import free_port
from service.errors import VeraGateError
from service.settings import Settings, load_settings

CAMERA = "DEMO-CAMERA"
READY_SECONDS = 60.0
STOP_SECONDS = 60.0

# The mouth is preserved where it smiles and the clinician looks at the teeth.
_CONFIGURATION = """\
data_folder = "{folder}"
[listener]
port = {port}
accepted_calling_aes = ["{camera}"]
[limits]
min_free_disk_megabytes = 64
[console]
enabled = false                        # not while the demonstration runs
port = {console_port}
[[destinations]]
name = "demo-pacs"
ae_title = "{pacs}"
host = "127.0.0.1"
port = {pacs_port}
[[routes]]
name = "orthodontics"
calling_aes = ["{camera}"]
destinations = ["demo-pacs"]
preserve_by_view = {{ EV12 = ["mouth"], EV19 = ["mouth"] }}
"""


@contextmanager
def gateway(folder: Path, pacs_port: int) -> Iterator[Settings]:
    """Start `veragate up` and wait until it listens; at the end stop it as an operator would, and wait for it.

    Raises VeraGateError when it does not come up; what it wrote to its log is in `folder`/gateway.log.
    """
    config = folder / "veragate.toml"
    values = {"folder": folder / "data", "port": free_port(), "camera": CAMERA, "pacs": PACS, "pacs_port": pacs_port}
    values["console_port"] = free_port()
    config.write_text(_CONFIGURATION.format(**values), encoding="utf-8")
    with (folder / "gateway.log").open("wb") as log:
        command = [sys.executable, "-m", "service", "up", "--config", str(config)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)  # noqa: S603
    try:
        _wait_for_ready_line(process)
        yield load_settings(config)
    finally:
        process.terminate()
        _end(process)


def _wait_for_ready_line(process: subprocess.Popen[bytes]) -> None:
    """`up` says one line on standard output when the listener answers."""
    assert process.stdout is not None
    deadline = time.monotonic() + READY_SECONDS
    line = process.stdout.readline()
    if not line or time.monotonic() > deadline:
        raise VeraGateError("The gateway did not start.")


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
