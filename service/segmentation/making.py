"""A map as a Segmentation (PS3.3 A.51), made from the finished photograph and its map alone."""

from io import BytesIO
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.sequence import Sequence
from pydicom.sr.coding import Code as CodedConcept
from pydicom.uid import UID, ExplicitVRLittleEndian

from service import __version__
from service.codes import Code
from service.objects import to_bytes
from service.pixels import Part
from service.provenance import PRODUCT
from service.segmentation.frames import over_frames
from service.segmentation.words import (
    ABOUT_PIXELS,
    CATEGORY,
    CONTENT_LABEL,
    FAMILY,
    LABELS,
    NO_DATE,
    NO_TIME,
    SCHEME,
    SERIES_NUMBER,
    TYPES,
)
from service.settings import VL_PHOTOGRAPHIC


def segment(photograph: bytes, parts: NDArray[np.uint8], model_version: str) -> bytes | None:
    """A Segmentation file for a finished photograph and its map (uint8 [frames, H, W] of `Part`).

    None where nothing changed. Segment 1 is what was made or covered, segment 2, where a region was to be preserved,
    what is the source's to the bit; each has a frame for every frame of the photograph. Synthetic Data is YES, because
    what is derived from synthetic pixels is synthetic (PS3.3 C.12.1).
    """
    source = dcmread(BytesIO(photograph), stop_before_pixels=True)
    masks = {1: np.isin(parts, (Part.SYNTHETIC, Part.COVERED)), 2: parts == Part.PRESERVED}
    masks = {number: mask for number, mask in masks.items() if number == 1 or mask.any()}
    if not masks[1].any():
        return None
    made = _of_first_frame(source, {number: mask[0] for number, mask in masks.items()}, model_version)
    if int(source.get("NumberOfFrames") or 1) > 1:
        over_frames(made, list(masks.values()))
    return to_bytes(_told(made, source), ExplicitVRLittleEndian)


def _of_first_frame(source: Dataset, masks: dict[int, NDArray[np.bool_]], model_version: str) -> Dataset:
    from highdicom.seg import Segmentation  # costs seconds

    made: Dataset = Segmentation(
        source_images=[_as_single_frame(source)],
        pixel_array=np.stack(list(masks.values()), axis=-1)[None].astype(np.uint8),
        segmentation_type="BINARY",
        segment_descriptions=[_description(number, model_version) for number in masks],
        series_instance_uid=_uid(source.SeriesInstanceUID),
        series_number=SERIES_NUMBER,
        sop_instance_uid=_uid(source.SOPInstanceUID),
        instance_number=int(source.get("InstanceNumber") or 1),
        manufacturer=PRODUCT,
        manufacturer_model_name=PRODUCT,
        software_versions=__version__,
        device_serial_number="0",
        omit_empty_frames=False,
        content_label=CONTENT_LABEL,
    )
    for element in made.iterall():
        if element.keyword == "ReferencedSOPClassUID":
            element.value = source.SOPClassUID
    return made


def _as_single_frame(source: Dataset) -> Dataset:
    """As a photograph of a class without frames: of others, the library expects to be told where each one lies."""
    single = Dataset()
    single.update({element.tag: element for element in source if element.keyword != "NumberOfFrames"})
    single.add_new("SOPClassUID", "UI", VL_PHOTOGRAPHIC)  # a new element; the others are the source's own
    single.file_meta = source.file_meta
    return single


def _description(number: int, model_version: str) -> Any:
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.seg import SegmentDescription

    return SegmentDescription(
        segment_number=number,
        segment_label=LABELS[number],
        segmented_property_category=_concept(CATEGORY),
        segmented_property_type=CodedConcept(TYPES[number], SCHEME, LABELS[number]),
        algorithm_type="AUTOMATIC",
        algorithm_identification=AlgorithmIdentificationSequence(
            name=PRODUCT, family=_concept(FAMILY), version=f"{__version__} {model_version}"[:64]
        ),
    )


def _concept(code: Code) -> CodedConcept:
    return CodedConcept(code.value, code.scheme, code.meaning)


def _told(made: Dataset, source: Dataset) -> Dataset:
    """What the object says about itself: de-identified as its photograph, and no clock of this machine."""
    made.ContentDate = source.get("ContentDate") or source.get("StudyDate") or NO_DATE
    made.ContentTime = NO_TIME
    for keyword in ("InstanceCreationDate", "InstanceCreationTime", "SeriesDate", "SeriesTime"):
        made.pop(keyword, None)
    made.ContributingEquipmentSequence = source.ContributingEquipmentSequence
    made.PatientOrientation = ""
    made.SyntheticData = "YES"
    for keyword in ("PatientIdentityRemoved", "DeidentificationMethod", "LongitudinalTemporalInformationModified"):
        if keyword in source:
            setattr(made, keyword, source[keyword].value)
    codes = [item for item in source.DeidentificationMethodCodeSequence if item.CodeValue not in ABOUT_PIXELS]
    made.DeidentificationMethodCodeSequence = Sequence(codes)
    organization = _uid(f"{source.SOPInstanceUID} dimensions")
    made.DimensionOrganizationSequence[0].DimensionOrganizationUID = organization
    for item in made.DimensionIndexSequence:
        item.DimensionOrganizationUID = organization
    made["PixelData"].VR = "OB"
    return made


def _uid(outside: str) -> UID:
    """Always the same for a UID that the photograph shows anyway."""
    return UID(f"2.25.{uuid5(NAMESPACE_OID, f'{outside} segmentation').int}")
