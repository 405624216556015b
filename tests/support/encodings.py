"""One picture in every form that a photograph can come in: syntax, photometric interpretation, subsampling, planes.

for form in FORMS: ds = encoded(form)      # `golden()` in that form, as an object of a camera
"""

import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image
from pydicom import FileDataset, dcmread
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.processing import convert_color_space
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
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

from service.jpeg import with_colour
from tests.support.photographs import as_read, photograph

Array = NDArray[np.uint8]
GREY = ("MONOCHROME1", "MONOCHROME2")
_DATA = Path(__file__).with_name("data")
_BY_OPENJPH = {HTJ2KLossless: "golden.j2c", HTJ2K: "golden_lossy.j2c"}  # made once by imagecodecs
_PALETTE = np.stack(np.meshgrid(*[np.linspace(0, 255, n).astype(np.uint8) for n in (6, 7, 6)]), -1).reshape(-1, 3)
_NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)


@dataclass(frozen=True)
class Form:
    """How the picture is encoded; `loss` is how far a decoded value may be from the golden one."""

    syntax: UID
    photometric: str
    detail: str = ""
    loss: int = 0

    def __str__(self) -> str:
        return " ".join(filter(None, (self.syntax.name.partition(" (")[0], self.photometric, self.detail)))

    @property
    def grey(self) -> bool:
        return self.photometric in GREY


FORMS = (
    *(Form(syntax, "RGB") for syntax in _NATIVE),
    Form(ExplicitVRLittleEndian, "RGB", "planes"),
    Form(ExplicitVRBigEndian, "YBR_FULL", loss=2),
    *(Form(ExplicitVRLittleEndian, "YBR_FULL", detail, 2) for detail in ("", "planes")),
    Form(ExplicitVRLittleEndian, "YBR_FULL_422", loss=140),
    *(Form(syntax, name) for syntax in (ExplicitVRLittleEndian, RLELossless) for name in (*GREY, "PALETTE COLOR")),
    Form(ExplicitVRLittleEndian, "PALETTE COLOR", "8 bits"),
    Form(RLELossless, "RGB"),
    Form(RLELossless, "YBR_FULL", loss=2),
    Form(JPEG2000Lossless, "YBR_RCT"),
    Form(JPEG2000Lossless, "RGB"),
    *(Form(JPEG2000Lossless, name) for name in GREY),
    Form(JPEG2000, "YBR_ICT", loss=60),
    Form(HTJ2KLossless, "YBR_RCT"),
    Form(HTJ2K, "YBR_ICT", loss=6),
    *(Form(JPEGLSLossless, name) for name in ("RGB", *GREY, "PALETTE COLOR")),
    Form(JPEGLSLossless, "YBR_FULL", loss=2),
    Form(JPEGLSNearLossless, "RGB", loss=2),
    *(Form(syntax, name) for syntax in (JPEGLossless, JPEGLosslessSV1) for name in ("RGB", *GREY)),
    Form(JPEGLosslessSV1, "YBR_FULL", loss=2),
    *(Form(JPEGBaseline8Bit, "YBR_FULL_422", ratio, 180) for ratio in ("4:4:4", "4:2:2", "4:4:0", "4:2:0", "4:1:1")),
    Form(JPEGBaseline8Bit, "YBR_FULL", "4:4:4", 60),
    Form(JPEGBaseline8Bit, "YBR_FULL_422", "progressive", 180),
    Form(JPEGBaseline8Bit, "YBR_FULL_422", "no marker", 180),
    Form(JPEGBaseline8Bit, "RGB", loss=60),
    *(Form(JPEGBaseline8Bit, name, loss=40) for name in GREY),
    Form(JPEGExtended12Bit, "YBR_FULL_422", "4:2:0", 180),
)


def form_named(name: str) -> Form:
    """The form that goes by this name; KeyError for none."""
    return {str(form): form for form in FORMS}[name]


