"""What counts right now: the configuration file, and behind it what the console configures.

Senders (accepted calling AE titles), destinations and routes can be kept in versions in the database (table
`configurations`, only ever appended to). The file stands first and wins by name; the console's entries follow, so
that they can add to the file and never undo it. `service.configuring.changes` is how a person makes a new version.

    live = Live(settings, database)
    live.current()                      # asked as often as one likes; follows within a second
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.database import Database
from service.errors import ConfigurationError, Retry
from service.logs import get_logger
from service.settings import AETitle, Destination, Route, Settings, parse_settings
from service.tables import Configuration

FOLLOW_SECONDS: Final = 1.0


class Content(BaseModel):
    """One version: what the console adds to the file, in the file's own words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    senders: tuple[AETitle, ...] = Field(default=(), max_length=200)
    destinations: tuple[Destination, ...] = Field(default=(), max_length=100)
    routes: tuple[Route, ...] = Field(default=(), max_length=200)

    def stored(self) -> dict[str, Any]:
        """As JSON in which the same configuration always looks the same; what was left out stays out."""
        return {
            "senders": sorted(set(self.senders)),
            "destinations": [plain(destination) for destination in self.destinations],
            "routes": [plain(route) for route in self.routes],
        }


def plain(model: Destination | Route) -> dict[str, Any]:
    """The fields that differ from their defaults, sets as sorted lists."""
    return {name: _sorted(value) for name, value in model.model_dump(exclude_defaults=True).items()}


def plain_defaults(kind: type[Destination] | type[Route]) -> dict[str, Any]:
    """What `plain` leaves out."""
    fields = kind.model_fields.items()
    return {name: _sorted(field.default) for name, field in fields if not field.is_required()}


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in sorted(value.items())}
    if isinstance(value, frozenset):
        return sorted(value)
    return list(value) if isinstance(value, tuple) else value


def merge(file: Settings, content: Content) -> Settings:
    """The file's settings with the console's entries behind them.

    Raises ConfigurationError when they do not fit together, such as a route whose destination the file gave up.
    """
    defined = {destination.name for destination in file.destinations}
    routes = {route.name for route in file.routes}
    listener = file.listener.model_dump()
    listener["accepted_calling_aes"] |= set(content.senders)
    values = file.model_dump() | {
        "listener": listener,
        "destinations": [*file.destinations, *(d for d in content.destinations if d.name not in defined)],
        "routes": [*file.routes, *(r for r in content.routes if r.name not in routes)],
    }
    return parse_settings(values, source="the console's configuration")


def newest_version(session: Session) -> int:
    """0 while nothing was configured in the console."""
    return session.scalar(select(func.max(Configuration.version))) or 0


def content_of(session: Session, version: int) -> Content:
    """What a version holds; version 0 holds nothing. Raises ConfigurationError when there is no such version."""
    if version == 0:
        return Content()
    row = session.get(Configuration, version)
    if row is None:
        raise ConfigurationError(f"There is no version {version} of the configuration.")
    return Content.model_validate(row.content)


class Live:
    """The settings of a process as they are now, without a restart; safe to ask from any thread.

    Where the console's version cannot be used with the file (any more), the file counts alone: then there are
    fewer senders, and whatever only the console's routes would take is held. `problem` says so.
    """

    def __init__(self, file: Settings, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self.file = file
        self.version = 0
        self.problem: str | None = None
        self._database = database
        self._clock = clock
        self._current = file
        self._looking = threading.Lock()
        self._due = 0.0
        self.current()

    def current(self) -> Settings:
        """Looks for a new version once a second at most; while the database is away the last good one counts."""
        if self._clock() >= self._due and self._looking.acquire(blocking=False):  # nobody waits for one who looks
            try:
                self._look()
            finally:
                self._due = self._clock() + FOLLOW_SECONDS
                self._looking.release()
        return self._current

    def refresh(self) -> Settings:
        """Look now: for whoever has just saved a version and wants to show it."""
        self._due = 0.0
        return self.current()

    def _look(self) -> None:
        try:
            with self._database.read() as session:
                version = newest_version(session)
                if version == self.version:
                    return
                content = content_of(session, version)
        except Retry:
            return
        except (ConfigurationError, ValueError):  # a row that this version of the program does not understand
            self._use(version, self.file, "The console's configuration cannot be read.")
            return
        try:
            self._use(version, merge(self.file, content), None)
        except ConfigurationError as error:
            self._use(version, self.file, str(error))

    def _use(self, version: int, settings: Settings, problem: str | None) -> None:
        self.version, self._current, self.problem = version, settings, problem
        log = get_logger(process="configuration")
        if problem is None:
            log.info("configuration.followed", version=version)
        else:
            log.error("configuration.ignored", version=version, reason=problem)
