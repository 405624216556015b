"""From staged pictures to photographs in the pipeline, on both databases."""

import subprocess
import sys
import threading
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset, dcmread

from service.errors import VeraGateError
from service.gateway import Gateway
from service.objects import read
from service.pipeline import Worker
from service.pixels import decode
from service.rights import Role
from service.settings import Limits
from service.states import PhotographState
from service.tables import Account, AuditEntry, Patient, Photograph, Release, Upload, UploadedPicture
from service.uploading.arriving import arrive
from service.uploading.sending import Uploader, progress, recent, send
from service.uploading.staging import Gone, Staged, Staging, remove_old
from service.uploading.wrapping import Sitting, read_sitting, wrap
from service.views import classify
from tests.support import colours, photographs, pictures
from tests.support.fakefaces import FakeFaces
from tests.support.gateways import open_gateway, rows, settings_for

SITTING = read_sitting("PID-7731-CANARY", "2026-03-12")
VIEWS = {1: "IV07", 2: "EV19"}


class Practice:
    """A gateway with one operator who uploads."""

    def __init__(self, folder: Path, url: str) -> None:
        self.gateway: Gateway = open_gateway(settings_for(folder, database_url=url))
        self.staging = Staging(self.gateway.settings.staged, self.gateway.settings.limits)
        self.staging._viewer.__dict__["_reader"] = NoFaces()
        with self.gateway.database.transaction() as session:
            account = Account(name="Olga", role=Role.OPERATOR)
            session.add(account)
        self.uploader = Uploader(account.id, "Olga", "192.0.2.7")
        self.rings = 0

    def stage(self, *files: bytes) -> Staged:
        with self.staging.draft(self.uploader.account_id) as draft:
            for data in files:
                draft.add(data)
        return self.staging.find(draft.id, self.uploader.account_id)

    def send(self, staged: Staged, views: dict[int, str] = VIEWS, sitting: Sitting = SITTING) -> None:
        send(self.gateway, self.staging, staged, sitting, views, self.uploader, self._ring)

    def _ring(self) -> None:
        self.rings += 1

    def lines(self, staged: Staged) -> list[Any]:
        with self.gateway.database.read() as session:
            return progress(session, staged.id, self.uploader.account_id, self.staging.is_sending(staged.id))

    def files(self) -> list[Path]:
        return list(self.gateway.settings.data_folder.rglob("*.picture"))

    def dataset(self, number: int = 0) -> Dataset:
        photograph = sorted(rows(self.gateway.database, Photograph), key=lambda p: p.received_at)[number]
        return dcmread(BytesIO(self.gateway.originals.read(photograph.blob)))


class NoFaces:
    def read(self, image: np.ndarray) -> None:
        return None


@pytest.fixture
def practice(tmp_path: Path, database_url: str) -> Practice:
    return Practice(tmp_path / "data", database_url)


@pytest.fixture
def embedded(tmp_path: Path, sqlite_url: str) -> Practice:
    return Practice(tmp_path / "data", sqlite_url)


def test_uploaded_pictures_become_photographs_like_any_other(practice: Practice) -> None:
    """Each picture is in custody on disk and on record when sending ends, under the upload page's own title."""
    staged = practice.stage(pictures.camera_file(), photographs.jpeg(photographs.face()))

    practice.send(staged)

    kept = rows(practice.gateway.database, Photograph)
    assert {(p.state, p.calling_ae, p.called_ae, p.peer) for p in kept} == {
        (PhotographState.RECEIVED, "UPLOAD", "VERAGATE", "192.0.2.7")
    }
    assert len({p.study_instance_uid for p in kept}) == 1
    assert all(practice.gateway.originals.digest(p.blob) == p.digest for p in kept)
    assert practice.rings == 1
    assert [line.state for line in practice.lines(staged)] == ["RECEIVED", "RECEIVED"]
    assert practice.files() == []


def test_who_uploaded_is_on_record_and_no_name_of_a_file_or_patient(practice: Practice) -> None:
    """The audit has the person and the number of pictures; the tables have neither names nor Patient ID."""
    practice.send(practice.stage(pictures.camera_file()), {1: "IV07"})

    entries = {entry.action: entry for entry in rows(practice.gateway.database, AuditEntry)}
    assert (entries["photographs.uploaded"].actor, entries["photographs.uploaded"].details["count"]) == ("Olga", 1)
    told = str(
        [
            vars(row)
            for table in (Upload, UploadedPicture, AuditEntry, Patient)
            for row in rows(practice.gateway.database, table)
        ]
    )
    assert "PID-7731" not in told


def test_a_known_patient_keeps_the_identity(practice: Practice) -> None:
    """A Patient ID that came over DICOM before is the same patient on the page."""
    practice.send(practice.stage(pictures.camera_file()), {1: "IV07"})
    practice.send(practice.stage(pictures.camera_file(3)), {1: "IV07"}, read_sitting(" pid-7731-canary", "2026-04-01"))

    assert len(rows(practice.gateway.database, Patient)) == 1
    assert len({p.study_instance_uid for p in rows(practice.gateway.database, Photograph)}) == 2


