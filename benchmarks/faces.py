"""Seconds to replace one face in a photograph of 1024 x 1024 pixels, models loaded, identity known.

And how many times as fast as dlib's own code the recogniser's network describes faces, one by one and eight at a time.
"""

import time
from collections.abc import Callable, Iterator

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from benchmarks.figure import Figure
from models import FaceAnonymizer, Region
from models.descriptor import SIDE, Descriptor
from models.recognizer import NETWORK, model_file
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
    yield from _descriptors(np.asarray(cv2.resize(portrait, (SIDE, SIDE)), np.uint8))


def _descriptors(chip: NDArray[np.uint8]) -> Iterator[Figure]:
    """dlib's time over ours for the same chips, taken in turns, on the one thread that `FaceAnonymizer.load` leaves."""
    path = model_file(NETWORK)
    ours, theirs = Descriptor(path).of, dlib.face_recognition_model_v1(str(path)).compute_face_descriptor
    for count in (1, 8):
        seconds = np.array([[_seconds(describe, [chip] * count) for describe in (theirs, ours)] for _ in range(ROUNDS)])
        ratios = seconds[1:, 0] / seconds[1:, 1]  # the first round warms up
        yield Figure.of(
            f"describing faces, {count} at a time, against dlib's own code", "times as fast", ratios.tolist()
        )


def _seconds(describe: Callable[[list[NDArray[np.uint8]]], object], chips: list[NDArray[np.uint8]]) -> float:
    began = time.perf_counter()
    describe(chips)
    return time.perf_counter() - began
