"""What classes of photographs have of their own: rule by rule, under the options, and never more than the list."""

import struct
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from pydicom import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from service import provenance
from service.codes import code_table
from service.confidentiality import Option
from service.contents import review
from service.headers import CLASSES, NO_DATE, RULES, Cleaner, Form, Profile, Rule, cleaner, rules, rules_for
from service.headers.plan import make_plan
from service.identifiers import harvest
from service.leaks import search
from service.objects import to_bytes
from service.pseudonyms import Pseudonyms
from service.secrets import Keys
from service.storage_classes import DERMOSCOPIC_PHOTOGRAPHY, OPHTHALMIC_PHOTOGRAPHY_8_BIT
from tests.support.classes import EARLIER, LESION, coded, dermoscopic, item, ophthalmic
from tools import context_groups

PATIENT = SimpleNamespace(pseudonym="0ABCDEFGHJKM", date_offset_days=-100)
PSEUDONYMS = Pseudonyms(Keys(b"k" * 32), "test")
TEXTS = frozenset({"Dermalens Canary", "DL-4", "SN-40711-CANARY", "4.1", "CANARY build", "left of CANARY's nose"})
ALL, FULL, MODIFIED = frozenset(Option), Option.FULL_DATES, Option.MODIFIED_DATES
SOURCES = {DERMOSCOPIC_PHOTOGRAPHY: dermoscopic, OPHTHALMIC_PHOTOGRAPHY_8_BIT: ophthalmic}

BASIC: dict[str, dict[str, str]] = {
    DERMOSCOPIC_PHOTOGRAPHY: {
        "Modality": "DMS", "Manufacturer": "REMOVED", "ManufacturerModelName": "REMOVED",
        "DeviceSerialNumber": "REMOVED", "SoftwareVersions": "REMOVED", "LightSourcePolarization": "POLARIZED",
        "EmitterColorTemperature": "5600", "ContactMethod": "CONTACT", "ImmersionMedia": "ALCOHOL,PLASTIC_CAP",
        "OpticalMagnificationFactor": "10.5", "PixelSpacing": "0.012346,0.012346", "PartialView": "YES",
        "TrackingID": PSEUDONYMS.uid(LESION), "TrackingUID": PSEUDONYMS.uid(LESION), "PartialViewDescription": "",
    },
    OPHTHALMIC_PHOTOGRAPHY_8_BIT: {
        "ContentDate": "19000101", "AcquisitionDateTime": "19000101", "ContentTime": "000000", "Modality": "OP",
        "SourceImageSequence": f"[{PSEUDONYMS.uid(EARLIER)} [121329]]",
        "ContrastBolusAgentSequence": "[350086004 [47625008] 5 100 1 [11713004]]", "DetectorType": "CMOS",
        "InstanceNumber": "7", "LightPathFilterPassThroughWavelength": "490", "LightPathFilterPassBand": "465,515",
        "ImagePathFilterPassThroughWavelength": "525", "ImagePathFilterPassBand": "515,560",
        "PatientEyeMovementCommanded": "YES", "PatientEyeMovementCommandCodeSequence": "[408744005]",
        "EmmetropicMagnification": "1.25", "IntraOcularPressure": "15.5", "HorizontalFieldOfView": "45.0",
        "PupilDilated": "YES", "DegreeOfDilation": "6.5", "AcquisitionDeviceTypeCodeSequence": "[409903006]",
        "IlluminationTypeCodeSequence": "[111625]", "LightPathFilterTypeStackCodeSequence": "[445084008 445391002]",
        "ImagePathFilterTypeStackCodeSequence": "[445340000]", "LensesCodeSequence": "[389156006]",
        "ChannelDescriptionCodeSequence": "[371240000 371246006 405738005]",
        "RefractiveStateSequence": "[-2.25 0.5 85.0 12.0]", "RelativeImagePositionCodeSequence": "[111902]",
        "CameraAngleOfView": "45.0", "StereoPairsPresent": "NO", "MydriaticAgentSequence": "[[9190005]]",
        "CalibrationImage": "NO", "PixelSpacing": "0.011,0.011", "PresentationLUTShape": "IDENTITY",
    },
}  # fmt: skip
"""What is left of each class's own attributes under the Basic Profile alone."""

