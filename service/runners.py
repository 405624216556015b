"""The loops that the embedded gateway runs, one role for each process, until they are told to stop.

A loop that meets an error logs it and goes on after a pause: one bad item must not end the work of the rest.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from service.configuration import FOLLOW_SECONDS, Live
from service.couriers import Couriers, Rounds
from service.database import Database
from service.errors import ConfigurationError
from service.gateway import Gateway
from service.listener import Listener
from service.logs import get_logger
from service.messages.reporter import Reporter
from service.pipeline import Worker
from service.pixels import Faces
from service.presence import on_record
from service.settings import Settings
from service.sweeping import TIDY_SECONDS, Sweeper
from service.traces import start as start_traces

Signal = Callable[[], None]
PAUSE_AFTER_ERROR: Final = 1.0


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def stop_with_parent() -> None:
    """Send ourselves SIGTERM when standard input ends, which is how a child learns that its supervisor is gone."""

    def wait() -> None:
        sys.stdin.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True, name="parent").start()


def listen_loop(settings: Settings, stop: threading.Event, ready: Signal, ring: Signal = lambda: None) -> None:
    """Receive photographs. Raises ConfigurationError when the port cannot be had."""
    gateway = Gateway.open(settings)
    start_traces(settings, "listener")
    with on_record(settings, "listener"):
        listener = Listener(gateway, ring)
        try:
            listener.start()
        except OSError as error:
            where = f"{settings.listener.host}:{settings.listener.port}"
            raise ConfigurationError(f"The listener cannot use {where}: {error.strerror}.") from error
        ready()
        stop.wait()
        listener.stop()


def work_loop(settings: Settings, stop: threading.Event, ready: Signal) -> None:
    """De-identify what was received."""
    gateway = Gateway.open(settings)
    start_traces(settings, "worker")
    with on_record(settings, "worker", settings.work.device):
        faces = Faces(settings.work.device)
        get_logger(process="worker").info("worker.ready", model_version=faces.version)  # loads the models
        ready()
        repeat(stop, settings.work.poll_seconds, Worker(gateway, faces).work_one, "worker")


def send_loop(settings: Settings, stop: threading.Event, ready: Signal) -> None:
    """Send what was released, with a thread for each destination."""
    database = Database(settings.url)
    couriers = Couriers(Live(settings, database), database)
    interval = settings.work.poll_seconds
    rounds = Rounds(couriers, lambda ended, step: repeat(ended, interval, step, "sender"))
    start_traces(settings, "sender")
    with on_record(settings, "sender"):
        rounds.follow()
        ready()
        repeat(stop, max(interval, FOLLOW_SECONDS), rounds.follow, "sender")
        rounds.end()


def sweep_loop(settings: Settings, stop: threading.Event, ready: Signal) -> None:
    """Move on what stood still, find leftovers, seal the audit; a last time when told to stop."""
    gateway = Gateway.open(settings)
    sweeper = Sweeper(gateway)
    with on_record(settings, "sweeper"):
        steps = [
            _Every(settings.work.sweep_seconds, sweeper.sweep),
            _Every(settings.work.seal_seconds, sweeper.seal),
            _Every(TIDY_SECONDS, sweeper.tidy),
        ]
        interval = min(settings.work.sweep_seconds, settings.work.seal_seconds)

        def round_() -> None:
            for step in steps:
                step()

        ready()
        repeat(stop, interval, round_, "sweeper")
    sweeper.seal()


def report_loop(settings: Settings, stop: threading.Event, ready: Signal) -> None:
    """Tell the audit repositories what was sealed, with a thread for each; ConfigurationError when there is none."""
    if not settings.audit.repositories:
        raise ConfigurationError("There is nobody to report to: the configuration names no [[audit.repositories]].")
    database = Database(settings.url)
    live = Live(settings, database)
    reporters = [Reporter(live.current, database, repository) for repository in settings.audit.repositories]
    with on_record(settings, "reporter"):
        interval = settings.work.seal_seconds
        threads = [
            threading.Thread(target=repeat, args=(stop, interval, reporter.send_due, "reporter"))
            for reporter in reporters
        ]
        for thread in threads:
            thread.start()
        ready()
        stop.wait()
        for thread in threads:
            thread.join()


def repeat(stop: threading.Event, interval: float, step: Callable[[], Any], role: str) -> None:
    """Call `step` until `stop`, at once again while it reports work done, else after `interval` seconds."""
    log = get_logger(process=role)
    while not stop.is_set():
        try:
            if not step():
                stop.wait(interval)
        except Exception:
            log.exception("loop.error")
            stop.wait(PAUSE_AFTER_ERROR)


class _Every:
    """A step that runs at most once in `seconds`; the first time at once."""

    def __init__(self, seconds: float, step: Callable[[], Any]) -> None:
        self._seconds = seconds
        self._step = step
        self._due = 0.0

    def __call__(self) -> None:
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + self._seconds
            self._step()
