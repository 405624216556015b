"""A study laid out as an orthodontic series."""

from service.catalogue import Line
from service.series import lay_out
from service.states import PhotographState
from service.tables import new_id, utc_now
from service.views import classify, describe
from tests.support.photographs import photograph, teeth

USUAL = ["EV15", "EV19", "EV01", "IV01", "IV07", "IV18", "IV24", "IV26"]


def _line(view: str | None, state: str = PhotographState.FORWARDED) -> Line:
    label = describe(classify(photograph(teeth(), view))) if view else "unknown"
    return Line(new_id(), state, None, label, "all", "CAMERA", utc_now(), None, None)


def test_a_usual_series_is_complete() -> None:
    """The eight usual views fill their eight places: nothing is missing, nothing double, nothing beside."""
    series = lay_out([_line(view) for view in USUAL])
    assert (series.missing, series.double, series.others) == ((), (), ())
    assert [len(slot.lines) for slot in series.slots if slot.usual] == [1] * 8


def test_what_is_missing_and_double_is_named() -> None:
    """A view that is not there and one that is there twice are named, a rejected one counts as not there."""
    lines = [_line(view) for view in [*USUAL[1:], "IV07"]]
    lines[0] = _line("EV19", PhotographState.REJECTED)
    series = lay_out(lines)
    assert [slot.name for slot in series.missing] == ["frontal-rest", "frontal-smile"]
    assert [slot.name for slot in series.double] == ["teeth-front"]


def test_the_face_at_an_angle_may_be_missing_and_either_profile_will_do() -> None:
    """The oblique view has a place and need not be there; a left profile fills the place of the profile."""
    series = lay_out([_line("EV22"), _line("EV12")])
    filled = [slot.name for slot in series.slots if slot.lines]
    assert filled == ["profile", "oblique"]
    assert "oblique" not in [slot.name for slot in lay_out([]).missing]


def test_what_leaves_its_place_open_is_not_guessed() -> None:
    """Photographs without codes, and views outside the usual series, stand beside it."""
    ambiguous = Line(new_id(), "FORWARDED", None, "extraoral frontal (EV15 to EV21)", None, "C", utc_now(), None, None)
    resting = Line(new_id(), "FORWARDED", None, "extraoral frontal (EV15 to EV18)", None, "C", utc_now(), None, None)
    series = lay_out([_line(None), _line("IV28"), ambiguous, resting])
    assert len(series.others) == 3
    assert series.slots[0].lines == (resting,)
