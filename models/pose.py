"""Turning a head in a photograph with its mesh: an oblique view of somebody seen from the front.

The face turns as its mesh does, rotated in depth. Around it the head is an ellipsoid whose surface slides under an
outline that stays: hair, ears and neck turn along and nothing behind the head moves.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models import mesh
from models.faces import FaceFinder
from models.mesh import Array, Mesher, roll_of, yaw_of
from models.raster import rasterise
from models.recognizer import Recognizer

WORK_WIDTH = 320  # pixels across the face at which the flow is computed
# The head around the face, in parts of the face's width or height.
HALF_WIDTH, HALF_HEIGHT, ABOVE, BEHIND = 0.82, 0.95, 0.12, 0.18
NECK = 0.55  # of the face's height: how far below the chin the neck still turns
FADE = (0.62, 1.0)  # of the ellipsoid's radius: where its surface comes to rest
SPREAD = 0.12  # of the face's width, over which the mesh's motion passes into the ellipsoid's


def turn_head(image: NDArray[np.uint8], yaw_degrees: float, pitch_degrees: float = 0.0) -> NDArray[np.uint8]:
    """Turn the largest face; positive yaw turns the nose to the right of the picture, positive pitch looks down.

    Good for up to about 25 degrees: what comes into view at the far side is stretched from what was seen.

    Raises:
        ValueError: no face was found.
    """
    faces = FaceFinder(Recognizer()).find(image)
    vertices = Mesher().fit(image, faces[0].box, faces[0].roll) if faces else None
    if vertices is None:
        raise ValueError("no face was found that could be turned")
    return turn_face(image, vertices, yaw_degrees, pitch_degrees)


def turn_face(image: NDArray[np.uint8], vertices: Array, yaw_degrees: float, pitch_degrees: float) -> NDArray[np.uint8]:
    """`turn_head` for a face whose mesh [468, 3] is known; yaw and pitch are the head's own, whatever its roll."""
    angles, scale = np.radians([yaw_degrees, pitch_degrees]), _working_scale(vertices)
    head = _head(vertices * scale)
    turned = turn_mesh(vertices * scale, yaw_degrees, pitch_degrees, head.centre)
    around = _slide(head, angles, *_working_size(image, scale))
    return _follow(image, _flow(vertices * scale, turned, around), scale)


def turn_mesh(vertices: Array, yaw_degrees: float, pitch_degrees: float, centre: Array) -> Array:
    """A mesh [468, 3] turned around `centre` [3] so that neither angle changes the other.

    Pitch turns about the line between the head's own ears, which may stand at a yaw already; yaw about the vertical of
    the head as it stands in its picture.
    """
    upright, own = _upright(vertices), np.radians(yaw_of(vertices))
    yaw, pitch = np.radians([yaw_degrees, pitch_degrees])
    turn = upright @ rotation(-own, 0) @ rotation(own + yaw, pitch) @ upright.T
    return ((vertices - centre) @ turn + centre).astype(np.float32)


def move_face(image: NDArray[np.uint8], vertices: Array, target: Array) -> NDArray[np.uint8]:
    """Draw a face with its mesh at `target` instead of `vertices` ([468, 3]); what is around follows and fades."""
    scale = _working_scale(vertices)
    still = np.zeros((*_working_size(image, scale), 2), np.float32)
    return _follow(image, _flow(vertices * scale, target * scale, still), scale)


def _working_scale(vertices: Array) -> float:
    return min(1.0, WORK_WIDTH / float(np.ptp(vertices[:, 0])))


def _working_size(image: NDArray[np.uint8], scale: float) -> tuple[int, int]:
    return max(round(image.shape[0] * scale), 2), max(round(image.shape[1] * scale), 2)