@cache
def golden() -> Array:
    """RGB [120, 160, 3]: bars of saturated colours and skin over soft ramps, one block of fine grain."""
    rows, columns = np.mgrid[0:120, 0:160]
    picture = np.stack([columns * 255 // 159, rows * 255 // 119, 255 - columns * 255 // 159], -1).astype(np.uint8)
    bars = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (224, 172, 138), (94, 58, 40), (0, 0, 0), (255,) * 3]
    for number, bar in enumerate(bars):
        picture[4:28, 20 * number : 20 * number + 20] = bar
    picture[60:76, 110:150] = np.random.default_rng(5).integers(96, 160, (16, 40, 3))
    return picture


def golden_for(form: Form) -> Array:
    """What a viewer shows of it, RGB, had nothing been lost."""
    if form.grey:
        return np.repeat(_luminance()[..., None], 3, axis=2)
    return _PALETTE[_indices()] if form.photometric == "PALETTE COLOR" else golden()


def encoded(form: Form, view: str | None = "EV19", frames: int = 1, **values: object) -> FileDataset:
    """`golden()` in that form; further `frames` are the same picture again, `values` are set at the end."""
    ds = photograph(golden(), view, syntax=ExplicitVRLittleEndian)
    ds.PhotometricInterpretation = form.photometric
    stored = _stored(form)
    if stored.ndim == 2:
        ds.SamplesPerPixel = 1
        del ds.PlanarConfiguration
    if form.photometric == "PALETTE COLOR":
        _add_palette(ds, bits=8 if form.detail == "8 bits" else 16)
    ds.file_meta.TransferSyntaxUID = form.syntax
    if frames > 1:
        ds.NumberOfFrames = frames
    if form.syntax in _NATIVE:
        ds.PixelData = stored.tobytes() * frames
        ds.PlanarConfiguration = 1 if form.detail == "planes" else 0
        if ds.SamplesPerPixel == 1:
            del ds.PlanarConfiguration
    else:
        ds.PixelData = encapsulate([_compressed(form, ds, stored)] * frames)
        ds["PixelData"].is_undefined_length = True
    ds["PixelData"].VR = "OB"
    if form.syntax in _METHODS:
        ds.LossyImageCompression, ds.LossyImageCompressionRatio = "01", "10"
        ds.LossyImageCompressionMethod = _METHODS[form.syntax]
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return as_read(ds)


_METHODS = {
    JPEGBaseline8Bit: "ISO_10918_1",
    JPEGExtended12Bit: "ISO_10918_1",
    JPEG2000: "ISO_15444_1",
    HTJ2K: "ISO_15444_15",
    JPEGLSNearLossless: "ISO_14495_1",
}


@cache
def _luminance() -> Array:
    return np.rint(golden() @ [0.299, 0.587, 0.114]).astype(np.uint8)


@cache
def _indices() -> Array:
    """Of the nearest colour in the palette."""
    away = ((golden()[:, :, None].astype(int) - _PALETTE.astype(int)) ** 2).sum(-1)
    return away.argmin(-1).astype(np.uint8)


def _stored(form: Form) -> Array:
    """The samples as the photometric interpretation has them, in the order of the planes."""
    if form.grey:
        return ~_luminance() if form.photometric == "MONOCHROME1" else _luminance()
    if form.photometric == "PALETTE COLOR":
        return _indices()
    if form.syntax in (JPEGBaseline8Bit, JPEGExtended12Bit, JPEG2000, JPEG2000Lossless, HTJ2KLossless, HTJ2K):
        return golden()
    samples = golden() if form.photometric == "RGB" else convert_color_space(golden(), "RGB", "YBR_FULL")
    if form.photometric == "YBR_FULL_422":
        pairs = samples.reshape(120, 80, 2, 3)
        chroma = pairs[..., 1:].mean(axis=2).round().astype(np.uint8)
        return np.concatenate([pairs[..., 0], chroma], axis=-1)
    return np.ascontiguousarray(samples.transpose(2, 0, 1)) if form.detail == "planes" else samples


def _add_palette(ds: FileDataset, bits: int) -> None:
    for number, colour in enumerate(("Red", "Green", "Blue")):
        entries = _PALETTE[:, number]
        data = entries.tobytes() if bits == 8 else (entries.astype("<u2") * 257).tobytes()
        ds.add_new(f"{colour}PaletteColorLookupTableDescriptor", "US", [len(_PALETTE), 0, bits])
        ds.add_new(f"{colour}PaletteColorLookupTableData", "OW", data)


def _compressed(form: Form, ds: FileDataset, stored: Array) -> bytes:
    if form.syntax in (JPEGBaseline8Bit, JPEGExtended12Bit):
        return _jpeg(form, stored)
    if form.syntax in (JPEGLossless, JPEGLosslessSV1):
        return _jpeg_lossless(form, ds, stored)
    if form.syntax in _BY_OPENJPH:
        return (_DATA / _BY_OPENJPH[form.syntax]).read_bytes()
    plain = photograph(golden(), None, syntax=ExplicitVRLittleEndian)
    plain.SamplesPerPixel = 1 if stored.ndim == 2 else 3
    plain.PhotometricInterpretation = "MONOCHROME2" if stored.ndim == 2 else form.photometric
    plain.PixelData = stored.tobytes()
    extra = {JPEG2000: {"j2k_psnr": [42]}, JPEGLSNearLossless: {"jls_error": 2}}.get(form.syntax, {})
    plain.compress(form.syntax, generate_instance_uid=False, encapsulate_ext=False, **extra)
    return _only_frame(plain)


def _only_frame(ds: FileDataset) -> bytes:
    return next(generate_frames(ds.PixelData, number_of_frames=1))


def _jpeg(form: Form, stored: Array) -> bytes:
    if form.grey:
        return bytes(simplejpeg.encode_jpeg(stored[..., None], quality=92, colorspace="GRAY"))
    if form.photometric == "RGB":  # three components that are what they are, and a marker that says so
        stream = BytesIO()
        Image.merge("RGB", [Image.fromarray(stored[..., c]) for c in range(3)]).save(
            stream, "JPEG", quality=92, keep_rgb=True
        )
        return stream.getvalue()
    ratio = form.detail if form.detail.startswith("4") else "4:2:0"
    data = bytes(simplejpeg.encode_jpeg(stored, quality=92, colorsubsampling=ratio.replace(":", "")))
    if form.detail == "progressive":
        stream = BytesIO()
        Image.fromarray(stored).save(stream, "JPEG", quality=92, progressive=True)
        return stream.getvalue()
    if form.detail == "no marker":
        data = with_colour(data, ycc=True)
        return data[:2] + data[18:]
    return data.replace(b"\xff\xc0", b"\xff\xc1", 1) if form.syntax == JPEGExtended12Bit else data


def _jpeg_lossless(form: Form, ds: FileDataset, stored: Array) -> bytes:
    """By DCMTK, whose encoder is not the library that decodes here."""
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "a.dcm", Path(folder) / "b.dcm"
        plain = photograph(golden(), None, syntax=ExplicitVRLittleEndian)
        plain.SamplesPerPixel = 1 if form.grey else 3
        plain.PhotometricInterpretation = "MONOCHROME2" if form.grey else "RGB"
        plain.PixelData = stored.tobytes()
        plain.save_as(before)
        option = ["+el", "+sv", "6"] if form.syntax == JPEGLossless else ["+e1"]
        subprocess.run(["dcmcjpeg", *option, before, after], check=True, capture_output=True)
        return _only_frame(dcmread(after))