BY_OPTION: dict[Option, dict[str, dict[str, str]]] = {
    MODIFIED: {
        OPHTHALMIC_PHOTOGRAPHY_8_BIT: {"ContentDate": "20251202", "AcquisitionDateTime": "20251202"},
    },
    FULL: {
        OPHTHALMIC_PHOTOGRAPHY_8_BIT: {
            "ContentDate": "20260312", "AcquisitionDateTime": "20260312101500.25+0100", "ContentTime": "101500",
        },
    },
    Option.DEVICE_IDENTITY: {
        DERMOSCOPIC_PHOTOGRAPHY: {
            "Manufacturer": "Dermalens Canary", "ManufacturerModelName": "DL-4",
            "DeviceSerialNumber": "SN-40711-CANARY", "SoftwareVersions": "4.1,CANARY build",
        },
    },
    Option.DESCRIPTORS: {DERMOSCOPIC_PHOTOGRAPHY: {"PartialViewDescription": "left of CANARY's nose"}},
}  # fmt: skip
EACH = [frozenset[Option](), *(frozenset({option}) for option in BY_OPTION), ALL - {FULL}, ALL - {MODIFIED}]


def source_of(sop_class: str) -> FileDataset:
    ds = SOURCES[sop_class]()
    if sop_class == OPHTHALMIC_PHOTOGRAPHY_8_BIT:
        ds.PresentationLUTShape, ds.InstanceNumber = "IDENTITY", 7
        ds.SourceImageSequence[0].PurposeOfReferenceCodeSequence = Sequence([coded("7202", "SourceImageForMontage")])
    return ds


def cleaned(ds: Dataset, options: frozenset[Option] = frozenset()) -> Dataset:
    return Cleaner(PSEUDONYMS, PATIENT, Profile(options, TEXTS, lambda uid: uid == EARLIER)).clean(ds)


def own(ds: Dataset, sop_class: str) -> dict[str, str]:
    """The class's own attributes, sequences as brackets around what their items tell in the order of the tags."""
    return {rule.keyword: _told(ds.get(rule.keyword, "")) for rule in CLASSES[sop_class]}


def _told(value: Any) -> str:
    if isinstance(value, Sequence):
        return f"[{' '.join(_told_item(each) for each in value)}]"
    return ",".join(map(str, value)) if hasattr(value, "append") else str(value)


def _told_item(ds: Dataset) -> str:
    if "CodeValue" in ds:
        rest = [_told(each.value) for each in ds if each.tag >> 16 != 8]
        return " ".join([str(ds.CodeValue), *rest])
    return " ".join(_told(each.value) for each in ds if each.keyword != "ReferencedSOPClassUID")


def expected(sop_class: str, options: frozenset[Option]) -> dict[str, str]:
    found = dict(BASIC[sop_class])
    for option in options & BY_OPTION.keys():
        found |= BY_OPTION[option].get(sop_class, {})
    return found


@pytest.mark.parametrize("options", EACH, ids=lambda options: "+".join(sorted(options)) or "basic")
@pytest.mark.parametrize("sop_class", CLASSES, ids=["dermoscopic", "ophthalmic"])
def test_each_option_lets_stay_what_it_says(sop_class: str, options: frozenset[Option]) -> None:
    """Codes, terms and measures of a class stay, dates, texts and devices only as an option has it."""
    assert own(cleaned(source_of(sop_class), options), sop_class) == expected(sop_class, options)


