"""What clinics do today, run on the same photographs: the figures that a method has to beat.

Blur, pixelation, black box and eye bar as photo editors offer them; `k-same` the average of k faces laid into the
photograph (Newton, Sweeney and Malin, IEEE TKDE 2005); `crop` keeps only what lies below the nose.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models import mesh
from models.frame import Frame
from models.mesh import Array
from models.raster import rasterise
from models.regions import interocular

Picture = NDArray[np.uint8]

K = 5
_BLUR = 0.10  # of the face's width
_BLOCKS = 10  # across the face


def blur(image: Picture, vertices: Array) -> Picture:
    rows, columns = _box(vertices, image)
    result = image.copy()
    sigma = _BLUR * (columns.stop - columns.start)
    result[rows, columns] = cv2.GaussianBlur(image, (0, 0), sigma)[rows, columns]
    return result


def pixelate(image: Picture, vertices: Array) -> Picture:
    rows, columns = _box(vertices, image)
    result, face = image.copy(), image[rows, columns]
    height, width = face.shape[:2]
    small = cv2.resize(face, (_BLOCKS, max(round(_BLOCKS * height / width), 1)), interpolation=cv2.INTER_AREA)
    result[rows, columns] = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
    return result


def black_box(image: Picture, vertices: Array) -> Picture:
    result = image.copy()
    result[_box(vertices, image)] = 0
    return result


def eye_bar(image: Picture, vertices: Array) -> Picture:
    """A black bar over both eyes, as in old journals."""
    right, left = (vertices[loop, :2].mean(0) for loop in (mesh.RIGHT_EYE, mesh.LEFT_EYE))
    reach, result = (left - right) * 0.45, image.copy()
    start, end = (np.round(point).astype(int).tolist() for point in (right - reach, left + reach))
    cv2.line(result, start, end, (0, 0, 0), max(round(0.45 * interocular(vertices)), 1))
    return result


def crop(image: Picture, vertices: Array) -> Picture:
    """White above the tip of the nose's base; the picture keeps its size."""
    result = image.copy()
    result[: max(int(vertices[2, 1]), 0)] = 255
    return result


BASELINES: dict[str, Callable[[Picture, Array], Picture]] = {
    "blur": blur,
    "pixelation": pixelate,
    "black box": black_box,
    "eye bar": eye_bar,
    "crop": crop,
}


def k_same(image: Picture, vertices: Array, peers: Sequence[tuple[Picture, Array]], frame: Frame) -> Picture:
    """The average of this face and its peers' (pictures and meshes), in this face's place."""
    textures = [frame.pull(one, points)[0] for one, points in [(image, vertices), *peers]]
    average = np.mean(textures, 0, dtype=np.float32)
    closed = mesh.closed(vertices)
    raster = rasterise(closed[:, :2], image.shape[0], image.shape[1], closed[:, 2])
    places = raster.image(frame.uv, -1e4)
    drawn = cv2.remap(average, places[..., 0], places[..., 1], cv2.INTER_LINEAR)
    edge = cv2.GaussianBlur(raster.mask.astype(np.float32), (0, 0), max(0.02 * float(np.ptp(vertices[:, 0])), 1))
    weight = (np.clip(2 * edge - 1, 0, 1) * raster.mask)[..., None]
    return np.round(drawn * weight + image * (1 - weight)).astype(np.uint8)


def _box(vertices: Array, image: Picture) -> tuple[slice, slice]:
    """The face from hairline to chin."""
    (left, top), (right, bottom) = vertices[:, :2].min(0), vertices[:, :2].max(0)
    height, width = image.shape[:2]
    top, grow = top - 0.12 * (bottom - top), 0.05 * (right - left)
    rows = slice(max(int(top), 0), min(int(bottom + grow) + 1, height))
    return rows, slice(max(int(left - grow), 0), min(int(right + grow) + 1, width))
