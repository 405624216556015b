import pytest
from pydicom import Dataset

from service.codes import code_table, known_code
from service.views import Kind, attributes_for, classify, describe

EXTRAORAL = [f"EV{n:02d}" for n in range(1, 44)]
INTRAORAL = [f"IV{n:02d}" for n in range(1, 31)]


@pytest.mark.parametrize("code", EXTRAORAL + INTRAORAL)
def test_each_of_the_73_views_is_recognised_from_its_own_codes(code: str) -> None:
    """A photograph that carries a view's codes is classified as that view and no other kind."""
    view = classify(attributes_for(code))
    assert code in view.codes
    assert view.kind == (Kind.EXTRAORAL if code.startswith("EV") else Kind.INTRAORAL)


@pytest.mark.parametrize(("code", "pose"), [("EV19", "frontal"), ("EV01", "right-profile"), ("EV29", "left-oblique")])
def test_the_pose_follows_the_view(code: str, pose: str) -> None:
    """Frontal, profile and oblique views are told apart, also right from left."""
    assert classify(attributes_for(code)).pose == pose


def test_no_codes_is_unknown() -> None:
    """A photograph without codes is of unknown kind."""
    assert classify(Dataset()).kind is Kind.UNKNOWN


def test_conflicting_codes_are_unknown() -> None:
    """A mouth region with the face as structure, or both regions at once, is of unknown kind."""
    ds = attributes_for("IV07")
    ds.PrimaryAnatomicStructureSequence = attributes_for("EV19").PrimaryAnatomicStructureSequence
    assert classify(ds).kind is Kind.UNKNOWN
    both = attributes_for("IV07")
    both.AnatomicRegionSequence.append(attributes_for("EV19").AnatomicRegionSequence[0])
    assert classify(both).kind is Kind.UNKNOWN


def test_a_projection_that_no_mouth_has_is_unknown() -> None:
    """Intra-oral anatomy with a 45 degree projection contradicts itself."""
    ds = attributes_for("IV07")
    ds.ViewCodeSequence = attributes_for("EV08").ViewCodeSequence
    assert classify(ds).kind is Kind.UNKNOWN


def test_an_unknown_code_beside_a_known_one_is_unknown() -> None:
    """A code that the table does not hold agrees with nothing."""
    ds = attributes_for("IV07")
    odd = Dataset()
    odd.CodeValue, odd.CodingSchemeDesignator, odd.CodeMeaning = "T-D1100", "SRT", "Head"
    ds.AnatomicRegionSequence.append(odd)
    assert classify(ds).kind is Kind.UNKNOWN


def test_the_region_alone_does_not_make_a_photograph_intra_oral() -> None:
    """Both anatomic codes must say mouth before a picture may pass without a new face."""
    ds = attributes_for("IV07")
    del ds.PrimaryAnatomicStructureSequence
    assert classify(ds).kind is Kind.UNKNOWN


def test_missing_details_leave_several_codes() -> None:
    """Without acquisition context the kind and pose stand and every view that fits is named."""
    ds = attributes_for("EV19")
    del ds.PatientOrientation
    del ds.AcquisitionContextSequence
    view = classify(ds)
    assert view.kind is Kind.EXTRAORAL
    assert view.pose in ("", "frontal")
    assert {"EV15", "EV19"} <= view.codes
    assert not view.must_review
    assert len(describe(view)) <= 64


@pytest.mark.parametrize("code", ["EV40", "EV41"])
def test_identifying_views_must_be_reviewed(code: str) -> None:
    """Scars, tattoos, jewellery and anomalies are looked at by a person."""
    ds = attributes_for(code)
    ds.ImageComments = f"{code}^anything"
    assert classify(ds).must_review
    del ds.ImageComments
    if "ViewCodeSequence" not in ds:
        ds.ViewCodeSequence = attributes_for("EV19").ViewCodeSequence
    assert classify(ds).must_review
    assert not classify(attributes_for("EV19")).must_review


def test_a_written_ada_code_decides_and_must_agree() -> None:
    """A code in front of Image Comments picks the view; one that contradicts the anatomy makes it unknown."""
    ds = attributes_for("EV15")
    del ds.AcquisitionContextSequence
    ds.ImageComments = "EV19^full smile"
    assert classify(ds).codes == {"EV19"}
    ds.ImageComments = "IV07^front"
    assert classify(ds).kind is Kind.UNKNOWN


def test_an_ada_code_in_place_of_the_projection_is_understood() -> None:
    """A View Code that is the ADA code itself names the view, and must agree with the anatomy too."""
    ds = attributes_for("EV19")
    item = ds.ViewCodeSequence[0]
    item.CodeValue, item.CodingSchemeDesignator = "EV20", "99ADA"
    assert classify(ds).codes == {"EV20"}
    item.CodeValue = "IV07"
    assert classify(ds).kind is Kind.UNKNOWN


def test_the_label_names_a_single_view() -> None:
    """One fitting view is described by its ADA code and short name."""
    assert describe(classify(attributes_for("EV19"))) == "EV19 EO.FF.FS.CO"
    assert describe(classify(Dataset())) == "unknown"


def test_code_meanings_come_from_the_table() -> None:
    """A sender's Code Meaning is never taken over."""
    item = attributes_for("EV19").ViewCodeSequence[0]
    item.CodeMeaning = "Frontal view of Mrs Canary"
    code = known_code(item)
    assert code is not None
    assert code.meaning == "Frontal projection"
    assert all(len(entry.meaning) <= 64 and len(entry.value) <= 16 for entry in code_table().values())
