"""DICOM objects in and out: files are read without trust and written from nothing.

ds = read(path)                          # Quarantined(UNREADABLE) where it is not a whole object
...
data = to_bytes(clean, syntax)           # zero preamble, file meta of our own, no group lengths
"""

from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

import pydicom
from pydicom import Dataset, FileDataset, dcmread, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.filereader import read_dataset, read_preamble
from pydicom.uid import (
    JPEG2000,
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    RLELossless,
)

from service import __version__
from service.errors import Quarantined
from service.states import Cause

SYNTAXES: Final = frozenset(
    {
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
        ExplicitVRBigEndian,
        JPEGBaseline8Bit,
        JPEGExtended12Bit,
        JPEG2000Lossless,
        JPEG2000,
        HTJ2KLossless,
        HTJ2KLosslessRPCL,
        RLELossless,
    }
)
"""What can be read. Deflated objects cannot: their size is known only after they have been unpacked."""

IMPLEMENTATION_UID: Final = UID("2.25.99726557450813088041679250351541456566")
IMPLEMENTATION_NAME: Final = f"VERAGATE_{__version__}"[:16]

# pydicom quotes the values that it finds odd in its warnings, and they are patient data.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE


def read(source: Path | bytes) -> FileDataset:
    """The whole object, elements parsed when they are first looked at.

    Raises Quarantined: UNREADABLE (no DICOM file, no transfer syntax, cut off), UNSUPPORTED (syntax not in SYNTAXES).
    """
    try:
        if _transfer_syntax(source) not in SYNTAXES:
            raise Quarantined(Cause.UNSUPPORTED, "transfer syntax")
        ds = dcmread(BytesIO(source) if isinstance(source, bytes) else source)
    except Quarantined:
        raise
    except Exception as error:  # a corrupt file may raise anything from deep inside the parser
        raise Quarantined(Cause.UNREADABLE) from error
    if "PixelData" not in ds:
        raise Quarantined(Cause.UNREADABLE, "no pixel data")
    return ds


def to_bytes(ds: Dataset, syntax: UID) -> bytes:
    """A DICOM file (PS3.10 7.1) with zero preamble and only the file meta elements that are required."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ds.SOPClassUID
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = IMPLEMENTATION_NAME
    file = FileDataset("", ds, preamble=b"\0" * 128, file_meta=meta)
    buffer = BytesIO()
    dcmwrite(buffer, file, enforce_file_format=True, implicit_vr=False, little_endian=True)
    return buffer.getvalue()


def _transfer_syntax(source: Path | bytes) -> UID:
    """From the file meta alone: reading on would unpack a deflated data set, however large."""
    with closing(_open(source)) as file:
        read_preamble(file, force=False)
        meta = read_dataset(file, False, True, stop_when=lambda tag, vr, length: tag >= 0x00030000)
    return UID(meta.TransferSyntaxUID)


def _open(source: Path | bytes) -> BinaryIO:
    return BytesIO(source) if isinstance(source, bytes) else source.open("rb")
