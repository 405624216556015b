"""Whether others see a new face where it was drawn: a detector that finds it, a mesh that lies on it.

Neither knows what was drawn. A face that a detector misses is of less use, a preserved region should be found where it
is, and a face whose features are seen elsewhere than they were drawn looks odd to people too.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.face_model import FaceModel
from models.mesh import Array, Mesher
from models.recognizer import Recognizer
from models.regions import LANDMARKS, Region, interocular

# Of the inter-ocular distance: how far, on average, the whole face and what is preserved of it may be seen from where
# it is; a mesh that is fitted again is never quite where it was. And what a unit beyond costs, in recognition distance.
ASIDE, PRESERVED_ASIDE = 0.03, 0.012
FALSE, PRESERVED_FALSE = 4.0, 14.0
LOST: Final = 0.3  # what a face costs that is not found any more


class Onlooker:
    """dlib's frontal detector and MediaPipe's mesh; not for several threads at a time."""

    def __init__(self, recognizer: Recognizer, mesher: Mesher) -> None:
        self._recognizer, self._mesher = recognizer, mesher

    def finds(self, picture: NDArray[np.uint8]) -> bool:
        """Whether the detector sees any face in a small copy, RGB [h, w, 3], in which it is 80 pixels wide or more."""
        return bool(self._recognizer.detect(picture, enlarge=False))

    def mesh(self, picture: NDArray[np.uint8], face: FaceModel) -> Array | None:
        """Where the mesh lies, [468, 3] in pixels, on whoever is at the place of `face`; None on nobody."""
        low, high = face.vertices[:, :2].min(0).tolist(), face.vertices[:, :2].max(0).tolist()
        return self._mesher.fit(picture, (*low, *high), face.similarity.yaw_pitch_roll[2])


def misplaced(before: Array, after: Array, vertices: Array, drawn: Array, preserve: frozenset[Region]) -> float:
    """What it costs, in recognition distance, that features are not seen where they are.

    Args:
        before, after: where a mesh is seen in the original and in the result, [468, 3] in pixels. How far one is from
            the other counts, and not where they are: two fits are off in the same way.
        vertices, drawn: where the old face was and the new one is.
    """
    away = np.linalg.norm((after - before - (drawn - vertices))[:, :2], axis=1) / interocular(before)
    cost = FALSE * max(float(away.mean()) - ASIDE, 0.0)
    points = [point for region in preserve for point in LANDMARKS[region]]
    return cost + PRESERVED_FALSE * max(float(away[points].mean()) - PRESERVED_ASIDE, 0.0) if points else cost