def test_an_upload_goes_all_the_way(embedded: Practice) -> None:
    """A worker de-identifies it by the ordinary rules, with the view that the person chose."""
    practice = embedded
    practice.send(practice.stage(pictures.camera_file(6)), {1: "IV07"})

    assert Worker(practice.gateway, FakeFaces()).work_one()

    (photograph,) = rows(practice.gateway.database, Photograph)
    assert (photograph.state, photograph.view) == (PhotographState.DEIDENTIFIED, "IV07 IO.FV.CO")


@pytest.mark.parametrize("code", ["EV01", "EV19", "EV40", "IV07", "IV11", "IV24", "IV28"])
def test_the_view_is_the_one_that_was_chosen(embedded: Practice, code: str) -> None:
    """Also where two views share all their codes."""
    practice = embedded
    practice.send(practice.stage(pictures.camera_file()), {1: code})

    assert classify(practice.dataset()).codes == {code}


def test_pictures_without_a_view_are_left_out(embedded: Practice) -> None:
    """Choosing no view for a picture is how one leaves it out; choosing none at all is a mistake."""
    practice = embedded
    staged = practice.stage(pictures.camera_file(), pictures.camera_file(3))

    with pytest.raises(VeraGateError, match="at least one"):
        practice.send(staged, {})
    practice.send(staged, {2: "IV07", 9: "IV07"})

    assert [(line.number, line.view) for line in practice.lines(staged)] == [(2, "IV07")]


def test_a_file_that_is_refused_does_not_keep_the_others_out(embedded: Practice) -> None:
    """Each file has its own sentence, before and after sending."""
    practice = embedded
    staged = practice.stage(b"", pictures.camera_file(), pictures.png_bomb())

    practice.send(staged, {1: "EV19", 2: "IV07"})

    assert [(line.number, bool(line.problem), line.state) for line in practice.lines(staged)] == [
        (1, True, ""),
        (2, False, "RECEIVED"),
        (3, True, ""),
    ]


def test_a_browser_that_breaks_off_leaves_nothing(embedded: Practice) -> None:
    """Whatever ends an upload before its end, no byte of it stays."""
    practice = embedded
    with pytest.raises(ConnectionError), practice.staging.draft("somebody") as draft:
        draft.add(pictures.camera_file())
        raise ConnectionError

    assert list(practice.gateway.settings.staged.iterdir()) == []


def test_too_many_pictures_are_refused_together(embedded: Practice) -> None:
    """Forty are a sitting and two hundred a mistake: nothing is kept, and the sentence says the limit."""
    practice = embedded
    with pytest.raises(VeraGateError, match="At most 40 pictures"), practice.staging.draft("somebody") as draft:
        for _ in range(200):
            draft.add(b"")

    assert list(practice.gateway.settings.staged.iterdir()) == []


def test_nobody_else_finds_a_staged_upload(embedded: Practice) -> None:
    """Another account, a name that is no id and a path outside get the same answer: it is not here."""
    practice = embedded
    staged = practice.stage(pictures.camera_file())

    for upload_id, account in (
        (staged.id, "other"),
        ("../originals", staged.account_id),
        ("0" * 32, staged.account_id),
    ):
        with pytest.raises(Gone):
            practice.staging.find(upload_id, account)
    assert practice.staging.preview(staged, 1).startswith(b"\xff\xd8")
    with pytest.raises(Gone):
        practice.staging.preview(staged, 2)


def test_staged_pictures_are_for_the_gateway_alone(embedded: Practice) -> None:
    """Nobody else on the machine may read them, and an hour later nobody at all."""
    practice = embedded
    practice.stage(pictures.camera_file())
    folder = practice.gateway.settings.staged

    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in practice.files()} == {0o600}
    assert remove_old(folder) == 0
    assert remove_old(folder, timedelta(seconds=-1)) == 1
    assert practice.files() == []


def test_pressing_send_twice_sends_once(practice: Practice) -> None:
    """Of two that send the same upload together one does, and the other is told that it is gone."""
    staged = practice.stage(pictures.camera_file(), pictures.camera_file(3))
    told: list[str] = []
    start = threading.Barrier(4)

    def press() -> None:
        start.wait()
        try:
            practice.send(staged)
        except Gone as gone:
            told.append(str(gone))

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(told) == 3
    assert len(rows(practice.gateway.database, Photograph)) == 2


def test_progress_is_its_owners_alone(embedded: Practice) -> None:
    """Another account's upload does not exist for anybody else."""
    practice = embedded
    staged = practice.stage(pictures.camera_file())
    practice.send(staged, {1: "IV07"})

    with practice.gateway.database.read() as session:
        assert progress(session, staged.id, "other", False) == []
        assert recent(session, "other") == []
        assert [(line.id, line.pictures) for line in recent(session, practice.uploader.account_id)] == [(staged.id, 1)]


