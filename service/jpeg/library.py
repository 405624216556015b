"""The door to jpeglib: coefficients of a stream in, a stream with coefficients out, never by way of the disk."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import jpeglib
import numpy as np
from jpeglib._bind import CJpegLib

from service.jpeg.segments import JpegError
from service.jpeg.stream import Stream, strip, with_colour

NAMES = ("Y", "Cb", "Cr")


@contextmanager
def opened(data: bytes) -> Iterator[Any]:
    """A jpeglib object with its coefficients loaded and nothing of the source's markers."""
    with _file(data) as path:
        try:
            jpeg = jpeglib.read_dct(path)
            _load(jpeg, path)
        except OSError as error:
            raise JpegError("the coefficients cannot be read") from error
    jpeg.content, jpeg.markers = None, []
    yield jpeg


def _load(jpeg: Any, path: str) -> None:
    """What `DCTJPEG.load` does, without its copy of the picture in the temporary folder."""
    names = NAMES[: jpeg.num_components]
    buffers = [jpeg._alloc_dct_component(index) for index in range(jpeg.num_components)]
    tables, numbers = ((ctypes.c_ushort * 64) * 4)(), (ctypes.c_short * 4)()
    CJpegLib.read_jpeg_dct(path, *[*buffers, None, None, None][:4], tables, numbers)
    for name, buffer in zip(names, buffers, strict=True):
        blocks = np.ctypeslib.as_array(buffer)
        setattr(jpeg, name, blocks.reshape(*blocks.shape[:-1], 8, 8))
    jpeg.quant_tbl_no = np.array(numbers[: jpeg.num_components])
    jpeg.qt = np.ctypeslib.as_array(tables).reshape(4, 8, 8)[: jpeg.quant_tbl_no.max() + 1]


def written(jpeg: Any, stream: Stream) -> bytes:
    with _file(b"") as path:
        jpeg.write_dct(path)
        data = Path(path).read_bytes()
    # The library writes JFIF, which means YCbCr, whatever the three components hold.
    return with_colour(data, ycc=False) if len(stream.components) == 3 and stream.says_ycc is False else strip(data)


@contextmanager
def _file(data: bytes) -> Iterator[str]:
    """A path for a library that takes nothing else: in memory where the system can, gone at the end anyway."""
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("jpeg"), "wb") as file:
            file.write(data)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        with NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            yield file.name
