from collections.abc import Callable

import pytest
from pydicom import Dataset, FileDataset
from pydicom.dataelem import RawDataElement
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit

from service.errors import Quarantined
from service.identifiers import Identifiers, harvest
from service.leaks import search
from service.objects import to_bytes
from tests.support.photographs import jpeg, photograph, teeth
from tests.support.planted import planted

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def clean() -> Dataset:
    """A result that nothing can be said against."""
    ds = Dataset()
    source = photograph(teeth(), "EV19")
    for keyword in ("SOPClassUID", "AnatomicRegionSequence", "ViewCodeSequence", "PatientOrientation", "Modality"):
        ds[keyword] = source[keyword]
    ds.SOPInstanceUID, ds.StudyInstanceUID = "2.25.123456789012345678901234567890", "2.25.98765432109876543210"
    ds.PatientName, ds.PatientID, ds.StudyDate = "SUBJ^0ABCDEFGHJKM", "0ABCDEFGHJKM", "20211110"
    ds.DerivationDescription = "Faces replaced by synthetic faces; see Contributing Equipment"
    ds.PixelData = encapsulate([jpeg(teeth())])
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    return ds


def original(**values: object) -> FileDataset:
    ds = photograph(teeth(), "EV19")
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def findings(ds: Dataset, source: FileDataset | None = None) -> list[str]:
    return search(to_bytes(ds, JPEGBaseline8Bit), harvest(source or planted(teeth())))


def test_a_clean_result_has_no_findings() -> None:
    """Nothing is found in an object that holds nothing of the person, however much the source held."""
    assert findings(clean()) == []


def change(path: str) -> Callable[[Dataset], None]:
    def apply(ds: Dataset) -> None:
        exec(path, {"ds": ds, "Dataset": Dataset, "Sequence": Sequence})

    return apply


@pytest.mark.parametrize(
    "statement",
    [
        "ds.PatientName = 'Brzęczyszczykiewicz^Zofia'; ds.SpecificCharacterSet = 'ISO_IR 192'",
        "ds.StudyDescription = 'seen by zofia today'",
        "ds.StudyDescription = 'ZOFIA'",
        "ds.PatientID = 'MRN00112233'",
        "ds.StationName = 'mrn00112233'",
        "ds.PatientBirthDate = '19871231'",
        "ds.StudyDate = '20260312'",
        "ds.AcquisitionDateTime = '20260312101112'",
        "ds.ViewCodeSequence[0].CodeMeaning = 'Frontal of Zofia'",
        "ds.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = Sequence([Dataset()]);"
        "ds.AnatomicRegionSequence[0].AnatomicRegionModifierSequence[0].CodeMeaning = 'QANARY deep'",
        "ds.FrameOfReferenceUID = '1.2.276.0.7230010.3.1.4.112233'",
        "ds.StudyInstanceUID = '1.2.840.10008.1.2.112233'",
        "ds.add_new(0x00091001, 'LO', 'anything')",
        "ds.add_new(0x60000022, 'LO', 'anything')",
        "ds.add_new(0x50000022, 'LO', 'anything')",
        "ds.add_new(0x00282000, 'OB', b'profile!')",
        "ds.add_new(0x00187F7F, 'UN', b'whatever')",
        "ds.IconImageSequence = Sequence([Dataset()]); ds.IconImageSequence[0].add_new(0x7FE00010, 'OB', b'icon')",
        "ds.PixelData = ds.PixelData[:40] + b'MRN00112233' + ds.PixelData[51:]",
    ],
)
def test_what_should_not_be_there_is_found(statement: str) -> None:
    """Names, their parts, numbers, dates, UIDs, private and binary elements are found at any place and depth."""
    ds = clean()
    assert findings(ds) == []
    change(statement)(ds)
    found = findings(ds)
    assert found
    assert not any(secret in " ".join(found) for secret in ("Zofia", "MRN", "QANARY", "19871231"))


def test_a_number_is_no_text_and_several_may_be_one() -> None:
    """What the bytes of one binary number spell says nothing; a name laid into a list of them is found."""
    source, ds = original(PatientName="Anna^Zofia", PatientID="MUSTER"), clean()
    for vr, letters in (("FL", b"Anna"), ("FL", b"Anna\0\0\0\0"), ("US", b"MUSTER")):
        ds[0x0022000A] = RawDataElement(BaseTag(0x0022000A), vr, len(letters), letters, 0, False, True)
        assert bool(findings(ds, source)) == (len(letters) > 4), letters


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "latin-1"])
def test_raw_bytes_are_searched_in_several_encodings(encoding: str) -> None:
    """An identifier between or inside elements is found whichever way its characters are stored."""
    data = bytearray(to_bytes(clean(), JPEGBaseline8Bit))
    data[:60] = "Müller-Lüdenscheidt".encode(encoding)[:60].ljust(60, b"\0")
    found = search(bytes(data), harvest(original(PatientName="Müller-Lüdenscheidt^Anna")))
    assert "the preamble is not empty" in found
    assert "bytes of the header: an identifier" in found


