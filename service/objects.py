"""DICOM objects in and out: files are read without trust and written from nothing.

ds = read(path)                          # Quarantined(UNREADABLE) where it is not a whole object
values = read_header(path, ["PatientID"])    # a few elements, by keyword; nothing large is unpacked for them
...
data = to_bytes(clean, syntax)           # zero preamble, file meta of our own, no group lengths
"""

import struct
import zlib
from contextlib import closing
from io import BytesIO
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import BinaryIO, Final

import pydicom
from pydicom import Dataset, FileDataset, dcmread, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.filereader import read_dataset, read_preamble
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from service import __version__
from service.charsets import text_beyond_ascii
from service.encoding import UnknownValue, encode
from service.errors import Quarantined
from service.scanning import check_structure
from service.states import Cause

SYNTAXES: Final = frozenset(
    {
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
        JPEGBaseline8Bit,
        JPEGExtended12Bit,
        JPEGLossless,
        JPEGLosslessSV1,
        JPEGLSLossless,
        JPEGLSNearLossless,
        JPEG2000Lossless,
        JPEG2000,
        HTJ2KLossless,
        HTJ2KLosslessRPCL,
        HTJ2K,
        RLELossless,
    }
)
"""What can be read."""

IMPLEMENTATION_UID: Final = UID("2.25.99726557450813088041679250351541456566")
IMPLEMENTATION_NAME: Final = f"VERAGATE_{__version__}"[:16]

INFLATED_BYTES: Final = 1 << 29  # to which a deflated object may unpack
_INFLATED_HEADER: Final = 1 << 22
_HEAD: Final = b"\0" * 128 + b"DICM\x02\0\x10\0UI\x14\x00" + str(ExplicitVRLittleEndian).encode() + b"\0"

# pydicom quotes the values that it finds odd in its warnings, and they are patient data.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE


def read(source: Path | bytes) -> FileDataset:
    """The whole object, elements parsed when they are first looked at.

    A deflated object is given as the Explicit VR Little Endian one inside it.

    Raises Quarantined: UNREADABLE (no DICOM file, no transfer syntax, cut off), UNSUPPORTED (syntax not in SYNTAXES,
    or too many elements), TOO_MANY_PIXELS (a deflated one that unpacks to more than INFLATED_BYTES).
    """
    try:
        meta, begin = _file_meta(source)
        if UID(meta.TransferSyntaxUID) not in SYNTAXES:
            raise Quarantined(Cause.UNSUPPORTED, "transfer syntax")
        if meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian:
            plain = _inflated(source, begin, INFLATED_BYTES, whole=True)
            check_structure(plain, len(_HEAD), explicit=True)
            ds = dcmread(BytesIO(plain))
            ds.file_meta = FileMetaDataset(meta)
            ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        else:
            _check_structure(source, begin, UID(meta.TransferSyntaxUID))
            ds = dcmread(BytesIO(source) if isinstance(source, bytes) else source)
    except Quarantined:
        raise
    except Exception as error:  # a corrupt file may raise anything from deep inside the parser
        raise Quarantined(Cause.UNREADABLE) from error
    if "PixelData" not in ds:
        raise Quarantined(Cause.UNREADABLE, "no pixel data")
    return ds


def read_header(source: Path, keywords: list[str]) -> dict[str, str]:
    """The values of a few elements in front of the pixels, as text; empty when the file cannot be parsed."""
    try:
        meta, begin = _file_meta(source)
        file: Path | BytesIO = source
        if meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian:
            plain = _inflated(source, begin, _INFLATED_HEADER, whole=False)
            check_structure(plain, len(_HEAD), explicit=True)
            file = BytesIO(plain)
        else:
            _check_structure(source, begin, UID(meta.TransferSyntaxUID))
        ds = dcmread(file, stop_before_pixels=True, specific_tags=keywords)
        read = {name: text for name in keywords if (text := text_beyond_ascii(ds, name))}
        return {element.keyword: str(element.value) for element in ds if element.value is not None} | read
    except Exception:  # a corrupt file may raise anything from deep inside the parser
        return {}


def to_bytes(ds: Dataset, syntax: UID) -> bytes:
    """A DICOM file (PS3.10 7.1) with zero preamble and only the file meta elements that are required."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = ds.SOPClassUID
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = IMPLEMENTATION_NAME
    try:
        head, body = encode(meta), encode(ds)
    except UnknownValue:
        return _written(ds, meta)
    length = struct.pack("<HH2sHI", 0x0002, 0x0000, b"UL", 4, len(head))
    return b"".join([b"\0" * 128, b"DICM", length, head, body])


def _written(ds: Dataset, meta: FileMetaDataset) -> bytes:
    file = FileDataset("", ds, preamble=b"\0" * 128, file_meta=meta)
    buffer = BytesIO()
    dcmwrite(buffer, file, enforce_file_format=True, implicit_vr=False, little_endian=True)
    return buffer.getvalue()


def _file_meta(source: Path | bytes) -> tuple[Dataset, int]:
    """The file meta alone, and where it ends: reading on would unpack a deflated data set, however large."""
    with closing(_open(source)) as file:
        read_preamble(file, force=False)
        start = file.tell()
        meta = read_dataset(file, False, True, stop_when=lambda tag, vr, length: tag >= 0x00030000)
        length = meta.get("FileMetaInformationGroupLength")
        return meta, start + 12 + int(length) if length is not None else file.tell()


def _inflated(source: Path | bytes, begin: int, most: int, *, whole: bool) -> bytes:
    """What lies behind the file meta of a deflated object (PS3.5 A.5), in a file of its own; never more than `most`."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    with closing(_open(source)) as file:
        file.seek(begin)
        data = inflater.decompress(file.read(), most)
    if whole and inflater.unconsumed_tail:
        raise Quarantined(Cause.TOO_MANY_PIXELS, "a deflated object that unpacks to too much")
    if whole and not inflater.eof:
        raise Quarantined(Cause.UNREADABLE, "cut off")
    return _HEAD + data


def _check_structure(source: Path | bytes, begin: int, syntax: UID) -> None:
    how = {"explicit": syntax != ImplicitVRLittleEndian, "big_endian": syntax == ExplicitVRBigEndian}
    if isinstance(source, bytes):
        check_structure(source, begin, **how)
        return
    with source.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        check_structure(data, begin, **how)


def _open(source: Path | bytes) -> BinaryIO:
    return BytesIO(source) if isinstance(source, bytes) else source.open("rb")
