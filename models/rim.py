"""What lies behind a head, where the mesh of its face reaches beyond the cheek.

Of a face that is turned the mesh is a guess on the far side, and covers some of the wall there. Skin's new look is not
for it: a second cheek would stand beside the first one, as pale as a ghost. The wall is told by the segmentation of
people, with its edge laid on the photograph's own (`models.guided`), and near the mesh's outline alone: inside the face
a segmentation that fails must not leave anybody's look.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models import mesh, renderer
from models.guided import coefficients
from models.mesh import Array, upright, warp_down
from models.person import WORK_SIDE, PersonSegmenter
from models.raster import rasterise

DEPTH: Final = (0.05, 0.1)  # of the face's width from the mesh's outline inwards: over which the wall loses its say
_REACH: Final = 1.4  # half of the crop in which a person is sought, in the larger side of the face
_RADIUS: Final = 0.06  # of the guided filter, of the face's width
_SLACK: Final = 1e-4  # contrast, squared, below which the photograph has no edge
_SEEN: Final = 0.8  # share of the inner face in which a person is seen, without which the segmentation is not believed


class RimFinder:
    """Not for several threads at a time."""

    def __init__(self) -> None:
        self._person = PersonSegmenter()

    def find(self, image: NDArray[np.uint8], vertices: Array, roll: float) -> Array:
        """How far each place around a face may take another look: 0 on what lies behind it, else 1.

        Args:
            image: RGB [H, W, 3]; vertices: [468, 3] mesh in it; roll: degrees by which the head is turned clockwise.

        Returns:
            float32 [h, w], 0..1, on the grid of `renderer.places`; 1 everywhere where no person is seen in the face.
        """
        low, high = vertices[:, :2].min(0), vertices[:, :2].max(0)
        x, y = ((low + high) / 2).tolist()
        to_crop = upright((x, y), _REACH * float((high - low).max()), roll, WORK_SIDE)
        crop = warp_down(image, to_crop, WORK_SIDE)
        points = np.column_stack([vertices[:, :2] @ to_crop[:, :2].T + to_crop[:, 2], vertices[:, 2]])
        covered = rasterise(mesh.closed(points.astype(np.float32))[:, :2], WORK_SIDE, WORK_SIDE).mask
        width = float(np.ptp(points[:, 0]))
        depth = cv2.distanceTransform(covered.astype(np.uint8), cv2.DIST_L2, 5) / width
        rough = self._person.probability(crop)
        inner = depth > DEPTH[1]
        rim = np.ones_like(rough)
        if inner.any() and float((rough[inner] > 0.5).mean()) > _SEEN:
            guide = crop.astype(np.float32) / 255
            slope, offset = coefficients(guide, rough, max(round(_RADIUS * width), 1), _SLACK)
            rim = np.clip(np.maximum((slope * guide).sum(2) + offset, (depth - DEPTH[0]) / np.ptp(DEPTH)), 0, 1)
        return _on_places(rim.astype(np.float32), to_crop, vertices, *image.shape[:2])


def _on_places(rim: Array, to_crop: Array, vertices: Array, height: int, width: int) -> Array:
    """From the crop to the grid of `renderer.places` in a photograph of `height` x `width`."""
    crop = renderer.surroundings(vertices, height, width)
    rows, columns = renderer.places_size(vertices, crop)
    step = np.array([crop[2] / columns, crop[3] / rows])
    shift = to_crop[:, :2] @ (crop[:2] + step / 2 - 0.5) + to_crop[:, 2]
    from_places = np.column_stack([to_crop[:, :2] * step, shift])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(rim, from_places, (columns, rows), flags=flags, borderValue=1.0))
