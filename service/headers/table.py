"""What may be in a cleaned header: a list of what stays, as data. Whatever it does not name is gone.

It covers the modules of VL Photographic Image (PS3.3 A.32.4) and Secondary Capture Image (A.8.1). A rule says what
the object must hold of the attribute and what a value must look like; what is done to it is the letter that Table
E.1-1 of PS3.15 has for it under the options of the route (`service.confidentiality`). Elements of the pixels come
from `service.pixels`, those about the de-identification from `service.provenance`.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from pydicom.datadict import tag_for_keyword
from pydicom.tag import BaseTag, Tag

from service.confidentiality import Action, Need, Option, Row, row_for
from service.storage_classes import PHOTOGRAPHIC


class Form(StrEnum):
    """What a value must look like to be kept, and how it is written; the wording is what people read."""

    UID = "replaced by a keyed UID that always stands for it"
    FRAME = "replaced by a keyed UID, where it is not one that the standard defines"
    PSEUDONYM = "replaced by the patient's pseudonym"
    NAME = "replaced by SUBJ and the patient's pseudonym"
    NOTHING = "never kept"
    DATE = "kept where it is a date"
    TIME = "kept where it is a time of day"
    DATE_TIME = "kept where it is a date with a time of day"
    ZONE = "kept where it is an offset from UTC"
    TERMS = "kept where each value is a listed term"
    TEXT = "kept where the route lists the text, in the route's spelling"
    NUMBER = "kept where it is a whole number below 100000"
    DECIMALS = "kept where each value is a decimal number"
    AGE = "kept where it is an age, or made from the dates; from 90 years on 090Y"
    CODES = "rebuilt from the entries that the code table holds"
    CONTEXT = "rebuilt from the coded items that the code table holds"
    REFERENCES = "rebuilt with keyed UIDs for what was released of the same study"


@dataclass(frozen=True)
class Rule:
    """One element that may stay.

    `otherwise` is written where a value is needed and none can be kept; `modifiers` names the code sequence that may
    lie inside each code item; `only` is the option that this gateway asks for where the standard's table is silent.
    """

    keyword: str
    form: Form
    need: Need = Need.NOTHING
    terms: frozenset[str] = frozenset()
    otherwise: str | None = None
    modifiers: str | None = None
    only: Option | None = None

    @cached_property
    def tag(self) -> BaseTag:
        return Tag(tag_for_keyword(self.keyword) or 0)

    @cached_property
    def row(self) -> Row | None:
        """The standard's row for it."""
        return row_for(self.tag)

    def action(self, options: frozenset[Option]) -> Action:
        """What is done to it: the standard's letter, or where its table is silent, KEEP."""
        if self.row is not None:
            return self.row.action(self.need, options)
        if self.only is not None and self.only not in options:
            return Action.REMOVE if self.need is Need.NOTHING else Action.EMPTY
        return Action.KEEP


def _rule(keyword: str, form: Form, need: Need = Need.NOTHING, *, only: Option | None = None) -> Rule:
    return Rule(keyword, form, need, only=only)


def _terms(keyword: str, words: str, need: Need = Need.NOTHING, otherwise: str | None = None) -> Rule:
    return Rule(keyword, Form.TERMS, need, frozenset(words.split("|")), otherwise)


_DIRECTIONS: Final = "A|P|L|R|H|F|AL|AR|AH|AF|PL|PR|PH|PF|LH|LF|RH|RF|HA|HP|HL|HR|FA|FP|FL|FR|LA|LP|RA|RP"
_BODY_PARTS: Final = "HEAD|FACE|HEADNECK|NECK|JAW|MANDIBLE|MAXILLA|MOUTH|SKULL|TOOTH|TMJ"
_METHODS: Final = "ISO_10918_1|ISO_14495_1|ISO_15444_1|ISO_15444_15|ISO_18181_1"
_TRIGGERS: Final = "SOURCE|EXTERNAL|PASSTHRU|NO TRIGGER"

