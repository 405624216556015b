"""Whatever a data set holds, its cleaned header holds only what may stay, says so truly, and is always the same."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.datadict import DicomDictionary
from pydicom.dataelem import RawDataElement
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import ExplicitVRLittleEndian

from service import provenance
from service.confidentiality import Option
from service.contents import review
from service.headers import CLASSES, RULES, Cleaner, Profile
from service.identifiers import harvest
from service.leaks import search
from service.objects import to_bytes
from service.settings import VL_PHOTOGRAPHIC
from tests.unit.service.test_header_options import ALL, FULL, MODIFIED, PATIENT, PSEUDONYMS, SOURCE

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
TEXTS = frozenset({"Initial records", "Praxis Müller"})
SETS = ["", "ISO_IR 100", "ISO_IR 192", "ISO 2022 IR 87", "GB18030", "ISO_IR 999"]
TAGS = [tag for tag in DicomDictionary if tag >> 16 >= 8 and tag != 0x00080016 and tag >> 16 != 0x7FE0]
OWN = [rule for rules in CLASSES.values() for rule in rules]
INNER = [inner for rule in OWN for inner in rule.inside]
LISTED = [int(rule.tag) for rule in (*RULES, *OWN, *INNER) if rule.keyword != "SOPClassUID"]
CODE = [0x00080100, 0x00080102, 0x00080104]
UIDS = [0x00080018, 0x0020000D, 0x0020000E]

TERMS = sorted(term for rule in OWN for term in rule.terms)
words = st.sampled_from(
    [
        *(*(str(value) for value in SOURCE.values()), *TEXTS, "20260312", "1.2.840.10008.7", "F\\\\L", "100Y"),
        *(*TERMS, "9190005", "47625008", "350086004", "SCT", "\0\0\x80?"),
    ]
)
values = st.one_of(words.map(str.encode), st.text(max_size=20).map(lambda text: text.encode()), st.binary(max_size=24))
tags = st.one_of(
    st.sampled_from(LISTED), st.sampled_from(CODE), st.sampled_from(TAGS), st.integers(0x00080001, 0x7FDFFFFF)
)
vrs = st.sampled_from(["LO", "PN", "DA", "TM", "DT", "UI", "CS", "DS", "IS", "SH", "UT", "OB", "US", "UN", "AS"])


def _raw(tag: int, vr: str | None, value: bytes) -> RawDataElement:
    value += b" " * (len(value) % 2)
    return RawDataElement(BaseTag(tag), vr, len(value), value, 0, False, True)


def _vr(tag: int, odd: str | None) -> str:
    return odd or (DicomDictionary[tag][0][:2] if tag in DicomDictionary else "UN")


@st.composite
def data_sets(draw: Any, depth: int = 2) -> Dataset:
    """Elements of the dictionary, private and unknown ones, under their own or another VR, with items in items."""
    ds = Dataset()
    for tag, value, odd in draw(st.lists(st.tuples(tags, values, st.none() | vrs), max_size=14)):
        vr = _vr(tag, odd)
        if vr == "SQ":
            items = draw(st.lists(data_sets(depth - 1), max_size=2)) if depth else []
            ds.add_new(tag, "SQ", Sequence(items))
        else:
            ds._dict[BaseTag(tag)] = _raw(tag, vr, value)
    ds.add_new("SpecificCharacterSet", "CS", draw(st.lists(st.sampled_from(SETS), max_size=2)))
    return ds


@st.composite
def photographs(draw: Any) -> Dataset:
    ds = draw(data_sets())
    ds.add_new("SOPClassUID", "UI", draw(st.sampled_from([VL_PHOTOGRAPHIC, *CLASSES])))
    for number, tag in enumerate(UIDS):
        ds._dict[BaseTag(tag)] = _raw(tag, "UI", f"1.2.3.{draw(st.integers(0, 10**6))}.{number}".encode())
    return ds


SAID = "LongitudinalTemporalInformationModified"  # a date may have no place left to move to
option_sets = st.sets(st.sampled_from([option for option in Option if option is not FULL])).map(frozenset)
profiles = (option_sets | st.just(ALL - {MODIFIED})).map(lambda options: Profile(options, TEXTS))


def finished(clean: Dataset, source: Dataset) -> bytes:
    ds = Dataset()
    ds.update(clean)
    ds.add_new("PixelData", "OB", b"\0\0")
    provenance.mark(ds, source=source, model_version="linear-prior-1", is_synthetic=True)
    return to_bytes(ds, ExplicitVRLittleEndian)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(photographs(), profiles)
def test_only_what_may_stay_stays(source: Dataset, profile: Profile) -> None:
    """Random data sets are cleaned without an error; the result is on the list, as claimed, and the same each time."""
    cleaner = Cleaner(PSEUDONYMS, PATIENT, profile)
    clean = cleaner.clean(source)
    data = finished(clean, source)
    assert review(data, ("linear-prior-1", *TEXTS)) == []
    assert finished(cleaner.clean(source), source) == data


@settings(max_examples=75, deadline=None, suppress_health_check=list(HealthCheck))
@given(photographs(), profiles)
def test_cleaning_again_keeps_what_is_there(source: Dataset, profile: Profile) -> None:
    """A cleaned header that is cleaned again has the same elements; only its dates and UIDs move once more."""
    cleaner = Cleaner(PSEUDONYMS, PATIENT, profile)
    once = cleaner.clean(source)
    again = cleaner.clean(once)
    moved = {"DA", "DT", "UI", "UT"}
    assert {e.keyword for e in once if e.VR not in moved} == {e.keyword for e in again if e.VR not in moved}
    assert all(again[e.tag].value == e.value for e in once if e.VR not in moved and e.VR != "SQ" and e.keyword != SAID)


@settings(max_examples=75, deadline=None, suppress_health_check=list(HealthCheck))
@given(photographs())
def test_the_search_for_leaks_never_raises(source: Dataset) -> None:
    """Whatever the source holds is harvested, and the Basic Profile alone leaves none of it to be found."""
    data = finished(Cleaner(PSEUDONYMS, PATIENT, Profile(frozenset())).clean(source), source)
    assert [finding for finding in search(data, harvest(source)) if "PatientOrientation" not in finding] == []
