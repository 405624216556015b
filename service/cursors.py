"""Where the next page of a list begins: the last line's time and id, in a form that an address can hold."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Final

from service.errors import VeraGateError

Key = tuple[datetime, str]
_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)


def cursor(key: Key) -> str:
    return urlsafe_b64encode(f"{key[0].isoformat()} {key[1]}".encode()).decode().rstrip("=")


def parse_cursor(text: str) -> Key:
    """Raises VeraGateError for what no page gave out."""
    try:
        when, row_id = urlsafe_b64decode(text.encode("ascii") + b"===").decode("ascii").split(" ")
        key = datetime.fromisoformat(when).astimezone(UTC), row_id
    except (ValueError, OverflowError):
        key = datetime.min.replace(tzinfo=UTC), ""
    if not _ID.fullmatch(key[1]) or cursor(key) != text:
        raise VeraGateError("There is no such page; start again from the first one.")
    return key
