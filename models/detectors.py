"""MediaPipe's two face detectors, held to any part of a picture, at any size and angle.

BlazeFace (Bazarevsky et al., 2019; models inside the `mediapipe` wheel, Apache-2.0). The short-range one sees 128
pixels and knows faces from a tenth to a half of them, profiles among them; the full-range one sees 192 pixels and knows
faces from a twenty-fifth on. Both give six places of a face.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.mesh import Array, Box, upright
from models.pyramid import Pyramid
from models.solutions import solutions

Range = Literal["near", "far"]
SIDES: dict[Range, int] = {"near": 128, "far": 192}
RIGHT_EYE, LEFT_EYE, NOSE, MOUTH, RIGHT_EAR, LEFT_EAR = range(6)
# How far from the middle between the ears, in parts of their distance, the nose is seen at these angles: medians of
# portraits that were lifted into depth and turned.
_OFFSETS, _ANGLES = (0, 0.25, 0.5, 0.76, 0.95, 1.46, 2.5), (0, 15, 30, 45, 60, 75, 90)


@dataclass(frozen=True)
class Sighting:
    """What one detector saw.

    points: [6, 2] in pixels of the picture: right eye, left eye, nose, mouth, right ear, left ear of the person, also
    where they are hidden; size: side in pixels of the square that it drew round them; score: 0.5 to 1.
    """

    points: Array
    centre: tuple[float, float]
    size: float
    score: float

    @property
    def box(self) -> Box:
        x, y = self.centre
        return x - self.size / 2, y - self.size / 2, x + self.size / 2, y + self.size / 2

    @property
    def roll(self) -> float:
        """Degrees by which the face is turned clockwise in the picture, -180 to 180."""
        x, y = self.points[MOUTH] - self.points[[RIGHT_EYE, LEFT_EYE]].mean(0)
        return float(np.degrees(np.arctan2(-x, y)))

    @property
    def turned(self) -> float:
        """Degrees by which the face looks past the camera, to either side, 0 to 90; good to about fifteen."""
        across = self.points[LEFT_EAR] - self.points[RIGHT_EAR]
        along = float((self.points[NOSE] - self.points[RIGHT_EAR]) @ across / max(float(across @ across), 1e-6))
        return float(np.interp(abs(along - 0.5), _OFFSETS, _ANGLES))


class Detector:
    def __init__(self, range: Range) -> None:
        self.side = SIDES[range]
        self._network = solutions.face_detection.FaceDetection(
            model_selection=int(range == "far"), min_detection_confidence=0.5
        )

    def look(self, picture: Pyramid, centre: tuple[float, float], half: float, roll: float = 0.0) -> list[Sighting]:
        """Faces in a square of the picture, turned clockwise by `roll` degrees and half a side `half` large.

        Only faces that stand upright in the square are seen well.
        """
        to_crop = upright(centre, half, roll, self.side)
        found = self._network.process(picture.crop(centre, half, roll, self.side)).detections or []
        return [self._sighting(each, to_crop, 2 * half / self.side) for each in found]

    def _sighting(self, found: object, to_crop: Array, scale: float) -> Sighting:
        data = found.location_data  # type: ignore[attr-defined]
        box = data.relative_bounding_box
        middle = [(box.xmin + box.width / 2, box.ymin + box.height / 2)]
        places = np.array(middle + [(p.x, p.y) for p in data.relative_keypoints], np.float32) * self.side
        back = (places - to_crop[:, 2]) @ np.linalg.inv(to_crop[:, :2]).T
        size = max(box.width, box.height) * self.side * scale
        score = float(found.score[0])  # type: ignore[attr-defined]
        return Sighting(back[1:].astype(np.float32), (float(back[0, 0]), float(back[0, 1])), float(size), score)
