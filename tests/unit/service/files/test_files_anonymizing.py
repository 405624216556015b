"""Files with real faces through the real models: what passes the gates is written, and nothing else is."""

from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import get_frame
from pydicom.uid import ExplicitVRLittleEndian

from service.demo.intraoral import frontal_view
from service.demo.patients import PATIENTS
from service.demo.series import Shot
from service.files.anonymizing import FileAnonymizer
from service.files.pictures import load_picture
from service.files.planning import Job, plan
from service.files.subjects import OwnSubjects, SeededSubject, stored
from service.jpeg import strip
from service.pixels import Picture
from service.settings import Settings
from service.states import Cause
from tests.support.fakefaces import BOX, FakeFaces

ASTRONAUT = PATIENTS[0]


@pytest.fixture(scope="module", name="anonymizer")
def _anonymizer() -> FileAnonymizer:
    return FileAnonymizer(Settings(), frozenset(), OwnSubjects())


def _job(source: Path, out: Path) -> Job:
    return plan([source], out)[0]


def _photograph() -> np.ndarray:
    return cv2.resize(ASTRONAUT.frontal(), (480, 600), interpolation=cv2.INTER_AREA)


def test_a_portrait_gets_another_face(tmp_path: Path, anonymizer: FileAnonymizer) -> None:
    """The face is replaced, the recogniser takes it for somebody else, and alpha and the rest stay as they were."""
    source = np.dstack([_photograph(), np.full((600, 480), 77, np.uint8)])
    Image.fromarray(source).save(tmp_path / "portrait.png")

    outcome = anonymizer.anonymize(_job(tmp_path / "portrait.png", tmp_path / "out"))

    assert outcome.cause is None
    assert outcome.distances[0] is not None
    assert outcome.distances[0] >= 0.6
    result = load_picture(tmp_path / "out" / "portrait.png", 50).values
    assert result.shape == source.shape
    assert (result[..., 3] == 77).all()
    assert not np.array_equal(result, source)
    assert np.array_equal(result[-60:], source[-60:])


def test_sixteen_bits_are_preserved_to_the_last(tmp_path: Path) -> None:
    """In a 16-bit photograph every preserved pixel keeps all its bits, and the digest is of these."""
    deep = _photograph().astype(np.uint16) * 257
    deep += np.random.default_rng(5).integers(0, 2, deep.shape, np.uint16) * (deep < 65000)
    cv2.imwrite(str(tmp_path / "deep.png"), deep[..., ::-1])
    preserving = FileAnonymizer(Settings(), frozenset({"mouth"}), OwnSubjects())

    outcome = preserving.anonymize(_job(tmp_path / "deep.png", tmp_path / "out"))

    assert outcome.preserved_pixels > 500
    assert outcome.preserved_digest is not None
    if outcome.cause is None:
        result = load_picture(tmp_path / "out" / "deep.png", 50).values
        assert result.dtype == np.uint16
        assert (result == deep).all(axis=2).sum() > outcome.preserved_pixels
    else:
        assert outcome.cause is Cause.STILL_RECOGNISED


def test_a_picture_without_a_face_is_not_written(tmp_path: Path, anonymizer: FileAnonymizer) -> None:
    """A picture in which no detector sees a face is reported, and no result pretends that it was dealt with."""
    Image.fromarray(frontal_view(3, 600, 400)).save(tmp_path / "teeth.png")

    outcome = anonymizer.anonymize(_job(tmp_path / "teeth.png", tmp_path / "out"))

    assert outcome.cause is Cause.NO_FACE_FOUND
    assert not (tmp_path / "out").exists()


def test_a_face_that_is_still_recognised_is_not_written(tmp_path: Path) -> None:
    """A result below the threshold is held back with its distance, and leaves no file behind."""
    Image.fromarray(_photograph()).save(tmp_path / "portrait.jpg")
    strict = FileAnonymizer(Settings(recognition_threshold=1.2), frozenset({"eyes", "nose"}), OwnSubjects())

    outcome = strict.anonymize(_job(tmp_path / "portrait.jpg", tmp_path / "out"))

    assert outcome.cause is Cause.STILL_RECOGNISED
    assert outcome.distances[0] is not None
    assert not (tmp_path / "out").exists()


