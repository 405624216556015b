"""How near two faces are for the gate: what two recognisers of different descent say, on the scale of the first.

A face may hide from one recogniser and stand open to another, so the one that takes them to be nearer counts.
"""

from typing import Final

import numpy as np

from models.mesh import Array
from models.recognizer import SAME_PERSON

# Distance under SFace that counts as SAME_PERSON does under dlib's recogniser. A larger one held many more photographs
# of 16 people with the eyes kept, and of those that were left as many were known by the other photograph.
KNOWN: Final = 1.0


def second(own: Array, other: Array) -> float:
    """The distance of two descriptors of `models.sface`, on the scale of `Recognizer.distance`."""
    return SAME_PERSON / KNOWN * float(np.linalg.norm(own - other))


def nearer(*distances: float | None) -> float | None:
    """The smallest distance that could be measured; what is no number stays none, and passes no gate."""
    measured = [distance for distance in distances if distance is not None]
    return float(np.min(measured)) if measured else None
