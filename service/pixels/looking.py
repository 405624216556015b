"""What a picture seems to show, for a guess at its view: a head and what it does, or the inside of a mouth."""

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from service.pixels.picture import Image

if TYPE_CHECKING:
    from models import HeadReader

_SIDE: Final = 256
_MUCOSA: Final = 20  # a* of CIELAB above which a surface is redder than skin
_ENAMEL: Final = (60, 12, 4)  # least lightness of teeth, most red, least yellow


@dataclass(frozen=True)
class Look:
    """face: whether any detector sees one; yaw, lips_apart, teeth: see `models.Head`, yaw None where unknown;
    mucosa, enamel: shares of the picture, 0 to 1, in the colours of gums and of teeth.
    """

    face: bool
    yaw: float | None = None
    lips_apart: float = 0.0
    teeth: float = 0.0
    mucosa: float = 0.0
    enamel: float = 0.0


class Viewer:
    """Looks at pictures; the networks are loaded at the first one and kept."""

    def __init__(self) -> None:
        self._loading = threading.Lock()

    @cached_property
    def _reader(self) -> "HeadReader":
        from models import HeadReader  # costs seconds and hundreds of megabytes

        return HeadReader()

    def look(self, image: Image) -> Look:
        """RGB uint8 [H, W, 3]; a thousand pixels across are plenty."""
        with self._loading:
            reader = self._reader
        mucosa, enamel = _colours(image)
        head = reader.read(image)
        if head is None:
            return Look(False, mucosa=mucosa, enamel=enamel)
        return Look(True, head.yaw, head.lips_apart, head.teeth, mucosa, enamel)


def _colours(image: Image) -> tuple[float, float]:
    """The shares of gums and of teeth."""
    scale = _SIDE / max(image.shape[:2])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image
    lab = cv2.cvtColor(np.ascontiguousarray(small, np.uint8), cv2.COLOR_RGB2LAB).astype(np.float32)
    lightness, red, yellow = lab[..., 0] / 2.55, lab[..., 1] - 128, lab[..., 2] - 128
    enamel = (lightness > _ENAMEL[0]) & (red < _ENAMEL[1]) & (yellow > _ENAMEL[2])
    return float((red > _MUCOSA).mean()), float(enamel.mean())
