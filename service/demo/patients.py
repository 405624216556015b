"""The two patients: photographs in the public domain that installed packages carry, read from there.

NASA's portrait of an astronaut comes with scikit-image, the US Navy's portrait of an admiral with matplotlib. Names,
numbers and dates in the headers are invented; they are there to be removed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.errors import ConfigurationError

Picture = NDArray[np.uint8]
Crop = tuple[int, int, int, int]


@dataclass(frozen=True)
class Patient:
    """Who is photographed, and how: crops are (left, top, right, bottom) in the carried photograph's pixels.

    `frontal_view` and `oblique_view` are the ADA-1100 codes that fit the expression; `yaw` turns the head for the
    oblique view, in degrees.
    """

    label: str
    photograph: Callable[[], Picture]
    first_crop: Crop
    second_crop: Crop
    enlarge: float
    yaw: float
    frontal_view: str
    oblique_view: str
    header: dict[str, str]
    mouth_seed: int

    def frontal(self) -> Picture:
        """The first visit: RGB uint8 [H, W, 3]."""
        return _crop(self.photograph(), self.first_crop, self.enlarge)

    def second_visit(self) -> Picture:
        """Another crop under warmer and brighter light."""
        picture = _crop(self.photograph(), self.second_crop, self.enlarge) / 255.0
        warm = np.power(picture, 0.85) * np.array([1.03, 1.0, 0.93])
        return np.asarray(255 * np.clip(warm, 0, 1), np.uint8)


def _crop(photograph: Picture, crop: Crop, enlarge: float) -> Picture:
    left, top, right, bottom = crop
    size = (round((right - left) * enlarge), round((bottom - top) * enlarge))
    return np.asarray(cv2.resize(photograph[top:bottom, left:right], size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _carried(package: str, read: Callable[[], Any]) -> Picture:
    try:
        return np.asarray(read(), np.uint8)
    except (ImportError, OSError) as error:
        raise ConfigurationError(
            f"The demonstration needs the photograph that {package} carries: install veragate with its extra 'demo'."
        ) from error


def _astronaut() -> Picture:
    def read() -> Any:
        data: Any = import_module("skimage.data")
        return data.astronaut()

    return _carried("scikit-image", read)


def _admiral() -> Picture:
    def read() -> Any:
        cbook: Any = import_module("matplotlib.cbook")
        return Image.open(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)).convert("RGB")

    return _carried("matplotlib", read)


PATIENTS = (
    Patient(
        label="Patient A",
        photograph=_astronaut,
        first_crop=(105, 0, 345, 300),
        second_crop=(122, 4, 322, 264),
        enlarge=4.0,
        yaw=20.0,
        frontal_view="EV19",
        oblique_view="EV12",
        header={
            "PatientID": "MRN-4711-A",
            "PatientName": "Sampleton^Alberta^Q",
            "PatientBirthDate": "19610203",
            "PatientSex": "F",
            "ReferringPhysicianName": "Referrer^Roberta",
            "InstitutionName": "Exampletown Dental Hospital",
        },
        mouth_seed=3,
    ),
    Patient(
        label="Patient B",
        photograph=_admiral,
        first_crop=(75, 0, 441, 460),
        second_crop=(95, 8, 415, 420),
        enlarge=2.6,
        yaw=-15.0,
        frontal_view="EV17",
        oblique_view="EV31",
        header={
            "PatientID": "MRN-0815-B",
            "PatientName": "Testerman^Berenike",
            "PatientBirthDate": "19110908",
            "PatientSex": "F",
            "ReferringPhysicianName": "Referrer^Roberta",
            "InstitutionName": "Exampletown Dental Hospital",
        },
        mouth_seed=8,
    ),
)
