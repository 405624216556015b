"""Two real photographs in the public domain that installed packages carry, and one loaded engine."""

import matplotlib.cbook
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from models import FaceAnonymizer


@pytest.fixture(scope="session")
def engine() -> FaceAnonymizer:
    return FaceAnonymizer.load()


@pytest.fixture(scope="session")
def astronaut() -> NDArray[np.uint8]:
    return np.ascontiguousarray(skimage.data.astronaut())


@pytest.fixture(scope="session")
def admiral() -> NDArray[np.uint8]:
    with matplotlib.cbook.get_sample_data("grace_hopper.jpg") as file:
        return np.array(Image.open(file).convert("RGB"))
