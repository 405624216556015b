"""The same work as Celery tasks, for gateways of several machines on PostgreSQL and Redis.

The database is the queue; a message is only a doorbell. A task claims what is due until nothing is or its
share is done, so a lost message costs a sweep's interval, a message delivered twice costs a query, and no
setting of the broker can lose or repeat work. Workers use the solo pool: one process, one model, no fork.
"""

import os
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import cached_property
from typing import Any, Final

from celery import Celery
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service import logs
from service.database import Database
from service.forwarding import BATCH, Courier, open_couriers
from service.gateway import Gateway
from service.logs import get_logger
from service.pipeline import Worker
from service.pixels import Faces
from service.presence import on_record
from service.settings import Settings, load_settings
from service.states import DeliveryState, PhotographState
from service.sweeping import Sweeper
from service.tables import Delivery, Photograph, utc_now

WORK: Final = "veragate.work"
SEND: Final = "veragate.send"
SWEEP: Final = "veragate.sweep"
SEAL: Final = "veragate.seal"
QUEUES: Final = {WORK: "work", SEND: "send", SWEEP: "sweep", SEAL: "sweep"}
MOST_RINGS: Final = 8
_VISIBILITY_SECONDS: Final = 600


def make_app(settings: Settings) -> Celery:
    """The Celery application of this gateway; its tasks open database and model when the first one runs."""
    app = Celery("veragate", broker=settings.broker_url)
    app.conf.update(_configuration(settings))
    bench = _Bench(settings, lambda name, *args: ring(app, name, *args))
    for name, run in ((WORK, bench.work), (SEND, bench.send), (SWEEP, bench.sweep), (SEAL, bench.seal)):
        app.task(run, name=name, typing=False)  # Celery would miss the `self` of a bound method
    return app


def __getattr__(name: str) -> Any:
    """`celery --app service.tasks` finds an application for the configuration that load_settings() finds."""
    if name != "app":
        raise AttributeError(name)
    logs.configure(json=True)
    return make_app(load_settings())


def ring(app: Celery, name: str, *args: str) -> None:
    """Publish one wake-up; a broker that is away is no error, since the sweep rings again."""
    try:
        app.send_task(name, args=args, retry=False)
    except Exception as error:  # every transport brings exceptions of its own
        get_logger(process="doorbell").warning("doorbell.silent", error=type(error).__name__)


def run_worker(settings: Settings, queue: str) -> None:
    """Consume one queue in this process until SIGTERM; the sweep's worker also keeps the clock (beat)."""
    beat = ["--beat"] if queue == QUEUES[SWEEP] else []
    name = f"--hostname={queue}-{os.getpid()}@%h"
    options = ["--quiet", "worker", "--pool=solo", f"--queues={queue}", name, "--loglevel=WARNING", *beat]
    with on_record(settings, f"celery-{queue}"):
        make_app(settings).worker_main(options)


class Doorbell:
    """Rings from the listener without ever holding up a store: a thread of its own talks to the broker."""

    def __init__(self, settings: Settings) -> None:
        self._app = make_app(settings)
        self._waiting = 0
        self._changed = threading.Condition()
        threading.Thread(target=self._publish, daemon=True, name="doorbell").start()

    def ring(self) -> None:
        with self._changed:
            self._waiting += 1
            self._changed.notify()

    def _publish(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting > 0)
                rings, self._waiting = min(self._waiting, MOST_RINGS), 0
            for _ in range(rings):
                ring(self._app, WORK)


class _Bench:
    """What the tasks of one worker process work with, opened on first use."""

    def __init__(self, settings: Settings, ring: Callable[..., None]) -> None:
        self._settings = settings
        self._ring = ring

    @cached_property
    def _gateway(self) -> Gateway:
        return Gateway.open(self._settings)

    @cached_property
    def _worker(self) -> Worker:
        return Worker(self._gateway, Faces(self._settings.work.device))

    @cached_property
    def _sweeper(self) -> Sweeper:
        return Sweeper(self._gateway)

    @cached_property
    def _couriers(self) -> dict[str, Courier]:
        couriers = open_couriers(self._settings, Database(self._settings.url))
        names = (destination.name for destination in self._settings.destinations)
        return dict(zip(names, couriers, strict=True))

    def work(self) -> None:
        done = 0
        while done < BATCH and self._worker.work_one():
            done += 1
        if done:
            self._ring_couriers()
        if done == BATCH:
            self._ring(WORK)

    def send(self, destination: str) -> None:
        """Send what is due; the association ends with the backlog, since nobody would look after an idle one."""
        courier = self._couriers[destination]
        if courier.send_due(BATCH) == BATCH:
            self._ring(SEND, destination)
        else:
            courier.close()

    def sweep(self) -> None:
        """Move on what is used up, and ring for whatever is due: its own message may be lost."""
        self._sweeper.sweep()
        with self._gateway.database.read() as session:
            photographs = _due(session, Photograph, PhotographState.RECEIVED)
            deliveries = _due(session, Delivery, DeliveryState.PENDING)
        for _ in range(min(photographs, MOST_RINGS)):
            self._ring(WORK)
        if deliveries:
            self._ring_couriers()

    def seal(self) -> None:
        self._sweeper.seal()

    def _ring_couriers(self) -> None:
        for destination in self._settings.destinations:
            self._ring(SEND, destination.name)


def _due(session: Session, table: type[Photograph | Delivery], state: str) -> int:
    query = select(func.count()).select_from(table).where(table.state == state, table.not_before <= utc_now())
    return session.scalars(query).one()


def _configuration(settings: Settings) -> dict[str, Any]:
    """Measured against lost and repeated tasks; remote control stays on, for without it a worker can go deaf
    for ever when Redis restarts during a task."""
    every = {SWEEP: settings.work.sweep_seconds, SEAL: settings.work.seal_seconds}
    return {
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_acks_on_failure_or_timeout": True,
        "task_ignore_result": True,
        "task_routes": {name: {"queue": queue} for name, queue in QUEUES.items()},
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,  # our log writes to stderr: redirected into the log it would wait for itself
        "worker_soft_shutdown_timeout": 30,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            "visibility_timeout": _VISIBILITY_SECONDS,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "global_keyprefix": f"veragate:{settings.project}:",
            "socket_timeout": 30,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
        "beat_scheduler": "celery.beat:Scheduler",
        "beat_schedule": {
            name: {"task": name, "schedule": timedelta(seconds=seconds), "options": {"expires": 10 * seconds}}
            for name, seconds in every.items()
        },
    }
