"""What may stand in a map beside what it shares with its photograph: by place, as patterns that a whole value fits."""

import re
from collections.abc import Mapping
from typing import Final

from service.codes import Code
from service.segmentation.words import (
    CATEGORY,
    CONTENT_LABEL,
    DERIVATION,
    DIMENSIONS,
    FAMILY,
    LABELS,
    NO_DATE,
    NO_TIME,
    PURPOSE,
    SCHEME,
    SERIES_NUMBER,
    TYPES,
)
from service.storage_classes import SEGMENTATION

_UID: Final = r"2\.25\.(0|[1-9]\d{0,38})"
_NUMBER: Final = r"[1-9]\d{0,4}"
_NOTHING: Final = ""
_SEQUENCE: Final = _NOTHING  # of a sequence only its being there is looked at, then what is in its items
_SEGMENT: Final = "SegmentSequence"
_ALGORITHM: Final = f"{_SEGMENT}.SegmentationAlgorithmIdentificationSequence"
_SHARED: Final = "SharedFunctionalGroupsSequence"
_GROUPS: Final = "PerFrameFunctionalGroupsSequence"
_DERIVED: Final = f"{_GROUPS}.DerivationImageSequence"
_SOURCE: Final = f"{_DERIVED}.SourceImageSequence"
_SOURCES: Final = "SourceImageSequence"
_INSTANCES: Final = "ReferencedSeriesSequence.ReferencedInstanceSequence"

_ALWAYS: Final = {
    "ImageType": r"DERIVED\\PRIMARY",
    "SOPClassUID": re.escape(SEGMENTATION),
    "SOPInstanceUID": _UID,
    "SeriesInstanceUID": _UID,
    "ContentTime": NO_TIME,
    "Modality": "SEG",
    "SyntheticData": "YES",
    "DeviceSerialNumber": "0",
    "SeriesNumber": str(SERIES_NUMBER),
    "InstanceNumber": r"\d{1,5}",
    "PatientOrientation": _NOTHING,
    "PositionReferenceIndicator": _NOTHING,
    "ContentLabel": CONTENT_LABEL,
    "ContentDescription": _NOTHING,
    "ContentCreatorName": _NOTHING,
    "SamplesPerPixel": "1",
    "PhotometricInterpretation": "MONOCHROME2",
    "NumberOfFrames": _NUMBER,
    "BitsAllocated": "1",
    "BitsStored": "1",
    "HighBit": "0",
    "PixelRepresentation": "0",
    "LossyImageCompression": "00|01|",
    "SegmentationType": "BINARY",
    "SegmentsOverlap": "NO",
    "PresentationLUTShape": "IDENTITY",
    "DimensionOrganizationSequence": _SEQUENCE,
    "DimensionOrganizationSequence.DimensionOrganizationUID": _UID,
    "DimensionIndexSequence": _SEQUENCE,
    "DimensionIndexSequence.DimensionOrganizationUID": _UID,
    "DimensionIndexSequence.DimensionIndexPointer": "0062000B|00209453",
    "DimensionIndexSequence.FunctionalGroupPointer": "0062000A|00209111",
    "DimensionIndexSequence.DimensionDescriptionLabel": "|".join(DIMENSIONS),
    "ReferencedSeriesSequence": _SEQUENCE,
    _INSTANCES: _SEQUENCE,
    _SOURCES: _SEQUENCE,
    _SEGMENT: _SEQUENCE,
    f"{_SEGMENT}.SegmentNumber": "[12]",
    f"{_SEGMENT}.SegmentLabel": "|".join(LABELS.values()),
    f"{_SEGMENT}.SegmentAlgorithmType": "AUTOMATIC",
    _ALGORITHM: _SEQUENCE,
    _SHARED: _SEQUENCE,
    f"{_SHARED}.SegmentIdentificationSequence": _SEQUENCE,
    f"{_SHARED}.SegmentIdentificationSequence.ReferencedSegmentNumber": "1",
    _GROUPS: _SEQUENCE,
    _DERIVED: _SEQUENCE,
    _SOURCE: _SEQUENCE,
    f"{_SOURCE}.ReferencedFrameNumber": _NUMBER,
    f"{_SOURCE}.SpatialLocationsPreserved": "YES",
    f"{_GROUPS}.FrameContentSequence": _SEQUENCE,
    f"{_GROUPS}.FrameContentSequence.DimensionIndexValues": rf"{_NUMBER}(\\{_NUMBER})?",
    f"{_GROUPS}.FrameContentSequence.FrameLabel": _NUMBER,
    f"{_GROUPS}.SegmentIdentificationSequence": _SEQUENCE,
    f"{_GROUPS}.SegmentIdentificationSequence.ReferencedSegmentNumber": "[12]",
}


def expected_in(photograph: Mapping[str, str], algorithm: str, product: str, version: str) -> dict[str, str]:
    """Patterns by place, such as "SegmentSequence.SegmentLabel"; `photograph` has the values of its top level."""
    whole = {name: re.escape(text) for name, text in photograph.items()}
    dates = [whole.get("ContentDate", ""), whole.get("StudyDate", ""), NO_DATE]
    return {
        **_ALWAYS,
        **_coded(f"{_SEGMENT}.SegmentedPropertyCategoryCodeSequence", CATEGORY),
        **_coded(f"{_SEGMENT}.SegmentedPropertyTypeCodeSequence", *(Code(TYPES[n], SCHEME, LABELS[n]) for n in LABELS)),
        **_coded(f"{_ALGORITHM}.AlgorithmFamilyCodeSequence", FAMILY),
        **_coded(f"{_DERIVED}.DerivationCodeSequence", DERIVATION),
        **_coded(f"{_SOURCE}.PurposeOfReferenceCodeSequence", PURPOSE),
        "ContentDate": next(date for date in dates if date),
        "Manufacturer": re.escape(product),
        "ManufacturerModelName": re.escape(product),
        "SoftwareVersions": re.escape(version),
        f"{_SEGMENT}.SegmentAlgorithmName": re.escape(product),
        f"{_ALGORITHM}.AlgorithmName": re.escape(product),
        f"{_ALGORITHM}.AlgorithmVersion": re.escape(algorithm),
        "ReferencedSeriesSequence.SeriesInstanceUID": whole["SeriesInstanceUID"],
        **{
            f"{place}.{name}": whole[name.removeprefix("Referenced")]
            for place in (_INSTANCES, _SOURCES, _SOURCE)
            for name in ("ReferencedSOPClassUID", "ReferencedSOPInstanceUID")
        },
    }


def _coded(place: str, *codes: Code) -> dict[str, str]:
    """A code sequence and its parts; which of them belong together is the same for all that are listed."""
    return {
        place: _SEQUENCE,
        f"{place}.CodeValue": "|".join(re.escape(code.value) for code in codes),
        f"{place}.CodingSchemeDesignator": "|".join({re.escape(code.scheme) for code in codes}),
        f"{place}.CodeMeaning": "|".join(re.escape(code.meaning) for code in codes),
    }
