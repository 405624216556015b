"""What is asked, and from which texts."""

import re
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from service.audit import ACTOR_LENGTH, Action, Outcome
from service.errors import VeraGateError

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True)
class Inquiry:
    """What is asked: every field that is not None must hold. Raises VeraGateError for what nobody can have meant.

    `patient` is a pseudonym; `study` and `sop_instance` are UIDs as received or as released; `ae` is an AE title or
    the name of a destination, in whatever role; times are from `since` on and before `until`.
    """

    patient: str | None = None
    study: str | None = None
    sop_instance: str | None = None
    photograph: str | None = None
    actor: str | None = None
    ae: str | None = None
    action: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        for name, value in self.asked().items():
            if len(value) > ACTOR_LENGTH or _UNPRINTABLE.search(value):
                raise VeraGateError(f"What is asked for as {name} is too long or holds characters that no entry has.")
        for name, words in (("action", Action), ("outcome", Outcome)):
            if (word := getattr(self, name)) is not None and word not in list(words):
                raise VeraGateError(f"There is no {name} of that name; there are {', '.join(words)}.")
        if self.since and self.until and self.since >= self.until:
            raise VeraGateError("The time asked for ends before it begins.")

    @classmethod
    def of(cls, **texts: str | None) -> "Inquiry":
        """From texts as people type them: blanks count as nothing, days are days in UTC, `until` a day includes it."""
        asked = {name: text.strip() for name, text in texts.items() if text is not None and text.strip()}
        if unknown := asked.keys() - {field.name for field in fields(cls)}:
            raise VeraGateError(f"Nobody can ask the audit for {', '.join(sorted(unknown))}.")
        values: dict[str, Any] = asked | {
            name: _time(name, asked[name]) for name in ("since", "until") if name in asked
        }
        return cls(**values)

    def asked(self) -> dict[str, str]:
        """The fields in use, as text."""
        values = {name: value for name, value in asdict(self).items() if value is not None}
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def _time(name: str, text: str) -> datetime:
    try:
        when = datetime.fromisoformat(text)
        when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
        return when + timedelta(days=1) if name == "until" and _DAY.fullmatch(text) else when
    except (ValueError, OverflowError) as error:
        example = "2026-11-23 or 2026-11-23T14:05"
        raise VeraGateError(f"The time asked for as {name} is no date or time such as {example}.") from error
