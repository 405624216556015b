"""Faces that cannot be replaced: held for a person, or their heads covered where the route says so."""

from typing import Any

import numpy as np
import pytest
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGBaseline8Bit

from service.blobs import segmentation_key
from service.pixels import Faces, Part
from service.segmentation import segmented
from service.states import Cause, PhotographState
from service.tables import HeldResult, Identity, Release
from tests.support import photographs
from tests.support.fakefaces import BOX, FakeFaces
from tests.support.turning import profile

ASIDE = (90.0, 40.0, 140.0, 90.0)


@pytest.fixture(scope="module")
def faces() -> Faces:
    return Faces()


def test_a_profile_is_held_and_chooses_no_identity(desk: Any, faces: Faces) -> None:
    """Where the route says nothing, a face from the side waits for a person, nothing is kept of it, and the patient's
    synthetic face is left for a photograph to choose that can have it."""
    made = desk()

    photograph = made.take(profile(), faces, "EV01")

    assert photograph.state == PhotographState.QUARANTINED
    assert photograph.cause == Cause.FACE_NOT_REPLACED
    assert made.all(Identity) == made.all(Release) == made.all(HeldResult) == []


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, ExplicitVRLittleEndian])
def test_a_profile_leaves_with_its_head_covered_where_the_route_says_so(desk: Any, faces: Faces, syntax: UID) -> None:
    """The head is grey, no detector sees a face, the header and the map say what was done, and nothing was made."""
    made = desk(unreplaced="redact", segmentation=True)

    photograph = made.take(profile(), faces, "EV01", syntax)

    assert photograph.state == PhotographState.DEIDENTIFIED
    release, ds = made.released()
    assert ds.DerivationDescription == "Heads covered with a uniform grey"
    assert (ds.SyntheticData, ds.RecognizableVisualFeatures, ds.ImageType[0]) == ("NO", "NO", "DERIVED")
    parts, pixels = made.parts(), ds.pixel_array.reshape(*profile().shape)
    left, top, right, bottom = (int(side) for side in faces.find(profile())[0])
    assert (parts[top:bottom, left:right] == Part.COVERED).all()
    assert (parts == Part.UNTOUCHED).mean() > 0.2
    inside = parts[20:-20, 20:-20] == Part.COVERED
    assert np.percentile(np.ptp(pixels[20:-20, 20:-20][inside].astype(int), 1), 90) < 12 or syntax == JPEGBaseline8Bit
    covered = segmented(made.gateway.releases.read(segmentation_key(release.blob)))
    np.testing.assert_array_equal(covered["synthetic"][0], np.isin(parts, (Part.SYNTHETIC, Part.COVERED)))
    assert release.report["heads"] == 1
    assert {"name": "cover", "passed": True, "detail": "heads covered: 1"} in release.report["gates"]
    details = made.details("photograph.deidentified")
    assert (details["heads"], details["outline"]) == (1, False)
    assert made.all(Identity) == []


def test_a_kept_outline_makes_no_promise(desk: Any, faces: Faces) -> None:
    """With the outline of the head kept, the object leaves without saying that nobody can be recognised."""
    made = desk(unreplaced="redact", outline=True)

    photograph = made.take(profile(), faces, "EV01")

    assert photograph.state == PhotographState.DEIDENTIFIED
    release, ds = made.released()
    assert ds.RecognizableVisualFeatures == "YES"
    assert "113102" not in release.profile
    assert "heads covered: 1, their outline kept" in [gate["detail"] for gate in release.report["gates"]]


def test_who_is_beside_the_patient_is_covered_and_the_patient_gets_a_face(desk: Any) -> None:
    """Of two people the one who cannot be replaced is covered, and the object says both."""
    made = desk(unreplaced="redact")

    photograph = made.take(
        photographs.teeth(width=480, height=400), FakeFaces(ASIDE, (200, 150, 300, 290), unreplaced=1)
    )

    assert photograph.state == PhotographState.DEIDENTIFIED
    release, ds = made.released()
    assert ds.DerivationDescription.startswith("Faces replaced by synthetic faces, other heads covered with grey")
    assert ds.SyntheticData == "YES"
    assert (release.report["faces"], release.report["heads"]) == (1, 1)
    assert (made.parts()[45:85, 95:135] == Part.COVERED).all()
    assert made.all(Identity) != []


def test_whatever_still_looks_like_a_face_holds_the_photograph(desk: Any) -> None:
    """Where a detector sees a face under the cover, here by the mouth that stayed open, nothing leaves."""
    made = desk(unreplaced="redact", preserve=["mouth"])

    photograph = made.take(photographs.teeth(width=480, height=400), FakeFaces(BOX, unreplaced=1))

    assert photograph.state == PhotographState.QUARANTINED
    assert photograph.cause == Cause.FACE_NOT_REPLACED
    assert made.all(Release) == made.all(HeldResult) == []


def test_what_is_preserved_in_a_covered_head_is_the_sources(desk: Any) -> None:
    """The region that stays open comes out to the bit, and the digest of it is in the header."""
    made = desk(unreplaced="redact", preserve=["mouth"])

    class Blind(FakeFaces):
        """Sees the face before, and nothing of it afterwards."""

        def find(self, image: np.ndarray) -> Any:
            covered = (np.abs(image[44:96, 44:100].astype(int) - 128) < 3).all()
            return () if covered else super().find(image)

    photograph = made.take(
        photographs.teeth(width=480, height=400), Blind(BOX, unreplaced=1), syntax=ExplicitVRLittleEndian
    )

    assert photograph.state == PhotographState.DEIDENTIFIED
    _, ds = made.released()
    kept = made.parts() == Part.PRESERVED
    assert kept[102:118, 44:100].all()
    source = photographs.teeth(width=480, height=400)
    np.testing.assert_array_equal(ds.pixel_array[kept], source[kept])
    assert "SHA-256 of what was preserved" in ds.DerivationDescription
