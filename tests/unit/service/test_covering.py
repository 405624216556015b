"""Parts of a picture that a person has covered, whole heads, and the map of what was made."""

from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit

from service.demo.patients import PATIENTS
from service.errors import Quarantined
from service.finishing import Finished, finish
from service.headers import Cleaner
from service.objects import read
from service.pixels import Faces, Part, Replaced, cover_heads, decode, look_for_text, read_map, with_covers, without
from service.pixels.covering import faded
from service.pseudonyms import Pseudonyms
from service.secrets import Keys
from service.settings import Limits
from service.states import Cause
from service.tables import Patient
from service.views import classify
from tests.support.fakefaces import BOX, FakeFaces
from tests.support.photographs import photograph, teeth

LATENT = np.zeros(4, np.float32)
LABEL = (0, 0, 48, 16)
PATIENT = Patient(pseudonym="0ABCDEFGHJKM", date_offset_days=-100)
SYNTAXES = [JPEGBaseline8Bit, ExplicitVRLittleEndian, JPEG2000Lossless]


def _finish(faces: FakeFaces, replaced: Replaced, syntax: UID = JPEGBaseline8Bit, view: str = "EV19") -> Finished:
    ds = photograph(teeth(), view, syntax=syntax)
    clean = Cleaner(Pseudonyms(Keys(b"k" * 32), "test"), PATIENT).clean(ds)
    return finish(ds, clean, [decode(ds, Limits())], [replaced], classify(ds), faces, 0.6)


def _source(syntax: UID = JPEGBaseline8Bit) -> np.ndarray:
    return decode(photograph(teeth(), "EV19", syntax=syntax), Limits()).rgb


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_covered_head_is_gone_and_the_rest_is_untouched(syntax: UID) -> None:
    """With the head covered no face is made: grey where it was, the source's own values away from it, no false word."""
    faces = FakeFaces(BOX)
    picture = decode(photograph(teeth(width=480, height=400), "EV19", syntax=syntax), Limits())
    replaced = cover_heads(faces, picture, (), face_expected=True)
    ds = photograph(teeth(width=480, height=400), "EV19", syntax=syntax)
    clean = Cleaner(Pseudonyms(Keys(b"k" * 32), "test"), PATIENT).clean(ds)
    finished = finish(ds, clean, [picture], [replaced], classify(ds), faces, 0.6)

    assert finished.failure is None
    out = read(finished.data)
    after = decode(out, Limits()).rgb
    assert (np.abs(after[40:120, 40:104].astype(int) - 128) <= 2).all()
    parts = read_map(finished.map)
    assert (after[parts == Part.UNTOUCHED] == picture.rgb[parts == Part.UNTOUCHED]).all()
    assert (parts == Part.UNTOUCHED).mean() > 0.5
    assert (out.SyntheticData, out.ImageType[0], out.RecognizableVisualFeatures) == ("NO", "DERIVED", "NO")
    assert out.DerivationDescription == "Parts of the picture covered with a uniform grey"
    assert [item.PurposeOfReferenceCodeSequence[0].CodeValue for item in out.ContributingEquipmentSequence] == [
        "109104"
    ]


def test_a_label_is_covered_and_the_face_still_gets_a_new_one() -> None:
    """A box over a label changes nothing about the face, and the file says both."""
    faces, picture = FakeFaces(BOX), decode(photograph(teeth(), "EV19"), Limits())
    replaced = faces.replace(without(picture, [LABEL]), LATENT, {"mouth"})
    finished = _finish(faces, with_covers(replaced, picture, [LABEL]))

    assert finished.failure is None
    out = read(finished.data)
    after = decode(out, Limits()).rgb
    assert (np.abs(after[:12, :44].astype(int) - 128) <= 2).all()
    assert out.SyntheticData == "YES"
    assert "covered" in out.DerivationDescription
    assert {gate.name: gate.passed for gate in finished.gates}["cover"]


def test_a_cover_takes_its_part_out_of_the_preserved_region() -> None:
    """Where a box lies over the region to preserve, the rest of the region is still exact and the gate says so."""
    faces, picture = FakeFaces(BOX), decode(photograph(teeth(), "EV19"), Limits())
    over_half = (40, 96, 72, 120)
    replaced = faces.replace(without(picture, [over_half]), LATENT, {"mouth"})
    finished = _finish(faces, with_covers(replaced, picture, [over_half]))

    assert finished.failure is None
    assert finished.pixels.preserved_pixels > 0
    parts = read_map(finished.map)
    after = decode(read(finished.data), Limits()).rgb
    assert (after[parts == Part.PRESERVED] == picture.rgb[parts == Part.PRESERVED]).all()
    assert (parts[96:120, 40:72] == Part.COVERED).all()


def test_a_face_that_no_detector_saw_is_for_a_person_even_when_covered() -> None:
    """A box that should hide an unseen face is confirmed by nobody: held, releasable, without the claim."""
    faces, picture = FakeFaces(), decode(photograph(teeth(), "EV19"), Limits())
    finished = _finish(faces, cover_heads(faces, picture, [(30, 30, 120, 120)], face_expected=True))

    assert finished.failure is not None
    assert finished.failure.cause is Cause.COVER_UNCONFIRMED
    assert finished.releasable
    assert "113102" not in finished.profile
    assert read(finished.data).RecognizableVisualFeatures == "YES"


