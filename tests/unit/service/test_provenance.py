import pytest
from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.sr._concepts_dict import concepts
from pydicom.tag import BaseTag

from service.codes import OPTION_CODES
from service.confidentiality import Option
from service.provenance import CODES, claim_clean_pixels, claim_unrecognisable, has_burned_in_text, mark, profile


def marked(*, is_synthetic: bool = True, **source: object) -> Dataset:
    ds, original = Dataset(), Dataset()
    for keyword, value in source.items():
        setattr(original, keyword, value)
    mark(ds, source=original, model_version="linear-prior-1+0123abcd", is_synthetic=is_synthetic)
    return ds


def purposes(ds: Dataset) -> list[str]:
    return [item.PurposeOfReferenceCodeSequence[0].CodeValue for item in ds.ContributingEquipmentSequence]


def test_a_synthetic_photograph_says_so() -> None:
    """Synthetic Data, DERIVED, both contributing equipments and the model's version are in the object."""
    ds = marked()
    assert (ds.SyntheticData, ds.PatientIdentityRemoved) == ("YES", "YES")
    assert ds.ImageType == ["DERIVED", "PRIMARY"]
    assert purposes(ds) == ["109104", "109100"]
    assert "linear-prior-1+0123abcd" in ds.ContributingEquipmentSequence[1].SoftwareVersions
    assert "linear-prior-1+0123abcd" in ds.DeidentificationMethod


def test_a_photograph_with_its_own_pixels_does_not_claim_to_be_synthetic() -> None:
    """An intra-oral photograph keeps its image type's first value and names no synthesising equipment."""
    ds = marked(is_synthetic=False, ImageType=["ORIGINAL", "PRIMARY", "ANYTHING"])
    assert ds.SyntheticData == "NO"
    assert ds.ImageType == ["ORIGINAL", "PRIMARY"]
    assert purposes(ds) == ["109104"]
    assert marked(is_synthetic=False, ImageType=["DERIVED", "SECONDARY"]).ImageType[0] == "DERIVED"


def test_recognition_is_claimed_only_afterwards() -> None:
    """113102 and Recognizable Visual Features NO come together, and only when they are claimed."""
    ds = marked()
    assert ds.RecognizableVisualFeatures == "YES"
    assert profile(ds) == "113100"
    for _ in range(2):
        claim_unrecognisable(ds)
        assert ds.RecognizableVisualFeatures == "NO"
        assert profile(ds) == "113100 113102"


def test_clean_pixels_are_claimed_only_afterwards() -> None:
    """113101 and Burned In Annotation NO come together, once somebody has looked for text."""
    ds = marked()
    assert ds.BurnedInAnnotation == "YES"
    claim_clean_pixels(ds)
    assert ds.BurnedInAnnotation == "NO"
    assert profile(ds) == "113100 113101"


def test_the_digest_of_what_was_preserved_is_in_the_object() -> None:
    """Whoever holds the source can check with the object alone that the preserved region is the source's."""
    ds = Dataset()
    mark(ds, source=Dataset(), model_version="x", is_synthetic=True, preserved_digest="ab" * 32)
    assert ds.DerivationDescription.endswith("; SHA-256 of what was preserved " + "ab" * 32)


def test_the_options_of_the_header_stay_claimed() -> None:
    """The profile's codes join those that the cleaner wrote, in the order of their values."""
    ds = Dataset()
    ds.DeidentificationMethodCodeSequence = [OPTION_CODES[Option.MODIFIED_DATES].item()]
    mark(ds, source=Dataset(), model_version="x", is_synthetic=True)
    assert profile(ds) == "113100 113107"


@pytest.mark.parametrize(("value", "said"), [("YES", True), ("yes ", True), (["NO", "YES"], True), ("NO", False)])
def test_burned_in_text_is_not_denied(value: object, said: bool) -> None:
    """What the source says about text in the picture is heard, in every spelling."""
    source = Dataset()
    source.BurnedInAnnotation = value
    assert has_burned_in_text(source) is said
    assert not has_burned_in_text(Dataset())


def test_damaged_values_count_as_the_worse_answer() -> None:
    """A Burned In Annotation that cannot be parsed holds the photograph; a damaged Image Type does not stop it."""
    damaged = Dataset()
    for tag in (0x00080008, 0x00280301):
        damaged._dict[BaseTag(tag)] = RawDataElement(BaseTag(tag), "C?", 4, b"YES ", 0, False, True)
    assert has_burned_in_text(damaged)
    ds = Dataset()
    mark(ds, source=damaged, model_version="x", is_synthetic=False)
    assert ds.ImageType == ["ORIGINAL", "PRIMARY"]


def test_the_codes_are_the_standards_own() -> None:
    """Every code has the meaning that DCM gives it and fits its value representation."""
    meanings = {value: meaning for entry in concepts["DCM"].values() for value, (meaning, _) in entry.items()}
    assert all(meanings[code.value] == code.meaning and len(code.meaning) <= 64 for code in CODES)
    assert all(len(text) <= 64 for text in marked().DeidentificationMethod)
