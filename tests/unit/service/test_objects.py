import tracemalloc
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import FileDataset, dcmread, dcmwrite
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, JPEGBaseline8Bit

from service import objects
from service.errors import Quarantined
from service.objects import IMPLEMENTATION_UID, read, read_header, to_bytes
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


def deflated(source: FileDataset) -> bytes:
    source.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    buffer = BytesIO()
    dcmwrite(buffer, source, enforce_file_format=True)
    return buffer.getvalue()


def behind_meta(data: bytes) -> int:
    """Where the data set begins."""
    return 144 + int.from_bytes(data[140:144], "little")


def test_a_deflated_object_is_the_one_inside_it(tmp_path: Path) -> None:
    """A deflated object reads as the uncompressed one, and so does its header alone."""
    source = photograph(teeth(), "IV07", syntax=ExplicitVRLittleEndian)
    pixels, name = source.PixelData, str(source.PatientID)
    source.file_meta.SourceApplicationEntityTitle = "CAMERA7"
    data = deflated(source)
    (tmp_path / "a.dcm").write_bytes(data)
    ds = read(data)
    assert ds.PixelData == pixels
    assert ds.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert ds.file_meta.SourceApplicationEntityTitle == "CAMERA7"
    assert read_header(tmp_path / "a.dcm", ["PatientID"]) == {"PatientID": name}


def test_a_deflated_bomb_is_held_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file that would unpack to more than any photograph needs is held, in bounded memory."""
    data = deflated(photograph(teeth(), "IV07", syntax=ExplicitVRLittleEndian))
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    zeros = b"".join(packer.compress(b"\0" * 2**22) for _ in range(16)) + packer.flush()
    bomb = data[: behind_meta(data)] + zeros
    assert len(bomb) < 2**19
    monkeypatch.setattr(objects, "INFLATED_BYTES", 2**22)
    tracemalloc.start()
    (tmp_path / "bomb.dcm").write_bytes(bomb)
    with pytest.raises(Quarantined) as held:
        read(bomb)
    assert held.value.cause is Cause.TOO_MANY_PIXELS
    assert read_header(tmp_path / "bomb.dcm", ["PatientID"]) == {}
    assert tracemalloc.get_traced_memory()[1] < 2**26
    tracemalloc.stop()


def test_a_deflated_object_that_is_cut_off_is_unreadable() -> None:
    """A deflated stream without its end is held as unreadable."""
    data = deflated(photograph(teeth(), "IV07", syntax=ExplicitVRLittleEndian))
    with pytest.raises(Quarantined) as held:
        read(data[:-200])
    assert held.value.cause is Cause.UNREADABLE


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
