from types import SimpleNamespace

import pytest
from pydicom import Dataset
from pydicom.datadict import dictionary_VR
from pydicom.sequence import Sequence

from service import codes
from service.confidentiality import Option, content_table
from service.errors import Quarantined
from service.headers import RULES, Cleaner, Profile, rules
from service.pseudonyms import Pseudonyms
from service.secrets import Keys
from service.settings import SECONDARY_CAPTURE
from service.states import Cause
from service.views import attributes_for, classify
from tests.support.photographs import photograph, teeth
from tests.support.planted import CANARY, planted

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # the planted values are odd on purpose
PATIENT = SimpleNamespace(pseudonym="0ABCDEFGHJKM", date_offset_days=-100)
PSEUDONYMS = Pseudonyms(Keys(b"k" * 32), "test")


def clean(ds: Dataset) -> Dataset:
    return Cleaner(PSEUDONYMS, PATIENT).clean(ds)


def everything(ds: Dataset) -> str:
    return str(ds.to_json(suppress_invalid_tags=True))


def test_no_planted_text_enters_the_clean_header() -> None:
    """Texts in public, private, nested, unknown and mislabelled elements are all left behind."""
    source = planted(teeth())
    assert CANARY in everything(source)
    text = everything(clean(source))
    for secret in (CANARY, "Brz", "Zofia", "Бжен", "112233", "19871231", "20260312", "101112"):
        assert secret not in text, secret


def test_only_named_elements_are_in_the_clean_header() -> None:
    """Every element of the result is in the list of rules or says what was done, and none is private."""
    names = {element.keyword for element in clean(planted(teeth()))}
    said = {"DeidentificationMethodCodeSequence", "LongitudinalTemporalInformationModified"}
    assert names <= {rule.keyword for rule in RULES} | said


def test_the_source_is_not_touched() -> None:
    """Cleaning builds a new data set and leaves the original as it was."""
    source = planted(teeth())
    before = everything(source)
    clean(source)
    assert everything(source) == before


def test_the_patient_has_the_pseudonym() -> None:
    """Name and ID carry the pseudonym; birth date, sex and physicians are empty."""
    ds = clean(photograph(teeth(), "IV07"))
    assert ds.PatientID == PATIENT.pseudonym
    assert ds.PatientName == f"SUBJ^{PATIENT.pseudonym}"
    assert not any((ds.PatientBirthDate, ds.PatientSex, ds.ReferringPhysicianName, ds.AccessionNumber, ds.StudyTime))


def test_dates_move_together() -> None:
    """All dates of a patient move by the same number of days, so that intervals between visits stay."""
    first, second = photograph(teeth(), "IV07"), photograph(teeth(), "IV07")
    first.StudyDate, second.StudyDate = "20260312", "2026.04.12"
    first.AcquisitionDateTime = "20260313101112.5+0100"
    one, two = clean(first), clean(second)
    assert (one.StudyDate, two.StudyDate) == ("20251202", "20260102")
    assert one.AcquisitionDateTime == "20251203"


@pytest.mark.parametrize("value", ["2024:03:15", "20261399", "abc", "00010101", "12/24/2025", ""])
def test_a_date_that_is_none_is_dropped(value: str) -> None:
    """What cannot be moved does not stay: Study Date becomes empty, an optional date goes."""
    source = photograph(teeth(), "IV07")
    source.StudyDate = source.SeriesDate = value
    ds = clean(source)
    assert ds.StudyDate == ""
    assert "SeriesDate" not in ds


def test_uids_are_keyed_and_consistent() -> None:
    """The same study gets the same new UID in each photograph, and no original UID stays."""
    first = photograph(teeth(), "IV07", study="1.2.3.4")
    second = photograph(teeth(1), "IV07", study="1.2.3.4")
    one, two = clean(first), clean(second)
    assert one.StudyInstanceUID == two.StudyInstanceUID
    assert one.StudyInstanceUID.startswith("2.25.")
    assert len({one.SOPInstanceUID, two.SOPInstanceUID, first.SOPInstanceUID, second.SOPInstanceUID}) == 4


def test_an_instance_uid_under_the_standards_root_is_replaced_too() -> None:
    """No study is defined by the standard, so a Study Instance UID that looks like it is replaced."""
    source = photograph(teeth(), "IV07", study="1.2.840.10008.112233")
    assert "112233" not in clean(source).StudyInstanceUID


@pytest.mark.parametrize("code", ["EV01", "EV19", "EV38", "EV40", "IV02", "IV13", "IV24", "IV28"])
def test_the_view_survives_in_codes(code: str) -> None:
    """A cleaned photograph is classified as what it was, by codes with the table's own meanings."""
    source = photograph(teeth(), code)
    assert classify(clean(source)) == classify(source)


def test_unknown_codes_go() -> None:
    """An entry that the table does not hold is left out, alone or beside one that it holds."""
    source = photograph(teeth(), "EV19")
    odd = Dataset()
    odd.CodeValue, odd.CodingSchemeDesignator, odd.CodeMeaning = "112233", "99MINE", "Anna Smith"
    source.AnatomicRegionSequence.append(odd)
    source.PrimaryAnatomicStructureSequence = Sequence([odd])
    ds = clean(source)
    assert [item.CodeValue for item in ds.AnatomicRegionSequence] == ["774007"]
    assert "PrimaryAnatomicStructureSequence" not in ds


