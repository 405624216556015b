"""What a person asks for a photograph that starts over."""

from typing import Any

import pytest

from service.errors import VeraGateError
from service.instructions import Instructions, read_instructions


def test_instructions_survive_their_way_through_a_row() -> None:
    """What is stored reads back the same, and nothing asked for is stored as nothing."""
    asked = Instructions(route="archive", redact=((0, 0, 30, 10),), cover_faces=True)
    assert read_instructions(asked.stored()) == asked
    assert asked.covers
    assert Instructions(backdrop="keep").covers
    assert Instructions().stored() is None
    assert read_instructions(None) == Instructions()
    assert not Instructions(route="archive").covers


@pytest.mark.parametrize(
    "values",
    [
        {"redact": [[10, 0, 5, 10]]},
        {"redact": [[0, 0, 0, 10]]},
        {"redact": [[-1, 0, 5, 10]]},
        {"redact": [[0, 0, 5]]},
        {"redact": [["a", 0, 5, 10]]},
        {"redact": [[0, 0, 5, 10]] * 51},
        {"redact": [[0, 0, 70000, 10]]},
        {"route": ""},
        {"route": "x" * 65},
        {"cover_faces": "perhaps"},
        {"backdrop": "pink"},
        {"drop_gates": True},
    ],
)
def test_nonsense_is_refused_in_one_sentence(values: dict[str, Any]) -> None:
    """Boxes without area, beside any picture, or unknown wishes are refused."""
    with pytest.raises(VeraGateError, match="cannot be followed"):
        read_instructions(values)
