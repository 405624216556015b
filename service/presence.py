"""The start and the orderly stop of each process, on record in the audit."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from service import __version__, audit
from service.audit import Action
from service.database import Database
from service.errors import Retry
from service.settings import Settings


@contextmanager
def on_record(settings: Settings, role: str) -> Iterator[None]:
    """Enter that `role` started, and at the end that it stopped; a process that is killed leaves no second entry.

    Its own short connections, because a process may fork in between.
    """
    _record(settings, Action.PROCESS_STARTED, role)
    try:
        yield
    finally:
        with suppress(Retry):
            _record(settings, Action.PROCESS_STOPPED, role)


def _record(settings: Settings, action: Action, role: str) -> None:
    database = Database(settings.url)
    try:
        with database.transaction() as session:
            audit.record(session, action, actor=role, details={"version": __version__, "pid": os.getpid()})
    finally:
        database.close()
