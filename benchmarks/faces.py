"""Seconds to replace one face in a photograph of 1024 x 1024 pixels, models loaded, identity known."""

import time
from collections.abc import Iterator

import cv2
import numpy as np

from benchmarks.figure import Figure
from models import FaceAnonymizer, Region
from service.demo.patients import PATIENTS

ROUNDS = 8


def measure() -> Iterator[Figure]:
    engine = FaceAnonymizer.load()
    portrait = np.asarray(cv2.resize(PATIENTS[0].frontal()[:960], (1024, 1024)), np.uint8)
    latents = engine.sample(np.random.default_rng(0), ROUNDS)
    engine.anonymize(portrait, latents[0])
    modes: dict[str, frozenset[Region]] = {"whole face": frozenset(), "mouth preserved": frozenset({"mouth"})}
    for name, preserve in modes.items():
        seconds = []
        for number in range(ROUNDS):
            began = time.perf_counter()
            engine.anonymize(portrait, latents[number], preserve)
            seconds.append(time.perf_counter() - began)
        yield Figure.of(f"one face, 1024 x 1024, {name}", "s", seconds)
    began = time.perf_counter()
    engine.propose(portrait, np.random.default_rng(0))
    yield Figure.of("choosing a new patient's identity", "s", [time.perf_counter() - began])
