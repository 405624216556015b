"""The door to `models` with the real networks behind it."""

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGBaseline8Bit

from service.errors import Quarantined
from service.finishing import finish
from service.headers import Cleaner
from service.objects import read
from service.pixels import Faces, Picture, decode
from service.pseudonyms import Pseudonyms
from service.secrets import Keys
from service.settings import Limits
from service.states import Cause
from service.tables import Patient
from service.views import classify
from tests.support.photographs import face, photograph, teeth

PATIENT = Patient(key="k", pseudonym="0ABCDEFGHJKM", date_offset_days=-100)


@pytest.fixture(scope="module")
def faces() -> Faces:
    return Faces()


def portrait() -> np.ndarray:
    return np.asarray(Image.fromarray(face()).resize((780, 900), Image.Resampling.LANCZOS))


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, ExplicitVRLittleEndian])
def test_a_real_face_is_replaced_around_an_exact_mouth(faces: Faces, syntax: UID) -> None:
    """A portrait comes out with another face, the same mouth to the bit, and evidence for each gate."""
    source = photograph(portrait(), "EV19", syntax=syntax)
    picture = decode(source, Limits())
    latent = faces.anonymizer.sample(np.random.default_rng(5), 1)[0]
    replaced = faces.replace(picture, latent, {"mouth"})
    clean = Cleaner(Pseudonyms(Keys(b"k" * 32), "test"), PATIENT).clean(source)
    finished = finish(source, clean, [picture], [replaced], classify(source), faces, 0.6)
    gates = {result.name: result.passed for result in finished.gates}
    assert gates["output"]
    assert gates["header"]
    assert gates["faces"]
    assert gates["preserved"]
    assert finished.pixels.preserved_pixels > 1000
    assert finished.pixels.distances[0] is not None
    assert gates["recognition"] == (finished.pixels.distances[0] >= 0.6)
    after = decode(read(finished.data), Limits()).rgb.astype(int)
    assert np.abs(after - picture.rgb)[replaced.changed].mean() > 3
    assert np.array_equal(after[~replaced.changed], picture.rgb[~replaced.changed]) or syntax == JPEGBaseline8Bit


def test_the_recogniser_knows_a_face_from_itself_and_from_nobody(faces: Faces) -> None:
    """The same face is no distance away; where there is no face there is no distance."""
    picture = portrait()
    box = faces.find(picture)[0]
    assert faces.distance(picture, picture, box) == pytest.approx(0)
    assert faces.distance(np.zeros_like(picture), np.zeros_like(picture), box) is None


def test_no_face_is_seen_in_teeth(faces: Faces) -> None:
    """A mouth full of teeth stays as it is; the same codes over a portrait are held."""
    mouth = teeth(width=640, height=480)
    assert faces.leave(Picture(mouth, False, ExplicitVRLittleEndian, 0)).is_untouched
    with pytest.raises(Quarantined) as held:
        faces.leave(Picture(portrait(), False, ExplicitVRLittleEndian, 0))
    assert held.value.cause is Cause.FACE_IN_INTRAORAL


def test_a_photograph_without_a_face_is_held(faces: Faces) -> None:
    """Codes or no codes: where no face is found, none was replaced."""
    with pytest.raises(Quarantined) as held:
        faces.replace(Picture(teeth(), False, ExplicitVRLittleEndian, 0), np.zeros(faces.anonymizer.latent_size))
    assert held.value.cause is Cause.NO_FACE_FOUND
