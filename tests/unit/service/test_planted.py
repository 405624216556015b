"""Identifiers planted in every place that anybody thought of, followed through the whole gateway."""

import hashlib
import logging
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import FileDataset, dcmwrite

from service import logs
from service.pipeline import Worker
from service.reception import Origin, receive
from service.spool import Received
from service.states import PhotographState
from service.tables import AuditEntry, Base, Photograph
from tests.support.fakefaces import BOX, FakeFaces
from tests.support.gateways import CALLING, TITLE, open_gateway, rows, settings_for
from tests.support.photographs import teeth
from tests.support.planted import CANARY, SURNAME, planted

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
SECRETS = (CANARY, SURNAME, "Zofia", "Бжен", "MRN00112233", "19871231", "101112.131415")


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(False)


def written(ds: FileDataset) -> bytes:
    stream = BytesIO()
    dcmwrite(stream, ds, enforce_file_format=True)
    return stream.getvalue()


def readable(data: bytes) -> list[str]:
    """The secrets that stand in some bytes, in any of the usual encodings."""
    folded = data.lower()
    encodings = ("utf-8", "utf-16-le", "utf-16-be", "iso8859_2", "iso8859_5", "cp1250")
    return [
        secret
        for secret in SECRETS
        for encoding in encodings
        if secret.encode(encoding, "ignore").lower() in folded and len(secret.encode(encoding, "ignore")) > 3
    ]


def test_there_is_enough_to_find() -> None:
    """The source holds more than the 82 places of the study that this engine is held to."""
    source = written(planted(teeth()))
    assert source.count(CANARY.encode()) >= 120
    assert {CANARY, SURNAME, "Zofia", "MRN00112233"} <= set(readable(source))


@pytest.mark.parametrize("view", ["IV07", "EV19"])
def test_nothing_planted_leaves_is_logged_or_told(view: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Received, cleaned or held: no file but the original, no table, no log line and no audit entry shows a secret."""
    settings = settings_for(tmp_path)
    gateway = open_gateway(settings)
    source = planted(teeth(), view)
    settings.spool.mkdir(exist_ok=True)
    path = settings.spool / "one.part"
    path.write_bytes(written(source))
    capfd.readouterr()
    logs.configure()
    meta = source.file_meta
    names = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID
    received = Received(path, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
    receive(gateway, received, Origin(CALLING, TITLE, "127.0.0.1", *names))
    Worker(gateway, FakeFaces(BOX, distance=0.4) if view == "EV19" else FakeFaces()).work_one()

    (photograph,) = rows(gateway.database, Photograph)
    said = capfd.readouterr()
    told = [str(vars(entry)) for entry in rows(gateway.database, AuditEntry)]
    tables = [str([vars(row) for row in rows(gateway.database, mapper.class_)]) for mapper in Base.registry.mappers]
    gateway.close()
    files = [p for p in tmp_path.rglob("*") if p.is_file() and settings.originals not in p.parents]

    expected = PhotographState.DEIDENTIFIED if view == "IV07" else PhotographState.QUARANTINED
    assert photograph.state == expected, photograph.cause
    assert len(told) >= 2 and any(settings.releases in p.parents or settings.held in p.parents for p in files)
    for text in (said.out, said.err, *told, *tables):
        assert readable(text.encode()) == []
    for file in files:
        assert readable(file.read_bytes()) == [], file
