"""What people type becomes an inquiry, or one sentence that says what is wrong with it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import VeraGateError
from service.inquiries import Inquiry


def test_blanks_ask_for_nothing() -> None:
    """Fields left empty, or filled with spaces, do not count."""
    assert Inquiry.of(patient="", actor="  ", ae=None, action=" delivery.sent ") == Inquiry(action="delivery.sent")


@pytest.mark.parametrize(
    ("name", "text", "when"),
    [
        ("since", "2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
        ("until", "2026-11-23", datetime(2026, 11, 24, tzinfo=UTC)),
        ("until", "2026-11-23T14:05", datetime(2026, 11, 23, 14, 5, tzinfo=UTC)),
        ("since", "2026-11-23T14:05+02:00", datetime(2026, 11, 23, 12, 5, tzinfo=UTC)),
    ],
)
def test_times_are_in_utc_and_a_last_day_counts(name: str, text: str, when: datetime) -> None:
    """A day begins at midnight UTC, the last day asked for is part of the answer, and other zones are understood."""
    assert getattr(Inquiry.of(**{name: text}), name) == when


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ({"since": "yesterday"}, "no date or time"),
        ({"until": "9999-12-31"}, "no date or time"),
        ({"since": "0001-01-01T00:00+14:00"}, "no date or time"),
        ({"since": "2026-02-01", "until": "2026-01-01"}, "ends before it begins"),
        ({"action": "delivery"}, "there are process.started, "),
        ({"outcome": "SUCCESS"}, "there are success, refused, failure"),
        ({"actor": "a\0b"}, "characters that no entry has"),
        ({"study": "1" * 101}, "too long"),
        ({"color": "red"}, "ask the audit for color"),
    ],
    ids=str,
)
def test_nonsense_is_named_in_one_sentence(texts: dict[str, str], sentence: str) -> None:
    """What nobody can have meant is refused, and the sentence says which field it was."""
    with pytest.raises(VeraGateError, match=sentence):
        Inquiry.of(**texts)


@given(st.dictionaries(st.sampled_from(sorted(Inquiry.__dataclass_fields__)), st.text()))
def test_no_text_gets_past(texts: dict[str, str]) -> None:
    """Any texts either make an inquiry or are refused with a sentence."""
    try:
        assert Inquiry.of(**texts).asked().keys() <= texts.keys()
    except VeraGateError as error:
        assert str(error).endswith(".")
