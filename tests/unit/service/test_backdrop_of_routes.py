"""What becomes of what lies behind people: kept, or replaced by a plain backdrop where route or reviewer says so."""

from typing import Any

import numpy as np
import pytest
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGBaseline8Bit

from service.blobs import segmentation_key
from service.pipeline import Worker
from service.pixels import Part, Replaced, look_for_text
from service.quarantine import Decision, redact
from service.segmentation import segmented
from service.states import Cause, PhotographState
from service.tables import HeldResult, Photograph
from tests.support import photographs
from tests.support.fakefaces import BACKDROP, BOX, FakeFaces

ANNA = Decision("anna", "the room shows where it was")
MADE = "Faces replaced by synthetic faces; see Contributing Equipment"
PLAIN = "; what lay behind people replaced by a plain backdrop"
FAR = slice(200, 380), slice(200, 460)  # behind the person, away from any edge
LABEL = (300.0, 300.0, 400.0, 330.0)


def _picture() -> np.ndarray:
    return photographs.teeth(width=480, height=400)


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, ExplicitVRLittleEndian])
def test_a_plain_backdrop_is_made_and_said_where_the_route_wants_it(desk: Any, syntax: UID) -> None:
    """Pixels behind the person are new ones, in picture, map and Segmentation; header, report and audit say so; what is
    preserved is still the source's."""
    made, faces = desk(backdrop="plain", preserve=["mouth"], segmentation=True), FakeFaces(BOX)

    photograph = made.take(_picture(), faces, syntax=syntax)

    assert photograph.state == PhotographState.DEIDENTIFIED
    release, ds = made.released()
    assert ds.DerivationDescription.startswith(MADE + PLAIN)
    assert (ds.SyntheticData, ds.ImageType[0], ds.RecognizableVisualFeatures) == ("YES", "DERIVED", "NO")
    assert np.abs(ds.pixel_array[FAR].astype(int) - BACKDROP).max() <= 3
    parts = made.parts()
    assert (parts[FAR] == Part.SYNTHETIC).all()
    assert (parts == Part.PRESERVED).sum() == release.report["preserved_pixels"] > 0
    drawn = segmented(made.gateway.releases.read(segmentation_key(release.blob)))
    np.testing.assert_array_equal(drawn["synthetic"][0], parts == Part.SYNTHETIC)
    assert release.report["backdrop"] == made.details("photograph.deidentified")["backdrop"] == "plain"


def test_without_a_word_of_the_route_everything_behind_stays(desk: Any) -> None:
    """Nobody looks for outlines, the pixels are the source's, and nothing says anything about a backdrop."""
    made, faces = desk(), FakeFaces(BOX)

    made.take(_picture(), faces)

    release, ds = made.released()
    assert ds.DerivationDescription == MADE
    assert (made.parts()[FAR] == Part.UNTOUCHED).all()
    assert "backdrop" not in release.report
    assert faces.painter.asked == 0  # type: ignore[attr-defined]


def test_where_no_outline_can_be_told_the_photograph_leaves_with_what_lies_behind_and_says_why(desk: Any) -> None:
    """A close-up is not damaged: the header claims no backdrop, and report and audit have the reason."""
    made = desk(backdrop="plain")

    photograph = made.take(_picture(), FakeFaces(BOX, backdrop="no outline"))

    assert photograph.state == PhotographState.DEIDENTIFIED
    release, ds = made.released()
    assert ds.DerivationDescription == MADE
    assert (made.parts()[FAR] == Part.UNTOUCHED).all()
    assert release.report["backdrop"] == made.details("photograph.deidentified")["backdrop"] == "no outline"


def test_the_inside_of_a_mouth_has_nothing_behind_it(desk: Any) -> None:
    """By its code it is never asked for an outline, and leaves with its own pixels."""
    made, faces = desk(backdrop="plain"), FakeFaces()

    made.take(_picture(), faces, view="IV07")

    _, ds = made.released()
    assert (ds.SyntheticData, ds.ImageType[0]) == ("NO", "ORIGINAL")
    assert faces.painter.asked == 0  # type: ignore[attr-defined]


