"""The crown of a head: where its hair begins above the forehead, and how wide and how high the head stands.

A part of an identity: recognisers know people by that far more than by the tone of their hair. A new crown is a motion.
Two numbers say how high the forehead is between the brows and the hair, in its middle and at the temples, among people:
the hairline goes there from where it is seen (`models.hair`), as far as skin bears it, so that whoever has a high one
does not get one that nobody has. Two more move the outline of the head, beside the face and above it, outwards or
inwards. Each motion comes in and ends softly, so that no strand is drawn, none is torn, and what lies behind the head
is at rest a little way off.
"""

from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.hair import Hairline
from models.mesh import BOTTOM, LEFT_BROW, RIGHT_BROW, TOP, Array

LATENT_SIZE: Final = 4  # how high the hairline is in its middle, and at the temples; how wide and how high the head is
# Of the face's width: how high the forehead is in its middle and at the temples, from the brows up to hair; mean and
# deviation of 93 training portraits, of 113, that have hair there.
MIDDLE, TEMPLES = (0.4, 0.07), (0.3, 0.07)
TOGETHER: Final = 0.77  # correlation of the two
UNUSUAL: Final = 1.6  # deviations: no hairline is sent to where fewer people have theirs
FARTHEST: Final = 0.52  # of forehead or hair, whichever is less: how far a hairline goes; they fold from 0.67 on
BENT: Final = 0.2  # of the forehead at the temples: how much farther or less far it goes there than in the middle
WIDER, HIGHER = 0.045, 0.04  # of the face's width: how far the outline goes
# In parts of the face's width, above the top of the forehead; all ends inside of `renderer.surroundings`.
# A hairline's motion ends where the head does, whose outline stays; there at the latest, and over so much at least.
_REST, _THIN = 0.62, 0.05
_CROWN: Final = (0.05, 0.36, 0.68)  # where the motion upwards comes in, is full, and has ended
# The same, beyond the sides of the face, where its mesh ends.
_SIDE: Final = (-0.22, 0.08, 0.46)  # where the motion sideways comes in, is full, and has ended
_FADE: Final = (0.6, 1.05)  # of the way to a side: where the hairline's motion fades, and has ended
_ROUND: Final = (-0.25, 0.46)  # where the motion upwards fades, and has ended: a crown is round
_TEMPLE: Final = (0.2, 0.68)  # of the way to a side: up to where it is the middle, and from where the temples
# In parts of the face's height, from its top: where the motion sideways comes in beside the cheeks, and ends above.
_CHEEK, _OVER = (-0.6, -0.05), (0.12, 0.42)


def sample(rng: np.random.Generator, count: int) -> Array:
    """Draw crowns, float32 [count, LATENT_SIZE]."""
    return np.clip(rng.standard_normal((count, LATENT_SIZE)), -2.5, 2.5).astype(np.float32)


def motion(points: Array, latent: Array, height: int, width: int, line: Hairline | None) -> Array:
    """The motion that gives a head the crown of `latent` [4].

    Args:
        points: [>= 468, 2], the mesh of its face after everything else, in pixels of a grid of `height` x `width`.
        line: where its hair begins; None: a bald head's outline alone changes.

    Returns:
        float32 [height, width, 2], offsets to the source in those pixels; from the brows down 0 but beside the cheeks.
    """
    upwards = points[TOP] - points[BOTTOM]
    tall = max(float(np.linalg.norm(upwards)), 1e-6)
    up = (upwards / tall).astype(np.float32)
    across = np.array([-up[1], up[0]], np.float32)
    wide = max(float(np.ptp(points @ across)), 1e-6)
    x = np.arange(width, dtype=np.float32)[None] - points[TOP, 0]
    y = np.arange(height, dtype=np.float32)[:, None] - points[TOP, 1]
    above, aside = (x * up[0] + y * up[1]) / wide, (x * across[0] + y * across[1]) / wide
    lateral = (points - points[TOP]) @ across / wide
    # A face that is turned ends on one side nearer to its middle than on the other.
    half = np.where(aside < 0, max(-float(lateral.min()), 0.1), max(float(lateral.max()), 0.1))
    beyond = np.abs(aside) - half
    wider, higher = latent[2:]
    raised = HIGHER * np.tanh(higher) * _hill(above, *_CROWN) * (1 - _between(beyond, *_ROUND))
    if line is not None:
        brows = float(((points[RIGHT_BROW + LEFT_BROW] - points[TOP]) @ up).max()) / wide
        temple = _between(np.abs(aside) / half, *_TEMPLE)
        sides = zip(*_hairline(latent[:2], line, brows), strict=True)
        full, end, way = (middle + temple * (temples - middle) for middle, temples in sides)
        raised += way * _hill(above, brows, full, end) * (1 - _between(np.abs(aside) / half, *_FADE))
    level = above * (wide / tall)
    spread = WIDER * np.tanh(wider) * np.sign(aside) * _hill(beyond, *_SIDE)
    spread *= _between(level, *_CHEEK) * (1 - _between(level, *_OVER))
    offsets = raised[..., None] * up + spread[..., None] * across
    return (-wide * offsets).astype(np.float32)


def _hairline(latent: Array, line: Hairline, brows: float) -> Iterator[tuple[float, float, float]]:
    """In the middle and at the temples: how high above the top of the forehead a motion is full and ends, its length.

    brows: how high above it they lie; all in parts of the face's width.
    """
    middle, temples = latent.tolist()
    deviations = middle, TOGETHER * middle + float(np.sqrt(1 - TOGETHER**2)) * temples
    ways = list[float]()
    for deviation, (mean, usual), begin, end in zip(deviations, (MIDDLE, TEMPLES), line.begins, line.ends, strict=True):
        forehead, hair = max(begin - brows, 0.0), max(min(end, _REST) - begin, _THIN)
        # A fringe lies lower than any hairline, and is to stay one.
        wanted = min(mean, forehead + usual) + usual * float(np.clip(deviation, -UNUSUAL, UNUSUAL)) - forehead
        bound = FARTHEST * min(forehead, hair)
        way = float(np.clip(wanted, -bound, bound))
        way = float(np.clip(way, ways[0] - BENT * forehead, ways[0] + BENT * forehead)) if ways else way
        ways.append(way)
        full = max(begin + way, brows + _THIN)  # hair may hang over the brows
        yield full, max(begin + hair, full + _THIN), way


def moved(image: NDArray[np.uint8], points: Array, latent: Array, line: Hairline | None) -> NDArray[np.uint8]:
    """A picture [H, W, 3] with the crown of `latent` and nothing else changed; points: [468, 2], the mesh in it."""
    height, width = image.shape[:2]
    grid = np.dstack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)
    source = grid + motion(points, latent, height, width, line)
    return np.asarray(cv2.remap(image, source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _hill(place: Array, start: float, full: float, end: float) -> Array:
    return _between(place, start, full) * (1 - _between(place, full, end))


def _between(place: Array, none: float, full: float) -> Array:
    """0 up to `none`, 1 from `full` on, soft at both ends."""
    share = np.clip((place - none) / (full - none), 0, 1)
    return np.asarray(share * share * (3 - 2 * share))
