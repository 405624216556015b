from dataclasses import replace

import numpy as np
import pytest
from pydicom import FileDataset
from pydicom.uid import ExplicitVRLittleEndian

from service.finishing import Finished, finish
from service.headers import Cleaner
from service.objects import read
from service.pixels import Part, Picture, Replaced, decode, find_lines, read_map, with_covers
from service.pseudonyms import Pseudonyms
from service.secrets import Keys
from service.settings import Limits
from service.states import Cause
from service.tables import Patient
from service.views import classify
from tests.support.fakefaces import BOX, FakeFaces
from tests.support.photographs import photograph, teeth

PATIENT = Patient(key="k", pseudonym="0ABCDEFGHJKM", date_offset_days=-9)
CLEANER = Cleaner(Pseudonyms(Keys(b"k" * 32), "test"), PATIENT)
LABEL = (112.0, 4.0, 156.0, 20.0)
LATENT = np.zeros(4, np.float32)


def source(said: str = "NO") -> tuple[FileDataset, Picture]:
    ds = photograph(teeth(), "EV19", syntax=ExplicitVRLittleEndian)
    ds.BurnedInAnnotation = said
    return ds, decode(ds, Limits())


def done(ds: FileDataset, picture: Picture, replaced: Replaced, faces: FakeFaces) -> Finished:
    return finish(ds, CLEANER.clean(ds), [picture], [replaced], classify(ds), faces, 0.6)


def test_text_in_the_written_picture_holds_it() -> None:
    """A label that the detector sees in the result is for a person, and no clean pixels are claimed meanwhile."""
    faces, (ds, picture) = FakeFaces(BOX, texts=(LABEL,)), source()
    finished = done(ds, picture, faces.replace(picture, LATENT), faces)
    assert finished.failure is not None
    assert finished.failure.cause is Cause.BURNED_IN_TEXT
    assert finished.releasable
    assert "113101" not in finished.profile
    assert read(finished.data).BurnedInAnnotation == "YES"


@pytest.mark.parametrize("said", ["NO", "YES"])
def test_text_that_is_covered_lets_the_picture_go(said: str) -> None:
    """Once every line is under grey, what the header said about text is settled too."""
    faces, (ds, picture) = FakeFaces(BOX, texts=(LABEL,)), source(said)
    lines = find_lines(faces, picture)
    covered = replace(with_covers(faces.replace(picture, LATENT), picture, lines), texts=len(lines))
    finished = done(ds, picture, covered, faces)
    assert finished.failure is None, finished.failure
    assert "113101" in finished.profile
    result = read(finished.data)
    assert (result.BurnedInAnnotation, result.SyntheticData) == ("NO", "YES")
    assert np.abs(decode(result, Limits()).rgb[8:16, 120:150].astype(int) - 128).max() < 12
    assert (read_map(finished.map)[4:20, 112:156] == Part.COVERED).all()


def test_a_header_that_announces_text_holds_what_nobody_found() -> None:
    """Where the source says that there is text and the detector sees none, somebody has to look."""
    faces, (ds, picture) = FakeFaces(BOX), source("YES")
    finished = done(ds, picture, faces.replace(picture, LATENT), faces)
    assert finished.failure is not None
    assert finished.failure.cause is Cause.BURNED_IN_TEXT


def test_text_in_a_face_that_was_made_is_none() -> None:
    """What looks like writing inside a synthetic face is no writing, and is not covered either."""
    faces, (ds, picture) = FakeFaces(BOX, texts=((60.0, 60.0, 90.0, 70.0),)), source()
    assert find_lines(faces, picture) == ()
    assert done(ds, picture, faces.replace(picture, LATENT), faces).failure is None


def test_boxes_stay_inside_the_picture() -> None:
    """A line at the edge is covered up to the edge."""
    faces, (_, picture) = FakeFaces(texts=((0.4, 3.2, 70.0, 18.9), (150.0, 100.0, 175.0, 131.0))), source()
    assert find_lines(faces, picture) == ((0, 3, 70, 19), (150, 100, 160, 120))