def _broken(sop_class: str, list_: tuple[Rule, ...], monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(cleaner, "plan", lambda options, _: make_plan(list_, options))
    source = source_of(sop_class)
    try:
        return any(own(cleaned(source, options), sop_class) != expected(sop_class, options) for options in EACH)
    except Exception:
        return True


OWN = [(sop_class, rule) for sop_class, list_ in CLASSES.items() for rule in list_]


@pytest.mark.parametrize(("sop_class", "rule"), OWN, ids=[f"{rule.keyword}-{uid[-1]}" for uid, rule in OWN])
def test_no_rule_can_change_unseen(sop_class: str, rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever rule of a class is left out, keeps nothing any more, or forgets one for its items, tests fail."""
    others = tuple(each for each in rules_for(sop_class) if each is not rule)
    assert _broken(sop_class, others, monkeypatch)
    only_one = rule.terms == {rule.otherwise}  # which is then written whatever the source says
    assert only_one or _broken(sop_class, (*others, replace(rule, form=Form.NOTHING)), monkeypatch)
    for inner in rule.inside:
        fewer = tuple(each for each in rule.inside if each is not inner)
        assert _broken(sop_class, (*others, replace(rule, inside=fewer)), monkeypatch), inner.keyword


def test_nothing_in_an_item_depends_on_an_option() -> None:
    """What the standard's table decides by options stands at the top level, where claims are checked."""
    items = [inner for list_ in (RULES, *CLASSES.values()) for rule in list_ for inner in rule.inside]
    assert items and all(inner.row is None and inner.only is None for inner in items)


@pytest.mark.parametrize("options", EACH, ids=lambda options: "+".join(sorted(options)) or "basic")
@pytest.mark.parametrize("sop_class", CLASSES, ids=["dermoscopic", "ophthalmic"])
def test_the_check_finds_nothing_in_what_the_cleaner_makes(sop_class: str, options: frozenset[Option]) -> None:
    """The list, the claims and the search for identifiers agree with the cleaner for each class and option."""
    source = source_of(sop_class)
    data = finished(cleaned(source, options), source)
    kept = ("StudyDate", "ContentDate", "AcquisitionDateTime", "StudyTime", "ContentTime")
    identifiers = harvest(source, ("linear-prior-1", *TEXTS), kept if FULL in options else ())
    assert review(data, ("linear-prior-1", *TEXTS)) == []
    assert search(data, identifiers) == []


def finished(ds: Dataset, source: Dataset) -> bytes:
    ds.add_new("PixelData", "OB", b"\0\0")
    provenance.mark(ds, source=source, model_version="linear-prior-1", is_synthetic=True)
    return to_bytes(ds, ExplicitVRLittleEndian)


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("ds.DetectorType = 'ANNA'", "DetectorType"),
        ("ds.IntraOcularPressure = 1e9", "IntraOcularPressure"),
        ("ds.EmmetropicMagnification = float('nan')", "EmmetropicMagnification"),
        ("ds.HorizontalFieldOfView = struct.unpack('<f', b'Eva ')[0]", "HorizontalFieldOfView"),
        ("ds.RefractiveStateSequence[0].VertexDistance = 2.4e60", "VertexDistance"),
        ("ds.RefractiveStateSequence[0].TextValue = 'Anna'", "TextValue"),
        ("ds.RefractiveStateSequence[0].CodeValue = '112233'", "CodeValue"),
        ("ds.ContrastBolusAgentSequence[0].ContrastBolusStartTime = '101437'", "ContrastBolusStartTime"),
        ("ds.ContrastBolusAgentSequence[0].CodeMeaning = 'Anna'", "a code that is not in the table"),
        ("ds.LensesCodeSequence[0].CodeMeaning = 'Anna'", "a code that is not in the table"),
        ("ds.MydriaticAgentSequence[0].MydriaticAgentCodeSequence[0].CodeValue = '7'", "not in the table"),
        ("ds.SourceImageSequence[0].ReferencedSOPInstanceUID = '1.2.3'", "ReferencedSOPInstanceUID"),
        ("ds.ContentTime = '101500'", "ContentTime"),
        ("ds.ContactMethod = 'CONTACT'", "ContactMethod"),  # of the other class
        ("ds.DeviceSerialNumber = 'REMOVED'", "DeviceSerialNumber"),  # as above: here no text stands for none
    ],
)
def test_what_is_not_on_the_list_of_a_class_is_found(statement: str, place: str) -> None:
    """Terms, numbers, codes, items and attributes that the class's list does not allow are named by the check."""
    source = source_of(OPHTHALMIC_PHOTOGRAPHY_8_BIT)
    ds = cleaned(source, frozenset({MODIFIED}))
    exec(statement, {"ds": ds, "struct": struct})
    found = review(finished(ds, source), ("linear-prior-1",))
    assert any(place in finding for finding in found), found
    assert "Anna" not in " ".join(found)


