"""Does the head turn as far as it is told, and in no other way? VerA's Figure 4.

The paper moves along the yaw component of its pose space and measures with 6DRepNet; here the head is turned by degrees
and measured on the picture that comes out: the mesh is fitted anew, and its places in the picture alone (no depths) are
laid on a rigid face by perspective-n-point, which shares nothing with what turned the head.

One mesh is a poor ruler. Of one picture that nothing turned, crops that differ by a few per cent read yaw and pitch 1
to 2 degrees apart, and so do the picture and its mirror image: the network errs to one side, by more or less as yaw
changes. A pose is therefore the mean over several crops of the picture and of its mirror image.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mesh import Array, Box, Mesher

# Corners of eyes and mouth, nose and its bridge, chin, forehead and sides: places that expression moves least.
_RIGID = [33, 263, 133, 362, 1, 4, 168, 6, 61, 291, 199, 152, 10, 234, 454, 127, 356]
# Crops in which the mesh is read: by what part of the face's width the box grows, moves right and down, and degrees of
# roll. Each has its mirror image among them.
_CROPS = (
    *((grown, 0.0, down, 0.0) for grown, down in ((-0.08, 0.03), (-0.03, -0.03), (0.03, 0.03), (0.08, -0.03))),
    *((grown, side * 0.03, 0.0, side * roll) for side in (-1, 1) for grown, roll in ((0.0, 5.0), (0.05, -5.0))),
)
_FOCAL = 4.0  # of the picture's width: portraits are taken from some metres, and the mesh knows no perspective


@dataclass(frozen=True)
class Turn:
    """What was asked for and what was measured; yaw and pitch in degrees, as in `models.pose`."""

    asked: float
    yaw: float
    pitch: float


def read_pose(
    mesher: Mesher, image: NDArray[np.uint8], box: Box, roll: float, mean: Array
) -> tuple[float, float] | None:
    """Yaw and pitch, degrees, of the face in `box`; a mirrored picture reads the same with its yaw negated.

    image: RGB uint8 [H, W, 3]; roll: as in `Mesher.fit`; mean: as in `head_pose`. None where no crop shows a face.
    """
    left, top, right, bottom = box
    last, mirror = image.shape[1] - 1, np.ascontiguousarray(image[:, ::-1])
    straight = _poses(mesher, image, box, roll, mean)
    mirrored = _poses(mesher, mirror, (last - right, top, last - left, bottom), -roll, mean)
    if not straight or not mirrored:
        return None
    yaw, pitch = (np.mean(straight, 0) + np.mean(mirrored, 0) * (-1, 1)) / 2
    return float(yaw), float(pitch)


def _poses(mesher: Mesher, image: NDArray[np.uint8], box: Box, roll: float, mean: Array) -> list[tuple[float, float]]:
    left, top, right, bottom = box
    width = right - left
    poses = []
    for grown, aside, down, tilt in _CROPS:
        x, y, more = aside * width, down * width, grown * width
        crop = (left + x - more, top + y - more, right + x + more, bottom + y + more)
        found = mesher.fit(image, crop, roll + tilt)
        if found is not None:
            poses.append(head_pose(found, mean, (image.shape[0], image.shape[1])))
    return poses


def head_pose(vertices: Array, mean: Array, size: tuple[int, int]) -> tuple[float, float]:
    """Yaw and pitch of a face from its places in a picture of `size` (height, width); `mean` [468, 3] is the model."""
    height, width = size
    camera = np.array([[_FOCAL * width, 0, width / 2], [0, _FOCAL * width, height / 2], [0, 0, 1]])
    points, places = mean[_RIGID].astype(float), vertices[_RIGID, :2].astype(float)
    turn = cv2.solvePnP(points, places, camera, np.zeros(4), flags=cv2.SOLVEPNP_SQPNP)[1]
    r = cv2.Rodrigues(turn)[0]
    yaw, pitch = np.arctan2(r[2, 0], np.hypot(r[2, 1], r[2, 2])), np.arctan2(r[2, 1], r[2, 2])
    return float(np.degrees(yaw)), float(np.degrees(pitch))


def response(turns: Sequence[Turn], axis: str) -> dict[str, Any]:
    """A line through what was measured along `axis` ("yaw" or "pitch"), and how far the other angle wandered.

    slope: degrees measured for each degree asked; r2: of the line; drift: largest departure of the other angle from its
    value where least was asked, in degrees.
    """
    asked = np.array([turn.asked for turn in turns])
    measured, other = (np.array([getattr(turn, name) for turn in turns]) for name in (axis, _other(axis)))
    slope, offset = np.polyfit(asked, measured, 1)
    spread = ((measured - measured.mean()) ** 2).sum()
    left = ((measured - slope * asked - offset) ** 2).sum()
    return {
        "slope": float(slope),
        "r2": float(1 - left / spread) if spread else 0.0,
        "drift": float(np.abs(other - other[np.argmin(np.abs(asked))]).max()),
    }


def plot(turns: Sequence[Turn], axis: str) -> NDArray[np.uint8]:
    """The figure: asked against measured yaw and pitch, with the line."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.2), dpi=120)
    axes, fit = figure.subplots(), response(turns, axis)
    asked = [turn.asked for turn in turns]
    for name, colour in (("yaw", "#1f3a4d"), ("pitch", "#b3541e")):
        axes.plot(asked, [getattr(turn, name) for turn in turns], "o", color=colour, label=f"measured {name}")
    middle = np.mean([getattr(turn, axis) for turn in turns]) - fit["slope"] * np.mean(asked)
    axes.plot(asked, fit["slope"] * np.array(asked) + middle, color="#8fa3ae", linewidth=1)
    axes.set_xlabel(f"{axis} asked for, degrees")
    axes.set_ylabel("measured, degrees")
    axes.set_title(
        f"R² {fit['r2']:.4f}, slope {fit['slope']:.2f}, {_other(axis)} drifts {fit['drift']:.1f}°", fontsize=10
    )
    axes.legend(frameon=False, fontsize=8)
    figure.tight_layout()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _other(axis: str) -> str:
    return "pitch" if axis == "yaw" else "yaw"
