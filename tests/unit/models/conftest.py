"""Two real photographs in the public domain that installed packages carry, and one loaded engine."""

import matplotlib.cbook
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from models import FaceAnonymizer
from models.mesh import Mesher


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


@pytest.fixture(scope="session")
def meshes(
    engine: FaceAnonymizer, astronaut: NDArray[np.uint8], admiral: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of astronaut and admiral, [468, 3]."""
    mesher = Mesher()
    found = [mesher.fit(image, engine.find(image)[0].box) for image in (astronaut, admiral)]
    assert found[0] is not None
    assert found[1] is not None
    return found[0], found[1]
