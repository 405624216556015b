"""Looking at a picture once for all metrics: the mesh, what each detector sees, what each judge makes of the face."""

import hashlib
import pickle
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from models import Recognizer
from models.evaluation.attacks import describe
from models.evaluation.judges import Judge, Place
from models.evaluation.mtcnn import Mtcnn
from models.faces import Face, FaceFinder, iou
from models.mesh import Mesher
from models.recognizer import Box
from models.regions import REGIONS, Region

Picture = NDArray[np.uint8]
Embedding = NDArray[np.float32]


@dataclass(frozen=True)
class Look:
    """What is seen of the largest face, or of the face that was there before.

    place: None when no mesh could be fitted; boxes: by detector, of those that found it; embeddings: by judge;
    parts: descriptors of mouth, nose and eyes, for attacks on them.
    """

    place: Place | None
    boxes: dict[str, Box]
    embeddings: dict[str, Embedding | None]
    parts: dict[Region, Embedding] = field(default_factory=dict)


def stacked(looks: Iterable[Look], judge: str) -> Embedding:
    """The embeddings of looks that the judge could all read, [N, d]."""
    return np.stack([cast(Embedding, look.embeddings[judge]) for look in looks])


def readable(look: Look, judges: Iterable[str]) -> bool:
    """Could all these judges read the face?"""
    return all(look.embeddings.get(judge) is not None for judge in judges)


class Observer:
    """All detectors and judges; with a `folder`, what was seen is kept there."""

    def __init__(
        self, recognizer: Recognizer, judges: list[Judge], mtcnn: Mtcnn | None, folder: Path | None = None
    ) -> None:
        self._recognizer, self._judges, self._mtcnn = recognizer, judges, mtcnn
        self._finder, self._mesher = FaceFinder(recognizer), Mesher()
        self._folder = None if folder is None else folder / _kind(judges, mtcnn)

    @property
    def detectors(self) -> list[str]:
        return ["mediapipe-near", "mediapipe-far", "dlib-hog", *([self._mtcnn.name] if self._mtcnn else [])]

    def look(self, image: Picture, before: Look | None = None) -> Look:
        """What is seen in a picture.

        before: what was seen in the source. Where no face is found any more, the judges look at the place where it
        was, as an attacker would.
        """
        path = None if self._folder is None else self._folder / f"{hashlib.sha256(image.tobytes()).hexdigest()}.pickle"
        if path is not None and path.is_file():
            kept: Look = pickle.loads(path.read_bytes())  # noqa: S301 - written below, in the user's own folder
            return kept
        seen = self._look(image, before)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(pickle.dumps(seen))
        return seen

    def _look(self, image: Picture, before: Look | None) -> Look:
        faces = self._finder.find(image)
        old = before.place if before is not None else None
        face = _same_place(faces, old.box if old else None)
        boxes = self._boxes(image, face)
        vertices = None if face is None else self._mesher.fit(image, face.box, face.roll)
        if vertices is None and old is not None:
            vertices, place = old.vertices, None
        else:
            place = None if face is None or vertices is None else Place(vertices, face.box)
        box = boxes.get("dlib-hog") or (face.box if face else old.box if old else None)
        if vertices is None or box is None:
            return Look(None, boxes, {judge.name: None for judge in self._judges})
        judged = Place(vertices, box)
        embeddings = {judge.name: judge.embed(image, judged) for judge in self._judges}
        return Look(place, boxes, embeddings, {region: describe(image, vertices, region) for region in REGIONS})

    def _boxes(self, image: Picture, face: Face | None) -> dict[str, Box]:
        boxes = {} if face is None else {name: face.box for name in face.found_by if name.startswith("mediapipe")}
        others = {"dlib-hog": self._recognizer.detect(image)}
        if self._mtcnn is not None:
            others[self._mtcnn.name] = self._mtcnn.detect(image)
        for name, found in others.items():
            nearest = max(found, key=lambda box: iou(box, face.box) if face else box[2] - box[0], default=None)
            if nearest is not None and (face is None or iou(nearest, face.box) > 0):
                boxes[name] = nearest
        return boxes


def _same_place(faces: tuple[Face, ...], old: Box | None) -> Face | None:
    """The largest face, or the one that lies where the old one did."""
    if old is None:
        return faces[0] if faces else None
    nearest = max(faces, key=lambda face: iou(face.box, old), default=None)
    return nearest if nearest is not None and iou(nearest.box, old) > 0.1 else None


def _kind(judges: list[Judge], mtcnn: Mtcnn | None) -> str:
    """What was seen by other code or other judges does not count."""
    here = Path(__file__).parent
    modules = [
        *(here / f"{name}.py" for name in ("looking", "judges", "mtcnn", "attacks/parts")),
        *(
            here.parent / f"{name}.py"
            for name in ("aligning", "descriptor", "dlib_weights", "faces", "mesh", "recognizer", "sface")
        ),
    ]
    code = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(modules))).hexdigest()[:12]
    return "-".join(["looks", *(judge.name for judge in judges), *([mtcnn.name] if mtcnn else []), code])