@pytest.mark.parametrize("letters", [b"Eva ", b"Anna"])
def test_letters_are_no_measure(letters: bytes) -> None:
    """A name in the bytes of a number is of no size that an instrument states, far too small or far too large."""
    source = ophthalmic(EmmetropicMagnification=struct.unpack("<f", letters)[0], IntraOcularPressure=0.0)
    ds = cleaned(source)
    assert ds.EmmetropicMagnification == "" and ds.IntraOcularPressure == 0


def test_a_lesion_can_be_followed_without_its_label() -> None:
    """Tracking ID becomes the keyed Tracking UID, the same at each visit; without the UID both go."""
    first, second = cleaned(dermoscopic()), cleaned(dermoscopic())
    assert first.TrackingID == first.TrackingUID == second.TrackingUID != LESION
    lone = dermoscopic()
    del lone.TrackingUID
    assert not {"TrackingID", "TrackingUID"} & set(cleaned(lone).dir())


def test_a_derived_eye_names_a_source_that_leads_nowhere() -> None:
    """Where no source was released there is one item with a keyed UID of neither the original nor the result."""
    source = ophthalmic()
    ds = Cleaner(PSEUDONYMS, PATIENT, Profile(frozenset())).clean(source)
    (reference,) = ds.SourceImageSequence
    uid = reference.ReferencedSOPInstanceUID
    assert uid.startswith("2.25.")
    assert uid not in (ds.SOPInstanceUID, PSEUDONYMS.uid(source.SOPInstanceUID), PSEUDONYMS.uid(EARLIER))
    assert reference.PurposeOfReferenceCodeSequence[0].CodeValue == "121322"


def test_an_eye_that_was_not_derived_names_no_source() -> None:
    """Source Image Sequence stands only in derived ophthalmic pictures; Image Type keeps its channel."""
    source = ophthalmic(ImageType=["ORIGINAL", "PRIMARY", "", "REDFREE"])
    for is_synthetic, kinds in ((False, ["ORIGINAL", "PRIMARY", ""]), (True, ["DERIVED", "PRIMARY", "DEIDENTIFIED"])):
        ds = cleaned(source)
        provenance.mark(ds, source=source, model_version="m", is_synthetic=is_synthetic)
        assert list(ds.ImageType) == [*kinds, "REDFREE"]
        assert ("SourceImageSequence" in ds) == is_synthetic


@pytest.mark.parametrize("third", ["CANARY", "MONTAGE"])
def test_no_term_of_the_sender_enters_the_image_type(third: str) -> None:
    """Of the third and fourth value only the standard's own terms stay."""
    source = ophthalmic(ImageType=["DERIVED", "PRIMARY", third, "CANARY"])
    ds = cleaned(source)
    provenance.mark(ds, source=source, model_version="m", is_synthetic=True)
    assert list(ds.ImageType) == ["DERIVED", "PRIMARY", "MONTAGE" if third == "MONTAGE" else "DEIDENTIFIED"]


@pytest.mark.parametrize(
    ("keyword", "value", "written"),
    [
        ("ContentDate", "", NO_DATE),
        ("ContentTime", "at noon", "000000"),
        ("InstanceNumber", "112233445", "1"),
        ("IntraOcularPressure", "", None),
        ("LightPathFilterPassThroughWavelength", None, None),
        ("DetectorType", "CANARY", ""),
    ],
)
def test_odd_values_do_not_stay(keyword: str, value: Any, written: str | None) -> None:
    """What is not of its form becomes what stands for nothing: a value, an empty one, or no attribute."""
    source = ophthalmic()
    setattr(source, keyword, value)
    found = cleaned(source, ALL - {FULL}).get(keyword)
    assert found == written or (found in (None, "") and not written)


