"""The contact sheet: each photograph beside its result, the preserved region outlined."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]

_TILE = 460
_GAP = 14
_CAPTION = 58
_HEAD = 54
_OUTLINE = (0, 200, 255)
_SMOOTH = Image.Resampling.LANCZOS


@dataclass(frozen=True)
class Cell:
    """One photograph of the sheet: RGB uint8 [H, W, 3] before and after (None: nothing came out)."""

    title: str
    note: str
    original: Picture
    result: Picture | None


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


def write_before_after(pictures: Sequence[Picture], path: Path, height: int = 520) -> None:
    """Pictures of one person side by side, for a document."""
    images = [Image.fromarray(picture) for picture in pictures]
    images = [image.resize((round(image.width * height / image.height), height), _SMOOTH) for image in images]
    strip = Image.new("RGB", (sum(image.width + 8 for image in images) - 8, height), "white")
    left = 0
    for image in images:
        strip.paste(image, (left, 0))
        left += image.width + 8
    strip.save(path, quality=90)


def preserved_inside(original: Picture, result: Picture) -> NDArray[np.bool_]:
    """What is equal in both pictures and enclosed by what is not, bool [H, W].

    The background is equal too, so only islands of equal pixels that touch no side of the changed part's bounding box
    are taken. Small ones are chance (black cloth stays black), so an island counts from half the largest one's size.
    """
    changed: NDArray[np.bool_] = (original != result).any(axis=2)
    left, top, width, height = cv2.boundingRect(changed.astype(np.uint8))
    islands = np.zeros_like(changed)
    if not changed.any():
        return islands
    equal = 1 - changed[top : top + height, left : left + width].astype(np.uint8)
    window = cv2.morphologyEx(equal, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(window)
    x, y, across, down, area = stats[:count].T
    enclosed = (x > 0) & (y > 0) & (x + across < width) & (y + down < height) & (area > window.size / 400)
    enclosed[0] = False  # label 0 is everything that is not equal
    if enclosed.any():
        kept = enclosed & (area >= area[enclosed].max() / 2)
        islands[top : top + height, left : left + width] = kept[labels]
    return islands


def _draw_cell(sheet: Image.Image, draw: ImageDraw.ImageDraw, cell: Cell, left: int, top: int) -> None:
    sheet.paste(_fit(cell.original), (left, top))
    right = left + _TILE + _GAP
    if cell.result is None:
        draw.text((right + 20, top + 20), "nothing came out", fill=(180, 0, 0), font=_font(22))
    else:
        sheet.paste(_fit(_outlined(cell.original, cell.result)), (right, top))
    draw.text((left, top + _TILE + 4), cell.title, fill=(20, 20, 20), font=_font(21))
    draw.text((left, top + _TILE + 31), cell.note, fill=(90, 90, 90), font=_font(17))


def _outlined(original: Picture, result: Picture) -> Picture:
    mask = preserved_inside(original, result).astype(np.uint8)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    thickness = max(1, round(max(mask.shape) / _TILE))
    return np.asarray(cv2.drawContours(result.copy(), outlines, -1, _OUTLINE, thickness), np.uint8)


def _fit(picture: Picture) -> Image.Image:
    image = Image.fromarray(picture)
    image.thumbnail((_TILE, _TILE), _SMOOTH)
    canvas = Image.new("RGB", (_TILE, _TILE), (225, 225, 225))
    canvas.paste(image, ((_TILE - image.width) // 2, (_TILE - image.height) // 2))
    return canvas


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)
