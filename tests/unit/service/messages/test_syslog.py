"""Syslog frames, byte for byte (RFC 5424, RFC 5425)."""

import os
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from service.messages.syslog import AUDIT_MESSAGE, WARNING, frame

NOW = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)


def test_a_frame_counts_its_octets() -> None:
    """The number in front is the length of the message in bytes, not in characters."""
    data = frame("äöü🦷".encode(), NOW, "veragate", AUDIT_MESSAGE)
    count, _, message = data.partition(b" ")
    assert int(count) == len(message)


def test_the_header_is_the_standards() -> None:
    """Priority, version, time in UTC, host, application, process, message id, no structured data, BOM, text."""
    local = NOW.astimezone(timezone(timedelta(hours=2)))
    data = frame(b"<x/>", local, "veragate", AUDIT_MESSAGE)
    pattern = rb"\d+ <85>1 2026-01-02T03:04:05\.000006Z \S+ veragate %d IHE\+RFC-3881 - \xef\xbb\xbf<x/>" % os.getpid()
    assert re.fullmatch(pattern, data)


def test_a_failure_is_a_warning() -> None:
    """What went wrong has a priority of its own, so that a repository can filter for it."""
    assert frame(b"", NOW, "veragate", AUDIT_MESSAGE, WARNING).split()[1] == b"<84>1"


@pytest.mark.parametrize(("source", "name"), [("my clinic", b"myclinic"), ("ü \n", b"-"), ("a" * 99, b"a" * 48)])
def test_names_keep_to_what_a_header_can_hold(source: str, name: bytes) -> None:
    """A source with spaces, other alphabets or great length cannot break the header."""
    assert frame(b"", NOW, source, AUDIT_MESSAGE).split(b" ")[4] == name
