"""Pictures that are not quite what a clinic sends: statues, drawings, animals, posters, half faces, bad light."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mesh import Mesher
from tests.support.turning import WALL, lifted

Picture = NDArray[np.uint8]
COLLINS, HOPPER = (170.0, 60.0, 280.0, 190.0), (170.0, 135.0, 375.0, 345.0)


@cache
def collins() -> Picture:
    """Eileen Collins (NASA, public domain), her face a hundred pixels across, in 512 x 512."""
    from skimage.data import astronaut

    return np.ascontiguousarray(astronaut())


@cache
def hopper() -> Picture:
    """Grace Hopper (US Navy, public domain), her face two hundred pixels across, in 600 x 512."""
    import matplotlib.cbook
    from PIL import Image

    with matplotlib.cbook.get_sample_data("grace_hopper.jpg") as file:
        return np.array(Image.open(file).convert("RGB"))


def statue() -> Picture:
    """Grace Hopper in marble: her form, lit from one side, and no colour of hers."""
    vertices = Mesher().fit(hopper(), HOPPER)
    assert vertices is not None
    head = lifted(hopper(), vertices)
    down, across = np.gradient(cv2.GaussianBlur(head.near, (0, 0), 1.5))
    normal = np.dstack([across, down, np.ones_like(across)])
    light = np.clip(normal / np.linalg.norm(normal, axis=2, keepdims=True) @ np.array([-0.51, -0.61, 0.61]), 0, 1)
    marble = (70 + 150 * light)[..., None] * (1, 0.98, 0.94)
    return np.where(head.person[..., None], marble, WALL).astype(np.uint8)


def drawing(image: Picture) -> Picture:
    """The picture in pencil."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    soft = cv2.GaussianBlur(255 - grey, (0, 0), 5)
    return np.dstack([np.clip(grey * 255.0 / np.maximum(255 - soft, 1), 0, 255).astype(np.uint8)] * 3)


def on_shirt() -> Picture:
    """Eileen Collins with Grace Hopper's portrait printed on her chest."""
    picture, printed = collins().copy(), _print()
    picture[300 : 300 + len(printed), 150 : 150 + printed.shape[1]] = (0.9 * printed).astype(np.uint8)
    return picture


def with_poster() -> Picture:
    """Eileen Collins, and a poster of Grace Hopper on the wall behind."""
    picture, printed = np.full((700, 1000, 3), (190, 188, 180), np.uint8), _print()
    picture[160:672, 300:812] = collins()
    picture[40 : 40 + len(printed), 850 : 850 + printed.shape[1]] = printed
    return picture


def with_half_a_neighbour() -> Picture:
    """Eileen Collins, and half of Grace Hopper's face at the edge of the picture."""
    picture = np.full((512, 900, 3), (190, 188, 180), np.uint8)
    picture[:, :512] = collins()
    picture[:, 630:] = hopper()[60:572, :270]
    return picture


def far_away(width: int) -> Picture:
    """Eileen Collins with a face of `width` pixels, in the corner of a wall of 1000 x 750."""
    side = round(512 * width / 102)
    picture = np.full((750, 1000, 3), (190, 188, 180), np.uint8)
    picture[730 - side : 730, 980 - side : 980] = cv2.resize(collins(), (side, side), interpolation=cv2.INTER_AREA)
    return picture


def lit(image: Picture, gain: float, offset: float = 0) -> Picture:
    return np.clip(image.astype(np.float32) * gain + offset, 0, 255).astype(np.uint8)


def _print() -> Picture:
    return np.asarray(cv2.resize(hopper()[120:400, 140:400], (110, 118), interpolation=cv2.INTER_AREA), np.uint8)
