"""Pictures with writing, drawn as it gets into clinical photographs: labels, name cards, rulers, stamps, handwriting.

for label in labels(40): picture, box = draw(label)     # RGB uint8 [720, 960, 3], and where the writing stands
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]
Box = tuple[int, int, int, int]

WIDE, HIGH = 960, 720
KINDS = ("plain", "card", "ruler", "stamp", "handwriting")
HEIGHTS = (8, 10, 12, 16, 22, 30, 44, 60, 80)  # of capitals, in pixels
TURNS = (0, 0, 0, 5, -8, 90, -90, 30)  # degrees
_NAMES = (
    *(
        "Zanzibar Quentin",
        "Moll, E.",
        "Brzęczyszczykiewicz",
        "Li Wu",
        "Ng",
        "O'Neill 1987",
        "SMITH JOHN",
        "Иванова Ольга",
    ),
    *("ΠΑΠΑΔΟΠΟΥΛΟΣ", "PID 7731-4402", "23.04.1987", "de la Cruz, María", "Kim Da", "Patel R 12y", "No. 4711", "Wei"),
)
_FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif.ttf", "DejaVuSansMono.ttf")
_INKS = {"dark": (28, 26, 32), "light": (238, 238, 232), "yellow": (250, 214, 60), "blue": (40, 60, 150)}


@dataclass(frozen=True)
class Label:
    """What is written, how, how tall its capitals are in pixels, and by how many degrees it is turned."""

    kind: str
    text: str
    height: int
    turn: int
    seed: int

    def __str__(self) -> str:
        return f"{self.kind} {self.height}px {self.turn}° {self.text!r}"


def labels(count: int, seed: int = 0) -> Iterator[Label]:
    """`count` of them, every kind and every height about as often."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        kind, height = KINDS[number % len(KINDS)], HEIGHTS[number // len(KINDS) % len(HEIGHTS)]
        turn = int(rng.choice(TURNS)) if kind not in ("stamp",) else 0
        yield Label(kind, str(rng.choice(_NAMES)), height, turn, int(rng.integers(1 << 30)))


def draw(label: Label, backdrop: Picture | None = None) -> tuple[Picture, Box]:
    """The label somewhere in `backdrop`, or on a soft wall where none is given; and the box around its writing."""
    rng = np.random.default_rng(label.seed)
    picture = wall(rng) if backdrop is None else backdrop
    patch, ink = _patch(label, rng)
    if label.turn:
        turned = [image.rotate(label.turn, Image.Resampling.BICUBIC, expand=True) for image in (patch, ink)]
        patch, ink = turned[0], turned[1]
    room = max(0, picture.shape[1] - patch.width), max(0, picture.shape[0] - patch.height)
    at = int(rng.integers(room[0] + 1)), int(rng.integers(room[1] + 1))
    canvas = Image.fromarray(picture).convert("RGB")
    canvas.paste(patch, at, patch.getchannel("A"))
    left, top, right, bottom = ink.getbbox() or (0, 0, 1, 1)
    return _photographed(np.asarray(canvas), rng), (left + at[0], top + at[1], right + at[0], bottom + at[1])


def wall(rng: np.random.Generator) -> Picture:
    coarse = rng.integers(70, 190, (6, 8, 3)).astype(np.uint8)
    return cv2.resize(coarse, (WIDE, HIGH), interpolation=cv2.INTER_CUBIC)


def _photographed(picture: Picture, rng: np.random.Generator) -> Picture:
    """A little blur, a little grain."""
    soft = cv2.GaussianBlur(picture, (0, 0), 0.4 + 0.5 * rng.random()).astype(np.float32)
    return np.clip(soft + rng.normal(0, 3, soft.shape), 0, 255).astype(np.uint8)


def _patch(label: Label, rng: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    """RGBA of what is laid over the picture, and where in it the writing is, as a mask."""
    written = _handwritten(label) if label.kind == "handwriting" else _printed(label, rng)
    edge = label.height if label.kind in ("card", "ruler") else 2
    below = 2 * label.height if label.kind == "ruler" else 0
    size = written.width + 2 * edge, written.height + 2 * edge + below
    ground = (240, 238, 230, 255) if label.kind in ("card", "ruler") else (0, 0, 0, 0)
    names = {"card": ("dark", "blue"), "ruler": ("dark",), "stamp": ("yellow", "light")}.get(
        label.kind, ("dark", "light")
    )
    patch, ink = Image.new("RGBA", size, ground), Image.new("L", size)
    ink.paste(written, (edge, edge))
    patch.paste((*_INKS[str(rng.choice(names))], 255), (0, 0), ink)
    if label.kind == "ruler":
        _ticks(ImageDraw.Draw(patch), size, label.height)
    return patch, ink


def _printed(label: Label, rng: np.random.Generator) -> Image.Image:
    path = files("matplotlib") / "mpl-data" / "fonts" / "ttf" / str(rng.choice(_FONTS))
    font = ImageFont.truetype(str(path), round(label.height / 0.73))
    left, top, right, bottom = font.getbbox(label.text)
    mask = Image.new("L", (int(right - left), int(bottom - top)))
    ImageDraw.Draw(mask).text((-left, -top), label.text, 255, font)
    return mask


def _handwritten(label: Label) -> Image.Image:
    text = label.text.encode("ascii", "ignore").decode().strip() or "Moll"
    scale, thick = label.height / 21, max(1, label.height // 9)
    (wide, high), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SCRIPT_COMPLEX, scale, thick)
    mask: Any = np.zeros((high + below + 2 * thick, wide + 2 * thick), np.uint8)
    cv2.putText(mask, text, (thick, high + thick), cv2.FONT_HERSHEY_SCRIPT_COMPLEX, scale, 255, thick, cv2.LINE_AA)
    return Image.fromarray(mask)


def _ticks(drawing: ImageDraw.ImageDraw, size: tuple[int, int], height: int) -> None:
    step = max(3, height // 3)
    for number, x in enumerate(range(step, size[0], step)):
        drawing.line(
            (x, size[1], x, size[1] - height * (1.4 if number % 5 == 0 else 0.7)), (30, 30, 30), max(1, step // 5)
        )
