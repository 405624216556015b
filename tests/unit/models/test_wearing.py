"""Hair and paint are drawn on the face of a woman in the public domain, who wears neither moustache nor beard."""

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models import FaceAnonymizer, mesh
from models.wearing import WornFinder

Array = NDArray[np.float32]
Faces = tuple[Array, Array]


@pytest.fixture(scope="module", name="face")
def _face(engine: FaceAnonymizer, astronaut: NDArray[Any], meshes: tuple[NDArray[Any], NDArray[Any]]) -> Faces:
    return engine.prior.frame.pull(astronaut, meshes[0])


@pytest.fixture(scope="module", name="finder")
def _finder(engine: FaceAnonymizer) -> WornFinder:
    return WornFinder(engine.prior.frame)


def _moustache(texture: NDArray[Any], uv: NDArray[Any]) -> NDArray[Any]:
    """Hundreds of short dark hairs between nose and upper lip."""
    rng, drawn = np.random.default_rng(3), texture.copy()
    (left, right), (top, bottom) = uv[[61, 291], 0], (uv[2, 1] + 6, uv[0, 1] - 4)
    for x, y in zip(rng.uniform(left, right, 500), rng.uniform(top, bottom, 500), strict=True):
        end = (int(x + rng.normal(0, 3)), int(y + rng.uniform(3, 9)))
        cv2.line(drawn, (int(x), int(y)), end, rng.uniform(20, 60, 3).tolist(), 1, cv2.LINE_AA)
    return drawn


def test_a_shaven_face_wears_nothing_on_its_lip(finder: WornFinder, face: Faces) -> None:
    """Skin between nose and mouth is no beard, nor is the shadow of a nose."""
    texture, facing = face
    shade = np.zeros(texture.shape[:2], np.float32)
    shade[230:290] = 0.5
    shaded = texture * (1 - cv2.GaussianBlur(shade, (0, 0), 4))[..., None]

    assert finder.bearded(texture, facing) < 1
    assert finder.bearded(shaded, facing) < 1


def test_a_moustache_keeps_its_look(engine: FaceAnonymizer, finder: WornFinder, face: Faces) -> None:
    """Hair on the upper lip is kept whole; cheeks and forehead may take another look."""
    texture, facing = face
    uv = engine.prior.frame.uv
    found = finder.find(_moustache(texture, uv), facing)
    worn = found.kept

    lip = np.round((uv[0] + uv[2]) / 2).astype(int)
    assert worn[lip[1] - 3 : lip[1] + 3, lip[0] - 25 : lip[0] + 25].min() > 0.9
    assert worn[: int(uv[195, 1])].max() == 0
    np.testing.assert_array_equal(found.beard, worn)


def test_painted_lips_keep_their_colour(engine: FaceAnonymizer, finder: WornFinder, face: Faces) -> None:
    """Lips of a red that no lip has are kept, lips of natural colour are not."""
    texture, facing = face
    frame = engine.prior.frame
    lips = frame.polygon(mesh.OUTER_LIPS) & ~frame.features["mouth"]
    natural, painted = texture.copy(), texture.copy()
    natural[lips] = np.median(texture[frame.skin > 0.5], 0) * (1, 0.92, 0.92)
    painted[lips] = (170, 20, 50)

    assert finder.find(natural, facing).kept[lips].max() == 0
    assert np.median(finder.find(painted, facing).kept[lips]) > 0.9
    assert finder.find(painted, facing).beard.max() == 0


def test_a_face_that_nobody_sees_wears_nothing(finder: WornFinder, face: Faces) -> None:
    """Where the camera sees no part of the face, nothing is found and nothing fails."""
    texture, facing = face

    assert finder.find(texture, np.zeros_like(facing)).kept.max() == 0
    assert finder.bearded(texture, np.zeros_like(facing)) == 0
