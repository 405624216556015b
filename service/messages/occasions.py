"""An audit entry with all that is known around it, as the messages are made from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from service.messages.facts import Facts
from service.settings import AuditSettings, Destination
from service.tables import AuditEntry

_WHY: Final = ("reason", "cause", "detail", "error", "status")


@dataclass(frozen=True)
class Occasion:
    """`position` is the entry's place in the sealed log, `ae_title` the gateway's own."""

    entry: AuditEntry
    position: int
    settings: AuditSettings
    ae_title: str = ""
    facts: Facts = field(default_factory=Facts)
    destinations: Mapping[str, Destination] = field(default_factory=dict)

    def detail(self, key: str, default: str = "") -> str:
        return str(self.entry.details.get(key, default))

    @property
    def why(self) -> str:
        return next((self.detail(key) for key in _WHY if self.entry.details.get(key)), "")

    def uri(self, *parts: str) -> str:
        path = (quote(part, safe="", errors="replace") for part in (self.settings.source, *parts))
        return "veragate://" + "/".join(path)
