"""The start and the orderly stop of each process on record in the audit, and a sign of life in between."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, update

from service import __version__, audit
from service.audit import Action
from service.database import Database
from service.errors import Retry
from service.settings import Settings
from service.tables import Process, new_id, utc_now

BEAT_SECONDS: Final = 10.0
SILENT: Final = timedelta(seconds=45)  # without a sign of life for longer, a process is taken for dead
_FORGOTTEN: Final = timedelta(days=1)


@contextmanager
def on_record(settings: Settings, role: str, device: str | None = None) -> Iterator[None]:
    """Enter that `role` started, at the end that it stopped, and keep saying that it lives.

    A process that is killed leaves no second entry, and its row falls silent. Its own short connections, because a
    process may fork in between; `device` is what a worker computes on.
    """
    process_id, stop = new_id(), threading.Event()
    _start(settings, role, process_id, device)
    beat = threading.Thread(target=_beat, args=(settings, process_id, stop), daemon=True, name="presence")
    beat.start()
    try:
        yield
    finally:
        stop.set()
        beat.join(BEAT_SECONDS)
        with suppress(Retry):
            _stop(settings, role, process_id)


def _start(settings: Settings, role: str, process_id: str, device: str | None) -> None:
    with _connected(settings) as database, database.transaction() as session:
        session.execute(delete(Process).where(Process.seen_at < utc_now() - _FORGOTTEN))
        host, pid = socket.gethostname()[:64], os.getpid()
        session.add(Process(id=process_id, role=role, host=host, pid=pid, device=device))
        audit.record(session, Action.PROCESS_STARTED, actor=role, details={"version": __version__, "pid": pid})


def _beat(settings: Settings, process_id: str, stop: threading.Event) -> None:
    while not stop.wait(BEAT_SECONDS):
        with suppress(Retry), _connected(settings) as database, database.transaction() as session:
            session.execute(update(Process).where(Process.id == process_id).values(seen_at=utc_now()))


def _stop(settings: Settings, role: str, process_id: str) -> None:
    with _connected(settings) as database, database.transaction() as session:
        session.execute(delete(Process).where(Process.id == process_id))
        details = {"version": __version__, "pid": os.getpid()}
        audit.record(session, Action.PROCESS_STOPPED, actor=role, details=details)


@contextmanager
def _connected(settings: Settings) -> Iterator[Database]:
    database = Database(settings.url)
    try:
        yield database
    finally:
        database.close()