def test_metadata_in_the_jpeg_stream_is_found() -> None:
    """A comment inside the encapsulated JPEG is a finding even if it holds no known identifier."""
    ds, data = clean(), jpeg(teeth())
    ds.PixelData = encapsulate([data[:2] + b"\xff\xfe\x00\x06abcd" + data[2:]])
    assert any("COM" in found for found in findings(ds))


@pytest.mark.parametrize(
    ("element", "place"),
    [
        (b"\x02\x00\x16\x00AE\x08\x00CAMERA7 ", "(0002,0016)"),
        (b"\x02\x00\x02\x01OB\0\0\x04\0\0\0abcd", "(0002,0102)"),
        (b"\x08\x00\x00\x00UL\x04\x00\x04\x00\x00\x00", "(0008,0000)"),
    ],
)
def test_file_meta_and_group_lengths_are_checked(element: bytes, place: str) -> None:
    """AE titles, private information and group lengths have no place in a finished file."""
    data = to_bytes(clean(), JPEGBaseline8Bit)
    at = data.index(b"\x08\x00\x16\x00UI")
    assert any(place in found for found in search(data[:at] + element + data[at:], Identifiers(frozenset())))


def test_a_file_that_cannot_be_parsed_is_a_finding() -> None:
    """What the check cannot read it does not pass."""
    assert search(to_bytes(clean(), JPEGBaseline8Bit)[:-20], Identifiers(frozenset()))
    assert search(b"", Identifiers(frozenset()))


@pytest.mark.parametrize("patient_id", ["1", "01", "7", "YES", "Face", "1234"])
def test_short_identifiers_do_not_hold_everything(patient_id: str) -> None:
    """A Patient ID of few characters is looked for as a value or word, not inside UIDs and code values."""
    assert findings(clean(), original(PatientID=patient_id, PatientName="Li^Bo")) == []


@pytest.mark.parametrize(
    ("patient_id", "place"), [("7", "StudyID"), ("123", "StudyDescription"), ("4711", "ProtocolName")]
)
def test_short_identifiers_are_found_as_values_and_words(patient_id: str, place: str) -> None:
    """Where a short identifier stands alone or as a word it is found."""
    ds = clean()
    setattr(ds, place, patient_id if len(patient_id) < 3 else f"no. {patient_id}.")
    assert findings(ds, original(PatientID=patient_id))


def test_a_name_that_is_one_of_our_own_words_is_found_in_full() -> None:
    """A patient called Smile Head is not found in code meanings, but is found under the full name."""
    source = original(PatientName="Smile^Archibald")
    assert findings(clean(), source) == []
    ds = clean()
    ds.StudyDescription = "Smile Archibald"
    assert findings(ds, source)


def test_the_products_own_words_are_not_findings() -> None:
    """The model's version may stand in the result although the source held the same word."""
    source = original(StudyDescription="linear-prior-1")
    ds = clean()
    ds.SoftwareVersions = "linear-prior-1"
    data = to_bytes(ds, JPEGBaseline8Bit)
    assert search(data, harvest(source))
    assert search(data, harvest(source, own_words=("linear-prior-1",))) == []


def test_identifiers_never_show_themselves() -> None:
    """The harvest prints its size and nothing else."""
    assert "Zofia" not in repr(harvest(planted(teeth()))) + str(harvest(planted(teeth())))


def test_an_element_that_cannot_be_parsed_is_harvested_as_bytes() -> None:
    """What pydicom cannot make sense of is still looked for."""
    source = original()
    source.add_new(0x00091010, "UN", b"\x00\x01Kowalska-Nowak\xff")
    tag = BaseTag(0x00104000)
    source._dict[tag] = RawDataElement(tag, "L?", 12, b"Schmidt-Lutz", 0, False, True)
    for name in ("Kowalska-Nowak", "Schmidt-Lutz"):
        ds = clean()
        ds.StudyDescription = name
        assert findings(ds, source)


def test_native_pixels_are_not_searched() -> None:
    """Pixel values that happen to spell an identifier are a picture, not a leak."""
    ds = clean()
    ds.PixelData = b"MRN00112233!" * 4
    ds["PixelData"].is_undefined_length = False
    assert search(to_bytes(ds, ExplicitVRLittleEndian), harvest(planted(teeth()))) == []


@pytest.mark.parametrize("kind", ["many", "deep"])
def test_an_original_that_would_keep_the_check_busy_for_ever_is_held(kind: str) -> None:
    """Thousands of texts, or items nested without end, end in quarantine."""
    source = original()
    if kind == "many":
        source.OtherPatientIDs = [f"identifier {number}" for number in range(6000)]
    else:
        item = Dataset()
        for _ in range(100):
            outer = Dataset()
            outer.ContentSequence = Sequence([item])
            item = outer
        source.ContentSequence = Sequence([item])
    with pytest.raises(Quarantined):
        harvest(source)
