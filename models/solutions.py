"""MediaPipe's ready-made networks, quicker in their answers.

For each picture `SolutionBase.process` (mediapipe 0.10.21) makes a class of named tuples to answer with. That takes a
quarter of the time of a small network, and a photograph is looked at some twenty times; a plain object does as well.
"""

from types import SimpleNamespace

import mediapipe as mp
from mediapipe.python import solution_base


def _answer(_name: str, _fields: object) -> SimpleNamespace:
    """What `collections.namedtuple` is called for there; its fields are set one by one afterwards."""
    return SimpleNamespace()


solution_base.collections = SimpleNamespace(namedtuple=_answer)
solutions = mp.solutions
