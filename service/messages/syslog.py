"""Syslog frames: RFC 5424 messages with the octet count in front that RFC 5425 wants.

frame(b"<?xml ...", occurred_at, source="veragate", msgid=AUDIT_MESSAGE)
"""

import os
import socket
from datetime import UTC, datetime
from typing import Final

AUDIT_MESSAGE: Final = "IHE+RFC-3881"  # IHE ITI TF-2 3.20.7
CHECKPOINT: Final = "VERAGATE-CHECKPOINT"
NOTICE, WARNING = 5, 4
_FACILITY: Final = 10  # security and authorization
_BOM: Final = b"\xef\xbb\xbf"  # RFC 5424 6.4: what follows is UTF-8
_VERSION: Final = 1


def frame(text: bytes, occurred_at: datetime, source: str, msgid: str, severity: int = NOTICE) -> bytes:
    """One message, ready for the wire; `text` is UTF-8."""
    stamp = occurred_at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    header = f"<{_FACILITY * 8 + severity}>{_VERSION} {stamp} {_name(socket.gethostname(), 255)} {_name(source, 48)}"
    message = f"{header} {os.getpid()} {msgid} - ".encode() + _BOM + text
    return b"%d %s" % (len(message), message)


def _name(text: str, length: int) -> str:
    """Printable ASCII without spaces; "-" where nothing is left (RFC 5424 6)."""
    return "".join(character for character in text if "!" <= character <= "~")[:length] or "-"
