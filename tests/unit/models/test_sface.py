"""The second recogniser, on two photographs in the public domain."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.sface import SIDE, SIZE, WEIGHTS, SFace, SFaceNet
from models.weights import WeightsError, load

Picture = NDArray[np.uint8]
Mesh = NDArray[np.float32]


@pytest.fixture(scope="module", name="recognizer")
def _recognizer() -> SFace:
    return SFace()


def test_one_person_is_near_and_another_is_not(
    recognizer: SFace, astronaut: Picture, admiral: Picture, meshes: tuple[Mesh, Mesh]
) -> None:
    """A brighter and softer copy is the same person (below 1.128, OpenCV's figure), somebody else is not."""
    copy = cv2.GaussianBlur(np.clip(astronaut * 1.2, 0, 255).astype(np.uint8), (0, 0), 1.5)

    own, again = recognizer.embed([astronaut, copy], meshes[0])
    other = recognizer.embed([admiral], meshes[1])[0]

    assert own.shape == (SIZE,)
    assert np.linalg.norm([own, again, other], axis=1) == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm(own - again) < 0.6
    assert np.linalg.norm(own - other) > 1.128


def test_a_head_may_be_turned_over(recognizer: SFace, astronaut: Picture, meshes: tuple[Mesh, Mesh]) -> None:
    """Crops are aligned, so a photograph upside down shows the same person."""
    height, width = astronaut.shape[:2]
    over = meshes[0] * (-1, -1, 1) + (width - 1, height - 1, 0)

    upright = recognizer.embed([astronaut], meshes[0])[0]
    turned = recognizer.embed([astronaut[::-1, ::-1].copy()], over.astype(np.float32))[0]

    assert np.linalg.norm(upright - turned) < 0.3


def test_descriptors_are_those_of_the_network_that_was_published() -> None:
    """Of a drawn picture, the first numbers that the Model Zoo's own file gives in onnxruntime 1.32."""
    board = np.indices((SIDE, SIDE)).sum(0) // 16 % 2 * 200
    ramp = np.broadcast_to(np.arange(SIDE) * 2, (SIDE, SIDE))
    network = SFaceNet()
    network.load_state_dict({name: one.float() for name, one in load(WEIGHTS)[0].items()})

    with torch.inference_mode():
        found = network(torch.from_numpy(np.stack([board, 255 - board, ramp])[None].astype(np.float32)))[0]

    published = [0.1727, 0.1059, 0.0188, 0.1160, -0.0792, 0.0171, -0.1730, -0.0357]
    assert found[:8].tolist() == pytest.approx(published, abs=1e-3)


def test_lost_weights_are_named(tmp_path: Path) -> None:
    """Without its weights the recogniser says which file is missing."""
    with pytest.raises(WeightsError, match=r"lost\.safetensors"):
        SFace(tmp_path / "lost.safetensors")
