"""What may stand before a face, painted at random on faces that lie unrolled in the common frame.

Each painter changes a texture (float32 RGB 0..255 [T, T, 3]) and tells what it covered (float32 [T, T], 0..1). Shadows,
make-up and light are painted too and cover nothing: they are what must not be taken for an occluder. The evaluation's
occluders are drawn by other code (`models.evaluation.occluders`), on photographs and in other styles.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models import mesh
from models.frame import Frame
from models.lighting import blur

Array = NDArray[Any]
Painter = Callable[["Canvas", np.random.Generator], None]
_SHIFT = 4  # bits of a pixel's fraction when shapes are drawn


@dataclass
class Canvas:
    """A face that is being painted on; `swatches` are pieces of photographs [S, S, 3] (hair, walls, clothes)."""

    texture: Array
    covered: Array
    hair: Array
    frame: Frame
    swatches: list[Array]

    @property
    def side(self) -> int:
        return self.frame.side

    def place(self, vertices: int | list[int]) -> Array:
        """The mean place of vertices in the frame, x and y."""
        return np.atleast_2d(self.frame.uv[vertices]).mean(0)

    def skin(self) -> Array:
        return np.median(self.texture[self.frame.skin > 0.5][::11], 0)

    def lay(self, alpha: Array, colour: Array, is_hair: bool = False) -> None:
        """Blend `colour` ([3] or [T, T, 3]) over the face; what is nearly clear covers nothing."""
        self.texture = self.texture * (1 - alpha[..., None]) + np.clip(colour, 0, 255) * alpha[..., None]
        new = (alpha > 0.33).astype(np.float32)
        self.covered = np.maximum(self.covered, new)
        self.hair = np.maximum(self.hair, new) if is_hair else self.hair * (1 - new)

    def shade(self, log_ratio: Array) -> None:
        """Multiply the light: a shadow or a gleam, which covers nothing."""
        self.texture = np.clip(self.texture * np.exp(log_ratio)[..., None], 0, 255)


def paint(texture: Array, frame: Frame, swatches: list[Array], rng: np.random.Generator) -> tuple[Array, Array]:
    """A texture with random things on it; and [T, T, 2]: what they cover, and what of it is hair.

    A quarter of all faces stay bare.
    """
    bare = np.zeros(texture.shape[:2], np.float32)
    canvas = Canvas(texture.astype(np.float32), bare, bare, frame, swatches)
    for painter in (side_light, cast_shadow, make_up, shine):
        if rng.random() < 0.35:
            painter(canvas, rng)
    if rng.random() < 0.78:
        names = rng.choice(len(COVERING), rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1]), p=_SHARES, replace=False)
        for k in names:
            COVERING[k](canvas, rng)
    if rng.random() < 0.5:
        cast_shadow(canvas, rng) if rng.random() < 0.3 else photograph(canvas, rng)
    return canvas.texture, np.dstack([canvas.covered, canvas.hair])


def photograph(canvas: Canvas, rng: np.random.Generator) -> None:
    """Exposure, white balance, softness and noise."""
    picture = canvas.texture * rng.uniform(0.6, 1.25) * rng.uniform(0.92, 1.08, 3)
    if rng.random() < 0.4:  # a small face
        size = int(canvas.side * rng.uniform(0.15, 0.8))
        small = cv2.resize(picture.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA)
        picture = cv2.resize(small, (canvas.side,) * 2, interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.4:
        picture = blur(picture, rng.uniform(0.5, 2.0))
    picture = picture + rng.uniform(0, 6) * rng.standard_normal(picture.shape, np.float32)
    canvas.texture = np.clip(picture, 0, 255).astype(np.float32)


def side_light(canvas: Canvas, rng: np.random.Generator) -> None:
    angle = rng.uniform(0, 2 * np.pi)
    along = _grid(canvas.side) @ np.array([np.cos(angle), np.sin(angle)])
    wave = 0.08 * np.sin(_grid(canvas.side)[..., 1] * rng.uniform(3, 12) + rng.uniform(0, 6))
    edge = np.tanh((along - rng.uniform(-0.4, 0.4) + wave * rng.random()) / np.exp(rng.uniform(-5.5, -0.7)))
    canvas.shade((-rng.uniform(0.2, 0.9) * (0.5 + 0.5 * edge)).astype(np.float32))


def cast_shadow(canvas: Canvas, rng: np.random.Generator) -> None:
    shape = _blob(canvas.side, rng, rng.uniform(-0.9, 0.9, 2), rng.uniform(0.08, 0.5))
    canvas.shade(-rng.uniform(0.15, 0.9) * blur(shape, rng.uniform(0.5, 9)))


def shine(canvas: Canvas, rng: np.random.Generator) -> None:
    shape = _blob(canvas.side, rng, rng.uniform(-0.6, 0.6, 2), rng.uniform(0.04, 0.2))
    canvas.shade(rng.uniform(0.1, 0.6) * blur(shape, rng.uniform(4, 12)))


def make_up(canvas: Canvas, rng: np.random.Generator) -> None:
    colour = np.array([rng.uniform(90, 220), rng.uniform(0, 90), rng.uniform(20, 150)], np.float32)
    loop = [mesh.OUTER_LIPS, mesh.RIGHT_EYE, mesh.LEFT_EYE][rng.integers(3)]
    area = canvas.frame.polygon(loop, 0.0 if loop is mesh.OUTER_LIPS else rng.uniform(0.01, 0.03)).astype(np.float32)
    if loop is not mesh.OUTER_LIPS:
        area = area - canvas.frame.features["eyeballs"].astype(np.float32)
    area = np.clip(blur(area, 2.0), 0, 1)[..., None] * rng.uniform(0.1, 0.6)
    light = canvas.texture.mean(2, keepdims=True) / max(float(colour.mean()), 1)
    canvas.texture = canvas.texture * (1 - area) + np.clip(colour * light, 0, 255) * area


def glasses(canvas: Canvas, rng: np.random.Generator) -> None:
    """Two rims, a bridge and temples, of any thickness and colour; now and then without rims."""
    side = canvas.side
    eyes = [canvas.place(loop) for loop in (mesh.RIGHT_EYE, mesh.LEFT_EYE)]
    apart = float(np.linalg.norm(eyes[1] - eyes[0]))
    half_width, round_ = apart * rng.uniform(0.33, 0.46), rng.uniform(1.7, 7)
    half_height = half_width * rng.uniform(0.5, 1.0)
    drop, turn = np.array([rng.normal(0, 0.03), rng.uniform(-0.06, 0.16)]) * apart, rng.normal(0, 0.05)
    thick = np.exp(rng.uniform(np.log(1.4), np.log(13)))
    metal = thick < 4
    ink = _metal(rng) if metal else _plastic(rng)
    alpha = 1.0 if rng.random() < 0.7 else rng.uniform(0.4, 0.85)
    lines = np.zeros((side, side), np.uint8)
    rimless = rng.random() < 0.15
    corners = []
    for sign, eye in zip((-1, 1), eyes, strict=True):
        centre = eye + drop + (sign * rng.uniform(-0.02, 0.05) * apart, 0)
        angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        cos, sin = np.cos(angles), np.sin(angles)
        outline = np.stack([np.sign(cos) * np.abs(cos) ** (2 / round_), np.sign(sin) * np.abs(sin) ** (2 / round_)], 1)
        outline *= (half_width, half_height)
        if rng.random() < 0.3:  # narrower below, as a pilot's
            outline[:, 0] *= 1 - 0.18 * (outline[:, 1:2] / half_height)[:, 0]
        loop = _turned(outline, turn) + centre
        tint = np.zeros((side, side), np.uint8)
        cv2.fillPoly(tint, [_fixed(loop)], 255, cv2.LINE_AA, _SHIFT)
        _lens(canvas, tint.astype(np.float32) / 255, rng)
        if not rimless:
            cv2.polylines(lines, [_fixed(loop)], True, 255, max(round(thick), 1), cv2.LINE_AA, _SHIFT)
            if rng.random() < 0.4:  # a heavier brow line
                upper = loop[outline[:, 1] < 0.1 * half_height]
                order = np.argsort(upper[:, 0])
                cv2.polylines(
                    lines,
                    [_fixed(upper[order])],
                    False,
                    255,
                    round(thick * rng.uniform(1, 2.2)) + 1,
                    cv2.LINE_AA,
                    _SHIFT,
                )
        corners.append((centre, loop))
    inner = [
        centre + _turned(np.array([[-sign * half_width, -half_height * rng.uniform(0.1, 0.7)]]), turn)[0]
        for sign, (centre, _) in zip((-1, 1), corners, strict=True)
    ]
    arch = (inner[0] + inner[1]) / 2 - (0, rng.uniform(0, 0.14) * apart)
    cv2.polylines(
        lines,
        [_fixed(_curve(inner[0], arch, inner[1]))],
        False,
        255,
        max(round(thick * rng.uniform(0.7, 1.4)), 1),
        cv2.LINE_AA,
        _SHIFT,
    )
    rise = -half_height * rng.uniform(0.2, 0.9)
    for sign, (centre, _) in zip((-1, 1), corners, strict=True):
        start = centre + _turned(np.array([[sign * half_width, rise]]), turn)[0]
        end = np.array([0 if sign < 0 else side, start[1] + rng.uniform(-0.15, 0.1) * apart])
        wide = max(round(thick * rng.uniform(0.6, 2.2)), 1)
        cv2.line(lines, _fixed(start).tolist(), _fixed(end).tolist(), 255, wide, cv2.LINE_AA, _SHIFT)
    strength = lines.astype(np.float32) / 255
    fall = np.array([[1, 0, rng.uniform(-3, 3)], [0, 1, rng.uniform(1, 9)]], np.float32)
    canvas.shade(-rng.uniform(0, 0.5) * blur(cv2.warpAffine(strength, fall, (side, side)), rng.uniform(1, 4)))
    canvas.lay(strength * alpha, _gradient(side, ink, rng, 0.5 if metal else 0.25))


def _lens(canvas: Canvas, inside: Array, rng: np.random.Generator) -> None:
    if rng.random() < 0.3:
        canvas.shade(-rng.uniform(0.03, 0.35) * inside)
    if rng.random() < 0.35:
        glare = _blob(canvas.side, rng, rng.uniform(-0.6, 0.6, 2) * (1, 0.5), rng.uniform(0.05, 0.3))
        canvas.texture += (blur(glare, 2) * inside * rng.uniform(10, 90))[..., None] * rng.uniform(0.6, 1, 3)
        canvas.texture = np.clip(canvas.texture, 0, 255)


def strands(canvas: Canvas, rng: np.random.Generator) -> None:
    """Locks of hair that fall in from above or from the side."""
    side, hair = canvas.side, _hair_colour(canvas, rng)
    for _ in range(rng.integers(1, 4)):
        start = _edge(side, rng, upper=True)
        end = start + (np.array([side / 2, side / 2]) - start) * rng.uniform(0.3, 1.1) + rng.normal(0, 30, 2)
        bend = (start + end) / 2 + rng.normal(0, 35, 2)
        width = rng.uniform(1, 28)
        drawn = np.zeros((side, side), np.uint8)
        tone = np.full((side, side, 3), hair, np.float32)
        for _ in range(max(2, int(width * rng.uniform(0.3, 1.5)))):
            shift = rng.normal(0, width / 2, 2)
            points = _fixed(
                _curve(start + shift, bend + shift * rng.uniform(0.6, 1.4), end + shift * rng.uniform(0, 1.6))
            )
            thick, one = int(rng.integers(1, 4)), hair * rng.uniform(0.6, 1.5)
            cv2.polylines(drawn, [points], False, rng.uniform(130, 255), thick, cv2.LINE_AA, _SHIFT)
            cv2.polylines(tone, [points], False, one.tolist(), thick, cv2.LINE_8, _SHIFT)
        lock = drawn.astype(np.float32) / 255
        canvas.shade(-0.3 * rng.random() * blur(np.roll(lock, (3, 2), (0, 1)), 2.5))
        canvas.lay(lock, tone, is_hair=True)


def fringe(canvas: Canvas, rng: np.random.Generator) -> None:
    """A mass of hair with a ragged edge, over the forehead or down one side."""
    side, steps = canvas.side, 40
    reach = (
        side * rng.uniform(0.05, 0.4) * (1 + 0.3 * np.sin(np.linspace(0, rng.uniform(1, 7), steps) + rng.uniform(0, 6)))
    )
    edge = np.stack([np.linspace(0, side, steps), reach + rng.normal(0, rng.uniform(1, 8), steps)], 1)
    shape = np.zeros((side, side), np.uint8)
    cv2.fillPoly(shape, [_fixed(np.vstack([[0, 0], edge, [side, 0]]))], 255, cv2.LINE_AA, _SHIFT)
    if rng.random() < 0.5:
        shape = np.ascontiguousarray(shape.T if rng.random() < 0.5 else shape.T[:, ::-1])
    strength = shape.astype(np.float32) / 255
    combed = cv2.GaussianBlur(
        rng.standard_normal((side, side), np.float32),
        (0, 0),
        sigmaX=rng.uniform(0.5, 1.5),
        sigmaY=rng.uniform(6, 25),
    )
    tone = (
        _hair_colour(canvas, rng) * np.exp(combed / max(float(combed.std()), 1e-6) * rng.uniform(0.1, 0.4))[..., None]
    )
    if rng.random() < 0.5:
        tone = _swatch(canvas, rng)
    canvas.shade(-0.5 * rng.random() * blur(np.roll(strength, 5, 0), 4))
    canvas.lay(blur(strength, rng.uniform(0.4, 2.5)), tone, is_hair=True)


def hand(canvas: Canvas, rng: np.random.Generator) -> None:
    """Fingers, bare or gloved, with their shading and the shadow that they cast."""
    side, base = canvas.side, canvas.skin()
    tone = base * rng.uniform(0.65, 1.35) * rng.uniform(0.94, 1.06, 3) if rng.random() < 0.65 else _glove(rng)
    root = _edge(side, rng, upper=False)
    aim = np.array([side, side]) * rng.uniform(0.25, 0.8, 2)
    width = side * rng.uniform(0.035, 0.085)
    across = np.array([-(aim - root)[1], (aim - root)[0]]) / (np.linalg.norm(aim - root) + 1e-3)
    count = int(rng.integers(1, 5))
    for k in range(count):
        offset = (k - (count - 1) / 2) * width * rng.uniform(1.7, 2.3)
        tip = aim + across * offset * rng.uniform(0.8, 1.4) + (aim - root) * rng.uniform(-0.15, 0.1)
        bend = (root + tip) / 2 + across * offset + rng.normal(0, 10, 2)
        _limb(
            canvas,
            _curve(root + across * offset * 0.8, bend, tip),
            width * rng.uniform(0.85, 1.1),
            tone * rng.uniform(0.92, 1.08),
            rng,
        )
    if rng.random() < 0.4:
        palm = root + (aim - root) * rng.uniform(0.05, 0.35)
        _limb(canvas, _curve(root, palm, palm + rng.normal(0, 4, 2)), width * rng.uniform(2, 4), tone, rng)


def _limb(canvas: Canvas, points: Array, width: float, tone: Array, rng: np.random.Generator) -> None:
    """A rounded limb along points: lighter in the middle, darker at its sides, with creases and a nail."""
    shape = np.zeros((canvas.side, canvas.side), np.uint8)
    cv2.polylines(shape, [_fixed(points)], False, 255, max(round(2 * width), 2), cv2.LINE_AA, _SHIFT)
    strength = shape.astype(np.float32) / 255
    depth = np.clip(cv2.distanceTransform((shape > 127).astype(np.uint8), cv2.DIST_L2, 5) / width, 0, 1)
    light = np.sqrt(np.clip(1 - (1 - depth) ** 2, 0, 1)) * rng.uniform(0.15, 0.5)
    slope = _grid(canvas.side) @ rng.normal(0, 0.25, 2)
    grain = blur(rng.standard_normal(shape.shape, np.float32), 1.0) * rng.uniform(0, 0.12)
    shade = light - 0.3 + slope * depth + grain
    for _ in range(rng.integers(0, 4)):
        at = points[rng.integers(len(points))]
        crease = np.zeros_like(shape)
        cv2.ellipse(crease, (int(at[0]), int(at[1])), (int(width), 2), rng.uniform(0, 180), 0, 180, 255, 1, cv2.LINE_AA)
        shade = shade - crease.astype(np.float32) / 255 * rng.uniform(0.05, 0.25)
    if rng.random() < 0.4:
        nail = np.zeros_like(shape)
        cv2.ellipse(
            nail,
            (int(points[-1][0]), int(points[-1][1])),
            (int(width * 0.55), int(width * 0.7)),
            rng.uniform(0, 180),
            0,
            360,
            255,
            -1,
        )
        shade = shade + nail.astype(np.float32) / 255 * rng.uniform(0, 0.25)
    fall = rng.uniform(2, 12)
    canvas.shade(-rng.uniform(0, 0.7) * blur(np.roll(strength, rng.integers(-5, 6, 2), (0, 1)), fall))
    canvas.lay(blur(strength, 0.7), tone * np.exp(shade)[..., None])


def sheet(canvas: Canvas, rng: np.random.Generator) -> None:
    """A mask or a cloth over the lower, upper or one half of the face, with folds."""
    side = canvas.side
    line = rng.uniform(0.3, 0.62) * side
    steps = np.linspace(0, side, 24)
    edge = line + rng.uniform(-0.14, 0.14) * side * np.cos((steps / side - 0.5) * np.pi) + rng.normal(0, 1.5, 24)
    shape = np.zeros((side, side), np.uint8)
    cv2.fillPoly(
        shape, [_fixed(np.vstack([[0, side], np.stack([steps, edge], 1), [side, side]]))], 255, cv2.LINE_AA, _SHIFT
    )
    if rng.random() < 0.4:  # inset at the sides, held by straps
        inset = rng.uniform(0.05, 0.2) * side
        shape[:, : int(inset)] = shape[:, side - int(inset) :] = 0
        for sign in (0, 1):
            x = inset if sign == 0 else side - inset
            cv2.line(
                shape,
                (int(x), int(line + 5)),
                (0 if sign == 0 else side, int(line - rng.uniform(0, 60))),
                255,
                int(rng.integers(1, 6)),
                cv2.LINE_AA,
            )
    if rng.random() < 0.15:
        shape = np.ascontiguousarray(shape[::-1] if rng.random() < 0.4 else shape.T)
    strength = shape.astype(np.float32) / 255
    tone = _cloth(rng) if rng.random() < 0.8 else _swatch(canvas, rng)
    folds = np.sin(_grid(side) @ (rng.normal(0, 1, 2) * (1.5, 12)) + rng.uniform(0, 6)) * rng.uniform(0, 0.12)
    canvas.shade(-rng.uniform(0, 0.5) * blur(np.roll(strength, -3, 0), 3))
    canvas.lay(strength, _gradient(side, tone, rng, 0.3) * np.exp(folds)[..., None])


def retractor(canvas: Canvas, rng: np.random.Generator) -> None:
    """White or clear plastic round the lips, with its gleams; handles to the sides."""
    side = canvas.side
    centre, lips = canvas.place(mesh.OUTER_LIPS), canvas.frame.uv[mesh.OUTER_LIPS]
    half = np.ptp(lips, 0) / 2 * rng.uniform(1.0, 1.9, 2)
    ring = np.zeros((side, side), np.uint8)
    thick = int(rng.integers(4, 26))
    arcs = [(0, 360)] if rng.random() < 0.4 else [(-70, 70), (110, 250)]
    for start, end in arcs:
        cv2.ellipse(
            ring,
            (int(centre[0]), int(centre[1])),
            (int(half[0]), int(half[1])),
            rng.normal(0, 4),
            start,
            end,
            255,
            thick,
            cv2.LINE_AA,
        )
    if rng.random() < 0.6:
        for sign in (-1, 1):
            tip = centre + np.array([sign * half[0] * rng.uniform(1.3, 2.2), rng.uniform(-10, 40)])
            cv2.line(
                ring,
                (int(centre[0] + sign * half[0]), int(centre[1])),
                (int(tip[0]), int(tip[1])),
                255,
                int(rng.integers(6, 34)),
                cv2.LINE_AA,
            )
    strength = ring.astype(np.float32) / 255
    depth = cv2.distanceTransform((ring > 127).astype(np.uint8), cv2.DIST_L2, 5) / max(thick / 2, 1)
    tone = np.array([rng.uniform(150, 255)] * 3, np.float32) * rng.uniform(0.92, 1.04, 3)
    gleam = np.exp(-((depth - rng.uniform(0.2, 1)) ** 2) / 0.05) * rng.uniform(0, 0.6)
    canvas.shade(-rng.uniform(0, 0.4) * blur(np.roll(strength, 3, 0), 3))
    canvas.lay(strength * rng.uniform(0.4, 1), _gradient(side, tone, rng, 0.35) * np.exp(gleam)[..., None])


def instrument(canvas: Canvas, rng: np.random.Generator) -> None:
    """A rod from outside, of metal or plastic, and what it carries: a mirror, a tip, nothing."""
    side = canvas.side
    start, end = _edge(side, rng, upper=False), canvas.place(mesh.OUTER_LIPS) + rng.normal(0, 45, 2)
    rod = np.zeros((side, side), np.uint8)
    width = int(rng.integers(3, 20))
    cv2.line(rod, _fixed(start).tolist(), _fixed(end).tolist(), 255, width, cv2.LINE_AA, _SHIFT)
    depth = cv2.distanceTransform((rod > 127).astype(np.uint8), cv2.DIST_L2, 5) / max(width / 2, 1)
    tone = _metal(rng) if rng.random() < 0.7 else _plastic(rng)
    canvas.lay(rod.astype(np.float32) / 255, tone * np.exp(rng.uniform(-0.2, 0.9) * (depth - 0.5))[..., None])
    if rng.random() < 0.6:
        radius = rng.uniform(0.03, 0.16) * side
        axes, angle = (int(radius), int(radius * rng.uniform(0.4, 1))), rng.uniform(0, 180)
        disc, rim = np.zeros_like(rod), np.zeros_like(rod)
        cv2.ellipse(disc, (int(end[0]), int(end[1])), axes, angle, 0, 360, 255, -1, cv2.LINE_AA)
        cv2.ellipse(rim, (int(end[0]), int(end[1])), axes, angle, 0, 360, 255, int(rng.integers(2, 7)), cv2.LINE_AA)
        seen = (
            np.roll(canvas.texture, rng.integers(-150, 150, 2), (0, 1))[::-1]
            if rng.random() < 0.5
            else _swatch(canvas, rng)
        )
        canvas.lay(disc.astype(np.float32) / 255, seen * rng.uniform(0.6, 1.3))
        canvas.lay(rim.astype(np.float32) / 255, tone * 1.2)


def brim(canvas: Canvas, rng: np.random.Generator) -> None:
    """The brim of a hat or a cap over the forehead, and its shadow, which covers nothing."""
    side = canvas.side
    height, sag, tilt = rng.uniform(0.06, 0.34) * side, rng.uniform(-0.12, 0.12) * side, rng.normal(0, 0.08)
    steps = np.linspace(-0.1, 1.1, 30)
    edge = height + sag * np.cos((steps - 0.5) * np.pi) + tilt * (steps - 0.5) * side
    shape = np.zeros((side, side), np.uint8)
    cv2.fillPoly(
        shape,
        [_fixed(np.vstack([[-40, -5], np.stack([steps * side, edge], 1), [side + 40, -5]]))],
        255,
        cv2.LINE_AA,
        _SHIFT,
    )
    strength = shape.astype(np.float32) / 255
    shadow = blur(np.roll(strength, int(rng.integers(5, 60)), 0), rng.uniform(2, 12))
    canvas.shade(-rng.uniform(0, 1.0) * shadow)
    tone = _cloth(rng) if rng.random() < 0.6 else _swatch(canvas, rng)
    weave = blur(rng.standard_normal((side, side), np.float32), 1.0) * rng.uniform(0, 0.3)
    canvas.lay(strength, _gradient(side, tone, rng, 0.4) * np.exp(weave)[..., None])


def thing(canvas: Canvas, rng: np.random.Generator) -> None:
    """Anything: a shape of any outline with the look of any other photograph."""
    shape = _blob(canvas.side, rng, rng.uniform(-1, 1, 2), rng.uniform(0.05, 0.4))
    canvas.lay(blur(shape, rng.uniform(0.5, 1.5)), _swatch(canvas, rng) * rng.uniform(0.6, 1.4))


COVERING: tuple[Painter, ...] = (glasses, strands, fringe, hand, sheet, retractor, instrument, brim, thing)
_SHARES = np.array([0.27, 0.13, 0.08, 0.17, 0.07, 0.07, 0.09, 0.06, 0.06])


def _grid(side: int) -> Array:
    axis = np.linspace(-1, 1, side, dtype=np.float32)
    return np.dstack(np.meshgrid(axis, axis))


def _blob(side: int, rng: np.random.Generator, centre: Array, size: float) -> Array:
    """A closed wobbly outline, filled; centre and size in parts of half the side."""
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    radius = 1 + sum(rng.normal(0, 0.25 / k) * np.cos(k * angles + rng.uniform(0, 6)) for k in (1, 2, 3, 5))
    points = np.stack([np.cos(angles), np.sin(angles) * rng.uniform(0.4, 1.6)], 1) * radius[:, None] * size + centre
    out = np.zeros((side, side), np.uint8)
    cv2.fillPoly(
        out, [_fixed((_turned(points - centre, rng.uniform(0, 6)) + centre + 1) * side / 2)], 255, cv2.LINE_AA, _SHIFT
    )
    return out.astype(np.float32) / 255


def _edge(side: int, rng: np.random.Generator, upper: bool) -> Array:
    """A place on the frame's outline: on its upper half, or anywhere but the top."""
    angle = rng.uniform(np.pi, 2 * np.pi) if upper else rng.uniform(-0.25 * np.pi, 1.25 * np.pi)
    return np.array([0.5 + 0.52 * np.cos(angle), 0.5 + 0.52 * np.sin(angle)]) * side


