"""An object with the same person's identifiers in every place that anybody ever found them, and odder ones."""

from pydicom import Dataset, FileDataset
from pydicom.dataelem import DataElement
from pydicom.sequence import Sequence

from tests.support.photographs import Picture, jpeg, photograph

CANARY = "QANARY"
SURNAME = "Brzęczyszczykiewicz"

# fmt: off
_TEXTS = (
    "AccessionNumber", "StudyID", "StudyDescription", "SeriesDescription", "InstitutionName",
    "InstitutionAddress", "StationName", "ProtocolName", "DeviceSerialNumber", "PatientComments",
    "ImageComments", "AdditionalPatientHistory", "OtherPatientIDs", "EthnicGroup", "Occupation",
    "PatientAddress", "PatientTelephoneNumbers", "RequestingService", "AdmissionID", "DerivationDescription",
    "LensMake", "LensSerialNumber", "CameraOwnerName", "RetrieveURL", "ReasonForStudy", "StudyComments",
    "IssuerOfPatientID", "MedicalRecordLocator", "PatientReligiousPreference", "SoftwareVersions",
    "SecondaryCaptureDeviceID", "InstitutionalDepartmentName", "PatientInstitutionResidence", "PatientBirthName",
    "PatientMotherBirthName", "MilitaryRank", "BranchOfService", "CountryOfResidence", "RegionOfResidence",
    "CurrentPatientLocation", "VisitComments", "ServiceEpisodeID", "ServiceEpisodeDescription",
    "AdmittingDiagnosesDescription",
    "InterpretationText", "FillerOrderNumberImagingServiceRequest", "PlacerOrderNumberImagingServiceRequest",
    "RequestedProcedureDescription", "RequestedProcedureID", "ScheduledProcedureStepID", "PerformedProcedureStepID",
    "PerformedProcedureStepDescription", "CommentsOnThePerformedProcedureStep", "ReasonForTheRequestedProcedure",
    "DetectorID", "PlateID", "CassetteID", "GantryID", "DeviceDescription", "ClinicalTrialSubjectID",
    "ClinicalTrialSiteName", "ClinicalTrialProtocolName", "TextString", "UnformattedTextValue", "ManufacturerModelName",
    "AcquisitionDeviceProcessingDescription", "FrameComments", "Allergies", "MedicalAlerts", "SpecialNeeds",
)
# fmt: on


def planted(picture: Picture, view: str = "EV19") -> FileDataset:
    """A JPEG Baseline photograph of `view`; each planted text holds CANARY or is one of the person's own."""
    ds = photograph(picture, view, patient_id="MRN00112233")
    ds.SpecificCharacterSet = ["ISO_IR 192"]
    ds.PatientName = f"{SURNAME}^Zofia^Maria=Бжен^Зофия"
    ds.PatientBirthDate = "19871231"
    _plant_texts(ds)
    _plant_items(ds)
    _plant_private(ds)
    _plant_binary(ds)
    ds.PixelData = _with_metadata(jpeg(picture))
    ds["PixelData"].is_undefined_length = True
    ds.preamble = f"II*\0{CANARY}-PREAMBLE".encode().ljust(128, b"\0")
    ds.file_meta.SourceApplicationEntityTitle = f"{CANARY}AE"
    ds.file_meta.SendingApplicationEntityTitle = f"{CANARY}SEND"
    ds.file_meta.PrivateInformationCreatorUID = "1.2.3.4.5"
    ds.file_meta.PrivateInformation = f"{CANARY} private information".encode()
    return ds


def _plant_texts(ds: Dataset) -> None:
    for keyword in _TEXTS:
        setattr(ds, keyword, f"{CANARY} {keyword}"[:16] if keyword == "StudyID" else f"{CANARY} {keyword}")
    for keyword in ("ReferringPhysicianName", "OperatorsName", "PerformingPhysicianName", "OtherPatientNames"):
        setattr(ds, keyword, f"{CANARY}^{keyword}")
    ds.BodyPartExamined = ds.Laterality = f"{CANARY}"  # a code string that is none
    ds.Modality, ds.ImageType = "XC", ["ORIGINAL", "PRIMARY", f"{CANARY}"]
    ds.PatientOrientation = [f"{CANARY}", "F"]
    ds.InstanceNumber, ds.SeriesNumber = "112233445", 7
    ds.PatientSex, ds.PatientAge, ds.StudyTime, ds.ContentTime = "F", "037Y", "101112.131415", "101112"
    ds.AcquisitionDateTime = "20260312101112.131415+0100"
    ds.DateOfLastCalibration, ds.TimezoneOffsetFromUTC = "20251224", "+0100"
    ds.LossyImageCompressionRatio, ds.LossyImageCompressionMethod = "11.5", f"{CANARY}"
    ds.FrameOfReferenceUID = "1.2.276.0.7230010.3.1.4.112233"
    ds.StudyInstanceUID = "1.2.840.10008.1.2.112233"  # an identifier that passes for a UID of the standard