def test_items_without_what_they_need_go() -> None:
    """An item that lacks a value of Type 1 is left out, and the sequence is empty or gone by its own Type."""
    source = ophthalmic()
    del source.RefractiveStateSequence[0].CylinderAxis
    source.MydriaticAgentSequence[0].MydriaticAgentCodeSequence[0].CodeValue = "CANARY"
    source.ContrastBolusAgentSequence[0].ContrastBolusAdministrationRouteSequence = Sequence([item(CodeValue="X")])
    source.SourceImageSequence[0].PurposeOfReferenceCodeSequence = Sequence()
    ds = cleaned(source)
    assert len(ds.RefractiveStateSequence) == len(ds.MydriaticAgentSequence) == 0
    assert "ContrastBolusAgentSequence" not in ds
    assert ds.SourceImageSequence[0].ReferencedSOPInstanceUID != PSEUDONYMS.uid(EARLIER)


def test_the_codes_are_what_the_tool_writes() -> None:
    """Running the tool again changes nothing; the orthodontic table's own words win where both have a code."""
    assert context_groups.FILE.read_text(encoding="utf-8") == context_groups.table()
    assert code_table()["774007", "SCT"].meaning == "Head and neck"


def test_the_rules_of_classes_are_told_to_people() -> None:
    """The list that pages show has the classes' own attributes too, each once."""
    told = [keyword for keyword, _ in rules()]
    assert {"ContactMethod", "RefractiveStateSequence"} <= set(told)
    assert len(told) == len(set(told))


def test_a_patient_may_be_called_like_what_is_shown() -> None:
    """A name that is one of the coded words holds nothing where the code stands, and is found anywhere else."""
    source = ophthalmic(PatientName="Iris^Goniolens")
    ds = cleaned(source)
    assert search(finished(ds, source), harvest(source, ("linear-prior-1",))) == []
    ds.ViewCodeSequence = Sequence([item(CodeValue="X", CodingSchemeDesignator="99X", CodeMeaning="Goniolens")])
    found = search(finished(ds, source), harvest(source, ("linear-prior-1",)))
    assert any("CodeMeaning" in finding for finding in found)
    assert "bytes of the header: an identifier" in found


def test_what_the_table_says_is_not_harvested_where_it_says_it() -> None:
    """A colour that is a code and a channel is no identifier; as a name it is looked for, and not found in those."""
    source = ophthalmic(ImageType=["DERIVED", "PRIMARY", "MONTAGE", "RED"])
    assert "red" not in harvest(source).texts
    source.ChannelDescriptionCodeSequence[0].CodeMeaning = "Reddish"
    assert "reddish" in harvest(source).texts
    source.PatientName = "Red^Primary"
    assert {"red", "red^primary"} <= harvest(source).texts
    ds = cleaned(source)
    assert search(finished(ds, source), harvest(source, ("linear-prior-1",))) == []
    ds.DetectorType = "RED"
    assert search(finished(ds, source), harvest(source, ("linear-prior-1",)))


def test_midnight_alone_is_no_date_that_was_kept() -> None:
    """A value that stands for nothing claims no option, even where the source has the very same one."""
    source = ophthalmic(ContentTime="000000")
    for keyword in ("StudyDate", "ContentDate", "AcquisitionDateTime", "StudyTime"):
        delattr(source, keyword)
    ds = cleaned(source, frozenset({FULL}))
    assert (ds.ContentTime, len(ds.DeidentificationMethodCodeSequence)) == ("000000", 0)
    assert review(finished(ds, source), ("linear-prior-1",)) == []


def test_a_version_is_not_found_in_the_uids_of_the_standard() -> None:
    """Software called 4.1 is not looked for in SOP classes; in a UID that nobody defines it is."""
    source = dermoscopic()
    ds = cleaned(source)
    assert search(finished(ds, source), harvest(source, ("linear-prior-1",))) == []
    ds.DeviceUID = "1.2.4.1.77"
    assert search(finished(ds, source), harvest(source, ("linear-prior-1",)))
