"""What stands for a patient outside the clinic: keyed hashes that only the master secret links back.

Each value comes from HMAC-SHA256 under a key of its own and covers the project's name, so two
projects share no pseudonym, date or UID of the same patient.
"""

import hmac
import re
import unicodedata
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.database import insert_if_absent
from service.errors import Quarantined, VeraGateError
from service.secrets import Keys, Label
from service.states import Cause
from service.tables import Patient

MAX_OFFSET_DAYS = 3650
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # base 32 without I, L, O, U: reads aloud well, spells nothing
_PSEUDONYM_LENGTH = 12  # 60 bits: under 1 in a million for a clash among a million patients
_STANDARD_UID = re.compile(r"1\.2\.840\.10008(\.(0|[1-9]\d*))+", re.ASCII)


def canonical_patient_id(patient_id: str) -> str:
    """One spelling for a Patient ID that systems write in several: NFKC, case folded, padding stripped."""
    text = unicodedata.normalize("NFKC", patient_id).casefold()
    return unicodedata.normalize("NFKC", text).strip("\0 \t\r\n\f\v")


class Pseudonyms:
    """The keyed hashes of one project."""

    def __init__(self, keys: Keys, project: str) -> None:
        self._keys = {
            label: keys.derive(label) for label in (Label.UID, Label.PATIENT, Label.PSEUDONYM, Label.DATE_OFFSET)
        }
        self._project = project

    def _hash(self, label: Label, *parts: str) -> bytes:
        encoded = [part.encode("utf-8", "surrogatepass") for part in (self._project, *parts)]
        message = b"".join(len(part).to_bytes(4, "big") + part for part in encoded)  # lengths: no two splits collide
        return hmac.digest(self._keys[label], message, sha256)

    def patient_key(self, patient_id: str, issuer: str | None = None) -> str:
        """64 hex digits for (issuer, Patient ID); a Patient ID without content raises Quarantined."""
        canonical = canonical_patient_id(patient_id)
        if not canonical:
            raise Quarantined(Cause.PATIENT_ID_MISSING)
        return self._hash(Label.PATIENT, canonical_patient_id(issuer or ""), canonical).hex()

    def pseudonym(self, key: str) -> str:
        """The patient's new ID: 12 capital letters and digits, fit for Patient ID and as a part of a name."""
        number = int.from_bytes(self._hash(Label.PSEUDONYM, key)[:8], "big")
        return "".join(_ALPHABET[(number >> 5 * place) & 31] for place in range(_PSEUDONYM_LENGTH))

    def date_offset_days(self, key: str) -> int:
        """Days to add to each date of the patient, -3650 to -1: intervals stay, no date lies in the future."""
        return -1 - int.from_bytes(self._hash(Label.DATE_OFFSET, key)[:8], "big") % MAX_OFFSET_DAYS

    def uid(self, original: str) -> str:
        """A UID that always stands for `original`: 2.25 and a UUID (PS3.5 B.2), at most 44 characters.

        UIDs that the standard defines (1.2.840.10008.*) and empty values stay as they are; what only
        begins like one and is no UID is replaced.
        """
        value = original.strip("\0 ")
        if not value or (len(value) <= 64 and _STANDARD_UID.fullmatch(value)):
            return value
        number = int.from_bytes(self._hash(Label.UID, value)[:16], "big")
        number = number & ~(0xF << 76) | 8 << 76  # version 8, RFC 9562 5.8
        number = number & ~(0x3 << 62) | 2 << 62  # variant
        return f"2.25.{number}"


def find_or_create_patient(
    session: Session, pseudonyms: Pseudonyms, patient_id: str, issuer: str | None = None
) -> Patient:
    """The patient's row; made when absent, and only once however many workers ask at the same time.

    Raises Quarantined when the Patient ID has no content.
    """
    key = pseudonyms.patient_key(patient_id, issuer)
    query = select(Patient).where(Patient.key == key)
    patient = session.scalar(query)
    if patient is None:
        values = {
            "key": key,
            "pseudonym": pseudonyms.pseudonym(key),
            "date_offset_days": pseudonyms.date_offset_days(key),
        }
        insert_if_absent(session, Patient, ("key",), values)
        patient = session.scalars(query).one()
    return patient


def look_up(session: Session, pseudonyms: Pseudonyms, patient_id: str, issuer: str | None = None) -> str | None:
    """The pseudonym of a patient who is known by this ID; None when nobody is. Makes no patient.

    Whoever asks must be allowed to, and the caller records that it was asked: who, and the pseudonym, not the ID.
    """
    try:
        key = pseudonyms.patient_key(patient_id, issuer)
    except Quarantined as error:
        raise VeraGateError("A Patient ID is needed to look a patient up.") from error
    return session.scalar(select(Patient.pseudonym).where(Patient.key == key))
