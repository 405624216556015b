"""What the demonstration sends: valid objects with codes, names to remove, and drawn teeth that are no face."""

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import get_frame

from models import FaceAnonymizer
from service.demo.intraoral import buccal_view, frontal_view
from service.demo.patients import PATIENTS
from service.demo.series import Shot, series_of
from service.views import Kind, classify


@pytest.fixture(scope="module", name="shots")
def _shots() -> list[Shot]:
    return [shot for patient in PATIENTS for shot in series_of(patient)]


def test_codes_say_what_each_photograph_shows(shots: list[Shot]) -> None:
    """Faces are coded extra-oral, drawn teeth intra-oral, and the codes fit the view that each shot names."""
    for shot in shots:
        view = classify(shot.to_dicom({}))
        assert view.kind is (Kind.EXTRAORAL if shot.face else Kind.INTRAORAL)
        assert shot.view in view.codes


def test_objects_are_valid(shots: list[Shot], tmp_path: Path) -> None:
    """dciodvfy finds no error in any object of the series."""
    for number, shot in enumerate(shots):
        path = tmp_path / f"{number}.dcm"
        shot.to_dicom({}).save_as(path, enforce_file_format=True)
        done = subprocess.run(
            [Path(sys.executable).with_name("dciodvfy"), "-new", path], capture_output=True, text=True
        )
        assert [line for line in done.stderr.splitlines() if line.startswith("Error")] == []


def test_there_is_something_to_remove(shots: list[Shot]) -> None:
    """The patient's name stands in the header and in the EXIF of the JPEG inside, so that its absence later means
    something."""
    for shot in shots:
        ds = shot.to_dicom({})
        name = shot.patient.header["PatientName"]
        assert ds.PatientName == name
        assert name.encode() in get_frame(ds.PixelData, 0, number_of_frames=1)


def test_pictures_decode_at_their_size(shots: list[Shot]) -> None:
    """Rows and columns in the header are those of the JPEG inside."""
    for shot in shots:
        ds = shot.to_dicom({})
        picture = Image.open(BytesIO(get_frame(ds.PixelData, 0, number_of_frames=1)))
        assert picture.size == (ds.Columns, ds.Rows)


def test_one_patient_one_study_for_each_visit(shots: list[Shot]) -> None:
    """Photographs of one visit share a study; visits and patients do not."""
    studies: dict[tuple[str, int], str] = {}
    uids = {(shot.patient.label, shot.visit, shot.to_dicom(studies).StudyInstanceUID) for shot in shots}

    assert len(uids) == len({uid for _, _, uid in uids}) == 4


def test_detectors_agree_about_every_picture(shots: list[Shot]) -> None:
    """Every extra-oral picture has exactly one face for the detectors, every drawing of teeth has none."""
    finder = FaceAnonymizer.load()

    for shot in shots:
        assert len(finder.find(shot.picture)) == (1 if shot.face else 0), (shot.patient.label, shot.title)


def test_drawings_differ_by_seed_and_repeat() -> None:
    """A mouth is drawn the same every time, and another seed is another mouth."""
    small = {"width": 240, "height": 160}

    assert np.array_equal(frontal_view(3, **small), frontal_view(3, **small))
    assert not np.array_equal(frontal_view(3, **small), frontal_view(4, **small))
    assert not np.array_equal(frontal_view(3, **small), buccal_view(3, **small))
