"""Utility: is the anonymized face still found, and where the face was? Table 2 of VerA's supplement.

Detection rate and overlap of the boxes before and after (intersection over union), for each detector: MTCNN and dlib
as in the paper, and the two of MediaPipe that the gateway uses besides.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.evaluation.shares import share
from models.faces import iou
from models.recognizer import Box


@dataclass(frozen=True)
class Sighting:
    """One result: by detector, the overlap (IoU) of its box with the source's, None where only the result has one.

    `seen_before` are the detectors that found the source's face at all; only they can lose it.
    """

    overlaps: dict[str, float | None]
    seen_before: frozenset[str]


def sighting(before: Mapping[str, Box], after: Mapping[str, Box]) -> Sighting:
    overlaps = {name: iou(before[name], box) if name in before else None for name, box in after.items()}
    return Sighting(overlaps, frozenset(before))


def detection(sightings: Sequence[Sighting], detectors: Iterable[str]) -> dict[str, Any]:
    """Of any detector and of each: the share of results in which it finds a face, and the mean overlap.

    A detector is asked only about faces that it found in the source.
    """
    figures: dict[str, Any] = {"any": {"found": share(bool(one.overlaps) for one in sightings), "overlap": None}}
    for name in detectors:
        asked = [one for one in sightings if name in one.seen_before]
        overlaps = [value for one in asked if (value := one.overlaps.get(name)) is not None]
        figures[name] = {
            "found": share(name in one.overlaps for one in asked),
            "overlap": float(np.mean(overlaps)) if overlaps else None,
        }
    return figures
