"""What each option of the profile lets stay, attribute by attribute, and that every rule counts."""

from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from pydicom import Dataset, FileDataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from service.codes import OPTION_CODES
from service.confidentiality import Action, Need, Option, Row
from service.contents import review
from service.headers import RULES, Cleaner, Form, Profile, Rule, cleaner, rules
from service.headers.plan import make_plan
from service.identifiers import fold, harvest
from service.objects import to_bytes
from service.pseudonyms import Pseudonyms
from service.secrets import Keys
from service.settings import VL_PHOTOGRAPHIC, Route
from tests.support.photographs import photograph, teeth

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # some values are odd on purpose
PATIENT = SimpleNamespace(pseudonym="0ABCDEFGHJKM", date_offset_days=-100)
PSEUDONYMS = Pseudonyms(Keys(b"k" * 32), "test")
TEXTS = frozenset(
    {"Nikon", "D7500", "S-1234567", "Room 2", "Clinic of Orthodontics", "Main Street 1", "Initial records"}
)
FULL, MODIFIED = Option.FULL_DATES, Option.MODIFIED_DATES
OTHER = "1.2.276.0.7230010.3.1.4.55"
SYNCHRONIZATION = "1.2.840.10008.15.1.1"


def rich() -> FileDataset:
    """A photograph with every attribute of the list, each with a value that some option lets stay."""
    ds = photograph(teeth(), "EV19", study="1.2.3.4", uid="1.2.3.4.5")
    ds.SeriesInstanceUID = "1.2.3.4.6"
    for keyword, value in SOURCE.items():
        setattr(ds, keyword, value)
    for keyword in ("ReferencedImageSequence", "SourceImageSequence"):
        setattr(ds, keyword, Sequence([_reference("1.2.3.4.5"), _reference(OTHER), _reference("1.2.3.99")]))
    ds.DeviceSequence = Sequence([ds.ViewCodeSequence[0]])
    ds.PrimaryAnatomicStructureSequence = Sequence([ds.ViewCodeSequence[0]])
    return ds


