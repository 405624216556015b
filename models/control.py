"""One person, one thing changed at a time: regions, expression, age, yaw and pitch (VerA's Figures 1 to 4).

- **Regions**: another identity's structure (where things are), texture (how they look), or both, in chosen regions.
- **Expression**: directions among those components of the shape prior that expression drives, chosen so that one
  measure of the face changes and the others, pose included, stay. Geometry alone: no fold or tooth is invented.
- **Age**: the direction of the latent space along which age grew among the training portraits, adults of about 30 to
  85, exaggerated. An independent estimator sees about a third of the years that are asked for; hair does not change. It
  is no ageing of a person, and says nothing of children.
- **Yaw and pitch**: the head is turned as a body (`models.pose`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from models import blender, drawing, mesh, renderer
from models.anonymizer import FaceAnonymizer
from models.face_model import FaceModel
from models.mesh import Array
from models.pose import move_face, turn_face
from models.regions import interocular
from models.renderer import Edit

Picture = NDArray[np.uint8]
Part = Literal["skin", "brows", "eyes", "nose", "mouth", "contour"]
Change = Literal["structure", "texture", "both"]

PARTS: tuple[Part, ...] = ("skin", "brows", "eyes", "nose", "mouth", "contour")
MEAN_AGE, SPREAD_OF_AGE = 59.8, 11.9  # years, among the training portraits
SHRUNK = 1.5  # the ridge by which the age direction was learned shortens it by this
EXAGGERATED = 3.0  # a year as the prior knows it can hardly be seen
SOFT = 0.10  # inter-ocular distances over which a region's change fades
CONTOUR = 0.16  # of the face's width: how far the contour reaches inward

_LOOPS: dict[Part, list[list[int]]] = {
    "brows": [mesh.RIGHT_BROW, mesh.LEFT_BROW],
    "eyes": [mesh.RIGHT_EYE, mesh.LEFT_EYE],
    "nose": [mesh.NOSE],
    "mouth": [mesh.OUTER_LIPS],
}
_GROW: dict[Part, float] = {"brows": 0.12, "eyes": 0.14, "nose": 0.08, "mouth": 0.12}  # inter-ocular distances

# What an expression changes, as distances between vertices or heights of them on the aligned mesh.
MEASURES: dict[str, Callable[[Array], float]] = {
    "smile": lambda v: float((v[[0, 17], 1].mean() - v[[61, 291], 1].mean()) + 0.5 * np.linalg.norm(v[61] - v[291])),
    "mouth": lambda v: float(np.linalg.norm(v[13] - v[14])),
    "eyes": lambda v: float(np.linalg.norm(v[159] - v[145]) + np.linalg.norm(v[386] - v[374])) / 2,
}
_STEPS = {"smile": 0.08, "mouth": 0.06, "eyes": 0.025}  # of the face's half height, for a strength of one
_FIXED: tuple[Callable[[Array], float], ...] = (
    lambda v: float(v[1, 0] - v[[234, 454], 0].mean()),  # the nose's tip between the ears: yaw
    lambda v: float(v[1, 1] - v[[10, 152], 1].mean()),  # and between forehead and chin: pitch
)


@dataclass(frozen=True)
class Person:
    """A face in a picture, explained by the prior."""

    image: Picture
    model: FaceModel


class Control:
    """Changes of one face; each method returns a new picture of the same size."""

    def __init__(self, engine: FaceAnonymizer) -> None:
        self._engine = engine
        self.prior = engine.prior

    def see(self, image: Picture) -> Person:
        """The largest face of a picture.

        Raises:
            ValueError: there is none, or it is turned too far away.
        """
        for face in self._engine.find(image)[:1]:
            model = self._engine.explain(image, face)
            if model is not None:
                return Person(image, model)
        raise ValueError("no face was found that could be changed")

    def regions(self, person: Person, latent: Array, parts: frozenset[Part], change: Change = "both") -> Picture:
        """Give regions the look (texture) or the place and form (structure) of an identity; hair stays."""
        face = latent[: self.prior.latent_size]
        edit = renderer.edit(self.prior, person.model, face, frozenset(), _size(person))
        return self._apply(person, _only(edit, _weight(person.model.vertices, parts, edit), change))

    def read_age(self, person: Person) -> float:
        """The age that the prior reads in a face, years; near the mean, since it reads little."""
        return MEAN_AGE + SPREAD_OF_AGE * float(person.model.projection.latent @ self.prior.traits["age"])

    def age(self, person: Person, years: float) -> Picture:
        """Let the person look `years` old."""
        older = years - self.read_age(person)
        step = self.prior.traits["age"] * (EXAGGERATED * SHRUNK * older / SPREAD_OF_AGE)
        return self._apply(person, self._along(person, step))

    def express(self, person: Person, name: str, strength: float) -> Picture:
        """Change one of MEASURES; a strength of 1 is a clear change, -1 its opposite."""
        model = person.model
        moved = model.similarity.apply(model.vertices) + strength * self._direction(name)
        return move_face(person.image, model.vertices, model.similarity.invert(moved))

    def turn(self, person: Person, yaw: float, pitch: float) -> Picture:
        """Degrees; positive yaw turns the nose to the right of the picture, positive pitch looks down."""
        return turn_face(person.image, person.model.vertices, yaw, pitch)

    def _along(self, person: Person, step: Array) -> Edit:
        """The edit that moves the identity by `step` and leaves everything else of the face to it."""
        model = person.model
        origin = replace(
            model,
            projection=replace(model.projection, latent=np.zeros_like(step)),
            residual=np.zeros_like(model.residual),
        )
        gain = np.full(self.prior.latent_size, drawing.TEXTURE_GAIN, np.float32)
        gain[self.prior.texture_size :] = drawing.SHAPE_GAIN
        return renderer.edit(self.prior, origin, step / gain, frozenset(), _size(person))

    def _apply(self, person: Person, edit: Edit) -> Picture:
        result = person.image.copy()
        rows, columns = slice(edit.top, edit.top + edit.height), slice(edit.left, edit.left + edit.width)
        result[rows, columns] = blender.apply(person.image, edit, self.prior.device)
        return result

    def _direction(self, name: str) -> Array:
        """Displacement [468, 3] of the mean face that changes one measure by its step and no other to first order."""
        rows = self.prior.expressions.reshape(-1, mesh.VERTICES, 3)
        measures = [*MEASURES.values(), *_FIXED]
        middle = self.prior.frame.mean
        slopes = np.array([[(one(middle + 0.1 * row) - one(middle)) / 0.1 for row in rows] for one in measures])
        wanted = np.array([_STEPS[name] if other == name else 0.0 for other in (*MEASURES, "", "")])
        found: Array = np.tensordot(np.linalg.pinv(slopes, rcond=0.02) @ wanted, rows, 1).astype(np.float32)
        return found


def _size(person: Person) -> tuple[int, int]:
    return person.image.shape[0], person.image.shape[1]


def _only(edit: Edit, weight: Array, change: Change) -> Edit:
    flow, ratio = (weight[..., None] * (change in (kind, "both")) for kind in ("structure", "texture"))
    return replace(edit, flow=edit.flow * flow, ratio=edit.ratio * ratio, soften=edit.soften * ratio)


def _weight(vertices: Array, parts: frozenset[Part], edit: Edit) -> Array:
    """1 in the regions, fading out around them, on the grid of the edit."""
    height, width = edit.flow.shape[:2]
    step = np.array([width / edit.width, height / edit.height], np.float32)
    points = (vertices[:, :2] - (edit.left, edit.top)) * step
    unit = interocular(points)
    drawn = {part: _drawn(points, loops, _GROW[part] * unit, height, width) for part, loops in _LOOPS.items()}
    face = _drawn(points, [mesh.FACE_OVAL], 0, height, width)
    inner = cv2.distanceTransform(face, cv2.DIST_L2, 5) > CONTOUR * float(np.ptp(points[:, 0]))
    features = np.maximum.reduce(list(drawn.values()))
    drawn["contour"] = (~inner & (features == 0)).astype(np.uint8)
    drawn["skin"] = (inner & (features == 0)).astype(np.uint8)
    total = np.maximum.reduce([drawn[part] for part in parts] or [np.zeros_like(face)])
    return np.asarray(cv2.GaussianBlur(total.astype(np.float32), (0, 0), SOFT * unit))


def _drawn(points: Array, loops: list[list[int]], grow: float, height: int, width: int) -> NDArray[np.uint8]:
    out = np.zeros((height, width), np.uint8)
    for loop in loops:
        outline = np.round(points[loop] * 16).astype(np.int32)
        cv2.fillPoly(out, [outline], 1, shift=4)
        if grow:
            cv2.polylines(out, [outline], True, 1, max(round(2 * grow), 1), shift=4)
    return out
