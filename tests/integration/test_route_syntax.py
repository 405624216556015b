"""Pictures leave in their own transfer syntax where it can be written, else in the route's: from sender to archive."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, FileDataset
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLSLossless,
    RLELossless,
)

from service.pixels import decode
from service.settings import Limits
from service.states import PhotographState
from tests.support.encodings import encoded, form_named
from tests.support.fakefaces import BOX, FakeFaces
from tests.support.journeys import journey

pytestmark = [pytest.mark.integration, pytest.mark.needs("dcmtk")]

HTJ2K_LOSSLESS = "High-Throughput JPEG 2000 Image Compression YBR_RCT"
HTJ2K_LOSSY = "High-Throughput JPEG 2000 Image Compression YBR_ICT"
EXTENDED = "JPEG Extended YBR_FULL_422 4:2:0"
LOSSLESS_JPEG = "JPEG Lossless, Non-Hierarchical RGB"
PLAIN = "Explicit VR Little Endian RGB"
CHOICES = [
    ("explicit-little-endian", ExplicitVRLittleEndian, "RGB"),
    ("jpeg-2000-lossless", JPEG2000Lossless, "YBR_RCT"),
    ("jpeg-ls-lossless", JPEGLSLossless, "RGB"),
    ("rle-lossless", RLELossless, "RGB"),
]


def sent(name: str, view: str) -> FileDataset:
    return encoded(form_named(name), view)


def arrived(folder: Path, ds: FileDataset, face: bool, **route: Any) -> Dataset:
    """What the archive was sent of it."""
    done = journey(folder, FakeFaces(BOX) if face else FakeFaces(), ds, **route)
    assert [row.state for row in done.photographs] == [PhotographState.FORWARDED], done.photographs[0].cause
    (result,) = done.arrived
    return result


@pytest.mark.parametrize(("choice", "syntax", "photometric"), CHOICES)
@pytest.mark.parametrize("name", [HTJ2K_LOSSLESS, HTJ2K_LOSSY, LOSSLESS_JPEG])
def test_what_cannot_stay_as_it_is_encoded_leaves_in_the_routes_syntax(
    tmp_path: Path, name: str, choice: str, syntax: UID, photometric: str
) -> None:
    """A source whose syntax cannot be written arrives in the one that the route names, outside the face to the bit."""
    ds = sent(name, "EV19")
    result = arrived(tmp_path, ds, True, fallback_syntax=choice)

    assert (result.file_meta.TransferSyntaxUID, result.PhotometricInterpretation) == (syntax, photometric)
    before, after = decode(ds, Limits()).rgb, decode(result, Limits()).rgb
    assert np.array_equal(after[:, 136:], before[:, 136:])
    assert not np.array_equal(after[48:72, 48:96], before[48:72, 48:96])


def test_a_route_that_says_nothing_sends_uncompressed_pictures(tmp_path: Path) -> None:
    """Without the setting such a source leaves as Explicit VR Little Endian."""
    assert arrived(tmp_path, sent(HTJ2K_LOSSLESS, "EV19"), True).file_meta.TransferSyntaxUID == ExplicitVRLittleEndian


@pytest.mark.parametrize(
    ("name", "view", "syntax"),
    [
        (PLAIN, "EV19", ExplicitVRLittleEndian),
        ("Implicit VR Little Endian RGB", "EV19", ExplicitVRLittleEndian),
        ("JPEG-LS Lossless Image Compression RGB", "EV19", JPEGLSLossless),
        ("JPEG 2000 Image Compression YBR_RCT", "EV19", JPEG2000Lossless),
        ("JPEG Baseline YBR_FULL_422 4:2:0", "EV19", JPEGBaseline8Bit),
        (LOSSLESS_JPEG, "IV07", JPEGLossless),
    ],
)
def test_what_can_stay_as_it_is_encoded_does(tmp_path: Path, name: str, view: str, syntax: UID) -> None:
    """The route's syntax touches no picture that can be written in its own, nor an uncompressed one."""
    result = arrived(tmp_path, sent(name, view), view == "EV19", fallback_syntax="rle-lossless")
    assert result.file_meta.TransferSyntaxUID == syntax


def test_a_loss_of_the_source_stays_on_record_in_a_syntax_without_loss(tmp_path: Path) -> None:
    """Written without loss, a picture that once lost something says so still, by its source's own method."""
    result = arrived(tmp_path, sent(HTJ2K_LOSSY, "EV19"), True, fallback_syntax="jpeg-2000-lossless")
    assert result.LossyImageCompression == "01"
    assert (result.LossyImageCompressionMethod, float(result.LossyImageCompressionRatio)) == ("ISO_15444_15", 10.0)
    assert "DerivationCodeSequence" not in result

    exact = arrived(tmp_path / "b", sent(HTJ2K_LOSSLESS, "EV19"), True, fallback_syntax="jpeg-2000-lossless")
    assert exact.LossyImageCompression != "01"


def test_a_second_loss_is_stated_beside_the_first(tmp_path: Path) -> None:
    """A JPEG Extended source keeps its kind, and what was compressed anew around the face is one more entry."""
    result = arrived(tmp_path, sent(EXTENDED, "EV19"), True, fallback_syntax="jpeg-2000-lossless")
    assert result.file_meta.TransferSyntaxUID in (JPEGExtended12Bit, JPEGBaseline8Bit)
    assert list(result.LossyImageCompressionMethod) == ["ISO_10918_1", "ISO_10918_1"]
    assert [float(ratio) > 1 for ratio in result.LossyImageCompressionRatio] == [True, True]
    assert result.DerivationCodeSequence[0].CodeValue == "113040"


def test_a_picture_without_a_face_arrives_to_the_bit_in_the_routes_syntax(tmp_path: Path) -> None:
    """An intra-oral HTJ2K photograph keeps every pixel through the change of its syntax."""
    ds = sent(HTJ2K_LOSSLESS, "IV07")
    result = arrived(tmp_path, ds, False, fallback_syntax="jpeg-ls-lossless")
    assert result.file_meta.TransferSyntaxUID == JPEGLSLossless
    assert np.array_equal(decode(result, Limits()).rgb, decode(ds, Limits()).rgb)
