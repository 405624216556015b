"""Legal objects of the classes that have modules of their own, with those modules filled as devices fill them.

ds = dermoscopic()        # Dermoscopic Photography Image (PS3.3 A.32.11)
ds = ophthalmic()         # Ophthalmic Photography 8 Bit Image (PS3.3 A.41)
"""

from pydicom import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import Collection

from service.settings import VL_PHOTOGRAPHIC
from service.storage_classes import DERMOSCOPIC_PHOTOGRAPHY, OPHTHALMIC_PHOTOGRAPHY_8_BIT
from tests.support.encodings import FORMS, Form, encoded

NATIVE = FORMS[1]
LESION, EARLIER = "1.2.276.0.7230010.3.1.4.881", "1.2.276.0.7230010.3.1.4.882"


def dermoscopic(form: Form = NATIVE) -> FileDataset:
    """A mole on the cheek, seen in contact and in polarised light, by a dermatoscope with a serial number."""
    ds = encoded(form, None, SOPClassUID=DERMOSCOPIC_PHOTOGRAPHY, Modality="DMS")
    ds.file_meta.MediaStorageSOPClassUID = DERMOSCOPIC_PHOTOGRAPHY
    del ds.Laterality
    ds.Manufacturer, ds.ManufacturerModelName = "Dermalens CANARY", "DL-4"
    ds.DeviceSerialNumber, ds.SoftwareVersions = "SN-40711-CANARY", ["4.1", "CANARY build"]
    ds.AcquisitionDateTime = "20260312101500.25+0100"
    ds.AnatomicRegionSequence = Sequence([coded("4029", "SkinOfCheek")])
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = "1.2.276.0.7230010.3.1.4.880", ""
    ds.PatientOrientation, ds.ImageLaterality = "", "L"
    ds.LightSourcePolarization, ds.EmitterColorTemperature = "POLARIZED", "5600"
    ds.ContactMethod, ds.ImmersionMedia = "CONTACT", ["ALCOHOL", "PLASTIC_CAP"]
    ds.OpticalMagnificationFactor, ds.RecognizableVisualFeatures = "10.5", "NO"
    ds.PartialView, ds.PartialViewDescription = "YES", "left of CANARY's nose"
    ds.TrackingID, ds.TrackingUID = "CANARY mole 7", LESION
    ds.PixelSpacing = ["0.012345678", "1.2345678E-02"]
    return ds


def ophthalmic(form: Form = NATIVE, **values: object) -> FileDataset:
    """An eye and what is around it, by an external camera that had dye in its patient's vein."""
    ds = encoded(form, None, SOPClassUID=OPHTHALMIC_PHOTOGRAPHY_8_BIT, Modality="OP", NumberOfFrames=1)
    ds.file_meta.MediaStorageSOPClassUID = OPHTHALMIC_PHOTOGRAPHY_8_BIT
    del ds.Laterality
    ds.FrameIncrementPointer, ds.PageNumberVector = 0x00182001, [1]
    ds.ImageType = ["DERIVED", "PRIMARY", "MONTAGE", "COLOR"]
    ds.AcquisitionDateTime = "20260312101500.25+0100"
    ds.SynchronizationTrigger, ds.AcquisitionTimeSynchronized = "NO TRIGGER", "N"
    ds.SynchronizationFrameOfReferenceUID = "1.2.840.10008.15.1.1"
    ds.ImageLaterality, ds.PatientOrientation = "B", ["L", "F"]
    ds.AnatomicRegionSequence = Sequence([coded("4031", "EyeRegion")])
    ds.PrimaryAnatomicStructureSequence = Sequence([coded("4209", "Iris")])
    ds.SourceImageSequence = Sequence([_reference("7202", "SourceImageForMontage")])
    ds.CalibrationImage, ds.StereoPairsPresent, ds.PixelSpacing = "NO", "NO", ["0.011", "0.011"]
    ds.RelativeImagePositionCodeSequence = Sequence([coded("4207", "LesionCentered")])
    _photograph_an_eye(ds)
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def _photograph_an_eye(ds: Dataset) -> None:
    ds.AcquisitionDeviceTypeCodeSequence = Sequence([coded("4202", "ExternalCamera")])
    ds.IlluminationTypeCodeSequence = Sequence([coded("4203", "DiffuseDirectIllumination")])
    ds.LightPathFilterTypeStackCodeSequence = Sequence(
        [coded("4204", "BlueOpticalFilter"), coded("4204", "PolarizingOpticalFilter")]
    )
    ds.LightPathFilterPassThroughWavelength, ds.LightPathFilterPassBand = 490, [465, 515]
    ds.ImagePathFilterTypeStackCodeSequence = Sequence([coded("4204", "YellowGreenOpticalFilter")])
    ds.ImagePathFilterPassThroughWavelength, ds.ImagePathFilterPassBand = 525, [515, 560]
    ds.LensesCodeSequence, ds.DetectorType, ds.CameraAngleOfView = Sequence([coded("4205", "Goniolens")]), "CMOS", 45.0
    ds.ChannelDescriptionCodeSequence = Sequence([coded("4206", "Red"), coded("4206", "Green"), coded("4206", "Blue")])
    ds.PatientEyeMovementCommanded = "YES"
    ds.PatientEyeMovementCommandCodeSequence = Sequence([coded("4201", "PrimaryGaze")])
    ds.EmmetropicMagnification, ds.IntraOcularPressure, ds.HorizontalFieldOfView = 1.25, 15.5, 45.0
    ds.PupilDilated, ds.DegreeOfDilation = "YES", 6.5
    ds.RefractiveStateSequence = Sequence(
        [item(SphericalLensPower=-2.25, CylinderLensPower=0.5, CylinderAxis=85.0, VertexDistance=12.0)]
    )
    ds.MydriaticAgentSequence = Sequence([item(MydriaticAgentCodeSequence=Sequence([coded("4208", "Tropicamide")]))])
    dye = coded("4200", "Fluorescein")
    dye.ContrastBolusAdministrationRouteSequence = Sequence([coded("11", "IntravenousRoute")])
    dye.ContrastBolusIngredientCodeSequence, dye.ContrastBolusAgentNumber = Sequence([coded("13", "Water")]), 1
    dye.ContrastBolusVolume, dye.ContrastBolusIngredientConcentration = "5", "100"
    dye.ContrastAdministrationProfileSequence = Sequence(
        [item(ContrastBolusVolume="5", ContrastBolusStartTime="101437", ContrastBolusStopTime="101442")]
    )
    ds.ContrastBolusAgentSequence = Sequence([dye])


def coded(context: str, name: str) -> Dataset:
    """An item for a member of a context group, with the standard's own meaning."""
    code = getattr(Collection(f"CID{context}"), name)
    return item(CodeValue=code.value, CodingSchemeDesignator=code.scheme_designator, CodeMeaning=code.meaning)


def _reference(context: str, purpose: str) -> Dataset:
    return item(
        ReferencedSOPClassUID=VL_PHOTOGRAPHIC,
        ReferencedSOPInstanceUID=EARLIER,
        PurposeOfReferenceCodeSequence=Sequence([coded(context, purpose)]),
    )


def item(**values: object) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made
