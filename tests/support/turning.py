"""Photographs turned, and portraits lifted into depth and turned to profiles, so that there are some to find."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mesh import Array, Mesher, closed
from models.person import PersonSegmenter
from models.raster import rasterise

Picture = NDArray[np.uint8]
WALL = (170, 175, 180)
_FACE = 120  # pixels across the face of a lifted portrait
_FINE = 2  # points for each pixel


def rolled(image: Picture, degrees: float) -> tuple[Picture, NDArray[np.float64]]:
    """The whole picture turned clockwise on a larger wall, and the map [2, 3] of its pixels to those of the result."""
    height, width = image.shape[:2]
    side = int(np.ceil(np.hypot(height, width)))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
    turn[:, 2] += (side / 2 - width / 2, side / 2 - height / 2)
    out = cv2.warpAffine(image, turn, (side, side), flags=cv2.INTER_CUBIC, borderValue=WALL)
    return out, turn


@dataclass(frozen=True)
class Lifted:
    """Somebody seen from the front, with a depth for each pixel of the person: what is seen, and the back of the head.

    front, back: the pictures; near, far: their depths [H, W]; person: bool [H, W]; axis: x and depth about which it is
    turned.
    """

    front: Picture
    back: Picture
    near: Array
    far: Array
    person: NDArray[np.bool_]
    axis: tuple[float, float]


def lifted(image: Picture, vertices: Array) -> Lifted:
    """A portrait whose mesh [468, 3] is known: the face as deep as its mesh, the rest blown up like a balloon."""
    scale = _FACE / float(np.ptp(vertices[:, 0]))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=method), np.uint8)
    vertices, (height, width) = (vertices * scale).astype(np.float32), image.shape[:2]
    mesh = rasterise(closed(vertices)[:, :2], height, width, closed(vertices)[:, 2])
    person = _of_one(PersonSegmenter().probability(image) > 0.5, vertices) | mesh.mask
    bulge = _bulge(person)
    ears = float(vertices[[234, 454], 2].mean()) + 0.15 * _FACE
    shell = ears - bulge * (ears - float(vertices[[10, 152, 1], 2].mean()))
    face = np.where(mesh.mask, mesh.image(closed(vertices)[:, 2:3])[..., 0], shell)
    weight = cv2.GaussianBlur(mesh.mask.astype(np.float32), (0, 0), 0.12 * _FACE)
    excess = cv2.GaussianBlur(face - shell, (0, 0), 0.12 * _FACE) / np.maximum(weight, 1e-3)
    away = cv2.distanceTransform(1 - mesh.mask.astype(np.uint8), cv2.DIST_L2, 5)
    near = np.where(mesh.mask, face, shell + excess * np.exp(-((away / (0.2 * _FACE)) ** 2))).astype(np.float32)
    far = (ears + 0.85 * _FACE * bulge).astype(np.float32)
    axis = float(vertices[[234, 454], 0].mean()), ears + 0.05 * _FACE
    return Lifted(image, _without_face(image, person, mesh.mask, vertices), near, far, person, axis)


def turned(head: Lifted, yaw: float) -> Picture:
    """The head and all that is under it turned by `yaw` degrees, the nose to the right; 90 is a profile."""
    height, width = head.near.shape
    side, angle = max(width, round(3.2 * _FACE)), np.radians(yaw)
    layers = [_points(depth, image, head.person) for depth, image in ((head.near, head.front), (head.far, head.back))]
    places, colours = (np.concatenate(parts) for parts in zip(*layers, strict=True))
    across, depth = places[:, 0] - head.axis[0], places[:, 2] - head.axis[1]
    x = np.round(across * np.cos(angle) - depth * np.sin(angle) + side / 2).astype(int)
    depth, y = across * np.sin(angle) + depth * np.cos(angle), np.round(places[:, 1]).astype(int)
    inside = (x >= 0) & (x < side) & (y >= 0) & (y < height)
    order = np.flatnonzero(inside)[np.argsort(-depth[inside], kind="stable")]
    picture, nearest = np.zeros((height, side, 3), np.uint8), np.full((height, side), 1e6, np.float32)
    picture[y[order], x[order]], nearest[y[order], x[order]] = colours[order], depth[order]
    return _filled(picture, nearest)


def _points(depth: Array, image: Picture, person: NDArray[np.bool_]) -> tuple[Array, Picture]:
    fine = [cv2.resize(plane, None, fx=_FINE, fy=_FINE) for plane in (depth, image)]
    rows, columns = np.nonzero(cv2.resize(person.astype(np.uint8), fine[0].shape[::-1], interpolation=0))
    places = np.stack([columns / _FINE, rows / _FINE, fine[0][rows, columns]], 1).astype(np.float32)
    return places, fine[1][rows, columns]


def _filled(picture: Picture, nearest: Array) -> Picture:
    """Holes between the points, and what shines through them, closed; a wall behind."""
    hit = (nearest < 1e6).astype(np.uint8)
    body = cv2.morphologyEx(hit, cv2.MORPH_CLOSE, np.ones((7, 41)))
    shining = nearest > cv2.erode(nearest, np.ones((5, 5))) + 0.12 * _FACE
    whole = cv2.inpaint(picture, ((body > 0) & ((hit == 0) | shining)).astype(np.uint8), 3, cv2.INPAINT_TELEA)
    alpha = cv2.GaussianBlur(body.astype(np.float32), (0, 0), 0.8)[..., None]
    return np.clip(whole * alpha + np.array(WALL) * (1 - alpha), 0, 255).astype(np.uint8)


def _of_one(person: NDArray[np.bool_], vertices: Array) -> NDArray[np.bool_]:
    _, labels = cv2.connectedComponents(person.astype(np.uint8))
    x, y = np.clip(vertices[:, :2].mean(0), 0, np.array(person.shape)[::-1] - 1).astype(int)
    return np.asarray(labels == labels[y, x])


def _bulge(person: NDArray[np.bool_]) -> Array:
    """From 0 at the person's outline to 1 well inside it, round like a ball."""
    framed = cv2.copyMakeBorder(person.astype(np.uint8), 1, 0, 1, 1, cv2.BORDER_CONSTANT)
    inner = np.clip(cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:, 1:-1] / (0.62 * _FACE), 0, 1)
    return np.sqrt(1 - (1 - inner) ** 2).astype(np.float32)


def _without_face(image: Picture, person: NDArray[np.bool_], face: NDArray[np.bool_], vertices: Array) -> Picture:
    """The back of the head: hair where the face is."""
    hole = cv2.dilate(face.astype(np.uint8), np.ones((17, 17))).astype(bool)
    above = person & ~hole & (np.arange(len(image))[:, None] < vertices[10, 1] + 0.1 * _FACE)
    back = image.copy()
    back[hole] = np.median(image[above], 0) if above.sum() > 50 else (60, 45, 35)
    return back


@cache
def profile(yaw: float = 80) -> Picture:
    """Head and shoulders of Eileen Collins (NASA, public domain) from the side, 600 pixels wide."""
    from skimage.data import astronaut

    image = np.ascontiguousarray(astronaut())
    vertices = Mesher().fit(image, (170, 60, 280, 190))
    assert vertices is not None
    seen = turned(lifted(image, vertices), yaw)
    middle = seen.shape[1] // 2
    crop = seen[:330, middle - 180 : middle + 180]
    return np.asarray(cv2.resize(crop, (600, 550), interpolation=cv2.INTER_CUBIC), np.uint8)
