"""What one process does with one portrait, one pair or one batch of sampled identities.

Everything here runs in worker processes: engine and judges are loaded once in each, torch and OpenCV get one thread,
and what comes back is small and can be pickled.
"""

import multiprocessing
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models import FaceAnonymizer, Region
from models.evaluation import judges, mtcnn
from models.evaluation.ablation import variants
from models.evaluation.attacks import read_latent
from models.evaluation.baselines import BASELINES, K, k_same
from models.evaluation.grain import Grain, grain
from models.evaluation.looking import Look, Observer
from models.evaluation.making import MODES, Made, Maker
from models.evaluation.portraits import Portrait
from models.evaluation.preservation import Preservation, compare
from models.evaluation.semantics import Change, changes
from models.evaluation.sheets import tile
from models.evaluation.utility import Sighting, sighting
from models.mesh import Array

K_SAME = "k-same"
UNTOUCHED = "original"
METHODS = (*MODES, *BASELINES, K_SAME)

Picture = NDArray[np.uint8]
Embedding = NDArray[np.float32]


@dataclass(frozen=True)
class Setting:
    """How to work: modes, device, the folder of the independent judges' weights, the folder that keeps results."""

    modes: tuple[str, ...] = tuple(MODES)
    device: str = "cpu"
    judges: Path | None = None
    cache: Path | None = None
    seed: int = 0


@dataclass(frozen=True)
class FaceResult:
    """One portrait under one method; `tile` is a crop for the contact sheet, the engine's figures are None for others.

    `look` is what was seen of the result; `latent` the identity that the prior reads in it; `seconds` is the
    replacement alone.
    """

    name: str
    method: str
    groups: dict[str, str]
    look: Look
    sighting: Sighting
    semantics: dict[Region, Change]
    tile: Picture
    preservation: Preservation | None = None
    grain: Grain | None = None
    latent: Embedding | None = None
    seconds: float | None = None
    unreplaced: int = 0
    megapixels: float = 0.0


@dataclass(frozen=True)
class Measured:
    """A portrait: its tile, what was seen of it and read in it (None: no face), and its results."""

    portrait: Portrait
    tile: Picture
    source: Look | None
    latent: Embedding | None
    results: tuple[FaceResult, ...]


def start_process(setting: Setting) -> None:
    """Initialise a worker process: one thread each, since there is one process per core."""
    cv2.setNumThreads(1)
    end_with_parent()
    _tools(setting)


def end_with_parent() -> None:
    """End this process as soon as the one that started it is gone, however that ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent.join,), daemon=True).start()


def _follow(wait: Callable[[], object]) -> None:
    wait()
    os._exit(1)


@dataclass(frozen=True)
class _Tools:
    engine: FaceAnonymizer
    observer: Observer


@cache
def _tools(setting: Setting) -> _Tools:
    engine = FaceAnonymizer.load(device=setting.device)
    detector = mtcnn.Mtcnn() if mtcnn.installed() else None
    jury = judges.load(engine.recognizer, setting.judges)
    return _Tools(engine, Observer(engine.recognizer, jury, detector, setting.cache))


def facts(setting: Setting) -> tuple[str, list[str]]:
    """The generator's version and the detectors at hand."""
    tools = _tools(setting)
    return tools.engine.version, tools.observer.detectors


def measure_portrait(portrait: Portrait, index: int, peers: Sequence[Portrait], setting: Setting) -> Measured:
    """The portrait under every method; `peers` are the other people whose faces k-same averages with this one."""
    tools = _tools(setting)
    image = portrait.read()
    source = tools.observer.look(image)
    if source.place is None:
        return Measured(portrait, tile(image, None), None, None, ())
    vertices = source.place.vertices
    made: dict[str, Made | Picture] = {
        mode: results[0]
        for mode, results in _made(tools.engine, setting, {portrait.path.stem: image}, [setting.seed, index]).items()
    }
    made |= {name: baseline(image, vertices) for name, baseline in BASELINES.items()}
    if len(peers) >= K - 1:
        made[K_SAME] = k_same(image, vertices, _faces(tools, peers[: K - 1]), tools.engine.prior.frame)
    results = [_measure(portrait, image, source, name, result, tools) for name, result in made.items()]
    latent = read_latent(tools.engine.prior, image, vertices)
    return Measured(portrait, tile(image, source.place.box), source, latent, tuple(results))


def _made(
    engine: FaceAnonymizer, setting: Setting, pictures: Mapping[str, Picture], seed: list[int]
) -> dict[str, list[Made]]:
    """Results for one patient's pictures by name, in each mode, under the identity that is chosen on the first."""
    first, maker = next(iter(pictures.values())), Maker(engine, setting.cache)
    choices = {MODES[mode].number: _choice(engine, first, mode, seed) for mode in setting.modes}
    return {
        mode: [
            maker.make(name, image, mode, choices[MODES[mode].number], _seed(seed, mode))
            for name, image in pictures.items()
        ]
        for mode in setting.modes
    }


def _choice(engine: FaceAnonymizer, first: Picture, mode: str, seed: list[int]) -> Callable[[], Array]:
    """The identity that is chosen on a patient's `first` picture, once, and when it is asked for."""
    return cache(lambda: engine.propose(first, np.random.default_rng(_seed(seed, mode)), MODES[mode].preserve))


