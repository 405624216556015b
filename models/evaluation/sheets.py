"""Contact sheets: the same faces before and after, large enough to judge seams and skin."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]

TILE = 512
ROWS = 4
_LABEL = 34
_GROW = 0.55  # of the box, to each side: hairline, jaw and some of the neck are where seams show


def tile(image: Picture, box: tuple[float, float, float, float] | None) -> Picture:
    """A square RGB uint8 [TILE, TILE, 3] crop round a box, reduced when larger, never enlarged; None: the whole."""
    height, width = image.shape[:2]
    if box is None:
        box = (0, 0, width, height)
    side = max(box[2] - box[0], box[3] - box[1])
    centre = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    half = side * (0.5 + _GROW)
    left, right = (int(np.clip(centre[0] + sign * half, 0, width)) for sign in (-1, 1))
    top, bottom = (int(np.clip(centre[1] + sign * half, 0, height)) for sign in (-1, 1))
    return _fit(image[top:bottom, left:right])


def write_sheets(
    rows: Sequence[Sequence[Picture]], labels: Sequence[str], folder: Path, name: str = "sheet"
) -> list[Path]:
    """Pages of four rows, a label above each column, as `NAME-NN.png`; returns the paths."""
    paths = []
    for page, first in enumerate(range(0, len(rows), ROWS), start=1):
        path = folder / f"{name}-{page:02d}.png"
        _page(rows[first : first + ROWS], labels).save(path)
        paths.append(path)
    return paths


def _page(rows: Sequence[Sequence[Picture]], labels: Sequence[str]) -> Image.Image:
    sheet = Image.new("RGB", (TILE * len(labels), _LABEL + TILE * len(rows)), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=20)
    for column, label in enumerate(labels):
        draw.text((column * TILE + 10, 5), label, fill="black", font=font)
    for line, row in enumerate(rows):
        for column, picture in enumerate(row):
            sheet.paste(Image.fromarray(picture), (column * TILE, _LABEL + line * TILE))
    return sheet


def _fit(crop: Picture) -> Picture:
    scale = min(1.0, TILE / max(crop.shape[:2]))
    size = (max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale)))
    small = cv2.resize(crop, size, interpolation=cv2.INTER_AREA) if scale < 1 else crop
    canvas = np.full((TILE, TILE, 3), 255, np.uint8)
    top, left = (TILE - small.shape[0]) // 2, (TILE - small.shape[1]) // 2
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas
