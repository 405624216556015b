import numpy as np
import pytest
from numpy.typing import NDArray

from models import FaceAnonymizer
from models.faces import Face
from models.fitting import disagreement, fit_face
from models.mesh import Array, Mesher
from tests.support.turning import lifted, turned

Picture = NDArray[np.uint8]


@pytest.fixture(scope="module", name="mesher")
def _mesher() -> Mesher:
    return Mesher()


def test_a_face_that_looks_here_can_be_replaced(
    engine: FaceAnonymizer, mesher: Mesher, astronaut: Picture, meshes: tuple[Array, Array]
) -> None:
    """A frontal face has a mesh, and so have half profiles to both sides."""
    head = lifted(astronaut, meshes[0])

    for picture in (astronaut, turned(head, -45), turned(head, 45)):
        assert fit_face(mesher, picture, engine.find(picture)[0], engine.prior.frame.mean) is not None


@pytest.mark.parametrize("yaw", [-85, 85])
def test_a_profile_cannot(
    engine: FaceAnonymizer, mesher: Mesher, astronaut: Picture, meshes: tuple[Array, Array], yaw: int
) -> None:
    """Of a face seen from the side none of the detectors' boxes gives a mesh to work with."""
    picture = turned(lifted(astronaut, meshes[0]), yaw)

    for face in engine.find(picture):
        assert fit_face(mesher, picture, face, engine.prior.frame.mean) is None


def test_a_mesh_that_contradicts_the_detector_is_not_believed(
    engine: FaceAnonymizer, mesher: Mesher, astronaut: Picture
) -> None:
    """Where eyes, nose and mouth lie elsewhere than the mesh says, there is none; without a word of them there is."""
    face = engine.find(astronaut)[0]
    assert face.points is not None
    moved = Face(face.box, face.found_by, face.roll, face.points + np.float32(0.15 * face.width))
    silent = Face(face.box, face.found_by, face.roll)

    vertices = fit_face(mesher, astronaut, face, engine.prior.frame.mean)
    assert vertices is not None
    assert disagreement(vertices, face) < 0.05 < 0.1 < disagreement(vertices, moved)
    assert disagreement(vertices, silent) == 0
    assert fit_face(mesher, astronaut, moved, engine.prior.frame.mean) is None
    assert fit_face(mesher, astronaut, silent, engine.prior.frame.mean) is not None


def test_a_face_that_the_detector_sees_from_the_side_cannot_be_replaced(
    engine: FaceAnonymizer, mesher: Mesher, astronaut: Picture
) -> None:
    """However well a mesh fits, the detector's word that the face looks away counts."""
    face = engine.find(astronaut)[0]
    away = Face(face.box, face.found_by, face.roll, face.points, turned=80.0)

    assert fit_face(mesher, astronaut, away, engine.prior.frame.mean) is None
