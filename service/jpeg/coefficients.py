"""A new picture into a JPEG stream, block by block, so that what is kept is kept to the bit.

A changed picture that is decoded and encoded again differs everywhere by rounding. Here only the minimum coded
units (MCUs) that hold a changed pixel get new coefficients, quantised with the source's own tables; all others
keep the source's coefficients, and therefore its decoded pixels. With subsampled chroma a decoder may smooth
across one chroma sample, so kept pixels right beside a changed MCU can still differ; what `splice`
calls exact leaves that rim out.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn

from service.jpeg.library import NAMES, opened, written
from service.jpeg.segments import JpegError
from service.jpeg.stream import Component, Stream, describe

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]
_YCC = np.array([[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]])


@dataclass(frozen=True)
class Spliced:
    """`data`: a sequential JPEG stream. `exact`: bool HxW, pixels that every decoder reproduces from the source.

    `digest`: what `digest` gives for source and result inside the mask to preserve, None where there was none.
    """

    data: bytes
    exact: Mask
    digest: str | None = None


def splice(source: bytes, image: Image, changed: Mask, preserved: Mask | None = None) -> Spliced:
    """The source with `image` where `changed`, rounded outward to whole MCUs.

    `image`: uint8 HxWx3 RGB (for one component its luminance is taken); `changed`, `preserved`: bool HxW. The source
    is a stripped 8-bit stream of one component, or of three that are YCbCr or (if it says so) RGB.
    """
    stream = handled(source)
    if image.shape != (stream.height, stream.width, 3) or changed.shape != image.shape[:2]:
        raise ValueError("image, mask and source differ in size")
    touched = _per_mcu(stream, changed, np.any)
    with opened(source) as jpeg:
        proof = None if preserved is None else _digest(jpeg, stream, preserved)
        if touched.any():
            for index, component in enumerate(stream.components):
                table = jpeg.qt[jpeg.quant_tbl_no[index]]
                _replace(getattr(jpeg, NAMES[index]), table, stream, index, component, image, touched)
        return Spliced(written(jpeg, stream), _rimless(stream, ~_per_pixel(stream, touched)), proof)


def sequential(source: bytes) -> bytes:
    """The same coefficients as a sequential stream (JPEG Baseline, PS3.5 A.4.1, allows no progressive one)."""
    stream = handled(source)
    with opened(source) as jpeg:
        return written(jpeg, stream)


def digest(data: bytes, mask: Mask) -> str:
    """SHA-256, hex, over the quantised coefficients of the MCUs that lie wholly inside `mask` (bool HxW).

    Components in order, blocks in raster order, coefficients as little-endian int16, each component's
    quantisation table in front: two streams with the same digest decode to the same blocks there.
    """
    stream = handled(data)
    with opened(data) as jpeg:
        return _digest(jpeg, stream, mask)


def _digest(jpeg: Any, stream: Stream, mask: Mask) -> str:
    inside = _per_mcu(stream, mask, np.all)
    total = sha256()
    for index, component in enumerate(stream.components):
        total.update(jpeg.qt[jpeg.quant_tbl_no[index]].astype("<u2").tobytes())
        blocks = getattr(jpeg, NAMES[index])
        total.update(blocks[_per_block(stream, component, inside, blocks.shape)].astype("<i2").tobytes())
    return total.hexdigest()


def handled(source: bytes) -> Stream:
    stream = describe(source)
    whole = stream.precision == 8 and len(stream.components) in (1, 3) and 0 not in (stream.width, stream.height)
    if stream.lossless or not whole:
        raise JpegError("only 8-bit streams of one or three components with coefficients can be spliced")
    widths, heights = {c.horizontal for c in stream.components}, {c.vertical for c in stream.components}
    if any(max(found) % each for found in (widths, heights) for each in found):
        raise JpegError("sampling factors do not divide each other")
    return stream


def _replace(
    blocks: NDArray[np.int16],
    table: NDArray[np.uint16],
    stream: Stream,
    index: int,
    component: Component,
    image: Image,
    touched: Mask,
) -> None:
    """Write new coefficients of one component into the touched MCUs, working only on the rows that hold some."""
    across, down = stream.mcu[0] // 8, stream.mcu[1] // 8
    if len(stream.components) == 1:
        component = Component(component.identifier, 1, 1, component.table)
    for row in np.flatnonzero(touched.any(axis=1)):
        columns = np.flatnonzero(touched[row])
        first, last = columns[0], columns[-1] + 1
        window = _window(image, row, first, last, stream.mcu)
        plane = _plane(window, stream, index)
        step = (down // component.vertical, across // component.horizontal)
        plane = plane.reshape(plane.shape[0] // step[0], step[0], -1, step[1]).mean(axis=(1, 3))
        grid = plane.reshape(plane.shape[0] // 8, 8, -1, 8).transpose(0, 2, 1, 3) - 128
        fresh = np.rint(dctn(grid, axes=(2, 3), norm="ortho") / table).astype(np.int16)
        top, left = row * component.vertical, first * component.horizontal
        target = blocks[top : top + component.vertical, left : last * component.horizontal]
        chosen = np.repeat(touched[row, first:last], component.horizontal)[: target.shape[1]]
        target[:, chosen] = fresh[: target.shape[0], : target.shape[1]][:, chosen]


def _window(image: Image, row: int, first: int, last: int, mcu: tuple[int, int]) -> NDArray[np.float32]:
    """One row of MCUs, edge pixels repeated where the picture ends inside an MCU."""
    width, height = mcu
    rows = np.minimum(np.arange(row * height, (row + 1) * height), image.shape[0] - 1)
    columns = np.minimum(np.arange(first * width, last * width), image.shape[1] - 1)
    window: NDArray[np.float32] = image[np.ix_(rows, columns)].astype(np.float32)
    return window


def _plane(window: NDArray[np.float32], stream: Stream, index: int) -> NDArray[np.float32]:
    """The samples of one component, 0 to 255 (JFIF 1.02 for YCbCr)."""
    if len(stream.components) == 3 and stream.says_ycc is False:
        return window[..., index]
    weighted = window @ _YCC[index].astype(np.float32) + np.float32(128 if index else 0)
    plane: NDArray[np.float32] = np.rint(weighted.clip(0, 255))
    return plane


def _per_mcu(stream: Stream, mask: Mask, combine: Any) -> Mask:
    """Reduce a pixel mask to one value per MCU; what an MCU has beyond the picture's edge counts as its edge."""
    width, height = stream.mcu
    padding = ((0, -stream.height % height), (0, -stream.width % width))
    padded = np.pad(mask, padding, mode="edge")
    tiles = padded.reshape(padded.shape[0] // height, height, padded.shape[1] // width, width)
    result: Mask = combine(tiles, axis=(1, 3))
    return result


def _per_pixel(stream: Stream, units: Mask) -> Mask:
    width, height = stream.mcu
    return units.repeat(height, axis=0).repeat(width, axis=1)[: stream.height, : stream.width]


def _per_block(stream: Stream, component: Component, units: Mask, shape: tuple[int, ...]) -> Mask:
    single = len(stream.components) == 1
    across, down = (1, 1) if single else (component.horizontal, component.vertical)
    return units.repeat(down, axis=0).repeat(across, axis=1)[: shape[0], : shape[1]]


def _rimless(stream: Stream, kept: Mask) -> Mask:
    """Kept pixels whose decoded value depends on kept coefficients alone, also after smooth chroma upsampling."""
    across, down = stream.subsampling
    result = kept.copy()
    for step in range(1, down // 2 + 1):
        result[step:] &= kept[:-step]
        result[:-step] &= kept[step:]
    rows = result.copy()
    for step in range(1, across // 2 + 1):
        result[:, step:] &= rows[:, :-step]
        result[:, :-step] &= rows[:, step:]
    return result
