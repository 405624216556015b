"""Turning a head in a photograph with its mesh: an oblique view of somebody seen from the front."""

import cv2
import numpy as np
from numpy.typing import NDArray

from models import mesh
from models.faces import FaceFinder
from models.mesh import Array, Mesher
from models.raster import rasterise
from models.recognizer import Recognizer

AXIS_DEPTH = 0.45  # of the face's width: how far behind the face the neck's axis stands


def turn_head(image: NDArray[np.uint8], yaw_degrees: float) -> NDArray[np.uint8]:
    """Turn the largest face about the neck's axis; positive turns the nose to the right of the picture.

    The mesh is rotated in depth, its surroundings follow and come to rest within a face's width. Good
    for up to about 30 degrees.

    Raises:
        ValueError: no face was found.
    """
    faces = FaceFinder(Recognizer()).find(image)
    vertices = Mesher().fit(image, faces[0].box) if faces else None
    if vertices is None:
        raise ValueError("no face was found that could be turned")
    before = mesh.closed(vertices)
    after = mesh.closed(_rotate(vertices, np.radians(yaw_degrees)))
    flow = _flow(before, after, *image.shape[:2])
    grid = np.dstack(np.meshgrid(np.arange(image.shape[1]), np.arange(image.shape[0]))).astype(np.float32)
    places = grid + flow
    return cv2.remap(image, places[..., 0], places[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _rotate(vertices: Array, angle: float) -> Array:
    width = float(np.ptp(vertices[:, 0]))
    edge = vertices[mesh.FACE_OVAL].mean(0)
    pivot = np.array([edge[0], 0, edge[2] + (AXIS_DEPTH - 0.25) * width], np.float32)
    x, z = vertices[:, 0] - pivot[0], vertices[:, 2] - pivot[2]
    turned = vertices.copy()
    turned[:, 0] = pivot[0] + x * np.cos(angle) - z * np.sin(angle)
    turned[:, 2] = pivot[2] + x * np.sin(angle) + z * np.cos(angle)
    # The outline stays in place, so that both sides share the stretching of what comes into view.
    turned[:, 0] -= (turned - vertices)[mesh.FACE_OVAL, 0].mean()
    return turned


def _flow(before: Array, after: Array, height: int, width: int) -> Array:
    """Offsets to the source, [height, width, 2]: exact on the mesh, fading out around it."""
    scale = min(1.0, 400 / float(np.ptp(before[:, 0])))
    rows, columns = round(height * scale), round(width * scale)
    small = after[:, :2] * scale
    raster = rasterise(small, rows, columns, after[:, 2])
    grid = np.dstack(np.meshgrid(np.arange(columns), np.arange(rows))).astype(np.float32)
    known = np.zeros((rows, columns, 2), np.float32)
    known[raster.mask] = (raster.image(before[:, :2] * scale) - grid)[raster.mask]
    face = float(np.ptp(small[:, 0]))
    covered = raster.mask.astype(np.float32)
    spread = [cv2.GaussianBlur(field, (0, 0), 0.12 * face) for field in (known, covered)]
    around = spread[0] / np.maximum(spread[1], 1e-3)[..., None]
    distance = cv2.distanceTransform(1 - raster.mask.astype(np.uint8), cv2.DIST_L2, 5)
    around *= np.exp(-((distance / (0.35 * face)) ** 2))[..., None]
    soft = cv2.GaussianBlur(np.where(raster.mask[..., None], known, around), (0, 0), 0.008 * face)
    return cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR) / scale