def test_no_content_item_that_the_standard_cleans_stays() -> None:
    """An item for each concept of Table E.3.4-1, coded or not, is gone under every option; one beside it stays."""
    source = photograph(teeth(), "EV19")
    kept = len(source.AcquisitionContextSequence)
    assert kept
    rows = [row for rows in content_table().values() for row in rows]
    for row in rows:
        source.AcquisitionContextSequence.append(_content_item(row["code"], row["scheme"], row["value_type"]))
    for options in (frozenset[Option](), frozenset(Option) - {Option.FULL_DATES}):
        ds = Cleaner(PSEUDONYMS, PATIENT, Profile(options)).clean(source)
        assert len(ds.AcquisitionContextSequence) == (kept if Option.STRUCTURED_CONTENT in options else 0)
        assert CANARY not in everything(ds)


def _content_item(code: str, scheme: str, value_type: str) -> Dataset:
    item = Dataset()
    item.ValueType = value_type
    item.ConceptNameCodeSequence = Sequence([_code(code, scheme)])
    item.ConceptCodeSequence = Sequence([_code("225583004", "SCT")])
    item.TextValue = item.PersonName = CANARY
    return item


def _code(value: str, scheme: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, CANARY
    return code


@pytest.mark.parametrize(("options", "stays"), [((), False), ((Option.PATIENT_CHARACTERISTICS,), True)])
def test_the_standards_table_goes_before_our_own_list(
    options: tuple[Option, ...], stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A concept that the gateway would let stay goes where Table E.3.4-1 removes it and no option keeps it."""
    sex = codes.Code("121032", "DCM", "Subject Sex")
    monkeypatch.setattr(codes, "CONTEXT_CONCEPTS", codes.CONTEXT_CONCEPTS | {sex.value})
    monkeypatch.setitem(codes.code_table(), (sex.value, sex.scheme), sex)
    source = Dataset()
    source.AcquisitionContextSequence = Sequence([_content_item(sex.value, sex.scheme, "CODE")])
    assert bool(list(codes.context_of(source, options))) == stays


@pytest.mark.parametrize("number", ["1", "42", "99999"])
def test_small_numbers_stay(number: str) -> None:
    """Series and Instance Number order the photographs of a study."""
    source = photograph(teeth(), "IV07")
    source.InstanceNumber = number
    assert str(clean(source).InstanceNumber) == number


@pytest.mark.parametrize("number", ["123456", "-5", "20260312"])
def test_a_number_that_could_be_an_identifier_goes(number: str) -> None:
    """Long numbers could be a record number or a date."""
    source = photograph(teeth(), "IV07")
    source.InstanceNumber = number
    assert clean(source).InstanceNumber in (None, "")


@pytest.mark.parametrize(("value", "expected"), [("L", "L"), ("", ""), ("SMITH", ""), (None, None)])
def test_laterality_is_there_where_the_source_had_it(value: str | None, expected: str | None) -> None:
    """A conditional element stays present or absent as in the source, with a listed term or no value."""
    source = photograph(teeth(), "IV07")
    if value is None:
        del source.Laterality
    else:
        source.Laterality = value
    assert clean(source).get("Laterality") == expected


def test_required_uids_must_be_there() -> None:
    """An object without Study Instance UID, or with two of them, is held as unreadable."""
    source = photograph(teeth(), "IV07")
    del source.StudyInstanceUID
    with pytest.raises(Quarantined) as held:
        clean(source)
    assert held.value.cause is Cause.UNREADABLE


def test_other_sop_classes_are_not_supported() -> None:
    """Only VL Photographic and Secondary Capture have rules."""
    assert clean(photograph(teeth(), "IV07", sop_class=SECONDARY_CAPTURE)).SOPClassUID == SECONDARY_CAPTURE
    with pytest.raises(Quarantined) as held:
        clean(photograph(teeth(), "IV07", sop_class="1.2.840.10008.5.1.4.1.1.2"))
    assert held.value.cause is Cause.UNSUPPORTED


def test_values_that_cannot_be_parsed_do_not_stop_the_cleaning() -> None:
    """A broken element is left out, not raised."""
    source = photograph(teeth(), "EV19")
    source.update(attributes_for("EV19"))
    source.add_new(0x00080020, "SQ", Sequence([Dataset()]))
    source.add_new(0x00540220, "LO", "not a sequence")
    source.add_new(0x00200020, "OB", b"\xff\xfe")
    ds = clean(source)
    assert ds.StudyDate == ""
    assert "ViewCodeSequence" not in ds


def test_the_rules_describe_themselves() -> None:
    """Each rule names a keyword of the data dictionary once and says what is done."""
    keywords = [keyword for keyword, _ in rules()]
    assert len(set(keywords)) == len(keywords)
    assert all(dictionary_VR(keyword) for keyword in keywords)
    assert all(text for _, text in rules())
