"""The map of what is synthetic as a DICOM object: a binary Segmentation beside each changed photograph (PS3.3 A.51).

    data = segment(photograph, parts, model_version)     # both finished: nothing of the original is at hand
    segmented(data)                                      # {"synthetic": mask, "preserved": mask}

Objects of several frames have none: their IODs say nothing about where frames lie, which a Segmentation must refer to.
"""

from io import BytesIO
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.sequence import Sequence
from pydicom.sr.coding import Code
from pydicom.uid import UID, ExplicitVRLittleEndian

from service import __version__
from service.objects import to_bytes
from service.pixels import Part
from service.provenance import PRODUCT

Mask = NDArray[np.bool_]

SERIES_NUMBER: Final = 9001
LABELS: Final = {1: "Synthetic pixels", 2: "Preserved original pixels"}
_TYPES: Final = {1: "SYNTHETIC", 2: "PRESERVED"}
_SCHEME: Final = "99VERAGATE"
_CATEGORY: Final = Code("309825002", "SCT", "Spatial and Relational Concept")
_FAMILY: Final = Code("123110", "DCM", "Artificial Intelligence")
_NO_DATE: Final = "19000101"  # Content Date must be there; the day on which this was made would tell when it came
_ABOUT_PIXELS: Final = frozenset({"113101", "113102"})
TEXTS: Final = (*LABELS.values(), *_TYPES.values(), _SCHEME, "SEG", "MAP", _CATEGORY.meaning, _FAMILY.meaning)


def segment(photograph: bytes, parts: NDArray[np.uint8], model_version: str) -> bytes | None:
    """A Segmentation file for a finished photograph and its map (uint8 [H, W] of `Part`); None where nothing changed.

    Segment 1 is what was made or covered, segment 2, where a region was to be preserved, what is the source's to the
    bit. Synthetic Data is YES, because what is derived from synthetic pixels is synthetic (PS3.3 C.12.1).
    """
    from highdicom.seg import Segmentation  # costs seconds

    source = dcmread(BytesIO(photograph), stop_before_pixels=True)
    masks = {1: np.isin(parts, (Part.SYNTHETIC, Part.COVERED)), 2: parts == Part.PRESERVED}
    masks = {number: mask for number, mask in masks.items() if number == 1 or mask.any()}
    if not masks[1].any() or int(source.get("NumberOfFrames", 1)) > 1:
        return None
    made = Segmentation(
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
        content_label="MAP",
    )
    return to_bytes(_told(made, source), ExplicitVRLittleEndian)


def segmented(data: bytes) -> dict[str, Mask]:
    """The masks of a Segmentation of ours, bool [H, W] each, by what they say; ValueError for another object."""
    ds = dcmread(BytesIO(data))
    kinds = [str(item.SegmentedPropertyTypeCodeSequence[0].CodeValue) for item in ds.get("SegmentSequence", [])]
    if not kinds or not set(kinds) <= set(_TYPES.values()):
        raise ValueError("no map of what is synthetic")
    bits = np.unpackbits(np.frombuffer(ds.PixelData, np.uint8), bitorder="little")
    frames = bits[: len(kinds) * ds.Rows * ds.Columns].reshape(len(kinds), ds.Rows, ds.Columns)
    return {kind.lower(): frame.astype(np.bool_) for kind, frame in zip(kinds, frames, strict=True)}


def _as_single_frame(source: Dataset) -> Dataset:
    """Without the attributes that a library would take for those of an enhanced multi-frame image."""
    single = Dataset()
    single.update({element.tag: element for element in source if element.keyword != "NumberOfFrames"})
    single.file_meta = source.file_meta
    return single


def _description(number: int, model_version: str) -> Any:
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.seg import SegmentDescription

    return SegmentDescription(
        segment_number=number,
        segment_label=LABELS[number],
        segmented_property_category=_CATEGORY,
        segmented_property_type=Code(_TYPES[number], _SCHEME, LABELS[number]),
        algorithm_type="AUTOMATIC",
        algorithm_identification=AlgorithmIdentificationSequence(
            name=PRODUCT, family=_FAMILY, version=f"{__version__} {model_version}"[:64]
        ),
    )


def _told(made: Dataset, source: Dataset) -> Dataset:
    """What the object says about itself: de-identified as its photograph, and no clock of this machine."""
    made.ContentDate = source.get("ContentDate") or source.get("StudyDate") or _NO_DATE
    made.ContentTime = "000000"
    for keyword in ("InstanceCreationDate", "InstanceCreationTime", "SeriesDate", "SeriesTime"):
        made.pop(keyword, None)
    made.ContributingEquipmentSequence = source.ContributingEquipmentSequence
    made.PatientOrientation = ""
    made.SyntheticData = "YES"
    for keyword in ("PatientIdentityRemoved", "DeidentificationMethod", "LongitudinalTemporalInformationModified"):
        if keyword in source:
            setattr(made, keyword, source[keyword].value)
    codes = [item for item in source.DeidentificationMethodCodeSequence if item.CodeValue not in _ABOUT_PIXELS]
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