def _plant_items(ds: Dataset) -> None:
    ds.ViewCodeSequence[0].CodeMeaning = f"Frontal projection of {CANARY}"
    ds.ViewCodeSequence[0].add_new(0x00080104, "LO", f"Frontal {CANARY}")
    ds.ViewCodeSequence[0].LongCodeValue = f"{CANARY} long"
    ds.AcquisitionContextSequence.extend(
        [_item(ValueType="TEXT", TextValue=f"{CANARY} text"), _item(ValueType="PNAME", PersonName=f"{CANARY}^Context")]
    )
    ds.AcquisitionContextSequence[0].TextValue = f"{CANARY} beside a code"
    deep = _item(InstitutionName=f"{CANARY} deep")
    for _ in range(4):
        deep = _item(ContributingEquipmentSequence=Sequence([deep]), Manufacturer=f"{CANARY} maker")
    deep.PurposeOfReferenceCodeSequence = Sequence([_item(CodeValue="109104", CodeMeaning=f"{CANARY} purpose")])
    ds.ContributingEquipmentSequence = Sequence([deep])
    ds.OriginalAttributesSequence = Sequence(
        [_item(ModifiedAttributesSequence=Sequence([_item(PatientName=f"{CANARY}^Before")]))]
    )
    ds.ReferencedImageSequence = Sequence([_item(ReferencedSOPInstanceUID="1.2.276.0.7230010.3.1.4.112233.9")])
    ds.SourceImageSequence = Sequence([_item(ReferencedSOPInstanceUID=ds.SOPInstanceUID)])
    ds.ReferringPhysicianIdentificationSequence = Sequence(
        [
            _item(
                InstitutionName=f"{CANARY} clinic",
                PersonIdentificationCodeSequence=Sequence([_item(CodeMeaning=CANARY)]),
            )
        ]
    )
    ds.OtherPatientIDsSequence = Sequence([_item(PatientID=f"{CANARY}-2", IssuerOfPatientID=f"{CANARY} issuer")])
    ds.ProcedureCodeSequence = Sequence([_item(CodeValue=CANARY, CodingSchemeDesignator="99X", CodeMeaning=CANARY)])
    ds.GraphicAnnotationSequence = Sequence([_item(TextObjectSequence=Sequence([_item(UnformattedTextValue=CANARY)]))])
    ds.DigitalSignaturesSequence = Sequence([_item(CertificateOfSigner=CANARY.encode() + b" ")])
    ds.ModifiedAttributesSequence = Sequence([_item(PatientComments=f"{CANARY} modified")])
    ds.ReferencedStudySequence = Sequence([_item(ReferencedSOPInstanceUID="1.2.276.0.7230010.3.1.4.112233.8")])
    ds.RequestAttributesSequence = Sequence([_item(ScheduledProcedureStepDescription=f"{CANARY} step")])
    ds.DeviceSequence = Sequence([_item(CodeValue="47162009", CodingSchemeDesignator="SCT", DeviceSerialNumber=CANARY)])


def _plant_private(ds: Dataset) -> None:
    block = ds.private_block(0x0009, f"{CANARY} INC", create=True)
    block.add_new(0x01, "PN", f"{CANARY}^Private")
    block.add_new(0x02, "SQ", Sequence([_item(PatientID=f"{CANARY} in a private item")]))
    block.add_new(0x03, "UN", f"{CANARY} unknown".encode())
    inner = ds.AnatomicRegionSequence[0].private_block(0x0011, f"{CANARY} INNER", create=True)
    inner.add_new(0x01, "LT", f"{CANARY} private inside a kept item")
    ds.add(DataElement(0x00120010, "LO", f"{CANARY} unknown public"))


def _plant_binary(ds: Dataset) -> None:
    ds.add_new(0x60000022, "LO", f"{CANARY} overlay")
    ds.add_new(0x60003000, "OW", f"{CANARY} overlay bits".encode())
    ds.add_new(0x60001500, "LO", f"{CANARY} label")
    ds.add_new(0x50000022, "LO", f"{CANARY} curve")
    ds.add_new(0x00282000, "OB", b"\0\0acsp desc" + CANARY.encode() + b"\0")  # ICC Profile
    ds.add_new(0xFFFCFFFC, "OB", CANARY.encode())  # Data Set Trailing Padding
    ds.add_new(0x0016002D, "UT", f"{CANARY} maker note")
    ds.IconImageSequence = Sequence(
        [_item(Rows=1, Columns=6, BitsAllocated=8, PixelRepresentation=0, PixelData=CANARY.encode())]
    )
    ds.EncryptedAttributesSequence = Sequence([_item(EncryptedContent=CANARY.encode())])
    ds.add_new(0x00204000, "LT", CANARY)
    ds.add_new(0x0040A160, "UT", f"{CANARY}\u00e9".encode("utf-16-le").decode("latin-1"))


def _with_metadata(stream: bytes) -> bytes:
    """The frame with EXIF, XMP, ICC, comment and a trailer, encapsulated in two fragments behind an offset table."""
    segments = b""
    for marker, name in ((0xE1, b"Exif\0\0"), (0xE1, b"http://ns.adobe.com/xap/1.0/\0"), (0xE2, b"ICC_PROFILE\0\1\1")):
        body = name + CANARY.encode() + b" segment"
        segments += bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body
    comment = b"\xff\xfe\x00\x14" + CANARY.encode().ljust(18, b".")
    data = stream[:2] + segments + comment + stream[2:] + f"{CANARY} trailer".encode()
    data += b"\0" * (len(data) % 2)
    half = len(data) // 4 * 2
    parts = [b"\0\0\0\0", data[:half], data[half:]]
    return b"".join(b"\xfe\xff\x00\xe0" + len(part).to_bytes(4, "little") + part for part in parts)


def _item(**values: object) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item
