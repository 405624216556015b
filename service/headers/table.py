"""What may be in a cleaned header: a list of what stays, as data. Whatever it does not name is gone.

It covers the modules of VL Photographic Image (PS3.3 A.32.4) and Secondary Capture Image (A.8.1); what other classes
have of their own is in `service.headers.classes`. A rule says what the object must hold of the attribute and what a
value must look like; what is done to it is the letter that Table E.1-1 of PS3.15 has for it under the options of the
route (`service.confidentiality`). Elements of the pixels come from `service.pixels`, those about the
de-identification from `service.provenance`.
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
    MEASURES = "kept where each value is 0 or a number from 0.00001 to below 100000 in size, in binary"
    AGE = "kept where it is an age, or made from the dates; from 90 years on 090Y"
    CODES = "rebuilt from the entries that the code table holds"
    CONTEXT = "rebuilt from the coded items that the code table holds"
    ITEMS = "rebuilt, item by item, from what the list names inside"
    REFERENCES = "rebuilt with keyed UIDs for what was released of the same study"
    SOURCES = "rebuilt with keyed UIDs for what was released of the same study, or for the original that stays inside"
    TRACKING = "replaced by the keyed Tracking UID"


@dataclass(frozen=True)
class Rule:
    """One element that may stay.

    `otherwise` is written where a value is needed and none can be kept; `inside` are the rules for its items, which
    go where one of them needs a value and has none; `only` is the option that this gateway asks for where the
    standard's table is silent.
    """

    keyword: str
    form: Form
    need: Need = Need.NOTHING
    terms: frozenset[str] = frozenset()
    otherwise: str | None = None
    inside: tuple["Rule", ...] = ()
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


def rule(
    keyword: str, form: Form, need: Need = Need.NOTHING, otherwise: str | None = None, *, only: Option | None = None
) -> Rule:
    return Rule(keyword, form, need, otherwise=otherwise, only=only)


def terms(keyword: str, words: str, need: Need = Need.NOTHING, otherwise: str | None = None) -> Rule:
    return Rule(keyword, Form.TERMS, need, frozenset(words.split("|")), otherwise)


def codes(keyword: str, *inside: Rule, need: Need = Need.NOTHING) -> Rule:
    return Rule(keyword, Form.CODES, need, inside=inside)


_DIRECTIONS: Final = "A|P|L|R|H|F|AL|AR|AH|AF|PL|PR|PH|PF|LH|LF|RH|RF|HA|HP|HL|HR|FA|FP|FL|FR|LA|LP|RA|RP"
_BODY_PARTS: Final = "HEAD|FACE|HEADNECK|NECK|JAW|MANDIBLE|MAXILLA|MOUTH|SKULL|TOOTH|TMJ"
_METHODS: Final = "ISO_10918_1|ISO_14495_1|ISO_15444_1|ISO_15444_15|ISO_18181_1"
_TRIGGERS: Final = "SOURCE|EXTERNAL|PASSTHRU|NO TRIGGER"

RULES: Final[tuple[Rule, ...]] = (
    terms("SOPClassUID", "|".join(PHOTOGRAPHIC), Need.VALUE),
    rule("SOPInstanceUID", Form.UID, Need.VALUE),
    rule("StudyDate", Form.DATE, Need.EMPTY_OR_VALUE),
    rule("SeriesDate", Form.DATE),
    rule("AcquisitionDate", Form.DATE),
    rule("ContentDate", Form.DATE),
    rule("AcquisitionDateTime", Form.DATE_TIME),
    rule("StudyTime", Form.TIME, Need.EMPTY_OR_VALUE),
    rule("SeriesTime", Form.TIME),
    rule("AcquisitionTime", Form.TIME),
    rule("ContentTime", Form.TIME),
    rule("AccessionNumber", Form.NOTHING, Need.EMPTY_OR_VALUE),
    terms("Modality", "XC|OT|GM|ES|IO", Need.VALUE, "OT"),
    terms("ConversionType", "DV|DI|DF|WSD|SD|SI|DRW|SYN"),
    rule("Manufacturer", Form.TEXT, Need.EMPTY_OR_VALUE, only=Option.DEVICE_IDENTITY),
    rule("InstitutionName", Form.TEXT),
    rule("InstitutionAddress", Form.TEXT),
    rule("ReferringPhysicianName", Form.NOTHING, Need.EMPTY_OR_VALUE),
    rule("TimezoneOffsetFromUTC", Form.ZONE),
    rule("StationName", Form.TEXT),
    rule("StudyDescription", Form.TEXT),
    rule("SeriesDescription", Form.TEXT),
    rule("InstitutionalDepartmentName", Form.TEXT),
    rule("ManufacturerModelName", Form.TEXT, only=Option.DEVICE_IDENTITY),
    rule("ReferencedImageSequence", Form.REFERENCES),
    rule("SourceImageSequence", Form.REFERENCES),
    codes("AnatomicRegionSequence", codes("AnatomicRegionModifierSequence")),
    codes("PrimaryAnatomicStructureSequence", codes("PrimaryAnatomicStructureModifierSequence")),
    rule("PatientName", Form.NAME, Need.EMPTY_OR_VALUE),
    rule("PatientID", Form.PSEUDONYM, Need.EMPTY_OR_VALUE),
    rule("PatientBirthDate", Form.NOTHING, Need.EMPTY_OR_VALUE),
    terms("PatientSex", "M|F|O", Need.EMPTY_OR_VALUE),
    rule("PatientAge", Form.AGE),
    rule("PatientSize", Form.DECIMALS),
    rule("PatientWeight", Form.DECIMALS),
    terms("SmokingStatus", "YES|NO|UNKNOWN"),
    rule("ImageComments", Form.TEXT),
    terms("BodyPartExamined", _BODY_PARTS),
    rule("DeviceSerialNumber", Form.TEXT),
    rule("DeviceUID", Form.UID),
    rule("SecondaryCaptureDeviceID", Form.TEXT),
    rule("DateOfSecondaryCapture", Form.DATE),
    rule("TimeOfSecondaryCapture", Form.TIME),
    rule("SecondaryCaptureDeviceManufacturer", Form.TEXT, only=Option.DEVICE_IDENTITY),
    rule("SecondaryCaptureDeviceManufacturerModelName", Form.TEXT, only=Option.DEVICE_IDENTITY),
    rule("SoftwareVersions", Form.TEXT, only=Option.DEVICE_IDENTITY),
    rule("ProtocolName", Form.TEXT),
    terms("SynchronizationTrigger", _TRIGGERS),
    rule("LensMake", Form.TEXT),
    rule("LensModel", Form.TEXT),
    rule("LensSerialNumber", Form.TEXT),
    terms("AcquisitionTimeSynchronized", "Y|N"),
    rule("StudyInstanceUID", Form.UID, Need.VALUE),
    rule("SeriesInstanceUID", Form.UID, Need.VALUE),
    rule("StudyID", Form.NOTHING, Need.EMPTY_OR_VALUE),
    rule("SeriesNumber", Form.NUMBER, Need.EMPTY_OR_VALUE),
    rule("InstanceNumber", Form.NUMBER, Need.EMPTY_OR_VALUE),
    terms("PatientOrientation", _DIRECTIONS, Need.EMPTY_OR_VALUE),
    rule("FrameOfReferenceUID", Form.FRAME),
    terms("Laterality", "L|R", Need.EMPTY_WHERE_IT_WAS),
    terms("ImageLaterality", "L|R|U|B"),
    rule("SynchronizationFrameOfReferenceUID", Form.FRAME),
    rule("PositionReferenceIndicator", Form.NOTHING, Need.EMPTY_WHERE_IT_WAS),
    terms("ColorSpace", "SRGB|ADOBERGB|ROMMRGB"),
    terms("LossyImageCompression", "00|01"),
    rule("LossyImageCompressionRatio", Form.DECIMALS),
    terms("LossyImageCompressionMethod", _METHODS),
    rule("AcquisitionContextSequence", Form.CONTEXT, Need.EMPTY_OR_VALUE),
    codes("DeviceSequence"),
    codes("ViewCodeSequence", codes("ViewModifierCodeSequence")),
)
