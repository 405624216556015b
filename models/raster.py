"""Drawing the mesh: which triangle covers a pixel, and with which barycentric weights."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mesh import Array, triangles


@dataclass(frozen=True)
class Raster:
    """The pixels of a `height` x `width` grid that the mesh covers.

    rows, columns: int [n]; corners: int [n, 3] vertex numbers; weights: float32 [n, 3], summing to 1.
    """

    height: int
    width: int
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    corners: NDArray[np.int32]
    weights: Array

    def interpolate(self, values: Array) -> Array:
        """Vertex values [471, d] to covered pixels [n, d]."""
        out = np.zeros((len(self.rows), values.shape[1]), np.float32)
        for corner, weight in zip(self.corners.T, self.weights.T, strict=True):
            out += values.take(corner, 0) * weight[:, None]
        return out

    def image(self, values: Array, fill: float = 0.0) -> Array:
        """Vertex values [471, d] to an image [height, width, d], `fill` where the mesh does not reach."""
        out = np.full((self.height, self.width, values.shape[1]), fill, np.float32)
        out[self.rows, self.columns] = self.interpolate(values)
        return out

    @property
    def mask(self) -> NDArray[np.bool_]:
        out = np.zeros((self.height, self.width), bool)
        out[self.rows, self.columns] = True
        return out


def rasterise(points: Array, height: int, width: int, depth: Array | None = None) -> Raster:
    """Rasterise the closed mesh.

    Args:
        points: [471, 2] pixel coordinates in the grid.
        height, width: size of the grid in pixels.
        depth: [471] distance from the camera; nearer triangles then cover farther ones.
    """
    faces = triangles()
    order = np.arange(len(faces)) if depth is None else np.argsort(-depth[faces].mean(1), kind="stable")
    index = np.full((height, width), -1, np.int32)
    fixed = np.round(points * 16).astype(np.int32)
    for number in order:
        cv2.fillConvexPoly(index, fixed[faces[number]], int(number), shift=4)
    rows, columns = np.nonzero(index >= 0)
    # One corner of all pixels after another, as they are read.
    corners = np.asfortranarray(faces[index[rows, columns]])
    return Raster(height, width, rows, columns, corners, _barycentric(points, corners, rows, columns))


def _barycentric(points: Array, corners: NDArray[np.int32], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Array:
    a, b, c = (points[corners[:, k]] for k in range(3))
    area = (b[:, 1] - c[:, 1]) * (a[:, 0] - c[:, 0]) + (c[:, 0] - b[:, 0]) * (a[:, 1] - c[:, 1])
    area = np.where(np.abs(area) < 1e-6, 1e-6, area)
    first = ((b[:, 1] - c[:, 1]) * (columns - c[:, 0]) + (c[:, 0] - b[:, 0]) * (rows - c[:, 1])) / area
    second = ((c[:, 1] - a[:, 1]) * (columns - c[:, 0]) + (a[:, 0] - c[:, 0]) * (rows - c[:, 1])) / area
    weights = np.clip(np.stack([first, second, 1 - first - second]), 0, 1)
    return (weights / np.maximum(weights.sum(0), 1e-6)).astype(np.float32).T
