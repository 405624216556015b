"""The contact sheet: each photograph beside its result, the preserved region outlined."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]
Box = tuple[float, float, float, float]

_TILE = 460
_GAP = 14
_CAPTION = 58
_HEAD = 54
_OUTLINE = (0, 200, 255)


@dataclass(frozen=True)
class Cell:
    """One photograph of the sheet: RGB uint8 [H, W, 3] before and after (None: nothing came out)."""

    title: str
    note: str
    original: Picture
    result: Picture | None
    faces: tuple[Box, ...] = ()


def write_sheet(columns: Sequence[tuple[str, Sequence[Cell]]], path: Path) -> None:
    """One column of cells for each patient, under the patient's label."""
    rows = max(len(cells) for _, cells in columns)
    wide, high = 2 * _TILE + 3 * _GAP, _TILE + _CAPTION + _GAP
    sheet = Image.new("RGB", (wide * len(columns), _HEAD + high * rows), (250, 250, 250))
    draw = ImageDraw.Draw(sheet)
    for number, (label, cells) in enumerate(columns):
        draw.text((number * wide + _GAP, 12), label, fill=(20, 20, 20), font=_font(28))
        draw.text((number * wide + 2 * _GAP + _TILE, 20), "what came out", fill=(90, 90, 90), font=_font(20))
        for row, cell in enumerate(cells):
            _draw_cell(sheet, draw, cell, number * wide + _GAP, _HEAD + row * high)
    sheet.save(path)


def preserved_inside_faces(original: Picture, result: Picture, faces: Sequence[Box]) -> NDArray[np.bool_]:
    """What is equal in both pictures and enclosed by what is not, bool [H, W].

    The background is equal too, so only islands of equal pixels that lie inside a face's box and touch none of its
    sides are taken; specks, which are chance, are not.
    """
    islands = np.zeros(original.shape[:2], bool)
    equal = np.all(original == result, axis=2).astype(np.uint8)
    for face in faces:
        left, top, right, bottom = _inside(face, equal.shape)
        window = cv2.morphologyEx(equal[top:bottom, left:right], cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(window)
        for label in range(1, count):
            x, y, width, height, area = stats[label]
            enclosed = x > 0 and y > 0 and x + width < window.shape[1] and y + height < window.shape[0]
            if enclosed and area > window.size / 400:
                islands[top:bottom, left:right] |= labels == label
    return islands


def _draw_cell(sheet: Image.Image, draw: ImageDraw.ImageDraw, cell: Cell, left: int, top: int) -> None:
    sheet.paste(_fit(cell.original), (left, top))
    right = left + _TILE + _GAP
    if cell.result is None:
        draw.text((right + 20, top + 20), "nothing came out", fill=(180, 0, 0), font=_font(22))
    else:
        sheet.paste(_fit(_outlined(cell)), (right, top))
    draw.text((left, top + _TILE + 4), cell.title, fill=(20, 20, 20), font=_font(21))
    draw.text((left, top + _TILE + 31), cell.note, fill=(90, 90, 90), font=_font(17))


def _outlined(cell: Cell) -> Picture:
    assert cell.result is not None
    if cell.result.shape != cell.original.shape:
        return cell.result
    mask = preserved_inside_faces(cell.original, cell.result, cell.faces).astype(np.uint8)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    thickness = max(1, round(max(mask.shape) / _TILE))
    return np.asarray(cv2.drawContours(cell.result.copy(), outlines, -1, _OUTLINE, thickness), np.uint8)


def _fit(picture: Picture) -> Image.Image:
    image = Image.fromarray(picture)
    image.thumbnail((_TILE, _TILE), Image.Resampling.LANCZOS)
    canvas = Image.new("RGB", (_TILE, _TILE), (225, 225, 225))
    canvas.paste(image, ((_TILE - image.width) // 2, (_TILE - image.height) // 2))
    return canvas


def _inside(box: Box, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    left, right = (int(np.clip(value, 0, shape[1])) for value in (box[0], box[2]))
    top, bottom = (int(np.clip(value, 0, shape[0])) for value in (box[1], box[3]))
    return left, top, right, bottom


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)