def _reference(uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = VL_PHOTOGRAPHIC, uid
    item.PurposeOfReferenceCodeSequence = Sequence([Dataset()])
    return item


SOURCE: dict[str, Any] = {
    "StudyDate": "20260312", "SeriesDate": "20260313", "AcquisitionDate": "20260314", "ContentDate": "20260315",
    "AcquisitionDateTime": "20260316101112.5+0100", "DateOfSecondaryCapture": "20260317",
    "StudyTime": "101112.5", "SeriesTime": "101113", "AcquisitionTime": "1011", "ContentTime": "101115",
    "TimeOfSecondaryCapture": "101116", "TimezoneOffsetFromUTC": "+0100",
    "AccessionNumber": "A1", "Modality": "XC", "ConversionType": "DI", "StudyID": "S1", "SeriesNumber": "7",
    "InstanceNumber": "8", "PatientOrientation": ["L", "F"], "Laterality": "L", "ImageLaterality": "B",
    "PatientSex": "F", "PatientAge": "037Y", "PatientSize": "1.71", "PatientWeight": "64.5", "SmokingStatus": "NO",
    "PatientBirthDate": "19890312", "BodyPartExamined": "FACE", "LossyImageCompression": "01",
    "LossyImageCompressionRatio": "11.5", "LossyImageCompressionMethod": "ISO_10918_1",
    "Manufacturer": "nikon ", "ManufacturerModelName": "D7500", "DeviceSerialNumber": "s-1234567",
    "StationName": "ROOM 2", "SoftwareVersions": "D7500", "DeviceUID": "1.2.3.7", "LensMake": "Nikon",
    "LensModel": "D7500", "LensSerialNumber": "S-1234567", "SecondaryCaptureDeviceID": "Room 2",
    "SecondaryCaptureDeviceManufacturer": "Nikon", "SecondaryCaptureDeviceManufacturerModelName": "D7500",
    "InstitutionName": "Clinic of Orthodontics", "InstitutionAddress": "Main  Street 1",
    "InstitutionalDepartmentName": "Clinic of orthodontics", "StudyDescription": "Initial records",
    "SeriesDescription": "initial records", "ProtocolName": "Initial records", "ImageComments": "Initial records",
    "FrameOfReferenceUID": "1.2.3.8", "SynchronizationFrameOfReferenceUID": SYNCHRONIZATION,
    "SynchronizationTrigger": "NO TRIGGER", "AcquisitionTimeSynchronized": "Y", "PositionReferenceIndicator": "chin",
    "ColorSpace": "ADOBERGB",
    "ReferringPhysicianName": "CANARY^Doctor", "IssuerOfPatientID": "HOSPITAL", "PatientComments": "anything",
}  # fmt: skip

KEPT = {
    "SOPClassUID": VL_PHOTOGRAPHIC, "SOPInstanceUID": PSEUDONYMS.uid("1.2.3.4.5"),
    "StudyInstanceUID": PSEUDONYMS.uid("1.2.3.4"), "SeriesInstanceUID": PSEUDONYMS.uid("1.2.3.4.6"),
    "PatientName": "SUBJ^0ABCDEFGHJKM", "PatientID": "0ABCDEFGHJKM", "PatientBirthDate": "", "PatientSex": "",
    "StudyDate": "", "StudyTime": "", "AccessionNumber": "", "ReferringPhysicianName": "", "StudyID": "",
    "Modality": "XC", "ConversionType": "DI", "Manufacturer": "", "BodyPartExamined": "FACE", "SeriesNumber": "7",
    "InstanceNumber": "8", "PatientOrientation": "L,F", "Laterality": "L", "ImageLaterality": "B",
    "DeviceUID": PSEUDONYMS.uid("1.2.3.7"), "FrameOfReferenceUID": PSEUDONYMS.uid("1.2.3.8"),
    "SynchronizationFrameOfReferenceUID": SYNCHRONIZATION, "SynchronizationTrigger": "NO TRIGGER",
    "AcquisitionTimeSynchronized": "Y", "PositionReferenceIndicator": "", "LossyImageCompression": "01",
    "LossyImageCompressionRatio": "11.5", "LossyImageCompressionMethod": "ISO_10918_1",
    "AnatomicRegionSequence": "774007", "PrimaryAnatomicStructureSequence": "399033003",
    "ViewCodeSequence": "399033003", "DeviceSequence": "399033003", "AcquisitionContextSequence": "",
    "ReferencedImageSequence": PSEUDONYMS.uid(OTHER), "SourceImageSequence": PSEUDONYMS.uid(OTHER),
    "LongitudinalTemporalInformationModified": "REMOVED", "DeidentificationMethodCodeSequence": "",
    "ColorSpace": "ADOBERGB",
}  # fmt: skip
"""What is left under the Basic Profile alone."""

BY_OPTION: dict[Option, dict[str, str]] = {
    MODIFIED: {
        "StudyDate": "20251202", "SeriesDate": "20251203", "AcquisitionDate": "20251204", "ContentDate": "20251205",
        "AcquisitionDateTime": "20251206", "DateOfSecondaryCapture": "20251207",
        "LongitudinalTemporalInformationModified": "MODIFIED",
    },
    FULL: {
        "StudyDate": "20260312", "SeriesDate": "20260313", "AcquisitionDate": "20260314", "ContentDate": "20260315",
        "AcquisitionDateTime": "20260316101112.5+0100", "DateOfSecondaryCapture": "20260317",
        "StudyTime": "101112.5", "SeriesTime": "101113", "AcquisitionTime": "1011", "ContentTime": "101115",
        "TimeOfSecondaryCapture": "101116", "TimezoneOffsetFromUTC": "+0100",
        "LongitudinalTemporalInformationModified": "UNMODIFIED",
    },
    Option.PATIENT_CHARACTERISTICS: {
        "PatientSex": "F", "PatientAge": "037Y", "PatientSize": "1.71", "PatientWeight": "64.5", "SmokingStatus": "NO",
    },
    Option.DEVICE_IDENTITY: {
        "Manufacturer": "Nikon", "ManufacturerModelName": "D7500", "DeviceSerialNumber": "S-1234567",
        "StationName": "Room 2", "SoftwareVersions": "D7500", "DeviceUID": "1.2.3.7", "LensMake": "Nikon",
        "LensModel": "D7500", "LensSerialNumber": "S-1234567", "SecondaryCaptureDeviceID": "Room 2",
        "SecondaryCaptureDeviceManufacturer": "Nikon", "SecondaryCaptureDeviceManufacturerModelName": "D7500",
    },
    Option.INSTITUTION_IDENTITY: {
        "InstitutionName": "Clinic of Orthodontics", "InstitutionAddress": "Main Street 1",
        "InstitutionalDepartmentName": "Clinic of Orthodontics",
    },
    Option.DESCRIPTORS: {
        "StudyDescription": "Initial records", "SeriesDescription": "Initial records",
        "ProtocolName": "Initial records", "ImageComments": "Initial records",
    },
    Option.STRUCTURED_CONTENT: {"AcquisitionContextSequence": "225583004 110320000"},
}  # fmt: skip
"""What each option adds or changes."""


def expected(options: frozenset[Option]) -> dict[str, str]:
    found = dict(KEPT)
    for option in options:
        found |= BY_OPTION[option]
    found["DeidentificationMethodCodeSequence"] = " ".join(sorted(OPTION_CODES[option].value for option in options))
    return found


def cleaned(ds: Dataset, options: frozenset[Option]) -> Dataset:
    profile = Profile(options, TEXTS, lambda uid: uid in (OTHER, "1.2.3.4.5"))
    return Cleaner(PSEUDONYMS, PATIENT, profile).clean(ds)


def told(ds: Dataset) -> dict[str, str]:
    return {element.keyword: _told(element.value) for element in ds}


def _told(value: Any) -> str:
    if isinstance(value, Sequence):
        return " ".join(_code(item) for item in value)
    return ",".join(str(part) for part in value) if isinstance(value, MultiValue) else str(value)


def _code(item: Dataset) -> str:
    if "ConceptCodeSequence" in item:
        return _code(item.ConceptCodeSequence[0])
    return str(item.get("CodeValue") or item.ReferencedSOPInstanceUID)


ALL = frozenset(Option)
EACH = [frozenset[Option](), *(frozenset({option}) for option in Option), ALL - {FULL}, ALL - {MODIFIED}]


@pytest.mark.parametrize("options", EACH, ids=lambda options: "+".join(sorted(options)) or "basic")
def test_each_option_lets_stay_what_it_says(options: frozenset[Option]) -> None:
    """Under each option exactly the attributes that it covers stay, and its code is claimed."""
    assert told(cleaned(rich(), options)) == expected(options)


def test_the_source_has_every_attribute_of_the_list() -> None:
    """No rule escapes these tests because its attribute is not in their source."""
    assert {rule.keyword for rule in RULES} <= set(rich().dir())


def _broken(rules_: tuple[Rule, ...], monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the tests above would fail with other rules."""
    monkeypatch.setattr(cleaner, "plan", lambda options, _: make_plan(rules_, options))
    source = _source()
    try:
        return any(told(cleaned(source, options)) != expected(options) for options in EACH)
    except Exception:
        return True


@cache
def _source() -> FileDataset:
    return rich()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.keyword)
def test_no_rule_can_change_unseen(rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever rule is left out, or keeps nothing any more, these tests fail."""
    others = tuple(each for each in RULES if each is not rule)
    assert _broken(others, monkeypatch)
    assert rule.form is Form.NOTHING or _broken((*others, replace(rule, form=Form.NOTHING)), monkeypatch)


NAMED = [rule for rule in RULES if rule.row is not None and rule.form not in (Form.NAME, Form.PSEUDONYM, Form.NOTHING)]


@pytest.mark.parametrize("rule", NAMED, ids=lambda rule: rule.keyword)
def test_no_letter_of_the_table_can_change_unseen(rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever letter of the standard's table changes for an attribute that may stay, these tests fail."""
    assert rule.row is not None
    for changed in _mutations(rule, rule.row):
        mutated = Rule(**{field.name: getattr(rule, field.name) for field in fields(rule)})
        vars(mutated)["row"] = changed
        assert _broken(tuple(mutated if each is rule else each for each in RULES), monkeypatch), changed


def _mutations(rule: Rule, row: Row) -> Iterator[Row]:
    """Another basic action; each option's letter another; a letter for one option that has none.

    References are rebuilt under every letter but X; times of day go under C as they do under X.
    """
    yield replace(row, basic="K" if "U" not in row.basic else "X/Z/D")
    for option in row.options:
        rest = {each: letter for each, letter in row.options.items() if each is not option}
        yield replace(row, options=rest | ({option: Action.KEEP} if option is MODIFIED else {}))
    if rule.form is not Form.REFERENCES:
        yield replace(row, options={**row.options, min(ALL - set(row.options)): Action.KEEP})


@pytest.mark.parametrize("options", [frozenset({option}) for option in Option], ids=lambda options: "+".join(options))
def test_an_option_is_claimed_only_where_it_let_something_stay(options: frozenset[Option]) -> None:
    """A source without the attributes of an option makes no claim of it."""
    bare = photograph(teeth(), None, study="1.2.3.4")
    for keyword in ("StudyDate", "ContentDate", "StudyTime", "ContentTime", "PatientSex", "Manufacturer"):
        delattr(bare, keyword)
    ds = cleaned(bare, options)
    assert not ds.DeidentificationMethodCodeSequence
    assert ds.LongitudinalTemporalInformationModified == "REMOVED"


@pytest.mark.parametrize(
    ("age", "birth", "study", "written"),
    [
        ("037Y", "", "", "037Y"),
        ("089Y", "", "", "089Y"),
        ("090Y", "", "", "090Y"),
        ("091Y", "", "", "090Y"),
        ("120Y", "", "", "090Y"),
        ("018M", "", "", "018M"),
        ("", "20140620", "20260619", "011Y"),
        ("", "20140620", "20260620", "012Y"),
        ("", "19200101", "20260620", "090Y"),
        ("", "20250401", "20260620", "014M"),
        ("37", "19890101", "20260312", "037Y"),
        ("", "20270101", "20260312", None),
        ("", "", "20260312", None),
        ("old", "odd", "20260312", None),
    ],
)
def test_ages_are_capped_and_made_from_dates(age: str, birth: str, study: str, written: str | None) -> None:
    """An age of 90 and above is 090Y; one that is not stated is counted from the dates, if there are two."""
    source = rich()
    source.PatientAge, source.PatientBirthDate, source.StudyDate = age, birth, study
    assert cleaned(source, frozenset({Option.PATIENT_CHARACTERISTICS})).get("PatientAge") == written


@pytest.mark.parametrize("text", ["Clinic of Dr. Smith", "Initial records of Anna", "", "INITIAL"])
def test_no_text_of_the_sender_stays(text: str) -> None:
    """A text that the route does not list stays under no option; one that it lists has the route's spelling."""
    source = rich()
    source.StudyDescription = source.InstitutionName = source.Manufacturer = text
    ds = cleaned(source, frozenset(Option) - {MODIFIED})
    assert "StudyDescription" not in ds and "InstitutionName" not in ds and not ds.Manufacturer


def test_a_listed_text_beyond_ascii_names_its_character_set() -> None:
    """The result is plain ASCII without a character set, unless a text of the route needs UTF-8."""
    source = rich()
    source.SpecificCharacterSet = "ISO_IR 100"
    source.InstitutionName = "Praxis Müller"
    options = frozenset({Option.INSTITUTION_IDENTITY})
    ds = Cleaner(PSEUDONYMS, PATIENT, Profile(options, frozenset({"Praxis Müller"}))).clean(source)
    assert (ds.InstitutionName, ds.SpecificCharacterSet) == ("Praxis Müller", "ISO_IR 192")
    assert "SpecificCharacterSet" not in cleaned(source, frozenset())


def test_references_lead_only_to_what_was_released() -> None:
    """Without a release of its target a reference goes, with the whole sequence where none is left."""
    ds = Cleaner(PSEUDONYMS, PATIENT).clean(rich())
    assert "ReferencedImageSequence" not in ds and "SourceImageSequence" not in ds


@pytest.mark.parametrize("text", ["Anna Smith\xa0", "1.2.840.10008.15.1.1\u2003", "\x1c1.2.3"])
def test_a_text_that_is_no_uid_does_not_pass_for_a_defined_one(text: str) -> None:
    """What a library would trim or misread is replaced, found by the check, and harvested as what it is."""
    source, bare = rich(), rich()
    source.add_new("FrameOfReferenceUID", "LO", text)
    ds = cleaned(source, frozenset())
    assert ds.FrameOfReferenceUID.startswith("2.25.")
    assert fold(text) in harvest(source).texts
    ds.FrameOfReferenceUID = bare.FrameOfReferenceUID
    ds.add_new("FrameOfReferenceUID", "LO", text)
    ds.add_new("PixelData", "OB", b"\0\0")
    ds.SpecificCharacterSet = "ISO_IR 192"
    assert any("FrameOfReferenceUID" in finding for finding in review(to_bytes(ds, ExplicitVRLittleEndian), TEXTS))


@pytest.mark.parametrize("uid", ["1.2.840.10008.15.1.1", "1.2.840.10008.1.4.1.1", "1.2.840.10008.1.4.1.18"])
def test_frames_that_the_standard_defines_stay(uid: str) -> None:
    """Well-known frames of reference keep their UIDs; what only looks like one is replaced."""
    source = rich()
    source.FrameOfReferenceUID, source.SynchronizationFrameOfReferenceUID = uid, "1.2.840.10008.15.1.1.112233"
    ds = cleaned(source, frozenset())
    assert ds.FrameOfReferenceUID == uid
    assert ds.SynchronizationFrameOfReferenceUID.startswith("2.25.")


def test_uids_are_the_same_in_every_worker_and_year() -> None:
    """Keyed UIDs come from the secret and the original alone: another process makes the same ones."""
    again = Cleaner(Pseudonyms(Keys(b"k" * 32), "test"), PATIENT).clean(rich())
    assert again.StudyInstanceUID == KEPT["StudyInstanceUID"] == "2.25.268776165023103630380786110903971284647"


def test_needs_are_the_types_of_the_iod() -> None:
    """Elements of Type 1 and 2 are always there, whatever the source lacks."""
    bare = photograph(teeth(), None)
    for keyword in ("StudyDate", "StudyTime", "PatientSex", "Manufacturer", "StudyID", "Modality", "AccessionNumber"):
        delattr(bare, keyword)
    needed = {rule.keyword for rule in RULES if rule.need in (Need.VALUE, Need.EMPTY_OR_VALUE)}
    assert needed <= set(cleaned(bare, frozenset()).dir())


def test_the_rules_can_be_read_for_each_option() -> None:
    """What people are told follows the options."""
    assert dict(rules(frozenset()))["StudyDate"] == "written without a value"
    assert "moved" in dict(rules(frozenset({MODIFIED})))["StudyDate"]
    assert dict(rules(frozenset({FULL})))["StudyDate"] == "kept where it is a date, otherwise written without a value"
    assert dict(rules(frozenset()))["InstitutionName"] == "removed"


def test_a_route_retains_one_kind_of_dates() -> None:
    """Moved and full dates together are refused when the settings are read, as is a text that is none."""
    Route(name="a", destinations=("x",), retain={FULL}, texts={" Main Street 1 "})
    with pytest.raises(ValueError, match="either moved or in full"):
        Route(name="a", destinations=("x",), retain={FULL, MODIFIED})
    for text in ("", "a\\b", "a\nb", "x" * 65):
        with pytest.raises(ValueError, match="texts"):
            Route(name="a", destinations=("x",), texts={text})