def test_a_broken_file_has_a_cause(tmp_path: Path, anonymizer: FileAnonymizer) -> None:
    """A text called .jpg and a text called .dcm are unreadable; neither ends the program."""
    for name in ("broken.jpg", "broken.dcm"):
        (tmp_path / name).write_text("no picture")

        assert anonymizer.anonymize(_job(tmp_path / name, tmp_path / "out")).cause is Cause.UNREADABLE


def test_a_seed_gives_the_same_picture_again(tmp_path: Path) -> None:
    """Two runs with one seed write the same bytes; another seed writes others."""
    Image.fromarray(_photograph()).save(tmp_path / "portrait.png")
    lenient = Settings()

    written = []
    for number, seed in enumerate((7, 7, 8)):
        anonymizer = FileAnonymizer(lenient, frozenset(), SeededSubject(seed))
        outcome = anonymizer.anonymize(_job(tmp_path / "portrait.png", tmp_path / str(number)))
        target = tmp_path / str(number) / "portrait.png"
        written.append((outcome.distances, target.read_bytes() if target.exists() else None))

    assert written[0] == written[1]
    assert written[0] != written[2]


def test_a_stored_subject_keeps_its_face(tmp_path: Path) -> None:
    """The same subject in two runs of the program has one pseudonym and one identity; another subject has others."""
    settings = Settings(data_folder=tmp_path / "data")
    Image.fromarray(_photograph()).save(tmp_path / "portrait.png")
    known = []
    for key in ("patient 1", " PATIENT 1 ", "patient 2"):
        with stored(settings, key) as subject:
            anonymizer = FileAnonymizer(settings, frozenset(), subject)
            anonymizer.anonymize(_job(tmp_path / "portrait.png", tmp_path / f"out {len(known)}"))
            with subject._gateway.database.read() as session:
                latent = subject._gateway.identities.get(session, subject.person().id, anonymizer.version)
            known.append((subject.person().pseudonym, latent.tobytes()))

    assert known[0] == known[1]
    assert known[0][0] != known[2][0]
    assert known[0][1] != known[2][1]


def test_a_stored_subject_whose_face_a_file_shows_keeps_it(tmp_path: Path) -> None:
    """What is written as a file has left: no photograph in the gateway has that identity chosen again."""
    faces, picture = FakeFaces(BOX), Picture(_photograph(), False, ExplicitVRLittleEndian, 0)

    with stored(Settings(data_folder=tmp_path / "data"), "patient 1") as subject:
        latent = subject.latent(faces, picture, frozenset())
        gateway, person = subject._gateway, subject.person()
        changed = gateway.identities.choose_again(
            gateway.database, person.id, faces.version, latent, lambda: latent + 1, lambda _: None
        )
        with gateway.database.read() as session:
            kept = gateway.identities.get(session, person.id, faces.version)

    assert not changed
    np.testing.assert_array_equal(kept, latent)


def test_a_dicom_face_is_replaced_and_its_header_cleaned(tmp_path: Path, anonymizer: FileAnonymizer) -> None:
    """The result is a valid object of the same class under a pseudonym; nothing of the header's names is left in it."""
    shot = Shot(ASTRONAUT, "frontal", 1, "EV19", True, 92, "4:2:0", _photograph())
    shot.to_dicom({}).save_as(tmp_path / "face.dcm", enforce_file_format=True)

    outcome = anonymizer.anonymize(_job(tmp_path / "face.dcm", tmp_path / "out"))

    assert outcome.cause is None, outcome
    ds = dcmread(tmp_path / "out" / "face.dcm")
    assert ds.PatientIdentityRemoved == "YES"
    assert ds.PatientID != ASTRONAUT.header["PatientID"]
    data = (tmp_path / "out" / "face.dcm").read_bytes()
    assert not [v for value in ASTRONAUT.header.values() for v in value.split("^") if len(v) > 3 and v.encode() in data]


