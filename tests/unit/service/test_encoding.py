"""The gateway's own writer against pydicom's, byte for byte."""

from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from pydicom import Dataset, FileDataset, dcmread, dcmwrite
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit

from service import objects
from service.confidentiality import Option
from service.encoding import UnknownValue, encode
from service.headers import Cleaner, Profile
from tests.support.photographs import photograph, teeth
from tests.support.planted import planted
from tests.unit.service.test_contents import finished
from tests.unit.service.test_header_options import PATIENT, PSEUDONYMS
from tests.unit.service.test_header_properties import photographs, profiles

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def by_pydicom(ds: Dataset) -> bytes:
    """The data set after the file meta, as pydicom writes it."""
    stream = BytesIO()
    plain = FileDataset("", ds, file_meta=None)
    dcmwrite(stream, plain, implicit_vr=False, little_endian=True)
    return stream.getvalue()


@pytest.mark.parametrize("option", Option)
def test_a_finished_object_is_written_as_pydicom_writes_it(option: Option) -> None:
    """Texts, numbers, sequences and encapsulated pixels come out the same, padding and lengths included."""
    ds = finished(frozenset({option}))
    assert encode(ds) == by_pydicom(ds)


def test_a_whole_source_is_written_as_pydicom_writes_it() -> None:
    """A camera's object, with every kind of value that it holds."""
    ds = photograph(teeth(), "EV19")
    assert encode(ds) == by_pydicom(ds)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(photographs(), profiles)
def test_any_cleaned_header_is_written_as_pydicom_writes_it(source: Dataset, profile: Profile) -> None:
    """Whatever was cleaned, texts beyond ASCII included."""
    ds = Cleaner(PSEUDONYMS, PATIENT, profile).clean(source)
    assert encode(ds) == by_pydicom(ds)


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, ExplicitVRLittleEndian])
def test_a_file_is_what_pydicom_would_have_written(syntax: str) -> None:
    """Preamble, file meta and data set equal those of pydicom's writer."""
    ds = photograph(teeth(), "EV19", syntax=syntax)
    data = objects.to_bytes(ds, syntax)
    meta = dcmread(BytesIO(data)).file_meta
    assert objects._written(ds, meta) == data


def test_what_it_does_not_know_is_left_to_pydicom() -> None:
    """Odd values raise, and a file with them is written all the same."""
    ds = photograph(teeth(), "EV19")
    ds.add_new(0x00081199, "SQ", Sequence([Dataset()]))
    ds.ReferencedSOPSequence[0].SpecificCharacterSet = "ISO_IR 100"
    with pytest.raises(UnknownValue):
        encode(ds)
    assert objects.to_bytes(ds, JPEGBaseline8Bit).startswith(b"\0" * 128 + b"DICM")
    assert objects.to_bytes(planted(teeth()), JPEGBaseline8Bit).startswith(b"\0" * 128 + b"DICM")