def test_a_face_that_a_detector_still_sees_closes_the_gate() -> None:
    """When a cover leaves a face in the picture, nobody may release it."""
    faces, picture = FakeFaces(BOX), decode(photograph(teeth(), "EV19"), Limits())
    beside = Replaced(picture.rgb.copy(), np.zeros(picture.rgb.shape[:2], bool), covered=(LABEL,))
    finished = _finish(faces, beside)

    assert finished.failure is not None
    assert finished.failure.cause is Cause.FACE_NOT_REPLACED
    assert not finished.releasable


def test_nothing_to_cover_and_boxes_beside_the_picture_are_held() -> None:
    """No face and no box, or a box that lies elsewhere: the photograph is held in place of being passed."""
    picture = decode(photograph(teeth(), "EV19"), Limits())
    with pytest.raises(Quarantined) as nobody:
        cover_heads(FakeFaces(), picture, (), face_expected=True)
    assert nobody.value.cause is Cause.NO_FACE_FOUND
    with pytest.raises(Quarantined) as elsewhere:
        without(picture, [(500, 0, 600, 10)])
    assert elsewhere.value.cause is Cause.COVER_UNCONFIRMED


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_map_tells_the_truth_about_the_written_file(syntax: UID) -> None:
    """Every pixel that differs from the source is called synthetic, and what is called preserved is equal."""
    faces, picture = FakeFaces(BOX), decode(photograph(teeth(), "EV19", syntax=syntax), Limits())
    finished = _finish(faces, faces.replace(picture, LATENT, {"mouth"}), syntax)

    parts, after = read_map(finished.map), decode(read(finished.data), Limits()).rgb
    assert parts.shape == picture.rgb.shape[:2]
    assert (after == picture.rgb)[parts != Part.SYNTHETIC].all()
    assert {Part.UNTOUCHED, Part.SYNTHETIC, Part.PRESERVED} <= set(parts.ravel().tolist())
    with Image.open(BytesIO(finished.map)) as image:
        assert (image.mode, image.info) == ("P", {})


def test_an_untouched_picture_has_an_empty_map() -> None:
    """A photograph that leaves with its own pixels has nothing synthetic in its map."""
    faces, picture = FakeFaces(), decode(photograph(teeth(), "IV09"), Limits())
    finished = _finish(faces, faces.leave(picture), view="IV09")

    assert not read_map(finished.map).any()


def _card(words: str = "Zanzibar 1987") -> np.ndarray:
    """A portrait with a white band along its lower edge, and writing on that."""
    picture = cv2.resize(PATIENTS[0].frontal(), (480, 600), interpolation=cv2.INTER_AREA)
    picture[540:] = 235
    cv2.putText(picture, words, (24, 584), cv2.FONT_HERSHEY_SIMPLEX, 1, (20, 20, 30), 2, cv2.LINE_AA)
    return picture


def test_a_cover_is_not_taken_for_writing() -> None:
    """A grey bar on a card looks like a line of text to the detector; only what stands beside it is looked for."""
    faces, picture = Faces(), _card()
    covered, box = picture.copy(), (16, 554, 257, 594)
    covered[554:594, 16:257] = 128
    replaced = Replaced(covered, np.zeros(picture.shape[:2], bool), covered=(box,))
    assert look_for_text(covered, replaced, faces) == 0

    cv2.putText(covered, "Quentin Moll", (20, 60), cv2.FONT_HERSHEY_SIMPLEX, 1, (20, 20, 30), 2, cv2.LINE_AA)
    assert look_for_text(covered, replaced, faces) == 1


def test_only_what_is_grey_is_faded_away() -> None:
    """A box that should be covered and is not stays as it is, and what is written in it is found."""
    picture, faces = _card(), Faces()
    replaced = Replaced(picture, np.zeros(picture.shape[:2], bool), covered=((16, 554, 257, 594),))
    assert np.array_equal(faded(picture, replaced.covered), picture)
    assert look_for_text(picture, replaced, faces) == 1


def test_a_cover_fades_into_what_lies_around_it() -> None:
    """Filled from both sides a ramp comes back, at the picture's edges too; nothing beyond the margin changes."""
    ramp = np.repeat(np.linspace(20, 220, 200)[None, :, None], 100, axis=0).repeat(3, axis=2).astype(np.uint8)
    for left, top, right, bottom in ((60, 30, 120, 60), (60, 0, 120, 40), (60, 70, 120, 100)):
        covered = ramp.copy()
        covered[top:bottom, left:right] = 128
        filled = faded(covered, [(left, top, right, bottom)])
        assert np.abs(filled.astype(int) - ramp).max() <= 2
        assert np.array_equal(filled[:, :50], ramp[:, :50])
    whole = np.full((20, 20, 3), 128, np.uint8)
    assert np.array_equal(faded(whole, [(0, 0, 20, 20)]), whole)
