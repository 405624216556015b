import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID

from service.errors import Quarantined
from service.pseudonyms import Pseudonyms, canonical_patient_id
from service.secrets import Keys

KEYS = Keys(b"k" * 32)
ORTHO = Pseudonyms(KEYS, "ortho")


@pytest.mark.parametrize("spelling", ["AB-1", " ab-1 ", "Ab-1\0", "ＡＢ-1", "ab-1 \0 "])
def test_spellings_of_one_patient_id_are_one_patient(spelling: str) -> None:
    """Case, padding and full-width letters do not make another patient."""
    assert ORTHO.patient_key(spelling, "Clinic") == ORTHO.patient_key("ab-1", " CLINIC ")


@given(st.text())
def test_the_canonical_form_is_settled(text: str) -> None:
    """Applying the canonical form again changes nothing."""
    assert canonical_patient_id(canonical_patient_id(text)) == canonical_patient_id(text)


@pytest.mark.parametrize("empty", ["", "  ", "\0", " \0"])
def test_nobody_is_quarantined(empty: str) -> None:
    """A Patient ID without content is nobody's, so it gets no key."""
    with pytest.raises(Quarantined):
        ORTHO.patient_key(empty, "Clinic")


def test_issuer_project_and_secret_make_other_patients() -> None:
    """The same Patient ID under another issuer, project or master secret is another patient."""
    others = [
        ORTHO.patient_key("1", "A"),
        ORTHO.patient_key("1", "B"),
        ORTHO.patient_key("1"),
        Pseudonyms(KEYS, "research").patient_key("1", "A"),
        Pseudonyms(Keys(b"l" * 32), "ortho").patient_key("1", "A"),
    ]
    assert len(set(others)) == len(others)


def test_issuer_and_id_do_not_run_together() -> None:
    """Project, issuer and Patient ID that read the same when joined are still different patients."""
    splits = [
        ORTHO.patient_key("c", "ab"),
        ORTHO.patient_key("bc", "a"),
        ORTHO.patient_key("abc"),
        Pseudonyms(KEYS, "orthoa").patient_key("c", "b"),
    ]
    assert len(set(splits)) == len(splits)


def test_a_pseudonym_is_short_plain_and_steady() -> None:
    """A pseudonym is 12 capitals and digits, the same each time, and different for each of many patients."""
    keys = [ORTHO.patient_key(str(number)) for number in range(2000)]
    pseudonyms = [ORTHO.pseudonym(key) for key in keys]
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{12}", pseudonym) for pseudonym in pseudonyms)
    assert len(set(pseudonyms)) == len(pseudonyms)
    assert ORTHO.pseudonym(keys[0]) == pseudonyms[0]


def test_date_offsets_go_back_and_differ() -> None:
    """Each patient's dates go back by 1 to 3650 days, spread over that range."""
    offsets = [ORTHO.date_offset_days(ORTHO.patient_key(str(number))) for number in range(2000)]
    assert -3650 <= min(offsets) < -3000 and -600 < max(offsets) <= -1
    assert len(set(offsets)) > 1000


@given(st.from_regex(r"[0-2](\.(0|[1-9][0-9]{0,9})){1,5}", fullmatch=True))
def test_a_replaced_uid_is_valid_and_steady(original: str) -> None:
    """A new UID is valid in DICOM, at most 64 characters, no standard UID, and always the same for its original."""
    replaced = ORTHO.uid(original)
    assert UID(replaced).is_valid and len(replaced) <= 64
    assert replaced.startswith("2.25.") and replaced == ORTHO.uid(original + "\0")
    assert replaced != Pseudonyms(KEYS, "research").uid(original)


def test_a_replaced_uid_has_the_shape_of_a_uuid() -> None:
    """The number behind 2.25 is a UUID of version 8 and of the standard's variant."""
    number = int(ORTHO.uid("1.2.3").removeprefix("2.25."))
    assert (number >> 76) & 0xF == 8
    assert (number >> 62) & 0x3 == 2
    assert number < 1 << 128


@pytest.mark.parametrize("standard", ["1.2.840.10008.1.2.4.50", "1.2.840.10008.5.1.4.1.1.77.1.4", ""])
def test_uids_of_the_standard_stay(standard: str) -> None:
    """UIDs that the standard defines, and empty ones, are not replaced."""
    assert ORTHO.uid(standard) == standard


@pytest.mark.parametrize(
    "impostor",
    ["1.2.840.10008.Doe^Jane", "1.2.840.10008", "1.2.840.100081.5", "1.2.840.10008.1." + "9" * 60, "1.2.840.10008.01"],
)
def test_what_only_begins_like_a_standard_uid_is_replaced(impostor: str) -> None:
    """Text that is no valid UID under 1.2.840.10008 does not pass as one."""
    assert ORTHO.uid(impostor).startswith("2.25.")