def test_dicom_teeth_keep_their_pixels(tmp_path: Path, anonymizer: FileAnonymizer) -> None:
    """An intra-oral object comes out with the very same picture stream, but for the metadata inside it."""
    shot = Shot(ASTRONAUT, "teeth", 1, "IV07", False, 92, "4:2:0", frontal_view(3, 600, 400))
    source = shot.to_dicom({})
    source.save_as(tmp_path / "teeth.dcm", enforce_file_format=True)

    outcome = anonymizer.anonymize(_job(tmp_path / "teeth.dcm", tmp_path / "out"))

    assert outcome.cause is None, outcome
    before = get_frame(source.PixelData, 0, number_of_frames=1)
    after = get_frame(dcmread(tmp_path / "out" / "teeth.dcm").PixelData, 0, number_of_frames=1)
    assert strip(before) == after.rstrip(b"\0")
    assert np.array_equal(np.asarray(Image.open(BytesIO(before))), np.asarray(Image.open(BytesIO(after))))


def _labelled() -> np.ndarray:
    """The portrait with the patient's name across its lower edge, over the clothes."""
    picture = _photograph()
    cv2.rectangle(picture, (10, 548), (330, 592), (240, 240, 236), -1)
    cv2.putText(picture, "Zanzibar Q. 1987", (20, 580), cv2.FONT_HERSHEY_SIMPLEX, 1, (20, 20, 30), 2, cv2.LINE_AA)
    return picture


def _dicom(picture: np.ndarray, path: Path) -> None:
    Shot(ASTRONAUT, "frontal", 1, "EV19", True, 92, "4:2:0", picture).to_dicom({}).save_as(
        path, enforce_file_format=True
    )


@pytest.mark.parametrize("name", ["label.png", "label.jpg", "label.dcm"])
def test_a_picture_with_a_name_in_it_is_not_written(tmp_path: Path, anonymizer: FileAnonymizer, name: str) -> None:
    """Writing in a picture of any format holds it back with a cause in plain words, and leaves no file behind."""
    if name.endswith(".dcm"):
        _dicom(_labelled(), tmp_path / name)
    else:
        Image.fromarray(_labelled()).save(tmp_path / name)

    outcome = anonymizer.anonymize(_job(tmp_path / name, tmp_path / "out"))

    assert (outcome.cause, outcome.detail) == (Cause.BURNED_IN_TEXT, "1 line found")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["label.png", "label.dcm"])
def test_writing_is_covered_where_that_is_wanted(tmp_path: Path, name: str) -> None:
    """Told to, it hides every line under grey, gives the face another identity, and writes what is left."""
    if name.endswith(".dcm"):
        _dicom(_labelled(), tmp_path / name)
    else:
        Image.fromarray(_labelled()).save(tmp_path / name)
    blanking = FileAnonymizer(Settings(), frozenset(), OwnSubjects(), text="blank")

    outcome = blanking.anonymize(_job(tmp_path / name, tmp_path / "out"))

    assert (outcome.cause, outcome.texts, len(outcome.boxes)) == (None, 1, 1)
    if name.endswith(".dcm"):
        ds = dcmread(tmp_path / "out" / name)
        result = np.asarray(Image.open(BytesIO(get_frame(ds.PixelData, 0, number_of_frames=1))).convert("RGB"))
        assert "113101" in [item.CodeValue for item in ds.DeidentificationMethodCodeSequence]
        assert np.abs(result[560:578, 40:300].astype(int) - 128).max() <= 4
    else:
        result = load_picture(tmp_path / "out" / name, 50).rgb
        assert (result[556:584, 24:300] == 128).all()
        assert np.array_equal(result[:20, :60], _photograph()[:20, :60])  # the wall: hair changes its tone


def test_covered_writing_is_grey_in_sixteen_bits_too(tmp_path: Path) -> None:
    """In a deep picture with transparency the cover is as dense, and its transparency stays."""
    deep = np.dstack([_labelled(), np.full((600, 480), 200, np.uint8)]).astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / "deep.png"), deep[..., [2, 1, 0, 3]])
    blanking = FileAnonymizer(Settings(), frozenset(), OwnSubjects(), text="blank")

    outcome = blanking.anonymize(_job(tmp_path / "deep.png", tmp_path / "out"))

    assert (outcome.cause, outcome.texts) == (None, 1)
    result = load_picture(tmp_path / "out" / "deep.png", 50).values
    assert (result[556:584, 24:300, :3] == 128 * 257).all()
    assert (result[..., 3] == 200 * 257).all()