def _follow(image: NDArray[np.uint8], flow: Array, scale: float) -> NDArray[np.uint8]:
    """Every pixel fetched from where the flow (of a picture reduced by `scale`) points."""
    height, width = image.shape[:2]
    flow = cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR) / scale
    places = flow + np.dstack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)
    return np.asarray(
        cv2.remap(image, places[..., 0], places[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    )


def rotation(yaw: float, pitch: float) -> Array:
    """[3, 3] for row vectors, radians; see `mesh.Similarity.yaw_pitch_roll` for the signs."""
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    return (about_x @ about_y).astype(np.float32)


@dataclass(frozen=True)
class _Head:
    """An ellipsoid that stands upright after `upright` ([3, 3], for row vectors) undid the head's roll.

    centre: [3] in working pixels; radii: half width and half height; chin: how far it lies below the centre.
    """

    centre: Array
    upright: Array
    radii: tuple[float, float]
    chin: float
    face_height: float


def _upright(vertices: Array) -> Array:
    """[3, 3], for row vectors: undoes the head's roll."""
    roll = np.radians(roll_of(vertices))
    x, y = np.cos(roll), np.sin(roll)
    return np.array([[x, -y, 0], [y, x, 0], [0, 0, 1]], np.float32)


def _head(vertices: Array) -> _Head:
    upright = _upright(vertices)
    oval, sides = (vertices[places] @ upright for places in (mesh.FACE_OVAL, [234, 454]))
    width, height = (float(np.ptp(oval[:, k])) for k in (0, 1))
    centre = np.array([sides[:, 0].mean(), oval[:, 1].mean() - ABOVE * height, sides[:, 2].mean() + BEHIND * width])
    chin = float(oval[:, 1].max() - centre[1])
    radii = (HALF_WIDTH * width, HALF_HEIGHT * height)
    return _Head((centre @ upright.T).astype(np.float32), upright, radii, chin, height)


def _flow(vertices: Array, target: Array, around: Array) -> Array:
    """Offsets to the source, [height, width, 2]: the mesh's, which pass into `around` outside it."""
    height, width = around.shape[:2]
    before, after = mesh.closed(vertices), mesh.closed(target)
    raster = rasterise(after[:, :2], height, width, after[:, 2])
    grid = np.dstack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)
    inner = np.where(raster.mask[..., None], raster.image(before[:, :2]) - grid, 0)
    face = float(np.ptp(vertices[:, 0]))
    excess = _spread((inner - around) * raster.mask[..., None], raster.mask, SPREAD * face)
    flow = np.where(raster.mask[..., None], inner, around + excess)
    return cv2.GaussianBlur(flow.astype(np.float32), (0, 0), 0.012 * face)


def _slide(head: _Head, angles: NDArray[np.float64], height: int, width: int) -> Array:
    """How the ellipsoid's surface moves under its resting outline; the neck follows ever less."""
    grid = np.dstack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)
    upright = head.upright[:2, :2]
    across, below = np.moveaxis((grid - head.centre[:2]) @ upright, 2, 0)
    # Nothing may be fetched from beyond the picture's lower edge.
    neck = max(min(NECK * head.face_height, height - head.centre[1] - head.chin), 1.0)
    share = 1 - _ease((below - head.chin) / neck)
    # Below the ellipsoid's widest place the neck stands like a column.
    across, down = across / head.radii[0], np.minimum(below / head.radii[1], 0.45)
    radius = np.sqrt(np.minimum(across**2 + down**2, 1))
    near = -np.sqrt(1 - radius**2)
    yaw, pitch = angles[0] * share, angles[1] * share
    source_x = across * np.cos(yaw) + near * np.sin(yaw)
    source_y = down * np.cos(pitch) + near * np.sin(pitch)
    weight = 1 - _ease((radius - FADE[0]) / (FADE[1] - FADE[0]))
    flow = np.dstack([(source_x - across) * head.radii[0], (source_y - down) * head.radii[1]])
    return (flow * weight[..., None] @ upright.T).astype(np.float32)


def _ease(share: Array) -> Array:
    """From 0 to 1 without a kink."""
    share = np.clip(share, 0, 1)
    return share * share * (3 - 2 * share)


def _spread(values: Array, mask: NDArray[np.bool_], reach: float) -> Array:
    """Values inside the mask carried outward, fading to nothing."""
    covered = mask.astype(np.float32)
    sums = [cv2.GaussianBlur(field.astype(np.float32), (0, 0), 0.5 * reach) for field in (values, covered)]
    distance = cv2.distanceTransform(1 - mask.astype(np.uint8), cv2.DIST_L2, 5)
    fade = np.exp(-((distance / (1.6 * reach)) ** 2))
    return (sums[0] / np.maximum(sums[1], 1e-3)[..., None] * fade[..., None]).astype(np.float32)
