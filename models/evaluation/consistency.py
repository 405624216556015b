"""Two photographs of one person: do their results show one new person, and does either lead back to the old one?

After the paired experiments of VerA. `other photo` is the attack that counts: a result against a photograph of the
person that it was not made from. `together` compares the two results of one person (wanted: taken for one person), with
the rates of false matches that `verification` fixes. `after the gate` leaves out results that the gateway would hold.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation import gate
from models.evaluation.looking import Embedding, Look
from models.evaluation.measure import UNTOUCHED, PairLooks
from models.evaluation.shares import share
from models.evaluation.verification import apart, verified
from models.recognizer import SAME_PERSON

Crowd = Mapping[str, NDArray[np.float32]]


def summarise_pairs(
    pairs: Sequence[PairLooks], limits: Mapping[str, Mapping[str, float]], crowd: Crowd
) -> dict[str, Any]:
    """By method; `crowd` are embeddings of other people's originals by judge (rows of all judges are one person)."""
    if not pairs:
        return {}
    return {method: _method(pairs, method, limits, crowd) for method in pairs[0].results}


def _method(
    pairs: Sequence[PairLooks], method: str, limits: Mapping[str, Mapping[str, float]], crowd: Crowd
) -> dict[str, Any]:
    # (result, its own original, the other photograph)
    couples = [(pair.results[method][k], pair.originals[k], pair.originals[1 - k]) for pair in pairs for k in (0, 1)]
    passed = [one for one in couples if method == UNTOUCHED or not gate.holds(one[0], one[1])]
    return {
        "pairs": len(pairs),
        "held": share(gate.holds(result, own) for result, own, _ in couples),
        "judges": {
            judge: {
                "together": verified([_apart(*pair.results[method], judge) for pair in pairs], limit),
                "together_at_gate": share(_same(*pair.results[method], judge) for pair in pairs),
                "other_photo": verified([_apart(one, other, judge) for one, _, other in couples], limit),
                "after_gate": verified([_apart(one, other, judge) for one, _, other in passed], limit),
                "rank1": share(_nearest(one, other, judge, crowd) for one, _, other in couples)
                | {"gallery": len(crowd[judge]) + 1},
            }
            for judge, limit in limits.items()
        },
    }


def _apart(first: Look, second: Look, judge: str) -> float | None:
    return apart(first.embeddings.get(judge), second.embeddings.get(judge))


def _same(first: Look, second: Look, judge: str) -> bool:
    distance = _apart(first, second, judge)
    return distance is not None and distance < SAME_PERSON


def _nearest(result: Look, other: Look, judge: str, crowd: Crowd) -> bool:
    """Is the other photograph nearer than everybody in the crowd? Who looks like the person there does not count."""
    probe, target = result.embeddings.get(judge), other.embeddings.get(judge)
    if probe is None or target is None:
        return False
    strangers = crowd[judge][_strangers(other.embeddings.get(gate.FIRST), crowd)]
    rivals = np.linalg.norm(strangers - probe, axis=1)
    return bool(np.linalg.norm(probe - target) < rivals.min(initial=np.inf))


def _strangers(person: Embedding | None, crowd: Crowd) -> NDArray[np.bool_]:
    """The crowd may hold another portrait of the same person."""
    if person is None:
        return np.ones(len(crowd[gate.FIRST]), bool)
    alike = np.linalg.norm(crowd[gate.FIRST] - person, axis=1) < SAME_PERSON
    return ~np.asarray(alike)
