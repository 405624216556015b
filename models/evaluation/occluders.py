"""Things that stand before a face, drawn on photographs: the ground truth of `models.evaluation.obstruction`.

Each is built of points in the space of the mean face (unit scale, x to the right of the picture, y down, z away from
the camera) and projected with the head's own pose, so that glasses turn with the head.
The painters of the training (`models.training.clutter`) share no code, no sizes and no pictures with these.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models import mesh
from models.mesh import Similarity

Picture = NDArray[np.uint8]
Array = NDArray[Any]
_SHIFT = 4


@dataclass
class Scene:
    """A photograph on which one thing is drawn.

    image: RGB float32 [H, W, 3]; alpha: [H, W], how far it hides what is behind it; lines: straight edges that were
    drawn, pairs of end points in pixels; unit: the inter-ocular distance in pixels.
    """

    image: Array
    similarity: Similarity
    mean: Array
    skin: Array
    unit: float
    alpha: Array
    lines: list[tuple[Array, Array]] = field(default_factory=list)

    def at(self, vertex: int | list[int], dx: float = 0, dy: float = 0, dz: float = 0) -> Array:
        """A vertex of the mean face, moved by parts of its inter-ocular distance: [3]."""
        eyes = [self.mean[loop].mean(0) for loop in (mesh.RIGHT_EYE, mesh.LEFT_EYE)]
        step = float(np.linalg.norm(eyes[1] - eyes[0]))
        place: Array = np.atleast_2d(self.mean[vertex]).mean(0) + step * np.array([dx, dy, dz], np.float32)
        return place

    def pixels(self, points: Array) -> Array:
        return self.similarity.invert(np.atleast_2d(points).astype(np.float32))[:, :2]

    def stroke(self, points: Array, width: float, closed: bool = False) -> Array:
        """Coverage [H, W] of a line through points of the mean face; width in inter-ocular distances."""
        out = np.zeros(self.alpha.shape, np.uint8)
        cv2.polylines(
            out, [_fixed(self.pixels(points))], closed, 255, max(round(width * self.unit), 1), cv2.LINE_AA, _SHIFT
        )
        return out.astype(np.float32) / 255

    def fill(self, points: Array) -> Array:
        out = np.zeros(self.alpha.shape, np.uint8)
        cv2.fillPoly(out, [_fixed(self.pixels(points))], 255, cv2.LINE_AA, _SHIFT)
        return out.astype(np.float32) / 255

    def lay(self, alpha: Array, colour: Array) -> None:
        self.image = self.image * (1 - alpha[..., None]) + colour * alpha[..., None]
        self.alpha = np.maximum(self.alpha, alpha)

    def shadow(self, alpha: Array, depth: float, shift: float, blur: float) -> None:
        moved = cv2.warpAffine(
            alpha, np.array([[1, 0, shift * self.unit * 0.4], [0, 1, shift * self.unit]], np.float32), alpha.shape[::-1]
        )
        self.image = self.image * (1 - depth * cv2.GaussianBlur(moved, (0, 0), max(blur * self.unit, 0.5)))[..., None]

    def round(self, alpha: Array, width: float, depth: float) -> Array:
        """Shading [H, W] of something as thick as it is wide, lit from above."""
        inner = cv2.distanceTransform((alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 5) / max(width * self.unit, 1)
        return 1 - depth * (1 - np.clip(inner, 0, 1)) ** 2


def glasses(
    scene: Scene,
    width: float,
    shape: float,
    thickness: float,
    ink: tuple[int, int, int],
    opacity: float = 1,
    brow: float = 1,
) -> None:
    """Rims (superellipses of exponent `shape`), bridge and temples in a plane before the eyes."""
    total, turn = np.zeros(scene.alpha.shape, np.float32), np.linspace(0, 2 * np.pi, 90, endpoint=False)
    flat = np.stack([np.cos(turn), np.sin(turn)], 1)
    flat = np.sign(flat) * np.abs(flat) ** (2 / shape) * (width, 0.72 * width)
    joints = []
    for sign, eye in ((-1, mesh.RIGHT_EYE), (1, mesh.LEFT_EYE)):
        centre = scene.at(eye, 0.02 * sign, 0.07, -0.12)
        one = scene.at(eye, 1, 0, 0) - scene.at(eye)
        rim = (
            centre + np.stack([flat[:, 0], flat[:, 1], 0.12 * np.abs(flat[:, 0]) * (sign * flat[:, 0] > 0)], 1) * one[0]
        )
        total = np.maximum(total, scene.stroke(rim, thickness, closed=True))
        if brow > 1:
            total = np.maximum(
                total,
                scene.stroke(rim[flat[:, 1] < -0.05][np.argsort(rim[flat[:, 1] < -0.05][:, 0])], thickness * brow),
            )
        joints.append(
            (
                centre - np.array([sign * width, 0.25 * width, 0]) * one[0],
                centre + np.array([sign * width, -0.4 * width, 0.1]) * one[0],
            )
        )
    arch = (joints[0][0] + joints[1][0]) / 2 - (0, 0.05 * scene.mean[:, 0].std(), 0)
    total = np.maximum(total, scene.stroke(np.stack([joints[0][0], arch, joints[1][0]]), thickness))
    for side, (_, joint) in zip((234, 454), joints, strict=True):
        ear = scene.at(side, 0, 0, 0.15)
        ear[1] = joint[1] + 0.1 * (ear[1] - joint[1])
        visible = scene.pixels(np.stack([joint, ear]))
        if (visible[1, 0] - visible[0, 0]) * (1 if side == 454 else -1) > 0.1 * scene.unit:
            total = np.maximum(total, scene.stroke(np.stack([joint, ear]), thickness))
            scene.lines.append((visible[0], visible[1]))
    scene.shadow(total, 0.18, 0.05, 0.03)
    scene.lay(total * opacity, np.array(ink, np.float32) * scene.round(total, thickness / 2, 0.3)[..., None])


def hand(scene: Scene, glove: tuple[int, int, int] | None = None) -> None:
    """Three fingers from below and from the side, over cheek and chin to the corner of the mouth."""
    tone = scene.skin * 0.93 if glove is None else np.array(glove, np.float32)
    for k, (tip, root) in enumerate(
        (((0.08, -0.35), (1.5, 0.7)), ((0.02, 0.0), (1.45, 1.1)), ((0.0, 0.32), (1.3, 1.45)))
    ):
        steps = np.linspace(0, 1, 20)[:, None]
        start, end = scene.at(291, *tip, -0.2), scene.at(291, *root, 0.1)
        points = start + (end - start) * steps + np.array([0, -0.06, -0.08]) * np.sin(np.pi * steps)
        width = 0.3 - 0.02 * k
        finger = scene.stroke(points, width)
        scene.shadow(finger, 0.35, 0.05, 0.06)
        light = scene.round(finger, width / 2, 0.45)
        for joint in (6, 13):
            crease = scene.stroke(points[joint] + np.array([[0, -0.02, 0], [0, 0.02, 0]]) * scene.unit / 100, 0.05)
            light = light - 0.12 * cv2.GaussianBlur(crease, (0, 0), max(0.02 * scene.unit, 0.5))
        nail = scene.stroke(points[:2], 0.55 * width) if glove is None else np.zeros_like(finger)
        scene.lay(
            finger,
            tone * light[..., None] + 22 * cv2.GaussianBlur(nail, (0, 0), max(0.02 * scene.unit, 0.5))[..., None],
        )


def surgical_mask(scene: Scene) -> None:
    """Pale blue, pleated, from the ridge of the nose to below the chin, with ear loops."""
    top = [scene.at(6, 0, 0.42, -0.15), scene.at(205, -0.38, -0.1, 0.1), scene.at(425, 0.38, -0.1, 0.1)]
    low = [scene.at(152, 0, 0.16, -0.1), scene.at(136, 0, 0.1), scene.at(365, 0, 0.1)]
    cloth = scene.fill(np.stack([top[1], top[0], top[2], low[2], low[0], low[1]]))
    for ear, corner in ((234, top[1]), (454, top[2])):
        scene.lay(scene.stroke(np.stack([corner, scene.at(ear)]), 0.04), np.array([235, 238, 240], np.float32))
    rows = np.arange(cloth.shape[0], dtype=np.float32)[:, None] / scene.unit
    pleats = 1 - 0.07 * np.maximum(np.sin(rows * 18), 0) ** 4
    across = np.arange(cloth.shape[1], dtype=np.float32)[None] / scene.unit
    light = pleats * (1 - 0.05 * np.cos(across * 2)) * scene.round(cloth, 0.25, 0.2)
    scene.shadow(cloth, 0.25, -0.03, 0.03)
    scene.lay(cloth, np.array([150, 196, 216], np.float32) * light[..., None])
    edge = scene.pixels(np.stack([top[1], top[0], top[2]]))
    scene.lines += [(edge[0], edge[1]), (edge[1], edge[2])]


def retractor(scene: Scene) -> None:
    """Two cheek retractors of white plastic, a curved lip holder and a flat handle each."""
    for sign, corner in ((-1, 61), (1, 291)):
        bow = np.linspace(-1.2, 1.2, 24)[:, None]
        points = (
            scene.at(corner, -0.12 * sign, 0, -0.06)
            + np.hstack([sign * 0.2 * np.cos(bow), 0.3 * np.sin(bow), 0 * bow]) * np.ptp(scene.mean[[33, 263], 0]) * 0.7
        )
        holder = scene.stroke(points, 0.12)
        grip = scene.stroke(
            np.stack([scene.at(corner, 0.08 * sign, 0.02, -0.06), scene.at(corner, 0.75 * sign, 0.12, 0.05)]), 0.2
        )
        both = np.maximum(holder, grip)
        scene.shadow(both, 0.3, 0.04, 0.04)
        scene.lay(both * 0.92, np.array([236, 238, 238], np.float32) * scene.round(both, 0.06, 0.25)[..., None])


def mirror(scene: Scene) -> None:
    """A dental mirror: a straight steel handle from the lower left and a round glass at the mouth."""
    tip, end = scene.at(13, 0.1, 0.02, -0.15), scene.at(13, 1.9, 1.2, -0.1)
    rod = scene.stroke(np.stack([tip, end]), 0.085)
    scene.shadow(rod, 0.3, 0.05, 0.04)
    scene.lay(rod, np.array([186, 188, 192], np.float32) * scene.round(rod, 0.045, 0.7)[..., None])
    scene.lines.append(_pair(scene.pixels(np.stack([tip, end]))))
    turn = np.linspace(0, 2 * np.pi, 60)[:, None]
    radius = float(np.linalg.norm(scene.at(13, 0.2) - scene.at(13)))
    disc = scene.at(13, -0.06, -0.04, -0.2) + np.hstack([np.cos(turn), 0.75 * np.sin(turn), 0 * turn]) * radius
    glass = scene.fill(disc)
    around = cv2.GaussianBlur(scene.image[::-1], (0, 0), 0.1 * scene.unit)
    scene.lay(glass, around * 0.5 + 60)
    scene.lay(scene.stroke(disc, 0.05, closed=True), np.array([205, 206, 208], np.float32))


def strands(scene: Scene) -> None:
    """Dark locks across the forehead and down over one eye, each of many hairs."""
    rng = np.random.default_rng(5)
    steps = np.linspace(0, 1, 24)[:, None]
    for x0, y0, x1, y1 in ((-0.5, -0.6, 0.35, 0.9), (0.1, -0.7, -0.75, 0.75), (0.55, -0.5, 0.95, 1.0)):
        for _ in range(18):
            start, end = (
                scene.at(10, x0 + rng.normal(0, 0.05), y0, -0.05),
                scene.at(10, x1 + rng.normal(0, 0.07), y1 * rng.uniform(0.8, 1.1), -0.15),
            )
            points = (
                start
                + (end - start) * steps
                + np.array([rng.normal(0.12, 0.05), 0, 0]) * np.sin(np.pi * steps) * np.ptp(scene.mean[[33, 263], 0])
            )
            scene.lay(scene.stroke(points, 0.022) * 0.95, np.array([46, 32, 24], np.float32) * rng.uniform(0.6, 1.7))


def brim(scene: Scene) -> None:
    """A dark felt hat down to above the brows; its shadow falls on the forehead."""
    left, right = scene.at(127, -0.9, -0.75, -0.2), scene.at(356, 0.9, -0.75, -0.2)
    crown = [scene.at(10, 0.9, -1.6), scene.at(10, -0.9, -1.6)]
    felt = scene.fill(np.stack([left, scene.at(151, 0, -0.02, -0.5), right, crown[0], crown[1]]))
    scene.shadow(felt, 0.4, 0.22, 0.06)
    noise = np.random.default_rng(1).normal(1, 0.08, felt.shape).astype(np.float32)
    scene.lay(felt, np.array([52, 46, 42], np.float32) * cv2.GaussianBlur(noise, (0, 0), 1)[..., None])
    edge = scene.pixels(np.stack([left, scene.at(151, 0, -0.02, -0.5), right]))
    scene.lines += [(edge[0], edge[1]), (edge[1], edge[2])]


def ear_rings(scene: Scene) -> None:
    """A golden hoop below each ear lobe, beside the jaw."""
    turn = np.linspace(0, 2 * np.pi, 60)[:, None]
    radius = float(np.linalg.norm(scene.at(13, 0.22) - scene.at(13)))
    for sign, lobe in ((-1, 58), (1, 288)):
        hoop = scene.at(lobe, 0.12 * sign, 0.1, -0.05) + np.hstack([np.cos(turn), np.sin(turn), 0 * turn]) * radius
        ring = scene.stroke(hoop, 0.05, closed=True)
        scene.lay(ring, np.array([214, 168, 84], np.float32) * scene.round(ring, 0.025, 0.5)[..., None])


OCCLUDERS: dict[str, Callable[[Scene], None]] = {
    "round wire glasses": lambda scene: glasses(scene, 0.37, 2.0, 0.028, (96, 88, 80)),
    "square dark glasses": lambda scene: glasses(scene, 0.42, 4.5, 0.085, (22, 20, 22)),
    "brow-line glasses": lambda scene: glasses(scene, 0.40, 3.0, 0.03, (58, 38, 28), brow=3.4),
    "clear plastic glasses": lambda scene: glasses(scene, 0.40, 2.6, 0.07, (226, 205, 196), opacity=0.72),
    "hand": hand,
    "gloved hand": lambda scene: hand(scene, (92, 140, 205)),
    "surgical mask": surgical_mask,
    "cheek retractor": retractor,
    "dental mirror": mirror,
    "hair strands": strands,
    "hat brim": brim,
    "ear-rings": ear_rings,
}


def draw(image: Picture, similarity: Similarity, vertices: Array, mean: Array, name: str) -> tuple[Picture, Scene]:
    """The photograph with one of OCCLUDERS on it, and the scene that tells where it is.

    Args:
        image: RGB uint8 [H, W, 3]; vertices: [468, 3] its mesh; similarity: that lays it on `mean` ([468, 3]).
    """
    unit = float(np.linalg.norm(vertices[mesh.RIGHT_EYE, :2].mean(0) - vertices[mesh.LEFT_EYE, :2].mean(0)))
    cheeks = np.round(vertices[[50, 280, 205, 425], :2]).astype(int)
    skin = np.median(
        [image[np.clip(y, 0, image.shape[0] - 1), np.clip(x, 0, image.shape[1] - 1)] for x, y in cheeks], 0
    )
    scene = Scene(
        image.astype(np.float32), similarity, mean, skin.astype(np.float32), unit, np.zeros(image.shape[:2], np.float32)
    )
    OCCLUDERS[name](scene)
    return np.clip(np.round(scene.image), 0, 255).astype(np.uint8), scene


def _fixed(points: Array) -> NDArray[np.int32]:
    return np.round(points * 2**_SHIFT).astype(np.int32)


def _pair(points: Array) -> tuple[Array, Array]:
    return points[0], points[1]