RULES: Final[tuple[Rule, ...]] = (
    _terms("SOPClassUID", "|".join(PHOTOGRAPHIC), Need.VALUE),
    _rule("SOPInstanceUID", Form.UID, Need.VALUE),
    _rule("StudyDate", Form.DATE, Need.EMPTY_OR_VALUE),
    _rule("SeriesDate", Form.DATE),
    _rule("AcquisitionDate", Form.DATE),
    _rule("ContentDate", Form.DATE),
    _rule("AcquisitionDateTime", Form.DATE_TIME),
    _rule("StudyTime", Form.TIME, Need.EMPTY_OR_VALUE),
    _rule("SeriesTime", Form.TIME),
    _rule("AcquisitionTime", Form.TIME),
    _rule("ContentTime", Form.TIME),
    _rule("AccessionNumber", Form.NOTHING, Need.EMPTY_OR_VALUE),
    _terms("Modality", "XC|OT|GM|ES|IO", Need.VALUE, "OT"),
    _terms("ConversionType", "DV|DI|DF|WSD|SD|SI|DRW|SYN"),
    _rule("Manufacturer", Form.TEXT, Need.EMPTY_OR_VALUE, only=Option.DEVICE_IDENTITY),
    _rule("InstitutionName", Form.TEXT),
    _rule("InstitutionAddress", Form.TEXT),
    _rule("ReferringPhysicianName", Form.NOTHING, Need.EMPTY_OR_VALUE),
    _rule("TimezoneOffsetFromUTC", Form.ZONE),
    _rule("StationName", Form.TEXT),
    _rule("StudyDescription", Form.TEXT),
    _rule("SeriesDescription", Form.TEXT),
    _rule("InstitutionalDepartmentName", Form.TEXT),
    _rule("ManufacturerModelName", Form.TEXT, only=Option.DEVICE_IDENTITY),
    _rule("ReferencedImageSequence", Form.REFERENCES),
    _rule("SourceImageSequence", Form.REFERENCES),
    Rule("AnatomicRegionSequence", Form.CODES, modifiers="AnatomicRegionModifierSequence"),
    Rule("PrimaryAnatomicStructureSequence", Form.CODES, modifiers="PrimaryAnatomicStructureModifierSequence"),
    _rule("PatientName", Form.NAME, Need.EMPTY_OR_VALUE),
    _rule("PatientID", Form.PSEUDONYM, Need.EMPTY_OR_VALUE),
    _rule("PatientBirthDate", Form.NOTHING, Need.EMPTY_OR_VALUE),
    _terms("PatientSex", "M|F|O", Need.EMPTY_OR_VALUE),
    _rule("PatientAge", Form.AGE),
    _rule("PatientSize", Form.DECIMALS),
    _rule("PatientWeight", Form.DECIMALS),
    _terms("SmokingStatus", "YES|NO|UNKNOWN"),
    _rule("ImageComments", Form.TEXT),
    _terms("BodyPartExamined", _BODY_PARTS),
    _rule("DeviceSerialNumber", Form.TEXT),
    _rule("DeviceUID", Form.UID),
    _rule("SecondaryCaptureDeviceID", Form.TEXT),
    _rule("DateOfSecondaryCapture", Form.DATE),
    _rule("TimeOfSecondaryCapture", Form.TIME),
    _rule("SecondaryCaptureDeviceManufacturer", Form.TEXT, only=Option.DEVICE_IDENTITY),
    _rule("SecondaryCaptureDeviceManufacturerModelName", Form.TEXT, only=Option.DEVICE_IDENTITY),
    _rule("SoftwareVersions", Form.TEXT, only=Option.DEVICE_IDENTITY),
    _rule("ProtocolName", Form.TEXT),
    _terms("SynchronizationTrigger", _TRIGGERS),
    _rule("LensMake", Form.TEXT),
    _rule("LensModel", Form.TEXT),
    _rule("LensSerialNumber", Form.TEXT),
    _terms("AcquisitionTimeSynchronized", "Y|N"),
    _rule("StudyInstanceUID", Form.UID, Need.VALUE),
    _rule("SeriesInstanceUID", Form.UID, Need.VALUE),
    _rule("StudyID", Form.NOTHING, Need.EMPTY_OR_VALUE),
    _rule("SeriesNumber", Form.NUMBER, Need.EMPTY_OR_VALUE),
    _rule("InstanceNumber", Form.NUMBER, Need.EMPTY_OR_VALUE),
    _terms("PatientOrientation", _DIRECTIONS, Need.EMPTY_OR_VALUE),
    _rule("FrameOfReferenceUID", Form.FRAME),
    _terms("Laterality", "L|R", Need.EMPTY_WHERE_IT_WAS),
    _terms("ImageLaterality", "L|R|U|B"),
    _rule("SynchronizationFrameOfReferenceUID", Form.FRAME),
    _rule("PositionReferenceIndicator", Form.NOTHING, Need.EMPTY_WHERE_IT_WAS),
    _terms("LossyImageCompression", "00|01"),
    _rule("LossyImageCompressionRatio", Form.DECIMALS),
    _terms("LossyImageCompressionMethod", _METHODS),
    _rule("AcquisitionContextSequence", Form.CONTEXT, Need.EMPTY_OR_VALUE),
    _rule("DeviceSequence", Form.CODES),
    Rule("ViewCodeSequence", Form.CODES, modifiers="ViewModifierCodeSequence"),
)
