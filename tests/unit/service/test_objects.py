import zlib
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread, dcmwrite
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, JPEGBaseline8Bit

from service.errors import Quarantined
from service.objects import IMPLEMENTATION_UID, read, to_bytes
from service.states import Cause
from tests.support.photographs import photograph, save, teeth


def as_bytes() -> bytes:
    buffer = BytesIO()
    dcmwrite(buffer, photograph(teeth(), "IV07"), enforce_file_format=True)
    return buffer.getvalue()


def test_a_whole_object_is_read_from_file_and_from_bytes(tmp_path: Path) -> None:
    """A photograph comes back with its pixels, from a path and from bytes."""
    path = save(photograph(teeth(), "IV07"), tmp_path / "a.dcm")
    assert read(path).PixelData == read(path.read_bytes()).PixelData


@pytest.mark.parametrize("data", [b"", b"not dicom", b"\0" * 128 + b"DICM", b"\0" * 500])
def test_what_is_no_object_is_unreadable(data: bytes) -> None:
    """Anything that is no DICOM file is held as unreadable."""
    with pytest.raises(Quarantined) as held:
        read(data)
    assert held.value.cause is Cause.UNREADABLE


@pytest.mark.parametrize("part", [0.02, 0.1, 0.3])
def test_a_cut_off_object_is_unreadable(part: float) -> None:
    """An object that ends before its pixel data does is held as unreadable."""
    data = as_bytes()
    with pytest.raises(Quarantined) as held:
        read(data[: int(len(data) * part)])
    assert held.value.cause is Cause.UNREADABLE


def test_a_deflated_object_is_refused_before_it_is_unpacked() -> None:
    """A small deflated file that would unpack to half a gigabyte is refused by its transfer syntax alone."""
    head = to_bytes(photograph(teeth(), "IV07"), JPEGBaseline8Bit)
    meta = dcmread(BytesIO(head)).file_meta
    meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    buffer = BytesIO()
    dcmwrite(buffer, photograph(teeth(), "IV07", syntax=ExplicitVRLittleEndian), enforce_file_format=True)
    plain = dcmread(BytesIO(buffer.getvalue()))
    plain.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    out = BytesIO()
    dcmwrite(out, plain, enforce_file_format=True)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = out.getvalue()[:300] + packer.compress(b"\0" * 2**24) + packer.flush()
    with pytest.raises(Quarantined) as held:
        read(bomb)
    assert held.value.cause is Cause.UNSUPPORTED


def test_the_file_meta_is_written_from_nothing() -> None:
    """Preamble, AE titles and private information of the source do not come out again."""
    source = photograph(teeth(), "IV07")
    source.preamble = b"C" * 128
    source.file_meta.SourceApplicationEntityTitle = "CAMERA7"
    source.file_meta.PrivateInformationCreatorUID, source.file_meta.PrivateInformation = "1.2.3", b"CANARY"
    data = to_bytes(source, JPEGBaseline8Bit)
    assert data[:128] == b"\0" * 128
    assert b"CAMERA7" not in data
    meta = dcmread(BytesIO(data)).file_meta
    assert {element.keyword for element in meta} == {
        "FileMetaInformationGroupLength",
        "FileMetaInformationVersion",
        "MediaStorageSOPClassUID",
        "MediaStorageSOPInstanceUID",
        "TransferSyntaxUID",
        "ImplementationClassUID",
        "ImplementationVersionName",
    }
    assert meta.ImplementationClassUID == IMPLEMENTATION_UID