def _curve(start: Array, bend: Array, end: Array) -> Array:
    t = np.linspace(0, 1, 24)[:, None]
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * bend + t**2 * end


def _turned(points: Array, angle: float) -> Array:
    return points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def _fixed(points: Array) -> Array:
    return np.round(np.asarray(points) * 2**_SHIFT).astype(np.int32)


def _gradient(side: int, tone: Array, rng: np.random.Generator, strength: float) -> Array:
    slope = _grid(side) @ rng.normal(0, strength, 2)
    return (tone * np.exp(slope)[..., None]).astype(np.float32)


def _swatch(canvas: Canvas, rng: np.random.Generator) -> Array:
    piece = canvas.swatches[rng.integers(len(canvas.swatches))]
    turned = np.rot90(piece, rng.integers(4))[:: rng.choice([-1, 1])]
    return cv2.resize(np.ascontiguousarray(turned), (canvas.side, canvas.side), interpolation=cv2.INTER_LINEAR).astype(
        np.float32
    )


def _hair_colour(canvas: Canvas, rng: np.random.Generator) -> Array:
    tones = np.array(
        [
            [25, 20, 18],
            [60, 42, 30],
            [110, 80, 55],
            [170, 135, 90],
            [215, 190, 145],
            [150, 148, 145],
            [215, 212, 205],
            [120, 55, 30],
        ]
    )
    return tones[rng.integers(len(tones))] * rng.uniform(0.7, 1.2) + rng.normal(0, 6, 3)


def _metal(rng: np.random.Generator) -> Array:
    return np.array(
        [[200, 200, 205], [130, 130, 135], [60, 58, 58], [190, 155, 95], [110, 75, 50]][rng.integers(5)]
    ) * rng.uniform(0.6, 1.25)


def _plastic(rng: np.random.Generator) -> Array:
    return rng.uniform(5, 60) * np.ones(3) + rng.normal(0, 6, 3) if rng.random() < 0.6 else rng.uniform(0, 255, 3)


def _glove(rng: np.random.Generator) -> Array:
    return np.array(
        [[225, 225, 220], [70, 110, 190], [120, 90, 190], [60, 60, 65], [150, 200, 225], [235, 215, 175]][
            rng.integers(6)
        ]
    ) * rng.uniform(0.75, 1.05)


def _cloth(rng: np.random.Generator) -> Array:
    return np.array(
        [
            [140, 190, 215],
            [235, 235, 235],
            [90, 150, 190],
            [30, 30, 35],
            [170, 205, 190],
            [40, 50, 90],
            [220, 160, 175],
        ][rng.integers(7)]
    ) * rng.uniform(0.7, 1.08)
