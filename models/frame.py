"""The common frame in which every face is registered: the mean face, unrolled like a map.

The frame is T x T pixels. `uv` gives each of the 471 mesh vertices its place in it (x right,
y down, pixels). A texture is a photograph pulled into the frame through its mesh.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from models import mesh
from models.mesh import Array
from models.raster import Raster, rasterise

SIDE = 384


def unroll(mean: Array, side: int = SIDE) -> Array:
    """Places of the 471 vertices of the mean face in the frame: a gentle cylinder about the head's axis."""
    depth = mean[:, 2].max() - mean[:, 2] + 0.6
    flat = np.stack([np.arctan2(mean[:, 0], depth) * depth.mean(), mean[:, 1]], 1)
    low, high = flat.min(0), flat.max(0)
    # Symmetric about the middle of the pixel grid, so that flipping the array mirrors the face.
    return mesh.closed(((flat - low) / (high - low) * (side - 13) + 6).astype(np.float32))


def halved(places: Array) -> Array:
    """Places in a frame, in pixels, as they lie in one of half the side, whose pixels hold four each."""
    return np.asarray((places + 0.5) / 2 - 0.5, np.float32)


@dataclass(frozen=True)
class Frame:
    """The mean face ([468, 3], unit scale) and its map `uv` ([471, 2])."""

    mean: Array
    uv: Array
    side: int = SIDE

    @cached_property
    def halved(self) -> "Frame":
        """The same frame with half the side; see `halved`."""
        return Frame(self.mean, halved(self.uv), self.side // 2)

    @cached_property
    def raster(self) -> Raster:
        return rasterise(self.uv, self.side, self.side)

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        return self.raster.mask

    def polygon(self, vertices: list[int], grow: float = 0.0) -> NDArray[np.bool_]:
        """Mask of a loop of vertices, grown by `grow` of the frame's side."""
        out = np.zeros((self.side, self.side), np.uint8)
        cv2.fillPoly(out, [np.round(self.uv[vertices]).astype(np.int32)], 1)
        if grow:
            size = 2 * round(grow * self.side) + 1
            out = cv2.dilate(out, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
        return out.astype(bool)

    @cached_property
    def features(self) -> dict[str, NDArray[np.bool_]]:
        """Masks of what is not plain skin."""
        return {
            "brows": self._both(mesh.RIGHT_BROW, mesh.LEFT_BROW, 0.018),
            "eyes": self._both(mesh.RIGHT_EYE, mesh.LEFT_EYE, 0.025),
            "eyeballs": self._both(mesh.RIGHT_EYE, mesh.LEFT_EYE, 0.0),
            "lips": self.polygon(mesh.OUTER_LIPS, 0.012),
            "mouth": self.polygon(mesh.INNER_LIPS, 0.0),
            "nostrils": self.polygon([98, 97, 2, 326, 327, 294, 19, 64], 0.01),
            "nose": self.polygon(mesh.NOSE, 0.01),
        }

    @cached_property
    def skin(self) -> Array:
        """float32 [T, T]: 1 on plain skin, 0 on features and outside."""
        plain = self.inside.copy()
        for name in ("brows", "eyes", "lips", "nostrils"):
            plain &= ~self.features[name]
        return plain.astype(np.float32)

    @cached_property
    def unlined(self) -> Array:
        """float32 [T, T]: 0 where lines belong to features and not to skin, on brows, nostrils and lips, else 1."""
        lined = self.features["brows"] | self.features["nostrils"] | self.features["lips"]
        return 1 - self._soft(lined, 3.0)

    @cached_property
    def plain(self) -> NDArray[np.bool_]:
        """bool [T, T]: skin away from every feature and from the face's edge."""
        return (self.unlined > 0.95) & (self.lids < 0.3) & (self.brow_bones < 0.5) & (self.border > 0.03)

    @cached_property
    def border(self) -> Array:
        """float32 [T, T]: distance from the edge of the face in parts of the frame's side, 0 outside."""
        distance = cv2.distanceTransform(self.inside.astype(np.uint8), cv2.DIST_L2, 5)
        return (distance / self.side).astype(np.float32)

    @cached_property
    def brows(self) -> Array:
        """float32 [T, T]: 1 on the brows, fading out around them."""
        return self._soft(self._both(mesh.RIGHT_BROW, mesh.LEFT_BROW, 0.0), 3.0)

    @cached_property
    def brow_bones(self) -> Array:
        """float32 [T, T]: 1 on the brows and a finger's breadth around them, fading out."""
        return self._soft(self._both(mesh.RIGHT_BROW, mesh.LEFT_BROW, 0.05), 6.0)

    @cached_property
    def lids(self) -> Array:
        """float32 [T, T]: 1 around the eyes, up to the brows and half as far below, fading out."""
        return self._soft(self._both(mesh.RIGHT_EYE, mesh.LEFT_EYE, 0.05), 6.0)

    @cached_property
    def lashes(self) -> Array:
        """float32 [T, T]: 1 on the eyes and the rims of their lids, fading out."""
        return self._soft(self._both(mesh.RIGHT_EYE, mesh.LEFT_EYE, 0.01), 2.0)

    @cached_property
    def shaven(self) -> Array:
        """float32 [T, T]: 1 on the upper lip and from the lower lip to the chin, where beards grow, fading out."""
        around = (self.polygon(mesh.MOUSTACHE) | self.polygon(mesh.CHIN)) & ~self.polygon(mesh.OUTER_LIPS)
        return self._soft(around, 6.0)

    @cached_property
    def yielding(self) -> Array:
        """float32 [T, T]: how far a place may take another face's look.

        0 on eyeballs and in the open mouth, whose gaze, catch-lights and teeth are the photograph's own. The lips keep
        half of their look: whether they part is expression, and the prior knows too few faces to tell it from identity
        everywhere. The line between closed lips is all the photograph's.
        """
        out = self._soft(np.where(self.features["lips"], 0.45, 1.0), 4.0)
        out[self.features["eyeballs"] | self.polygon(mesh.INNER_LIPS, 0.012)] = 0
        return self._soft(out, 1.5)

    @cached_property
    def calm(self) -> Array:
        """float32 [T, T]: how boldly a new look is drawn: less above the brows.

        What differs there between the training portraits is where their light and their hair ended, not who they are.
        """
        brows = float(self.uv[[105, 334], 1].mean())
        share = np.clip((brows - np.arange(self.side, dtype=np.float32)) / brows / 0.5, 0, 1)
        return np.repeat((1 - 0.5 * share * share * (3 - 2 * share))[:, None], self.side, 1).astype(np.float32)

    @cached_property
    def forehead(self) -> Array:
        """float32 [T, 1]: 1 well above the brows, fading out to them."""
        brows = float(self.uv[[105, 334], 1].min())
        return np.clip((brows - np.arange(self.side, dtype=np.float32)) / (0.25 * brows), 0, 1)[:, None]

    @cached_property
    def marked(self) -> Array:
        """float32 [T, T]: 1 on brows, eyes, nose and lips, 0 on plain skin, fading between them."""
        features = np.any([self.features[name] for name in ("brows", "eyes", "lips", "nostrils", "nose")], axis=0)
        size = 2 * round(4 * self.side / SIDE) + 1
        return self._soft(cv2.dilate(features.astype(np.float32), np.ones((size, size), np.uint8)), 8.0)

    @cached_property
    def taper(self) -> Array:
        """float32 [T, T]: 1 in the face, 0 at its edge, where no seam may show."""
        share = np.clip(self.border / 0.06, 0, 1)
        return (share * share * (3 - 2 * share)).astype(np.float32)

    def pull(self, image: NDArray[np.uint8], vertices: Array) -> tuple[Array, Array]:
        """A photograph into the frame.

        Args:
            image: RGB uint8 [H, W, 3].
            vertices: [468, 3] mesh in pixels of `image`.

        Returns:
            texture float32 [T, T, 3] (0..255) and how far each place is turned to the camera, [T, T], 0..1.
        """
        places = self.raster.image(mesh.closed(vertices)[:, :2], -1e4)
        texture = cv2.remap(image, places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        facing = self.raster.image(mesh.visibility(vertices)[:, None])[..., 0]
        return texture.astype(np.float32), np.clip((facing - 0.15) / 0.25, 0, 1).astype(np.float32)

    def _soft(self, image: NDArray[np.bool_] | NDArray[np.floating], sigma: float) -> Array:
        """A blurred mask; `sigma` in pixels of a frame of SIDE, whatever this one's side."""
        sigma *= self.side / SIDE
        return np.asarray(cv2.GaussianBlur(image.astype(np.float32), (0, 0), sigma))

    def _both(self, right: list[int], left: list[int], grow: float) -> NDArray[np.bool_]:
        return self.polygon(right, grow) | self.polygon(left, grow)
