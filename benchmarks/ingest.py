"""C-STORE ingest, durable and on record, beside dcmtk's storescp in the same run: images a second, and their ratio.

The peer gets its best settings (TCP_NODELAY, a process for each association, 128 KiB PDUs), keeps files only, and
syncs nothing to disk; the gateway commits a row and an audit entry and syncs file and folder before each answer.
Rounds alternate, because the machine is shared by sender and receiver.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from pydicom.uid import UID, generate_uid

from benchmarks.figure import Figure
from service.demo.pacs import free_port
from service.demo.patients import PATIENTS
from service.demo.series import Shot

ROUNDS = 3
SIZES = {"0.3 MB": (1300, 1000, 64, 1), "12 megapixels": (4000, 3000, 24, 4)}  # rows, columns, objects, associations

_CONFIGURATION = """\
data_folder = "{folder}/data"
[listener]
port = {port}
accepted_calling_aes = ["BENCH"]
[limits]
min_free_disk_megabytes = 64
"""

Receiver = Callable[[Path], AbstractContextManager[int]]

_UID = "1.2.826.0.1.3680043.8.498." + "1" * 38  # stands in the template; every copy gets its own of this length


def measure() -> Iterator[Figure]:
    if not all(map(shutil.which, ("storescu", "storescp"))):
        yield Figure("C-STORE ingest (needs dcmtk)", "images/s")
        return
    for name, (rows, columns, count, associations) in SIZES.items():
        template = _template(rows, columns)
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(_rate(_listener, template, count, associations))
            theirs.append(_rate(_storescp, template, count, associations))
        of = f"{name}, {associations} association{'s' if associations > 1 else ''}"
        yield Figure.of(f"C-STORE ingest, {of}", "images/s", ours)
        yield Figure.of(f"the same into dcmtk's storescp, {of}", "images/s", theirs)
        yield Figure.of(f"ratio to storescp, {of}", "x", [a / b for a, b in zip(ours, theirs, strict=True)])


def _template(rows: int, columns: int) -> bytes:
    patient = PATIENTS[0]
    noise = np.random.default_rng(0).normal(0, 6, (rows, columns, 3))
    portrait = cv2.resize(patient.frontal(), (columns, rows), interpolation=cv2.INTER_CUBIC)
    picture = np.clip(portrait + noise, 0, 255).astype(np.uint8)
    ds = Shot(patient, "bench", 1, patient.frontal_view, True, 83, "4:2:0", picture).to_dicom({})
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = UID(_UID)
    with TemporaryDirectory() as folder:
        ds.save_as(Path(folder) / "template.dcm", enforce_file_format=True)
        return (Path(folder) / "template.dcm").read_bytes()


def _rate(receiver: Receiver, template: bytes, count: int, associations: int) -> float:
    with TemporaryDirectory(prefix="veragate-bench-") as name:
        folder = Path(name)
        files = [_copy(template, folder / f"{number:04d}.dcm") for number in range(count)]
        with receiver(folder) as port:
            command = ["storescu", "-nh", "-xy", "--max-send-pdu", "131072", "-aet", "BENCH", "-aec", "VERAGATE"]
            command += ["127.0.0.1", str(port)]
            began = time.perf_counter()
            senders = [
                subprocess.Popen([*command, *files[number::associations]], env=os.environ | {"TCP_NODELAY": "1"})
                for number in range(associations)
            ]
            codes = [sender.wait() for sender in senders]
            seconds = time.perf_counter() - began
    if any(codes):
        raise RuntimeError(f"storescu ended with {codes}")
    return count / seconds


def _copy(template: bytes, path: Path) -> str:
    uid = generate_uid(prefix="1.2.826.0.1.3680043.8.498.").ljust(len(_UID), "0")[: len(_UID)]
    path.write_bytes(template.replace(_UID.encode(), uid.encode()))
    return str(path)


@contextmanager
def _listener(folder: Path) -> Iterator[int]:
    port = free_port()
    config = folder / "veragate.toml"
    config.write_text(_CONFIGURATION.format(folder=folder, port=port))
    subprocess.run([sys.executable, "-m", "service", "migrate", "--config", config], check=True)
    with _running([sys.executable, "-m", "service", "listen", "--config", str(config)], port):
        yield port


@contextmanager
def _storescp(folder: Path) -> Iterator[int]:
    port = free_port()
    (folder / "kept").mkdir()
    command = ["storescp", "+xa", "+B", "--fork", "-pdu", "131072", "-od", str(folder / "kept"), str(port)]
    with _running(command, port):
        yield port


@contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, env=os.environ | {"TCP_NODELAY": "1"}, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError("the receiver did not start")
