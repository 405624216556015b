"""A picture as VL Photographic Image (PS3.3 A.32.4) with the codes of its ADA-1100 view (CP-1570)."""

import re
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Final
from uuid import UUID, uuid5

import numpy as np
from PIL import Image
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, JPEG2000Lossless, JPEGBaseline8Bit, JPEGExtended12Bit

from service.errors import VeraGateError
from service.jpeg import describe
from service.objects import to_bytes
from service.pixels import encode, state
from service.settings import VL_PHOTOGRAPHIC
from service.tables import utc_now
from service.uploading.arriving import Arrived
from service.views import Kind, attributes_for, classify

_NOON: Final = "120000"  # Content Time must not be empty (PS3.3 C.8.12.1), and the person says only the day
_OLDEST: Final = date(1900, 1, 1)
_UNFIT: Final = re.compile(r"[\\\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Sitting:
    """Whose pictures these are, and when they were taken: what the person says on the page."""

    patient_id: str
    taken_on: date
    issuer: str = ""


@dataclass(frozen=True)
class Wrapped:
    data: bytes
    sop_instance_uid: str
    transfer_syntax_uid: str


def read_sitting(patient_id: str, taken_on: str, issuer: str = "") -> Sitting:
    """The form's fields; raises VeraGateError with a sentence, which never repeats what was typed."""
    patient_id, issuer = patient_id.strip(), issuer.strip()
    if not patient_id:
        raise VeraGateError("A Patient ID is needed: it decides which face the patient has outside.")
    if any(len(text) > 64 or _UNFIT.search(text) for text in (patient_id, issuer)):
        raise VeraGateError("A Patient ID has at most 64 characters, and no backslash or control character.")
    try:
        day = date.fromisoformat(taken_on.strip())
    except ValueError as error:
        raise VeraGateError("The date has the form 2026-03-12.") from error
    if not _OLDEST <= day <= utc_now().date():
        raise VeraGateError("The date lies in the future, or before there were such photographs.")
    return Sitting(patient_id, day, issuer)


def wrap(arrived: Arrived, view: str, sitting: Sitting, upload_id: str, number: int) -> Wrapped:
    """The object; the same arguments give the same bytes, so that sending twice adds nothing.

    `view` is an ADA-1100 code; KeyError for any other. One upload is one study with one series.
    """
    ds = Dataset()
    _identify(ds, sitting, upload_id, number)
    ds.update(attributes_for(view))
    if classify(ds).kind is Kind.INTRAORAL:
        ds.Laterality = ""  # of a body part that there are two of, and nobody said which (PS3.3 C.7.3.1)
    ds.ImageComments = f"{view}^"  # two views may share all their codes; this one was meant
    state(ds, arrived.space)
    syntax = _put_jpeg(ds, arrived) if arrived.is_jpeg else _put_lossless(ds, arrived)
    return Wrapped(to_bytes(ds, syntax), str(ds.SOPInstanceUID), str(syntax))


def _identify(ds: Dataset, sitting: Sitting, upload_id: str, number: int) -> None:
    day = sitting.taken_on.strftime("%Y%m%d")
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = UID(VL_PHOTOGRAPHIC), _uid(upload_id, f"picture {number}")
    ds.StudyInstanceUID, ds.SeriesInstanceUID = _uid(upload_id, "study"), _uid(upload_id, "series")
    ds.PatientName = ds.PatientBirthDate = ds.PatientSex = ""
    ds.PatientID = sitting.patient_id
    if sitting.issuer:
        ds.IssuerOfPatientID = sitting.issuer
    ds.StudyDate = ds.ContentDate = day
    ds.ContentTime = _NOON
    ds.StudyTime = ds.AccessionNumber = ds.StudyID = ds.ReferringPhysicianName = ""
    ds.SeriesNumber, ds.InstanceNumber, ds.Modality = 1, number, "XC"
    ds.Manufacturer = ""
    ds.ImageType, ds.BurnedInAnnotation = ["ORIGINAL", "PRIMARY"], "NO"


def _uid(upload_id: str, what: str) -> UID:
    """UUID derived (PS3.5 B.2); an upload's own random id stands for all of it."""
    return UID(f"2.25.{uuid5(UUID(upload_id), what).int}")


def _put_jpeg(ds: Dataset, arrived: Arrived) -> UID:
    stream = describe(arrived.data)
    grey = len(stream.components) == 1
    # The only YCbCr that VL Photographic allows (PS3.3 C.8.12.1.1.1), whatever the sampling; decoders read the stream.
    photometric = "MONOCHROME2" if grey else "RGB" if stream.says_ycc is False else "YBR_FULL_422"
    _describe(ds, stream.height, stream.width, grey, photometric)
    samples = stream.width * stream.height * len(stream.components)
    _state_loss(ds, round(samples / len(arrived.data), 2))
    _encapsulate(ds, arrived.data)
    return JPEGBaseline8Bit if stream.baseline else JPEGExtended12Bit


def _put_lossless(ds: Dataset, arrived: Arrived) -> UID:
    with Image.open(BytesIO(arrived.data)) as picture:
        pixels = np.asarray(picture, np.uint8)
    grey = pixels.ndim == 2
    _describe(ds, pixels.shape[0], pixels.shape[1], grey, "MONOCHROME2" if grey else "YBR_RCT")
    if arrived.lossy_ratio is None:
        ds.LossyImageCompression = "00"
    else:
        _state_loss(ds, arrived.lossy_ratio)
    _encapsulate(ds, encode(pixels, ds, JPEG2000Lossless))
    return JPEG2000Lossless


def _describe(ds: Dataset, rows: int, columns: int, grey: bool, photometric: str) -> None:
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = rows, columns, 1 if grey else 3, photometric
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    if not grey:
        ds.PlanarConfiguration = 0


def _state_loss(ds: Dataset, ratio: float) -> None:
    ds.LossyImageCompression, ds.LossyImageCompressionMethod = "01", "ISO_10918_1"
    ds.LossyImageCompressionRatio = ratio


def _encapsulate(ds: Dataset, frame: bytes) -> None:
    ds.add_new("PixelData", "OB", encapsulate([frame]))
    ds["PixelData"].is_undefined_length = True
