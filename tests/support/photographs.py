"""Photographs to send in tests, made as a camera's software makes them."""

from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, FileDataset, dcmread, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit, RLELossless, generate_uid

from service.settings import VL_PHOTOGRAPHIC
from service.views import attributes_for

Picture = NDArray[np.uint8]
NAME, PATIENT_ID, BIRTH_DATE = "Zanzibar^Quentin", "PID-7731-CANARY", "19870423"
CANARIES = ("Zanzibar", "Quentin", "PID-7731-CANARY", "19870423", "CANARY")
INTRAORAL, FACE = "IV07", "EV19"


def teeth(seed: int = 0, width: int = 160, height: int = 120) -> Picture:
    """A drawing that no detector takes for a face: bands of teeth over gums, with grain."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    gums = np.stack([np.full((height, width), level) for level in (158, 62, 60)], axis=-1).astype(np.float64)
    tooth = (np.abs(rows - height / 2) < height / 5) & (columns % (width // 8) > 2)
    gums[tooth] = (222, 205, 170)
    return np.clip(gums + rng.normal(0, 4, gums.shape), 0, 255).astype(np.uint8)


@cache
def face() -> Picture:
    """The face of Eileen Collins (NASA, public domain), 520x600, about 200 pixels across."""
    from skimage.data import astronaut

    crop = Image.fromarray(astronaut()[:300, 100:360])
    return np.asarray(crop.resize((520, 600), Image.Resampling.BICUBIC), np.uint8)


def jpeg(picture: Picture, quality: int = 90, subsampling: str = "4:2:0") -> bytes:
    stream = BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=quality, subsampling=subsampling)
    return stream.getvalue()


def photograph(
    picture: Picture,
    view: str | None,
    *,
    syntax: UID = JPEGBaseline8Bit,
    study: str | None = None,
    patient_id: str | None = PATIENT_ID,
    sop_class: str = VL_PHOTOGRAPHIC,
    uid: str | None = None,
) -> FileDataset:
    """One VL Photographic (PS3.3 A.32.4) of a patient whose every identifier is a canary."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = UID(uid or generate_uid())
    meta.TransferSyntaxUID = syntax
    ds = FileDataset("", Dataset(), preamble=b"\0" * 128, file_meta=meta)
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study or generate_uid(), generate_uid()
    ds.PatientName, ds.PatientBirthDate, ds.PatientSex = NAME, BIRTH_DATE, "O"
    if patient_id is not None:
        ds.PatientID = patient_id
    ds.StudyDate = ds.ContentDate = "20260312"
    ds.StudyTime = ds.ContentTime = "101500"
    ds.AccessionNumber, ds.StudyID, ds.ReferringPhysicianName = "ACC-CANARY", "1", "CANARY^Doctor"
    ds.SeriesNumber, ds.InstanceNumber, ds.Modality, ds.Laterality = 1, 1, "XC", ""
    ds.Manufacturer, ds.ImageType, ds.BurnedInAnnotation = "Test Camera", ["ORIGINAL", "PRIMARY"], "NO"
    ds.AcquisitionContextSequence = []
    if view is not None:
        ds.update(attributes_for(view))
    _put_pixels(ds, picture, syntax)
    return as_read(ds)


def as_read(ds: FileDataset) -> FileDataset:
    """As from a file, so that the encoding is settled."""
    stream = BytesIO()
    dcmwrite(stream, ds, enforce_file_format=True)
    stream.seek(0)
    return dcmread(stream)


def save(ds: FileDataset, path: Path) -> Path:
    dcmwrite(path, ds, enforce_file_format=True)
    return path


def _put_pixels(ds: FileDataset, picture: Picture, syntax: UID) -> None:
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PlanarConfiguration = *picture.shape[:2], 3, 0
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.PixelRepresentation, ds.PhotometricInterpretation = 7, 0, "RGB"
    if syntax == JPEGBaseline8Bit:
        encoded = jpeg(picture)
        ds.PhotometricInterpretation = "YBR_FULL_422"
        ds.LossyImageCompression, ds.LossyImageCompressionMethod = "01", "ISO_10918_1"
        ds.LossyImageCompressionRatio = round(picture.size / len(encoded), 2)
        ds.PixelData = encapsulate([encoded])
        ds["PixelData"].VR = "OB"
        return
    ds.LossyImageCompression = "00"
    ds.PixelData = picture.tobytes()
    ds["PixelData"].VR = "OB"
    if syntax in (RLELossless, JPEG2000Lossless):
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.compress(syntax, generate_instance_uid=False)