@pytest.mark.parametrize(
    ("patient_id", "day", "sentence"),
    [
        ("", "2026-03-12", "A Patient ID is needed"),
        ("   ", "2026-03-12", "A Patient ID is needed"),
        ("a" * 65, "2026-03-12", "at most 64"),
        ("a\\b", "2026-03-12", "no backslash"),
        ("a\x00b", "2026-03-12", "control character"),
        ("1", "12.03.2026", "2026-03-12"),
        ("1", "", "2026-03-12"),
        ("1", "2999-01-01", "future"),
        ("1", "1820-01-01", "before"),
    ],
)
def test_nonsense_about_the_patient_is_a_sentence(patient_id: str, day: str, sentence: str) -> None:
    """What cannot be is refused in words that do not repeat it."""
    with pytest.raises(VeraGateError, match=sentence):
        read_sitting(patient_id, day)


def test_the_object_says_what_its_pixels_are(embedded: Practice) -> None:
    """A JPEG has a loss, a PNG none and its very pixels, a turned one is stored without a loss and has its history."""
    practice = embedded
    drawn = photographs.teeth(4)
    practice.send(practice.stage(pictures.camera_file()), {1: "IV07"})
    practice.send(practice.stage(pictures.png(drawn)), {1: "IV07"})
    practice.send(practice.stage(pictures.camera_file(6, 318, 238)), {1: "IV07"})

    jpeg, png, turned = (practice.dataset(number) for number in range(3))

    assert (jpeg.PhotometricInterpretation, jpeg.LossyImageCompression) == ("YBR_FULL_422", "01")
    assert (png.PhotometricInterpretation, png.LossyImageCompression) == ("YBR_RCT", "00")
    assert np.array_equal(png.pixel_array, drawn)
    assert (turned.Rows, turned.Columns, turned.LossyImageCompression) == (318, 238, "01")


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("space", ["adobe", "p3"])
def test_an_uploaded_picture_leaves_with_its_colours(embedded: Practice, space: str, kind: str) -> None:
    """From a file in a wide colour space to what is released: the same colours, and nothing planted in the profile."""
    practice, profile, stream = embedded, colours.embedded(space), BytesIO()
    picture = Image.fromarray(np.repeat(np.repeat(colours.every_colour(), 2, axis=0), 2, axis=1))
    picture.save(stream, kind, icc_profile=profile)
    practice.send(practice.stage(stream.getvalue()), {1: "IV07"})
    assert Worker(practice.gateway, FakeFaces()).work_one()

    (photograph,) = rows(practice.gateway.database, Photograph)
    assert photograph.state == PhotographState.DEIDENTIFIED, photograph.cause
    (release,) = rows(practice.gateway.database, Release)
    data = practice.gateway.releases.read(release.blob)
    left = read(data)
    before = colours.seen(np.asarray(Image.open(stream).convert("RGB")), profile).astype(int)
    after = colours.seen(decode(left, Limits()).rgb, left.ICCProfile)
    assert np.abs(after - before).max() <= 2
    assert np.abs(decode(left, Limits()).rgb.astype(int) - before).max() > 40
    assert (practice.dataset().get("ColorSpace"), left.get("ColorSpace")) == (
        ("ADOBERGB",) * 2 if space == "adobe" else (None, None)
    )
    told = "".join(str(vars(entry)) for entry in rows(practice.gateway.database, AuditEntry))
    assert ("Adobe RGB (1998)" if space == "adobe" else "Display P3") in told
    for secret in (colours.CANARY, b"QAN", b"40711", "QANARY".encode("utf-16-be")):
        assert secret not in data and secret.decode("latin-1") not in told


@pytest.mark.parametrize("code", ["EV01", "EV15", "EV19", "EV33", "IV01", "IV07", "IV18", "IV24"])
def test_dciodvfy_finds_no_error_in_what_is_wrapped(tmp_path: Path, code: str) -> None:
    """Each kind of picture, with each kind of view, is a VL Photographic Image as the standard has it."""
    grey = photographs.jpeg(photographs.teeth()[..., 0])
    files = [pictures.camera_file(), pictures.camera_file(6, 318, 238), pictures.png(photographs.teeth()), grey]
    files.append(pictures.camera_file(icc_profile=colours.embedded("adobe")))
    for number, data in enumerate(files, 1):
        path = tmp_path / f"{number}.dcm"
        path.write_bytes(wrap(arrive(data, Limits()), code, SITTING, "0" * 32, number).data)
        checked = subprocess.run(
            [Path(sys.executable).with_name("dciodvfy"), "-new", path], capture_output=True, text=True
        )
        assert [line for line in checked.stderr.splitlines() if line.startswith("Error")] == []
