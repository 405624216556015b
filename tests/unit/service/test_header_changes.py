"""What a report says became of a header: attributes by name, never what stood in them."""

import json

from pydicom import Dataset
from pydicom.datadict import DicomDictionary, keyword_for_tag

from service.headers import Cleaner, changes
from service.pseudonyms import Pseudonyms
from service.secrets import Keys
from service.tables import Patient
from tests.support.photographs import photograph, teeth
from tests.support.planted import CANARY, planted

CLEANER = Cleaner(Pseudonyms(Keys(b"k" * 32), "test"), Patient(pseudonym="0ABCDEFGHJKM", date_offset_days=-100))


def test_each_attribute_is_named_with_what_became_of_it() -> None:
    """Kept, replaced, emptied and removed attributes stand under those words, and private ones are counted."""
    ds = photograph(teeth(), "EV19")
    ds.add_new((0x0011, 0x0010), "LO", "SOMEBODY")
    ds.add_new((0x0011, 0x1001), "LO", "secret")

    found = changes(ds, CLEANER.clean(ds))

    assert {"Modality", "PatientOrientation"} <= set(found["kept"])
    assert {"PatientName", "PatientID", "StudyDate", "SOPInstanceUID", "ViewCodeSequence"} <= set(found["replaced"])
    assert {"AccessionNumber", "PatientBirthDate", "Manufacturer"} <= set(found["emptied"])
    assert "PixelData" in found["removed"]
    assert found["private"] == 2


def test_no_value_of_the_source_is_in_it() -> None:
    """Whatever is planted in a header, its changes hold keywords and counts alone."""
    source = planted(teeth())
    found = changes(source, CLEANER.clean(source))
    text = json.dumps(found)
    assert CANARY not in text
    assert "PatientName" in text


def test_a_header_full_of_attributes_makes_a_small_report() -> None:
    """An object with every attribute of the standard is still described in less than four kilobytes."""
    ds = Dataset()
    for tag, (vr, *_) in DicomDictionary.items():
        if vr == "LO" and keyword_for_tag(tag) and tag >> 16 > 2:
            ds.add_new(tag, vr, "x")
    found = changes(ds, Dataset())
    assert found["more"] > 100
    assert len(json.dumps(found)) < 4000
