"""The list and the claims, checked on finished bytes by a parser of their own."""

from collections.abc import Callable
from functools import cache

import pytest
from pydicom import Dataset
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.sequence import Sequence
from pydicom.uid import JPEGBaseline8Bit

from service import provenance
from service.codes import OPTION_CODES, code_item
from service.confidentiality import Option, Row, row_for, table
from service.contents import review
from service.headers import RULES, Cleaner, Profile
from service.objects import to_bytes
from tests.unit.service.test_header_options import ALL, FULL, MODIFIED, OTHER, PATIENT, PSEUDONYMS, TEXTS, rich

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
KEPT = ALL - {FULL}


def finished(options: frozenset[Option] = KEPT) -> Dataset:
    """A result that nothing can be said against."""
    source = rich()
    profile = Profile(options, TEXTS, lambda uid: uid == OTHER)
    ds = Cleaner(PSEUDONYMS, PATIENT, profile).clean(source)
    for keyword in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "PixelRepresentation", "PixelData"):
        ds[keyword] = source[keyword]
    provenance.mark(ds, source=source, model_version="linear-prior-1", is_synthetic=True)
    provenance.claim_unrecognisable(ds)
    provenance.claim_clean_pixels(ds)
    return ds


def findings(ds: Dataset) -> list[str]:
    return review(to_bytes(ds, JPEGBaseline8Bit), ("linear-prior-1", *TEXTS))


@pytest.mark.parametrize("options", [frozenset(), *({option} for option in Option), ALL - {FULL}, ALL - {MODIFIED}])
def test_what_the_cleaner_makes_is_on_the_list(options: set[Option]) -> None:
    """Under every option the result holds what it may hold and claims what was done."""
    assert findings(finished(frozenset(options))) == []


def change(statement: str) -> Callable[[Dataset], None]:
    def apply(ds: Dataset) -> None:
        exec(statement, {"ds": ds, "Dataset": Dataset, "Sequence": Sequence, "code_item": code_item})

    return apply


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("ds.DeidentificationMethodCodeSequence = ds.DeidentificationMethodCodeSequence[:2]", "DeviceUID: a UID that"),
        ("ds.PatientName = 'Anna'", "PatientName"),
        ("ds.PatientID = 'MRN 7'", "PatientID"),
        ("ds.StudyInstanceUID = '1.2.3 4'", "StudyInstanceUID"),
        ("ds.StudyDate = '2026-03-12'", "StudyDate"),
        ("ds.PatientBirthDate = '19870423'", "PatientBirthDate"),
        ("ds.AccessionNumber = 'A'", "AccessionNumber"),
        ("ds.PatientAge = '091Y'", "PatientAge"),
        ("ds.Modality = 'ANNA'", "Modality"),
        ("ds.InstanceNumber = '123456'", "InstanceNumber"),
        ("ds.InstitutionName = 'Clinic of Dr. Smith'", "InstitutionName"),
        ("ds.DerivationDescription = 'by Anna'", "DerivationDescription"),
        ("ds.DeidentificationMethod = ['VeraGate', 'by Anna']", "DeidentificationMethod"),
        ("ds.ImageType = ['ORIGINAL', 'PRIMARY', 'ANNA']", "ImageType"),
        ("ds.PatientComments = 'x'", "PatientComments"),
        ("ds.ViewCodeSequence[0].CodeMeaning = 'Anna'", "a code that is not in the table"),
        ("ds.ViewCodeSequence[0].CodeValue = '112233'", "a code that is not in the table"),
        ("ds.ViewCodeSequence[0].TextValue = 'Anna'", "TextValue"),
        ("ds.ViewCodeSequence[0].add_new(0x00091002, 'SQ', Sequence())", "(0009,1002)"),
        ("ds.AcquisitionContextSequence[0].ValueType = 'TEXT'", "ValueType"),
        ("ds.AcquisitionContextSequence[0].PersonName = 'Anna'", "PersonName"),
        ("ds.ContributingEquipmentSequence[0].InstitutionName = 'Anna'", "InstitutionName"),
        ("ds.ContributingEquipmentSequence[0].Manufacturer = 'Anna'", "Manufacturer"),
        ("ds.SourceImageSequence[0].ReferencedSOPInstanceUID = '1.2.3'", "ReferencedSOPInstanceUID"),
        ("ds.add_new(0x00091002, 'SQ', Sequence())", "(0009,1002)"),
        ("ds.RequestAttributesSequence = Sequence()", "RequestAttributesSequence"),
        ("ds.PatientIdentityRemoved = 'NO'", "PatientIdentityRemoved"),
        ("ds.BurnedInAnnotation = 'YES'", "113101"),
        ("ds.RecognizableVisualFeatures = 'YES'", "113102"),
        ("ds.LongitudinalTemporalInformationModified = 'REMOVED'", "113107"),
        ("ds.LongitudinalTemporalInformationModified = 'UNMODIFIED'", "113106"),
        ("ds.StudyTime = '101112'", "StudyTime"),
        ("del ds.DeidentificationMethodCodeSequence[0]", "the profile itself"),
        ("del ds.AcquisitionContextSequence[:]", "113104"),
    ],
)
def test_what_is_not_on_the_list_is_found(statement: str, place: str) -> None:
    """Values that are not of their form, elements in items, empty private sequences and untrue claims are named."""
    ds = finished()
    change(statement)(ds)
    found = findings(ds)
    assert any(place in finding for finding in found), found
    assert "Anna" not in " ".join(found)


@pytest.mark.parametrize("option", [option for option in Option if option is not FULL])
def test_each_claim_stands_and_falls_with_what_it_covers(option: Option) -> None:
    """What an option let stay needs its code, and its code needs something that it let stay."""
    ds = finished()
    code = OPTION_CODES[option].value
    codes = ds.DeidentificationMethodCodeSequence
    ds.DeidentificationMethodCodeSequence = Sequence([item for item in codes if item.CodeValue != code])
    assert any("without the method code" in finding for finding in findings(ds))
    bare = finished(frozenset())
    bare.DeidentificationMethodCodeSequence.append(OPTION_CODES[option].item())
    assert any(f"{code} is claimed and nothing" in finding for finding in findings(bare))


def _tag(row: Row) -> int:
    tag = {"PRIVATE": "00091001", "50xxxxxx": "50000022"}.get(row.tag, row.tag)
    return int(tag.replace("x", "0"), 16)


@cache
def _base() -> Dataset:
    return finished()


LISTED = {int(rule.tag) for rule in RULES} | {0x00082111}  # Derivation Description is the gateway's own
BINARY = ("OB", "OW", "UN", "SQ")


@pytest.mark.parametrize("row", [row for row in table().values() if _tag(row) not in LISTED], ids=lambda row: row.name)
def test_every_row_of_the_standards_table_is_enforced(row: Row) -> None:
    """An attribute that the table removes or changes and that no rule lets stay is a finding that says which."""
    tag, ds = _tag(row), Dataset()
    ds.update(_base())
    vr = dictionary_VR(tag) if keyword_for_tag(tag) else "LO"
    if tag >> 16 < 8:
        return  # commands and file meta cannot stand in a data set
    ds.add_new(tag, vr if vr in BINARY else "LO", Sequence() if vr == "SQ" else b"" if vr in BINARY else "x")
    said = "removes" if "X" in row.basic.split("/") else "changes"
    assert any(said in finding for finding in findings(ds)), row
    assert row_for(tag) is not None