def test_covered_heads_before_a_plain_backdrop_are_both_said(desk: Any) -> None:
    """No face was made, but the backdrop was: heads are covered in the map, the rest of what changed is synthetic."""
    made = desk(backdrop="plain", unreplaced="redact")

    made.take(_picture(), FakeFaces(BOX, unreplaced=1))

    _, ds = made.released()
    assert ds.DerivationDescription == "Heads covered with a uniform grey" + PLAIN
    assert ds.SyntheticData == "YES"
    purposes = [item.PurposeOfReferenceCodeSequence[0].CodeValue for item in ds.ContributingEquipmentSequence]
    assert purposes == ["109104", "109100"]
    parts = made.parts()
    assert (parts[FAR] == Part.SYNTHETIC).all()
    assert (parts[50:110, 50:100] == Part.COVERED).all()


@pytest.mark.parametrize("cover_faces", [False, True])
def test_a_reviewer_can_ask_for_a_plain_backdrop(desk: Any, cover_faces: bool) -> None:
    """On a route that keeps what lies behind, with a new face and with a covered head alike."""
    made = desk()
    held = made.take(_picture(), FakeFaces())
    assert held.cause == Cause.NO_FACE_FOUND

    redact(made.gateway, held.id, ANNA, [(0, 0, 20, 20)], cover_faces, "plain")
    assert Worker(made.gateway, FakeFaces(BOX)).work_one()

    (photograph,) = made.all(Photograph)
    assert photograph.state == PhotographState.DEIDENTIFIED
    release, ds = made.released()
    assert ds.DerivationDescription.endswith(PLAIN)
    assert release.report["instructions"]["backdrop"] == "plain"
    parts = made.parts()
    assert (parts[FAR] == Part.SYNTHETIC).all()
    assert (parts[:20, :20] == Part.COVERED).all()


def test_a_reviewer_can_have_what_lies_behind_kept(desk: Any) -> None:
    """Where a backdrop took something that belongs to the person, the route's word does not count for this one."""
    made = desk(backdrop="plain")
    held = made.take(_picture(), FakeFaces())

    redact(made.gateway, held.id, ANNA, [], False, "keep")
    assert Worker(made.gateway, FakeFaces(BOX)).work_one()

    assert (made.parts()[FAR] == Part.UNTOUCHED).all()


@pytest.mark.parametrize("text", ["hold", "blank"])
def test_writing_on_the_wall_goes_with_the_wall(desk: Any, text: str) -> None:
    """It neither holds the photograph nor leaves a grey bar on the backdrop."""
    made = desk(backdrop="plain", text=text)

    photograph = made.take(_picture(), FakeFaces(BOX, texts=(LABEL,)))

    assert photograph.state == PhotographState.DEIDENTIFIED
    release, ds = made.released()
    assert (ds.BurnedInAnnotation, release.report["covered"]) == ("NO", 0)
    assert (made.parts()[FAR] == Part.SYNTHETIC).all()
    assert np.abs(ds.pixel_array[FAR].astype(int) - BACKDROP).max() <= 3


def test_writing_on_the_person_is_still_covered_and_still_holds(desk: Any) -> None:
    """A name tag before the backdrop is what it was before the wall."""
    tag, made = (50.0, 126.0, 100.0, 140.0), desk(backdrop="plain")

    photograph = made.take(_picture(), FakeFaces(BOX, texts=(tag,)))

    assert photograph.cause == Cause.BURNED_IN_TEXT
    (held,) = made.all(HeldResult)
    assert held.report["backdrop"] == "plain"


def test_writing_that_shines_through_an_edge_is_writing() -> None:
    """Where people and what lay behind them are mixed, a word that can be read counts, although its pixels changed."""
    image = _picture()
    everywhere = np.ones(image.shape[:2], bool)
    faces = FakeFaces(texts=(LABEL,))

    mixed = Replaced(image, everywhere, backdrop="plain", fringe=everywhere)
    plain = Replaced(image, everywhere, backdrop="plain", fringe=~everywhere)

    assert look_for_text(image, mixed, faces) == 1
    assert look_for_text(image, plain, faces) == 0
