"""The dense face mesh: 468 vertices per face, their triangles, and the pose that they tell.

Vertices are MediaPipe Face Mesh landmarks (models inside the `mediapipe` wheel, Apache-2.0).
Coordinates are pixels of the image (x right, y down); z has the scale of x and grows away from
the camera. Three more vertices, the centres of both eyes and of the mouth, close the holes.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from models.solutions import solutions

Array = NDArray[np.float32]
Box = tuple[float, float, float, float]

VERTICES = 468
MARGINS = (1.8, 2.3)  # crops in which a face is looked for, of its box
TOP, BOTTOM = 10, 152  # of the face: the forehead near the hairline, the chin
OUTER_LIPS = [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146]
INNER_LIPS = [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95]
RIGHT_EYE = [33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7]
LEFT_EYE = [263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249]
RIGHT_BROW = [70, 63, 105, 66, 107, 55, 65, 52, 53, 46]
LEFT_BROW = [300, 293, 334, 296, 336, 285, 295, 282, 283, 276]
NOSE = [168, 122, 174, 198, 49, 48, 64, 98, 97, 2, 326, 327, 294, 278, 279, 420, 399, 351]
MOUSTACHE = [129, 2, 358, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185, 61]
CHIN = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 287, 422, 424, 418, 421, 200, 201, 194, 204, 202, 57]
MUZZLE = [50, 280, 287, 57]  # cheeks beside the nose, and the corners of the mouth
_HOLES = (RIGHT_EYE, LEFT_EYE, INNER_LIPS)
_PAIRS = ((33, 263), (133, 362), (234, 454), (172, 397), (50, 280), (61, 291))  # right and left of the face


def _loop(edges: frozenset[tuple[int, int]]) -> list[int]:
    following = dict(edges)
    loop = [next(iter(sorted(following)))]
    while following[loop[-1]] != loop[0]:
        loop.append(following[loop[-1]])
    return loop


FACE_OVAL = _loop(solutions.face_mesh.FACEMESH_FACE_OVAL)


@cache
def triangles() -> NDArray[np.int32]:
    """[n, 3] vertex numbers, 468..470 being the centres that close eyes and mouth.

    The package carries the edges of the mesh only; its triangles are the 3-cycles of that graph.
    """
    near: dict[int, set[int]] = {}
    for a, b in solutions.face_mesh.FACEMESH_TESSELATION:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    faces = {(a, b, c) for a in near for b in near[a] if b > a for c in near[a] & near[b] if c > b}
    fans = [
        (a, b, VERTICES + k) for k, hole in enumerate(_HOLES) for a, b in zip(hole, hole[1:] + hole[:1], strict=True)
    ]
    return np.array(sorted(faces) + fans, np.int32)


@cache
def edges() -> NDArray[np.int32]:
    """[n, 2], the numbers of two vertices that an edge of the mesh joins, each edge once."""
    joined = {(min(pair), max(pair)) for pair in solutions.face_mesh.FACEMESH_TESSELATION}
    return np.array(sorted(joined), np.int32)


def closed(vertices: Array) -> Array:
    """Append the three centre vertices: [468, d] to [471, d]."""
    return np.vstack([vertices, [vertices[hole].mean(0) for hole in _HOLES]]).astype(np.float32)


@dataclass(frozen=True)
class Similarity:
    """`p @ rotation * scale + shift`, in 3D."""

    scale: float
    rotation: Array
    shift: Array

    def apply(self, points: Array) -> Array:
        return (self.scale * points @ self.rotation + self.shift).astype(np.float32)

    def invert(self, points: Array) -> Array:
        return ((points - self.shift) / self.scale @ self.rotation.T).astype(np.float32)

    @property
    def yaw_pitch_roll(self) -> tuple[float, float, float]:
        """Degrees, of what the rotation brings upright and frontal, as it stands in its picture.

        Positive yaw turns the nose to the right of the picture, positive pitch looks down, positive roll is clockwise.
        """
        r = self.rotation.T
        yaw = np.degrees(np.arctan2(-r[2, 0], np.hypot(r[2, 1], r[2, 2])))
        pitch = np.degrees(np.arctan2(-r[2, 1], r[2, 2]))
        roll = np.degrees(np.arctan2(-r[1, 0], r[0, 0]))
        return float(yaw), float(pitch), float(roll)


def fit_similarity(source: Array, target: Array) -> Similarity:
    """The scale, rotation and shift that map `source` onto `target` with least squares (Umeyama 1991)."""
    a, b = source.mean(0), target.mean(0)
    u, s, vt = np.linalg.svd((source - a).T @ (target - b))
    sign = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * sign) @ vt
    scale = float((s * sign).sum() / ((source - a) ** 2).sum())
    return Similarity(scale, rotation.astype(np.float32), (b - scale * a @ rotation).astype(np.float32))


def yaw_of(vertices: Array) -> float:
    """Degrees, as `Similarity.yaw_pitch_roll` tells them, without a mean face."""
    x, y, z = _across(vertices)
    return float(np.degrees(np.arctan2(z, np.hypot(x, y))))


def roll_of(vertices: Array) -> float:
    """Degrees, positive clockwise, without a mean face."""
    x, y, _ = _across(vertices)
    return float(np.degrees(np.arctan2(y, x)))


def _across(vertices: Array) -> Array:
    """Where a head's own left lies, [3]: from pairs of vertices, of eyes, jaw and mouth too, since eyes alone lie
    level in few faces.
    """
    across = np.array([vertices[left] - vertices[right] for right, left in _PAIRS])
    direction: Array = (across / np.linalg.norm(across, axis=1, keepdims=True)).mean(0)
    return direction


def visibility(vertices: Array) -> Array:
    """[471] cosine between each vertex's normal and the viewing direction; below 0 it faces away."""
    points, faces = closed(vertices), triangles()
    a, b, c = (points[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    # The 3-cycles carry no winding: all of a face's triangles look outwards from the head's axis.
    centre = points[:VERTICES].mean(0) + np.array([0, 0, np.ptp(points[:, 0]) * 0.5])
    outward = np.sign(((a + b + c) / 3 - centre)[:, None, :] @ normal[:, :, None]).reshape(-1, 1)
    normal = normal * outward
    total = np.zeros_like(points)
    for k in range(3):
        np.add.at(total, faces[:, k], normal)
    return (-total[:, 2] / np.maximum(np.linalg.norm(total, axis=1), 1e-9)).astype(np.float32)


class Mesher:
    """Finds the mesh of one face inside a box."""

    def __init__(self) -> None:
        self._mesh = solutions.face_mesh.FaceMesh(
            static_image_mode=True, refine_landmarks=True, max_num_faces=1, min_detection_confidence=0.2
        )

    def fit(self, image: NDArray[np.uint8], box: Box, roll: float = 0.0) -> Array | None:
        """Fit the mesh to the face in `box`.

        Args:
            image: RGB uint8 [H, W, 3].
            box: left, top, right, bottom in pixels of `image`.
            roll: degrees by which the head is turned clockwise in the picture; the network knows upright faces only.

        Returns:
            float32 [468, 3] in pixels of `image`, or None when no face is found there.
        """
        left, top, right, bottom = box
        centre, size = ((left + right) / 2, (top + bottom) / 2), max(right - left, bottom - top)
        fits = (self._fit(image, centre, 0.5 * size * margin, roll) for margin in MARGINS)
        return next((points for points in fits if points is not None and _overlap(points, box) > 0.2), None)

    def _fit(self, image: NDArray[np.uint8], centre: tuple[float, float], half: float, roll: float) -> Array | None:
        side = int(np.clip(2 * half, 192, 640))
        to_crop = upright(centre, half, roll, side)
        found = self._mesh.process(warp_down(image, to_crop, side)).multi_face_landmarks
        if not found:
            return None
        # Landmarks are parts of the crop; its pixels' centres lie at whole numbers, z is scaled like x.
        points = np.array([[p.x, p.y, p.z] for p in found[0].landmark[:VERTICES]], np.float32) * side
        points[:, :2] = (points[:, :2] - to_crop[:, 2]) @ np.linalg.inv(to_crop[:, :2]).T
        points[:, 2] *= 2 * half / side
        return points


def upright(centre: tuple[float, float], half: float, roll: float, side: int) -> Array:
    """[2, 3]: from pixels of a picture to a crop of `side` pixels around `centre`, `half` to each of its sides.

    `roll`: degrees by which what is there is turned clockwise; in the crop it stands upright.
    """
    scale, angle = side / (2 * half), np.radians(roll)
    turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.hstack([turn, (side / 2 - turn @ centre)[:, None]]).astype(np.float32)


def upright_head(vertices: Array, face: float, side: int, down: float = 0.5) -> Array:
    """[2, 3]: from pixels of a picture to a crop of `side` pixels in which a head stands upright.

    vertices: [468, 3], the mesh of its face; face: pixels across that in the crop; down: share of the crop above its
    middle.
    """
    across = vertices[LEFT_EYE, :2].mean(0) - vertices[RIGHT_EYE, :2].mean(0)
    x, y = across / max(float(np.linalg.norm(across)), 1e-6)
    turn = np.array([[x, y], [-y, x]], np.float32)
    points = vertices[:, :2] @ turn.T
    low, high = points.min(0), points.max(0)
    scale = face / max(high[0] - low[0], 0.8 * (high[1] - low[1]))
    middle = np.array([0.5 * side, down * side], np.float32)
    return np.column_stack([scale * turn, middle - scale * (low + high) / 2]).astype(np.float32)


def warp_down(image: NDArray[np.uint8], to_crop: Array, side: int) -> NDArray[np.uint8]:
    """A crop of side x side pixels, grey where the picture ends, scaled with pre-filtering against aliasing.

    `to_crop`: [2, 3] similarity from pixels of `image` to those of the crop, turned in any way; centres of pixels
    lie at whole numbers.
    """
    scale = float(np.hypot(to_crop[0, 0], to_crop[0, 1]))
    if scale < 0.6:
        image, back = _reduced(image, to_crop, scale, side)
        to_crop = (to_crop @ back).astype(np.float32)
    return cv2.warpAffine(
        image, to_crop, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(128,) * 3
    )


def _reduced(
    image: NDArray[np.uint8], to_crop: Array, scale: float, side: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The part of the picture that the crop shows, reduced by `scale`, and the way back from its pixels [3, 3]."""
    corners = np.array([[-1, -1, 1], [side, -1, 1], [-1, side, 1], [side, side, 1]], np.float64).T
    places = cv2.invertAffineTransform(to_crop.astype(np.float64)) @ corners
    limits = np.array([image.shape[1], image.shape[0]])
    low = np.clip(np.floor(places.min(1)).astype(int) - 1, 0, limits - 1)
    high = np.clip(np.ceil(places.max(1)).astype(int) + 2, low + 1, limits)
    part = image[low[1] : high[1], low[0] : high[0]]
    width, height = (max(1, round(length * scale)) for length in (high - low).tolist())
    stretch = (high - low) / (width, height)
    back = np.eye(3)
    back[[0, 1], [0, 1]], back[:2, 2] = stretch, low + (stretch - 1) / 2
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), back


def _overlap(points: Array, box: Box) -> float:
    """Intersection over union of the mesh's bounding box and the detected box."""
    (l0, t0), (r0, b0) = points[:, :2].min(0), points[:, :2].max(0)
    l1, t1, r1, b1 = box
    inner = max(0.0, min(r0, r1) - max(l0, l1)) * max(0.0, min(b0, b1) - max(t0, t1))
    return float(inner / ((r0 - l0) * (b0 - t0) + (r1 - l1) * (b1 - t1) - inner))
