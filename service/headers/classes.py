"""What classes of photographs have that others have not, or have of another Type: rules beside those for all.

    rules_for(sop_class_uid)      # the whole list for an object of that class, in the order of the tags

A rule here takes the place of the one that all classes share. Dates and texts of Type 1 that may not stay become
values that say nothing, as PS3.15 asks with D: 1 January 1900, midnight, REMOVED.
"""

from functools import cache
from typing import Final

from service.confidentiality import Need, Option
from service.headers.table import RULES, Form, Rule, codes, rule, terms
from service.storage_classes import DERMOSCOPIC_PHOTOGRAPHY, OPHTHALMIC_PHOTOGRAPHY_8_BIT

NO_DATE: Final = "19000101"
NO_TIME: Final = "000000"
NO_TEXT: Final = "REMOVED"
_BOTH: Final = "YES|NO"
_VALUE, _EMPTY, _WHERE_IT_WAS = Need.VALUE, Need.EMPTY_OR_VALUE, Need.EMPTY_WHERE_IT_WAS
_DEVICE: Final = Option.DEVICE_IDENTITY

_DERMOSCOPIC: Final = (  # PS3.3 A.32.11: Enhanced General Equipment C.7.5.2, Dermoscopic Image C.8.12.13
    terms("Modality", "DMS", _VALUE, "DMS"),
    rule("Manufacturer", Form.TEXT, _VALUE, NO_TEXT, only=_DEVICE),
    rule("ManufacturerModelName", Form.TEXT, _VALUE, NO_TEXT, only=_DEVICE),
    rule("DeviceSerialNumber", Form.TEXT, _VALUE, NO_TEXT),
    rule("SoftwareVersions", Form.TEXT, _VALUE, NO_TEXT, only=_DEVICE),
    terms("LightSourcePolarization", "POLARIZED|NON_POLARIZED", _EMPTY),
    rule("EmitterColorTemperature", Form.DECIMALS, _EMPTY),
    terms("ContactMethod", "CONTACT|NON_CONTACT", _EMPTY),
    terms("ImmersionMedia", "ULTRASOUND_GEL|ALCOHOL|WATER|MINERAL_OIL|PLASTIC_CAP", _WHERE_IT_WAS),
    rule("OpticalMagnificationFactor", Form.DECIMALS, _EMPTY),
    rule("PixelSpacing", Form.DECIMALS),
    terms("PartialView", _BOTH),
    rule("PartialViewDescription", Form.TEXT, only=Option.DESCRIPTORS),
    rule("TrackingID", Form.TRACKING),
    rule("TrackingUID", Form.UID),
)

_REFRACTION: Final = (
    rule("SphericalLensPower", Form.MEASURES, _VALUE),
    rule("CylinderLensPower", Form.MEASURES, _VALUE),
    rule("CylinderAxis", Form.MEASURES, _VALUE),
    rule("VertexDistance", Form.MEASURES),
)
_DYE: Final = (
    codes("ContrastBolusAdministrationRouteSequence", need=_VALUE),
    codes("ContrastBolusIngredientCodeSequence", need=_EMPTY),
    rule("ContrastBolusVolume", Form.DECIMALS, _EMPTY),
    rule("ContrastBolusAgentNumber", Form.MEASURES, _VALUE),
    rule("ContrastBolusIngredientConcentration", Form.DECIMALS, _EMPTY),
)
_OPHTHALMIC: Final = (  # PS3.3 A.41.3: C.8.17.1 to C.8.17.5, Enhanced Contrast/Bolus C.7.6.4b
    rule("ContentDate", Form.DATE, _VALUE, NO_DATE),
    rule("AcquisitionDateTime", Form.DATE_TIME, Need.VALUE_WHERE_IT_WAS, NO_DATE),
    rule("ContentTime", Form.TIME, _VALUE, NO_TIME),
    terms("Modality", "OP", _VALUE, "OP"),
    Rule("SourceImageSequence", Form.SOURCES, inside=(codes("PurposeOfReferenceCodeSequence", need=_VALUE),)),
    Rule("ContrastBolusAgentSequence", Form.CODES, inside=_DYE),
    terms("DetectorType", "CCD|CMOS", _EMPTY),
    rule("InstanceNumber", Form.NUMBER, _VALUE, "1"),
    rule("LightPathFilterPassThroughWavelength", Form.MEASURES),
    rule("LightPathFilterPassBand", Form.MEASURES),
    rule("ImagePathFilterPassThroughWavelength", Form.MEASURES),
    rule("ImagePathFilterPassBand", Form.MEASURES),
    terms("PatientEyeMovementCommanded", _BOTH, _EMPTY),
    codes("PatientEyeMovementCommandCodeSequence"),
    rule("EmmetropicMagnification", Form.MEASURES, _EMPTY),
    rule("IntraOcularPressure", Form.MEASURES, _EMPTY),
    rule("HorizontalFieldOfView", Form.MEASURES, _EMPTY),
    terms("PupilDilated", _BOTH, _EMPTY),
    rule("DegreeOfDilation", Form.MEASURES, _WHERE_IT_WAS),
    codes("AcquisitionDeviceTypeCodeSequence"),
    codes("IlluminationTypeCodeSequence", need=_EMPTY),
    codes("LightPathFilterTypeStackCodeSequence", need=_EMPTY),
    codes("ImagePathFilterTypeStackCodeSequence", need=_EMPTY),
    codes("LensesCodeSequence", need=_EMPTY),
    codes("ChannelDescriptionCodeSequence"),
    Rule("RefractiveStateSequence", Form.ITEMS, _EMPTY, inside=_REFRACTION),
    codes("RelativeImagePositionCodeSequence"),
    rule("CameraAngleOfView", Form.MEASURES),
    terms("StereoPairsPresent", _BOTH),
    Rule(
        "MydriaticAgentSequence",
        Form.ITEMS,
        _WHERE_IT_WAS,
        inside=(codes("MydriaticAgentCodeSequence", need=_VALUE),),
    ),
    rule("PixelSpacing", Form.DECIMALS),
    terms("CalibrationImage", _BOTH),
    terms("PresentationLUTShape", "IDENTITY"),
)

CLASSES: Final = {DERMOSCOPIC_PHOTOGRAPHY: _DERMOSCOPIC, OPHTHALMIC_PHOTOGRAPHY_8_BIT: _OPHTHALMIC}


def rules_for(sop_class: str) -> tuple[Rule, ...]:
    """The list for objects of a class; for a class that nobody knows, the one that all share."""
    return _rules(sop_class if sop_class in CLASSES else "")


@cache
def _rules(sop_class: str) -> tuple[Rule, ...]:
    rules = {each.keyword: each for each in (*RULES, *CLASSES.get(sop_class, ()))}
    return tuple(sorted(rules.values(), key=lambda each: each.tag)) if sop_class else RULES
