"""What the gateway's gate would say of a result, from what the judges see.

It takes the smaller of what two recognisers say (`models.likeness`), which both are among the judges.
"""

from models import likeness
from models.evaluation.looking import Look
from models.evaluation.verification import apart
from models.recognizer import SAME_PERSON

FIRST, SECOND = "dlib", "sface"


def distance(result: Look, original: Look) -> float | None:
    """Between a result and its own original; None where neither recogniser can read both."""
    first = apart(result.embeddings.get(FIRST), original.embeddings.get(FIRST))
    own, other = result.embeddings.get(SECOND), original.embeddings.get(SECOND)
    return likeness.nearer(first, None if own is None or other is None else likeness.second(own, other))


def holds(result: Look, original: Look) -> bool:
    """Whether the gate would hold it for its face; what nobody can read it would hold too, which is counted apart."""
    measured = distance(result, original)
    return measured is not None and measured < SAME_PERSON
