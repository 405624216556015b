"""A first guess at the view of each picture, from what the picture shows and from its neighbours."""

import pytest

from models import turn_head
from service.demo.intraoral import buccal_view, frontal_view
from service.demo.patients import PATIENTS
from service.guessing import Guess, guess_views, is_inside
from service.pixels import Look, Viewer
from tests.support import photographs

MOUTH = Look(False, mucosa=0.5, enamel=0.25)
REST = Look(True, yaw=1.0)
SMILE = Look(True, yaw=-2.0, lips_apart=0.12, teeth=4.0)


@pytest.fixture(scope="module")
def viewer() -> Viewer:
    return Viewer()


@pytest.mark.parametrize(
    ("yaw", "code"),
    [(0, "EV17"), (-7, "EV17"), (30, "EV10"), (-30, "EV31"), (65, "EV03"), (-65, "EV24")],
)
def test_the_pose_is_told_by_where_the_nose_points(yaw: float, code: str) -> None:
    """To the right of the picture is a right view, as the standard's patient orientation has it."""
    assert guess_views([Look(True, yaw=yaw)]) == [Guess(code, sure=True)]


@pytest.mark.parametrize(
    ("lips_apart", "teeth", "code"), [(0.0, 0.0, "EV17"), (0.08, 0.1, "EV15"), (0.12, 4.0, "EV19")]
)
def test_the_mouth_is_told_by_lips_and_teeth(lips_apart: float, teeth: float, code: str) -> None:
    """Closed, relaxed, and a smile that shows teeth."""
    assert guess_views([Look(True, 0.0, lips_apart, teeth)])[0].code == code


def test_a_usual_series_is_guessed_in_its_order() -> None:
    """Inside the mouth the order alone tells, and so a guess there is never sure."""
    guesses = guess_views([REST, SMILE, Look(True, yaw=38.0), MOUTH, MOUTH, MOUTH, MOUTH, MOUTH, MOUTH])

    assert [g.code for g in guesses] == ["EV17", "EV19", "EV10", "IV07", "IV01", "IV18", "IV24", "IV26", ""]
    assert [g.sure for g in guesses] == [True] * 3 + [False] * 6


def test_what_a_picture_leaves_open_its_neighbours_settle() -> None:
    """Beside a clear rest a half smile is the smile, beside a clear frontal a small turn is the oblique view."""
    half = Look(True, yaw=0.0, lips_apart=0.06, teeth=1.0)
    slight = Look(True, yaw=10.0)

    assert [g.code for g in guess_views([REST, half])] == ["EV17", "EV19"]
    assert guess_views([half])[0] == Guess("EV15", sure=False)
    assert [g.code for g in guess_views([REST, slight])] == ["EV17", "EV10"]


def test_a_picture_that_shows_neither_is_at_best_a_profile() -> None:
    """Among faces it is the view that detectors miss; alone there is nothing to go by."""
    nothing = Look(False, mucosa=0.1, enamel=0.5)

    assert guess_views([REST, nothing])[1] == Guess("EV01", sure=False)
    assert guess_views([nothing]) == [Guess("", sure=False)]


def test_drawn_teeth_are_the_inside_of_a_mouth(viewer: Viewer) -> None:
    """No detector sees a face in the drawings, and their colours are those of gums and teeth."""
    for picture in (frontal_view(3), buccal_view(8), photographs.teeth()):
        assert is_inside(viewer.look(picture))


def test_two_known_faces_are_guessed_as_what_they_are(viewer: Viewer) -> None:
    """The astronaut smiles and the admiral does not, both look ahead; a head turned in the picture reads as turned."""
    smile, rest = (viewer.look(patient.frontal()) for patient in PATIENTS)
    turned = viewer.look(turn_head(PATIENTS[0].frontal(), 30))

    assert guess_views([smile, rest]) == [Guess("EV19", sure=True), Guess("EV17", sure=True)]
    assert guess_views([smile, turned])[1].code == "EV12"
