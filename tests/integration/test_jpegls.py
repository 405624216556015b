"""JPEG-LS that leaves the gateway, read by a decoder that shares nothing with the codec that wrote it."""

import subprocess
from pathlib import Path

import cv2
import jpeg_ls
import numpy as np
import pytest
from pydicom import dcmread

from service.pixels import decode, single_frame
from service.settings import Limits
from service.storage_classes import MULTI_FRAME_TRUE_COLOR
from tests.support import jpegls
from tests.support.encodings import FORMS, Form, encoded, form_named, golden
from tests.support.fakefaces import BOX, FakeFaces
from tests.support.journeys import journey
from tests.support.photographs import as_read, save

pytestmark = [pytest.mark.integration, pytest.mark.needs("dcmtk")]

IN_JPEG_LS = [form for form in FORMS if form.syntax.name.startswith("JPEG-LS")]
ELSEWHERE = ["High-Throughput JPEG 2000 Image Compression YBR_RCT", "JPEG Lossless, Non-Hierarchical MONOCHROME2"]


def pictures() -> list[np.ndarray]:
    """What runs, contexts and limits are for: flat, ramps, grain, full contrast, narrow, and a single row."""
    rng = np.random.default_rng(1)
    plain = golden()
    flat = np.full((40, 70, 3), 9, np.uint8)
    flat[20:, 30] = 200
    loud = rng.choice([0, 255], (30, 50, 3)).astype(np.uint8)
    return [plain, plain[..., 1], flat, flat[..., 0], loud, loud[..., 0], plain[:, :1], plain[:1], plain[:9, :3, 0]]


@pytest.mark.parametrize("near", [0, 1, 3])
@pytest.mark.parametrize("number", range(len(pictures())))
def test_the_judge_reads_what_the_codec_writes(number: int, near: int) -> None:
    """The decoder of the tests gives back the picture, near-lossless ones within their bound, and as CharLS does."""
    picture = np.ascontiguousarray(pictures()[number])
    stream = bytes(jpeg_ls.encode_array(picture, lossy_error=near))
    shown = jpegls.decode(stream)
    assert np.array_equal(shown, jpeg_ls.decode(np.frombuffer(stream, np.uint8)).reshape(picture.shape))
    assert np.abs(shown.astype(int) - picture).max() <= near


def test_ffmpeg_agrees_with_the_judge(tmp_path: Path) -> None:
    """A third decoder, FFmpeg's, shows grey pictures as the decoder of the tests does; it reads no others."""
    for number, picture in enumerate(pictures()[1:6:2]):
        (tmp_path / f"{number}.jls").write_bytes(bytes(jpeg_ls.encode_array(np.ascontiguousarray(picture))))
        shown, image = cv2.VideoCapture(str(tmp_path / f"{number}.jls"), cv2.CAP_FFMPEG).read()
        assert shown
        assert np.array_equal(image[..., 0], jpegls.decode((tmp_path / f"{number}.jls").read_bytes()))


@pytest.mark.parametrize("form", [*IN_JPEG_LS, *(form_named(name) for name in ELSEWHERE)], ids=str)
@pytest.mark.parametrize("view", ["EV19", "IV07"])
def test_what_leaves_in_jpeg_ls_is_what_came(tmp_path: Path, form: Form, view: str) -> None:
    """Outside the face every sample of the stream that arrives is the source's, for the judge and for DCMTK."""
    faces = FakeFaces(BOX) if view == "EV19" else FakeFaces()
    ds = encoded(form, view)
    (result,) = journey(tmp_path / "gateway", faces, ds, fallback_syntax="jpeg-ls-lossless").arrived
    if form.syntax.name.startswith("JPEG Lossless") and view == "IV07":
        assert result.file_meta.TransferSyntaxUID == form.syntax  # nothing changed, so it stayed as it was
        return
    before = decode(as_read(ds), Limits()).rgb
    same = np.ones(before.shape[:2], bool)
    if view == "EV19":
        same = ~faces.replace(decode(as_read(ds), Limits()), np.zeros(4, np.float32), {"mouth"}).changed
    for samples in (jpegls.decode(single_frame(result)), _by_dcmtk(result, tmp_path)):
        shown = samples[..., None].repeat(3, axis=2) if samples.ndim == 2 else samples
        shown = ~shown if result.PhotometricInterpretation == "MONOCHROME1" else shown
        assert np.array_equal(shown[same], before[same])
        assert same.all() or not np.array_equal(shown, before)


def test_every_frame_leaves_as_it_came(tmp_path: Path) -> None:
    """Each of several frames is a stream of its own that the judge reads."""
    form = form_named("JPEG-LS Lossless Image Compression RGB")
    ds = encoded(form, "IV07", 3, SOPClassUID=MULTI_FRAME_TRUE_COLOR, Modality="XC", ConversionType="DI")
    ds.file_meta.MediaStorageSOPClassUID = MULTI_FRAME_TRUE_COLOR
    (result,) = journey(tmp_path, FakeFaces(), as_read(ds)).arrived
    for number in range(3):
        assert np.array_equal(jpegls.decode(single_frame(result, number)), golden())


def _by_dcmtk(ds: object, folder: Path) -> np.ndarray:
    file, plain = save(ds, folder / "result.dcm"), folder / "plain.dcm"  # type: ignore[arg-type]
    subprocess.run(["dcmdjpls", str(file), str(plain)], check=True, capture_output=True, timeout=60)
    done = dcmread(plain)
    size = done.Rows * done.Columns * done.SamplesPerPixel
    samples = np.frombuffer(done.PixelData, np.uint8)[:size].reshape(done.Rows, done.Columns, -1)
    if done.get("PlanarConfiguration") == 1:
        samples = np.frombuffer(done.PixelData, np.uint8)[:size].reshape(-1, done.Rows, done.Columns).transpose(1, 2, 0)
    return samples[..., 0] if done.SamplesPerPixel == 1 else samples