def _seed(seed: list[int], mode: str) -> list[int]:
    return [*seed, MODES[mode].number]


def _measure(
    portrait: Portrait, image: Picture, source: Look, name: str, result: Made | Picture, tools: "_Tools"
) -> FaceResult:
    assert source.place is not None
    observer, prior = tools.observer, tools.engine.prior
    before = source.place.vertices
    after = result.image if isinstance(result, Made) else result
    look = observer.look(after, source)
    measured = FaceResult(
        name=portrait.path.name,
        method=name,
        groups=portrait.groups,
        look=look,
        sighting=sighting(source.boxes, look.boxes),
        semantics=changes(image, after, before, look.place.vertices if look.place else None),
        tile=tile(after, source.place.box),
        megapixels=image.shape[0] * image.shape[1] / 1e6,
    )
    if not isinstance(result, Made):
        return measured
    return replace(
        measured,
        preservation=compare(image, after, result.preserved),
        grain=grain(image, after, (after != image).any(2), before),
        latent=None if look.place is None else read_latent(prior, after, look.place.vertices),
        seconds=result.seconds,
        unreplaced=result.unreplaced,
    )


def measure_ablation(portrait: Portrait, index: int, setting: Setting) -> dict[str, FaceResult]:
    """The portrait in standard mode, under one identity, with each subset of the engine's separable steps.

    {} when the portrait has no face.
    """
    tools = _tools(setting)
    image = portrait.read()
    source = tools.observer.look(image)
    if source.place is None:
        return {}
    measured, seed = {}, [setting.seed, index]
    latent = _choice(tools.engine, image, "standard", seed)
    for variant in variants(tools.engine):
        name = f"{portrait.path.stem}-{variant.name}"
        made = Maker(variant.engine, setting.cache).make(name, image, "standard", latent, _seed(seed, "standard"))
        measured[variant.name] = _measure(portrait, image, source, "standard", made, tools)
    return measured


@dataclass(frozen=True)
class PairLooks:
    """Of one person: what is seen of both originals, and of both results under each method."""

    name: str
    originals: tuple[Look, Look]
    results: dict[str, tuple[Look, Look]]
    tiles: tuple[Picture, ...]


def measure_pair(pair: tuple[Portrait, Portrait], index: int, setting: Setting) -> PairLooks | None:
    """Both photographs under the identity that was chosen on the first; None when a face cannot be found."""
    tools = _tools(setting)
    images = [portrait.read() for portrait in pair]
    sources = [tools.observer.look(image) for image in images]
    places = [source.place for source in sources if source.place is not None]
    if len(places) < 2:
        return None
    named = {portrait.path.stem: image for portrait, image in zip(pair, images, strict=True)}
    results: dict[str, list[Picture]] = {UNTOUCHED: images} | {
        mode: [one.image for one in made]
        for mode, made in _made(tools.engine, setting, named, [setting.seed, index]).items()
    }
    for name, baseline in BASELINES.items():
        results[name] = [baseline(image, place.vertices) for image, place in zip(images, places, strict=True)]
    looks = {
        method: tuple(tools.observer.look(one, source) for one, source in zip(made, sources, strict=True))
        for method, made in results.items()
    }
    shown = [*images, *(picture for mode in setting.modes for picture in results[mode])]
    tiles = tuple(tile(image, places[k % 2].box) for k, image in enumerate(shown))
    return PairLooks(pair[0].path.stem, (sources[0], sources[1]), looks, tiles)  # type: ignore[arg-type]


def measure_identities(carrier: Portrait, seeds: Sequence[int], setting: Setting) -> list[Embedding | None]:
    """The gate's view of random identities (one per seed) on a carrier that is reduced to 512 pixels."""
    tools = _tools(setting)
    image = carrier.read()
    scale = 512 / max(image.shape[:2])
    if scale < 1:
        image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    latents = [tools.engine.sample(np.random.default_rng(seed), 1)[0] for seed in seeds]
    pictures = (tools.engine.anonymize(image, latent).image for latent in latents)
    return [tools.observer.look(picture).embeddings["dlib"] for picture in pictures]


def measure_many(portrait: Portrait, index: int, count: int, setting: Setting) -> list[Look]:
    """Standard results of one portrait, each with an identity of its own."""
    tools = _tools(setting)
    image = portrait.read()
    source = tools.observer.look(image)
    standard = replace(setting, modes=("standard",))
    made = (
        _made(tools.engine, standard, {portrait.path.stem: image}, [setting.seed, index, number])["standard"][0]
        for number in range(count)
    )
    return [tools.observer.look(one.image, source) for one in made]


def look_at(portrait: Portrait, setting: Setting) -> Look:
    """What is seen of a portrait as it is."""
    return _tools(setting).observer.look(portrait.read())


def _faces(tools: _Tools, portraits: Sequence[Portrait]) -> list[tuple[Picture, Array]]:
    faces = []
    for portrait in portraits:
        image = portrait.read()
        if (place := tools.observer.look(image).place) is not None:
            faces.append((image, place.vertices))
    return faces
