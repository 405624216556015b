"""Names in every character set, declared, not declared, or declared wrongly: read for what they say, no failure."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import FileDataset
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag
from pydicom.uid import JPEGBaseline8Bit

from service.charsets import best_reading, encodings, readings
from service.headers import Cleaner
from service.identifiers import harvest
from service.leaks import search
from service.objects import read_header, to_bytes
from service.spellings import spellings_of_date
from tests.support.photographs import photograph, save, teeth
from tests.unit.service.test_contents import finished
from tests.unit.service.test_header_options import PATIENT, PSEUDONYMS

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
CASES = [  # name, bytes, what is declared
    ("Müller^Jürgen", "Müller^Jürgen".encode("latin-1"), ["ISO_IR 100"]),
    ("Müller^Jürgen", "Müller^Jürgen".encode("latin-1"), []),
    ("Müller^Jürgen", "Müller^Jürgen".encode(), []),
    ("Müller^Jürgen", "Müller^Jürgen".encode(), ["ISO_IR 100"]),
    ("Müller^Jürgen", "Müller^Jürgen".encode("latin-1"), ["ISO_IR 192"]),
    ("Люкceмбypг", "Люкceмбypг".encode("iso8859_5"), ["ISO_IR 144"]),
    ("Люкceмбypг", "Люкceмбypг".encode("iso8859_5"), []),
    ("Люкceмбypг", "Люкceмбypг".encode("koi8_r"), ["ISO_IR 999"]),
    ("Διονυσιος", "Διονυσιος".encode("iso8859_7"), ["ISO_IR 126"]),
    ("山田^太郎", "山田^太郎".encode("iso2022_jp"), ["", "ISO 2022 IR 87"]),
    ("山田^太郎", "山田^太郎".encode("iso2022_jp"), []),
    ("ヤマダ^タロウ", "ヤマダ^タロウ".encode("shift_jis"), ["ISO_IR 13"]),
    ("山田^太郎", "山田^太郎".encode("shift_jis"), []),
    ("王^小东", "王^小东".encode("gb18030"), ["GB18030"]),
    ("王^小东", "王^小东".encode("gb18030"), []),
    ("王^小东", "王^小东".encode(), ["GB18030", "ISO_IR 192"]),
    ("홍^길동", "홍^길동".encode("euc_kr"), ["ISO 2022 IR 149"]),
    ("Buc^Jérôme", "Buc^Jérôme".encode("latin-1"), ["ISO_IR 100", "ISO_IR 100", "odd", ""]),
]


def raw(ds: FileDataset, tag: int, vr: str, value: bytes) -> None:
    value += b" " * (len(value) % 2)
    ds._dict[BaseTag(tag)] = RawDataElement(BaseTag(tag), vr, len(value), value, 0, False, True)


def source(name: bytes, declared: list[str]) -> FileDataset:
    ds = photograph(teeth(), "EV19")
    ds.SpecificCharacterSet = declared
    for tag, vr in ((0x00100010, "PN"), (0x00100020, "LO"), (0x00081030, "LO"), (0x00204000, "LT")):
        raw(ds, tag, vr, name)
    return ds


@pytest.mark.parametrize(("name", "value", "declared"), CASES)
def test_a_name_is_among_the_readings(name: str, value: bytes, declared: list[str]) -> None:
    """Whatever was declared, what the bytes say is one of the readings; declared rightly it is the first."""
    assert name in readings(value, declared)


@pytest.mark.parametrize(("name", "value", "declared"), CASES)
def test_a_name_is_found_however_it_comes_out(name: str, value: bytes, declared: list[str]) -> None:
    """The bytes as they came, and the name in UTF-8, are findings in a finished file; the clean one has none."""
    ds, original = finished(), source(value, declared)
    identifiers = harvest(original, own_words=("x",))
    clean = to_bytes(ds, JPEGBaseline8Bit)
    for leaked in (value, name.encode(), name.split("^")[0].encode()):
        padded = leaked + b" " * (len(leaked) % 2)
        element = b"\x10\x00\x00\x40LT" + len(padded).to_bytes(2, "little") + padded
        at = clean.index(b"\x10\x00\x10\x00PN")
        found = search(clean[:at] + element + clean[at:], identifiers)
        assert any("identifier" in finding for finding in found), leaked


@pytest.mark.parametrize(("name", "value", "declared"), CASES)
def test_no_study_fails_for_a_bad_name(name: str, value: bytes, declared: list[str]) -> None:
    """A header is cleaned whatever its characters, and comes out in plain ASCII without a character set."""
    ds = Cleaner(PSEUDONYMS, PATIENT).clean(source(value, declared))
    assert ds.PatientName == f"SUBJ^{PATIENT.pseudonym}"
    assert "SpecificCharacterSet" not in ds


@given(
    st.binary(max_size=60), st.lists(st.sampled_from(["", "ISO_IR 100", "ISO 2022 IR 87", "GB18030", "x", "ISO_IR 6"]))
)
def test_reading_never_raises(value: bytes, declared: list[str]) -> None:
    """Any bytes under any declaration have at least one reading."""
    assert readings(value, declared)
    assert isinstance(best_reading(value, declared), str)


@pytest.mark.parametrize(
    ("value", "declared"), [("latin-1", ["ISO_IR 100"]), ("utf-8", ["ISO_IR 192"]), ("utf-8", []), ("latin-1", [])]
)
def test_one_patient_however_the_identifier_is_declared(value: str, declared: list[str], tmp_path: Path) -> None:
    """A Patient ID with an umlaut is one patient, declared as Latin-1, as UTF-8, or not at all."""
    ds = photograph(teeth(), "EV19", patient_id="@@@@@@")
    ds.SpecificCharacterSet = declared
    path = save(ds, tmp_path / "one.dcm")
    path.write_bytes(path.read_bytes().replace(b"@@@@@@", "MÜ-1".encode(value).ljust(6)))
    assert read_header(path, ["SpecificCharacterSet", "PatientID", "SOPClassUID"])["PatientID"] == "MÜ-1"


def test_unknown_character_sets_are_left_out() -> None:
    """Only defined terms of Specific Character Set become codecs."""
    assert encodings(["ISO_IR 100", "nonsense", "ISO_IR 192"]) == ["latin_1", "UTF8"]


@pytest.mark.parametrize(
    "spelling",
    ["1987-12-31", "31.12.1987", "12/31/1987", "31/12/87", "31 12 1987", "311287", "31 dec 1987", "december 31, 1987"],
)
def test_a_birth_date_is_found_as_people_write_it(spelling: str) -> None:
    """A birth date in a text is a finding in its usual spellings; another date is none."""
    assert spelling in set(spellings_of_date("19871231"))
    original = photograph(teeth(), "EV19")
    original.PatientBirthDate = "19871231"
    ds = finished()
    ds.StudyDescription = f"born {spelling.upper()} in town"
    assert any("StudyDescription" in found for found in search(to_bytes(ds, JPEGBaseline8Bit), harvest(original)))
    assert list(spellings_of_date("19871331")) == list(spellings_of_date("")) == []
