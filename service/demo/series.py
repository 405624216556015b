"""Each patient's series as DICOM objects: VL Photographic, JPEG Baseline, with the codes of the ADA-1100 views."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, JPEGBaseline8Bit, generate_uid

from models import turn_head
from service.demo.intraoral import buccal_view, frontal_view
from service.demo.patients import Patient
from service.settings import VL_PHOTOGRAPHIC
from service.views import attributes_for

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Shot:
    """One photograph of a series before it is sent. `view` is its ADA-1100 code, `face` whether it shows one."""

    patient: Patient
    title: str
    visit: int
    view: str
    face: bool
    quality: int
    subsampling: str
    picture: Picture

    def to_dicom(self, studies: dict[tuple[str, int], str]) -> FileDataset:
        """The object as a camera's software writes it; `studies` keeps the Study Instance UID of each visit."""
        ds = _header(self)
        ds.StudyInstanceUID = studies.setdefault((self.patient.label, self.visit), generate_uid())
        ds.SeriesInstanceUID = generate_uid()
        _put_pixels(ds, self)
        ds.update(attributes_for(self.view))
        return ds


def series_of(patient: Patient) -> Iterator[Shot]:
    """Frontal, oblique and teeth of the first visit; frontal and teeth of the second."""
    frontal = patient.frontal()
    yield Shot(patient, "frontal", 1, patient.frontal_view, True, 92, "4:4:4", frontal)
    oblique = turn_head(frontal, patient.yaw)
    yield Shot(patient, "oblique", 1, patient.oblique_view, True, 90, "4:2:2", oblique)
    yield Shot(patient, "teeth, front", 1, "IV07", False, 90, "4:2:0", frontal_view(patient.mouth_seed))
    yield Shot(patient, "second visit", 2, patient.frontal_view, True, 85, "4:2:0", patient.second_visit())
    yield Shot(patient, "teeth, right", 2, "IV01", False, 90, "4:2:0", buccal_view(patient.mouth_seed))


def _header(shot: Shot) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(VL_PHOTOGRAPHIC)
    meta.MediaStorageSOPInstanceUID = UID(generate_uid())
    meta.TransferSyntaxUID = JPEGBaseline8Bit
    ds = FileDataset("", Dataset(), b"\0" * 128, meta, is_implicit_VR=False, is_little_endian=True)
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    for keyword, value in shot.patient.header.items():
        setattr(ds, keyword, value)
    ds.StudyDate = ds.ContentDate = ds.AcquisitionDate = "20260312" if shot.visit == 1 else "20260917"
    ds.StudyTime = ds.ContentTime = ds.AcquisitionTime = "101500"
    ds.AcquisitionDateTime = ds.AcquisitionDate + ds.AcquisitionTime
    ds.StudyID, ds.AccessionNumber = str(shot.visit), f"ACC{shot.visit}-{shot.patient.header['PatientID']}"
    ds.SeriesNumber, ds.InstanceNumber, ds.Modality = 1, 1, "XC"
    ds.Manufacturer, ds.ManufacturerModelName = "Demo Camera Works", "DC-1"
    ds.DeviceSerialNumber, ds.SoftwareVersions = "SN-000123", "1.0"
    if not shot.face:
        ds.Laterality = ""
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.BurnedInAnnotation = "NO"
    ds.ImageComments = f"{shot.patient.header['PatientName']}, visit {shot.visit}"
    ds.AcquisitionContextSequence = []
    return ds


def _put_pixels(ds: FileDataset, shot: Shot) -> None:
    stream = BytesIO()
    exif = Image.Exif()
    exif[0x010E], exif[0x0110] = shot.patient.header["PatientName"], "DC-1"  # ImageDescription, Model
    picture = Image.fromarray(shot.picture)
    picture.save(stream, "JPEG", quality=shot.quality, subsampling=shot.subsampling, exif=exif)
    encoded = stream.getvalue()
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PlanarConfiguration = *shot.picture.shape[:2], 3, 0
    ds.PhotometricInterpretation = "YBR_FULL_422"  # the only YCbCr that VL Photographic allows, whatever the sampling
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.PixelRepresentation = 7, 0
    ds.LossyImageCompression, ds.LossyImageCompressionMethod = "01", "ISO_10918_1"
    ds.LossyImageCompressionRatio = round(shot.picture.size / len(encoded), 2)
    ds.PixelData = encapsulate([encoded])
    ds["PixelData"].VR = "OB"
