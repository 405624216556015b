"""What a face wears and keeps: a beard or moustache, and painted lips.

They move with the face, and their look stays the photograph's: hair on a lip is either there or not, and a colour ratio
made for skin would leave half of it. Hair is told by its texture, as energy of what is finer than a few pixels between
nose and lip, against the quietest skin of the same face, whose grain is the photograph's own; dark hair needs less.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models import mesh
from models.frame import Frame
from models.lighting import blur, to_log
from models.mesh import Array

_HAIR: Final = 1.5  # pixels of the frame: what is finer is hair or grain
_QUIET: Final = 30.0  # percentile of the skin above the mouth that tells grain from hair
_LEAST: Final = 0.008  # log units: the energy that even smooth skin is taken to have
_GROWN: Final = (1.0, 1.2)  # score between which a face passes from shaven to bearded; see `bearded`
_HAIRY: Final = (1.8, 2.6)  # energy, in parts of the quiet skin's, between which a place passes from skin to hair
_PAINTED: Final = (0.42, 0.5)  # log units by which lips are redder (and half as much, bluer) than cheeks


@dataclass(frozen=True)
class Worn:
    """kept: how far each place of a face keeps its look; beard: where that is for hair; float32 [T, T], 0..1."""

    kept: Array
    beard: Array


class WornFinder:
    """Finds them in one common frame."""

    def __init__(self, frame: Frame) -> None:
        lips = frame.polygon(mesh.OUTER_LIPS, 0.02)
        self._lips = frame.polygon(mesh.OUTER_LIPS) & ~frame.features["mouth"]
        self._painted = blur(frame.polygon(mesh.OUTER_LIPS, 0.03).astype(np.float32), 4.0)
        rows = np.arange(frame.side)[:, None]
        below = rows > frame.uv[2, 1] - 0.02 * frame.side
        plain = frame.inside & ~lips & ~frame.features["nostrils"] & (frame.border > 0.02)
        self._plain, self._lower = plain.astype(np.float32), blur((below & frame.inside).astype(np.float32), 2.0)
        self._moustache = frame.polygon(mesh.MOUSTACHE) & plain
        self._skin = (frame.skin > 0.5) & ~below & (frame.border > 0.06) & ~frame.features["nose"]
        self._cheeks = self._skin & (rows > frame.uv[1, 1] - 0.08 * frame.side)

    def find(self, texture: Array, facing: Array) -> Worn:
        """What a face wears.

        Args:
            texture: RGB 0..255 [T, T, 3] in the frame; facing: [T, T], 0 where the camera does not see the face.
        """
        log, seen = to_log(texture), facing > 0.4
        painted = self._painted * self._paint(log, seen)
        energy = self._energy(log[..., 0], seen)
        quiet = self._grain(energy, seen)
        beard = np.zeros_like(energy)
        if (grown := _passage(self._score(log[..., 0], energy, quiet, seen), _GROWN)) > 0:
            beard = grown * self._beard(_passage(energy / quiet, _HAIRY) * self._lower)
        return Worn(np.maximum(painted, beard).astype(np.float32), beard.astype(np.float32))

    def _beard(self, hair: Array) -> Array:
        """The skin between hairs belongs to the beard; what hangs together with no moustache is a fold."""
        grown = np.clip(1.6 * blur(hair, 5.0), 0, 1)
        _, labels = cv2.connectedComponents((grown > 0.2).astype(np.uint8))
        rooted = np.unique(labels[self._moustache])
        return grown * blur(np.isin(labels, rooted[rooted > 0]).astype(np.float32), 2.0)

    def bearded(self, texture: Array, facing: Array) -> float:
        """A score that is above 1.1 where hair grows on the upper lip."""
        lightness, seen = to_log(texture)[..., 0], facing > 0.4
        energy = self._energy(lightness, seen)
        return self._score(lightness, energy, self._grain(energy, seen), seen)

    def _energy(self, lightness: Array, seen: NDArray[np.bool_]) -> Array:
        weight = self._plain * seen
        fine = (lightness - blur(lightness, _HAIR)) ** 2 * weight
        energy: Array = np.sqrt(blur(fine, 4.0) / np.maximum(blur(weight, 4.0), 1e-3))
        return energy

    def _grain(self, energy: Array, seen: NDArray[np.bool_]) -> float:
        skin = energy[self._skin & seen]
        return max(float(np.percentile(skin, _QUIET)), _LEAST) if skin.size else np.inf

    def _score(self, lightness: Array, energy: Array, quiet: float, seen: NDArray[np.bool_]) -> float:
        lip, skin = self._moustache & seen, self._skin & seen
        if not lip.any() or not skin.any():
            return 0.0
        found = float(np.median(energy[lip]))
        darker = float(np.median(lightness[skin]) - np.median(lightness[lip]))
        return found / quiet * found**0.5 * (1 + max(darker, 0))

    def _paint(self, log: Array, seen: NDArray[np.bool_]) -> float:
        lips, cheeks = self._lips & seen, self._cheeks & seen
        if not lips.any() or not cheeks.any():
            return 0.0
        _, red, blue = np.median(log[lips], 0) - np.median(log[cheeks], 0)
        return float(_passage(red + 0.5 * max(blue, 0), _PAINTED))


def _passage(value: Array | float, between: tuple[float, float]) -> Array:
    """0 below, 1 above, without a kink."""
    share = np.clip((np.asarray(value, np.float32) - between[0]) / (between[1] - between[0]), 0, 1)
    return share * share * (3 - 2 * share)
