from collections import Counter

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit

from service.encoded import MalformedError, elements
from service.objects import to_bytes
from tests.support.photographs import photograph, teeth
from tests.support.planted import planted

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def all_tags(ds: Dataset) -> list[int]:
    tags = []
    for element in ds:
        tags.append(int(element.tag))
        if element.VR == "SQ":
            tags += [tag for item in element.value for tag in all_tags(item)]
    return tags


@pytest.mark.parametrize("undefined", [False, True])
def test_every_element_is_found_at_any_depth(undefined: bool) -> None:
    """Our parser yields the elements that pydicom wrote, in items too, whichever way lengths are written."""
    ds = planted(teeth())
    for element in ds.iterall():
        if element.VR == "SQ":
            element.is_undefined_length = undefined
            for item in element.value:
                item.is_undefined_length_sequence_item = undefined
    found = [element for element in elements(to_bytes(ds, JPEGBaseline8Bit)) if element.tag >> 16 != 2]
    expected = Counter(all_tags(ds))
    expected.subtract([0x7FE00010])  # the icon's pixels remain, the picture's come in fragments
    assert Counter(element.tag for element in found if element.depth or element.tag != 0x7FE00010) == expected
    assert max(element.depth for element in found) == 5
    frame = b"".join(element.value for element in found if element.is_frame)
    assert frame.startswith(b"\xff\xd8")


def test_values_and_offsets_are_right() -> None:
    """A value is what lies at its offsets, and native pixels are no frame."""
    ds = photograph(teeth(), "IV07", syntax=ExplicitVRLittleEndian)
    data = to_bytes(ds, ExplicitVRLittleEndian)
    found = {element.tag: element for element in elements(data)}
    assert found[0x00100020].value.strip() == ds.PatientID.encode()
    assert found[0x7FE00010].value == ds.PixelData
    assert not found[0x7FE00010].is_frame
    assert all(data[e.start : e.end].endswith(e.value) for e in found.values())


@pytest.mark.parametrize("cut", [1, 7, 13, 133, 140, 500, 900])
def test_a_cut_off_file_is_malformed(cut: int) -> None:
    """The parser is strict: a file that ends too early raises."""
    ds = photograph(teeth(), "IV07")
    ds.ContributingEquipmentSequence = Sequence([Dataset()])
    with pytest.raises(MalformedError):
        list(elements(to_bytes(ds, JPEGBaseline8Bit)[:-cut]))
    with pytest.raises(MalformedError):
        list(elements(b"\0" * cut))
