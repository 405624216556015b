"""What one process does with one portrait, one pair or one batch of sampled identities.

Everything here runs in worker processes: the anonymizer is loaded once in each, torch and OpenCV get one thread, and
what comes back is small and can be pickled.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from models import Face, FaceAnonymizer, Recognizer, Region
from models.evaluation.consistency import PairDistances
from models.evaluation.portraits import Portrait
from models.evaluation.preservation import Preservation, compare
from models.evaluation.sheets import tile
from models.evaluation.utility import Sighting
from models.faces import iou

MODES: dict[str, frozenset[Region]] = {
    "standard": frozenset(),
    "keep-mouth": frozenset({"mouth"}),
    "keep-nose": frozenset({"nose"}),
    "keep-eyes": frozenset({"eyes"}),
}

Picture = NDArray[np.uint8]
Embedding = NDArray[np.float32]


@dataclass(frozen=True)
class FaceResult:
    """One portrait in one mode; `seconds` is the replacement alone, `tile` a crop for the contact sheet."""

    name: str
    mode: str
    groups: dict[str, str]
    seconds: float
    megapixels: float
    unreplaced: int
    distance: float | None
    source: Embedding | None
    result: Embedding | None
    sighting: Sighting
    preservation: Preservation
    tile: Picture


def start_process(device: str) -> None:
    """Initialise a worker process: one thread each, since there is one process per core."""
    cv2.setNumThreads(1)
    _engine(device)


@cache
def _engine(device: str) -> FaceAnonymizer:
    return FaceAnonymizer.load(device=device)


@cache
def _judge() -> Recognizer:
    return Recognizer.load()


def measure_portrait(portrait: Portrait, index: int, device: str, seed: int) -> tuple[Picture, list[FaceResult]]:
    """The portrait's own tile, and its result in every mode. A portrait without a face gives no results."""
    engine = _engine(device)
    image = portrait.read()
    faces = engine.find(image)
    if not faces:
        return tile(image, None), []
    rng = np.random.default_rng([seed, index])
    return tile(image, faces[0].box), [_measure_mode(portrait, image, faces[0], mode, engine, rng) for mode in MODES]


def _measure_mode(
    portrait: Portrait,
    image: Picture,
    face: Face,
    mode: str,
    engine: FaceAnonymizer,
    rng: np.random.Generator,
) -> FaceResult:
    latent = engine.propose(image, rng, MODES[mode])
    began = time.perf_counter()
    done = engine.anonymize(image, latent, MODES[mode], bystanders=rng)
    seconds = time.perf_counter() - began
    found = engine.find(done.image)
    source, result = _embed(image, face), _embed(done.image, found[0] if found else face)
    return FaceResult(
        name=portrait.path.name,
        mode=mode,
        groups=portrait.groups,
        seconds=seconds,
        megapixels=image.shape[0] * image.shape[1] / 1e6,
        unreplaced=len(done.unreplaced),
        distance=_apart(source, result),
        source=source,
        result=result,
        sighting=Sighting(
            frozenset().union(*(one.found_by for one in found)), iou(face.box, found[0].box) if found else None
        ),
        preservation=compare(image, done.image, done.preserved),
        tile=tile(done.image, face.box),
    )


def measure_pair(pair: tuple[Portrait, Portrait], index: int, device: str, seed: int) -> dict[str, PairDistances]:
    """Both photographs under the identity that was chosen on the first; the distances in every mode."""
    engine = _engine(device)
    images = [portrait.read() for portrait in pair]
    sources = [_embed_largest(engine, image) for image in images]
    rng = np.random.default_rng([seed, index])
    measured = {}
    for mode, preserve in MODES.items():
        latent = engine.propose(images[0], rng, preserve)
        results = [
            _embed_largest(engine, engine.anonymize(image, latent, preserve, bystanders=rng).image) for image in images
        ]
        across = tuple(_apart(source, result) for source in sources for result in results)
        measured[mode] = PairDistances(_apart(*sources), _apart(*results), across)
    return measured


def measure_identities(carrier: Portrait, seeds: Sequence[int], device: str) -> list[Embedding | None]:
    """Embeddings of random identities (one per seed) rendered on a carrier that is reduced to 512 pixels."""
    engine = _engine(device)
    image = carrier.read()
    scale = 512 / max(image.shape[:2])
    if scale < 1:
        image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    latents = [engine.sample(np.random.default_rng(seed), 1)[0] for seed in seeds]
    return [_embed_largest(engine, engine.anonymize(image, latent).image) for latent in latents]


def embed_portrait(portrait: Portrait, device: str) -> Embedding | None:
    return _embed_largest(_engine(device), portrait.read())


def generator_version(device: str) -> str:
    return _engine(device).version


def _embed(image: Picture, face: Face) -> Embedding | None:
    """Through dlib's own box for the face where it finds one, since its landmarks were learned on those."""
    nearest = max(_judge().detect(image), key=lambda box: iou(box, face.box), default=face.box)
    return _judge().embed(image, nearest if iou(nearest, face.box) > 0 else face.box)


def _embed_largest(engine: FaceAnonymizer, image: Picture) -> Embedding | None:
    faces = engine.find(image)
    return _embed(image, faces[0]) if faces else None


def _apart(first: Embedding | None, second: Embedding | None) -> float | None:
    return None if first is None or second is None else Recognizer.distance(first, second)
