"""Which faces can be replaced: those whose mesh fits, agrees with what the detector saw, and is not turned too far.

Seen from the side the mesh is a guess, and often one that looks straight ahead; so the detector has a say too.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models import mesh
from models.detectors import MOUTH
from models.faces import Face
from models.mesh import Array, Mesher, fit_similarity

MAX_YAW: Final = 50.0  # degrees that the mesh tells, which shrinks large angles: about 65 in truth
MAX_PITCH: Final = 40.0  # degrees that the mesh tells
MAX_TURN: Final = 72.0  # degrees that the detector's places tell
MAX_DISAGREEMENT: Final = 0.10  # of the face's width: mean distance of the mesh's places from the detector's


def fit_face(mesher: Mesher, image: NDArray[np.uint8], face: Face, mean: Array) -> Array | None:
    """The mesh of a face that can be replaced, float32 [468, 3] in pixels of the RGB picture; None for any other.

    `mean`: [468, 3], an upright face that looks straight ahead, in any unit.
    """
    vertices = mesher.fit(image, face.box, face.roll)
    if vertices is None:
        return None
    yaw, pitch, _ = fit_similarity(vertices, mean).yaw_pitch_roll
    is_turned = abs(yaw) > MAX_YAW or abs(pitch) > MAX_PITCH or face.turned > MAX_TURN
    return None if is_turned or disagreement(vertices, face) > MAX_DISAGREEMENT else vertices


def disagreement(vertices: Array, face: Face) -> float:
    """Mean distance of eyes, nose and mouth in mesh and detector, in widths of the face; 0 where only dlib sees it."""
    if face.points is None:
        return 0.0
    places = [vertices[mesh.RIGHT_EYE], vertices[mesh.LEFT_EYE], vertices[[1]], vertices[[13, 14]]]
    own = np.array([place[:, :2].mean(0) for place in places])
    return float(np.linalg.norm(own - face.points[: MOUTH + 1], axis=1).mean()) / face.width
