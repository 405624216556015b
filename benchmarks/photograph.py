"""Seconds from a worker's claim to the release of a 12-megapixel photograph: JPEG Baseline, 4:2:0, one face."""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from benchmarks.figure import Figure
from service.demo.patients import PATIENTS
from service.demo.series import Shot
from service.gateway import Gateway
from service.pipeline import Worker
from service.pixels import Faces
from service.reception import Origin, receive
from service.schema import migrate
from service.settings import Destination, Route, Settings
from service.spool import Received

ROUNDS = 6


def measure() -> Iterator[Figure]:
    with TemporaryDirectory(prefix="veragate-bench-") as folder:
        gateway = _gateway(Path(folder))
        faces = Faces(gateway.settings.work.device)
        _ = faces.version  # loads the models
        worker = Worker(gateway, faces)
        seconds = []
        for number in range(ROUNDS):
            _receive(gateway, number)
            began = time.perf_counter()
            worker.work_one()
            seconds.append(time.perf_counter() - began)
        gateway.close()
    yield Figure.of("12 megapixels, claim to release, a patient's first photograph", "s", seconds[:1])
    yield Figure.of("12 megapixels, claim to release, later ones", "s", seconds[1:])


def _gateway(folder: Path) -> Gateway:
    settings = Settings(
        data_folder=folder,
        destinations=(Destination(name="nowhere", ae_title="NOWHERE", host="127.0.0.1", port=104),),
        routes=(Route(name="all", preserve=frozenset({"mouth"}), destinations=("nowhere",)),),
    )
    migrate(settings.url)
    return Gateway.open(settings)


def _receive(gateway: Gateway, number: int) -> None:
    """Put a fresh photograph of the same patient on record, as the listener does."""
    patient = PATIENTS[0]
    portrait = np.asarray(cv2.resize(patient.frontal(), (3000, 4000), interpolation=cv2.INTER_CUBIC), np.uint8)
    shot = Shot(patient, f"round {number}", 1, patient.frontal_view, True, 90, "4:2:0", portrait)
    ds = shot.to_dicom({})
    path = gateway.settings.data_folder / "incoming.dcm"
    ds.save_as(path, enforce_file_format=True)
    data = path.read_bytes()
    origin = Origin("BENCH", "VERAGATE", "127.0.0.1", ds.SOPClassUID, ds.SOPInstanceUID, ds.file_meta.TransferSyntaxUID)
    receive(gateway, Received(path, len(data), hashlib.sha256(data).hexdigest()), origin)
