"""What may be in a cleaned header: a list of what stays, as data. Whatever it does not name is gone.

It covers the modules of VL Photographic Image (PS3.3 A.32.4) and Secondary Capture Image (A.8.1) under the
Basic Application Level Confidentiality Profile (PS3.15 E) with Retain Longitudinal Temporal Information with
Modified Dates. Elements of the pixels come from `service.pixels`, those about the de-identification from
`service.provenance`. Times of day go: next to a camera's clock they could link a photograph to its session.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from service.storage_classes import PHOTOGRAPHIC


class Action(StrEnum):
    """What is done to an element; the wording is what `rules()` shows."""

    UID = "replaced by a keyed UID that always stands for it"
    PSEUDONYM = "replaced by the patient's pseudonym"
    NAME = "replaced by SUBJ and the patient's pseudonym"
    EMPTY = "written without a value"
    DATE = "moved by the patient's date offset, otherwise without a value"
    OPTIONAL_DATE = "moved by the patient's date offset, a time of day cut off, otherwise gone"
    TERMS = "kept where each value is a listed term, otherwise gone"
    NUMBER = "kept where it is a whole number below 100000, otherwise without a value"
    DECIMALS = "kept where each value is a decimal number, otherwise gone"
    CODES = "rebuilt from the entries that the code table holds, otherwise gone"
    CONTEXT = "rebuilt from the coded items that the code table holds"


@dataclass(frozen=True)
class Rule:
    """One element that may stay.

    `otherwise` is written where no listed term is left; `modifiers` names the code sequence that may lie inside each
    code item; without a `required` element there is no object; one that `stays_empty` is there, without a value,
    where the source had it with a value that goes (Type 2C: only the source knows whether the condition holds).
    """

    keyword: str
    action: Action
    terms: frozenset[str] = frozenset()
    otherwise: str | None = None
    modifiers: str | None = None
    required: bool = False
    stays_empty: bool = False


def _terms(keyword: str, words: str, otherwise: str | None = None, *, required: bool = False) -> Rule:
    return Rule(keyword, Action.TERMS, frozenset(words.split()), otherwise, required=required)


_DIRECTIONS = "A P L R H F AL AR AH AF PL PR PH PF LH LF RH RF HA HP HL HR FA FP FL FR LA LP RA RP"

RULES: Final[tuple[Rule, ...]] = (
    _terms("SOPClassUID", " ".join(PHOTOGRAPHIC), required=True),
    Rule("SOPInstanceUID", Action.UID, required=True),
    Rule("StudyDate", Action.DATE),
    Rule("SeriesDate", Action.OPTIONAL_DATE),
    Rule("AcquisitionDate", Action.OPTIONAL_DATE),
    Rule("ContentDate", Action.OPTIONAL_DATE),
    Rule("AcquisitionDateTime", Action.OPTIONAL_DATE),
    Rule("StudyTime", Action.EMPTY),
    Rule("AccessionNumber", Action.EMPTY),
    _terms("Modality", "XC OT GM ES IO", "OT"),
    _terms("ConversionType", "DV DI DF WSD SD SI DRW SYN"),
    Rule("Manufacturer", Action.EMPTY),
    Rule("ReferringPhysicianName", Action.EMPTY),
    Rule("AnatomicRegionSequence", Action.CODES, modifiers="AnatomicRegionModifierSequence"),
    Rule("PrimaryAnatomicStructureSequence", Action.CODES, modifiers="PrimaryAnatomicStructureModifierSequence"),
    Rule("PatientName", Action.NAME),
    Rule("PatientID", Action.PSEUDONYM),
    Rule("PatientBirthDate", Action.EMPTY),
    Rule("PatientSex", Action.EMPTY),
    _terms("BodyPartExamined", "HEAD FACE HEADNECK NECK JAW MANDIBLE MAXILLA MOUTH SKULL TOOTH TMJ"),
    Rule("DateOfSecondaryCapture", Action.OPTIONAL_DATE),
    Rule("StudyInstanceUID", Action.UID, required=True),
    Rule("SeriesInstanceUID", Action.UID, required=True),
    Rule("StudyID", Action.EMPTY),
    Rule("SeriesNumber", Action.NUMBER),
    Rule("InstanceNumber", Action.NUMBER),
    _terms("PatientOrientation", _DIRECTIONS, ""),
    Rule("Laterality", Action.TERMS, frozenset("LR"), stays_empty=True),
    _terms("ImageLaterality", "L R U B"),
    _terms("LossyImageCompression", "00 01"),
    Rule("LossyImageCompressionRatio", Action.DECIMALS),
    _terms("LossyImageCompressionMethod", "ISO_10918_1 ISO_14495_1 ISO_15444_1 ISO_15444_15 ISO_18181_1"),
    Rule("AcquisitionContextSequence", Action.CONTEXT),
    Rule("DeviceSequence", Action.CODES),
    Rule("ViewCodeSequence", Action.CODES, modifiers="ViewModifierCodeSequence"),
)
