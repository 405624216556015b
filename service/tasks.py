"""The same work as Celery tasks, for gateways of several machines on PostgreSQL and Redis.

The database is the queue; a message is only a doorbell. A task claims what is due until nothing is or its
share is done, so a lost message costs a sweep's interval, a message delivered twice costs a query, and no
setting of the broker can lose or repeat work. Workers use the solo pool: one process, one model, no fork.
"""

import os
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final

from celery import Celery
from celery.signals import worker_ready
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service import logs
from service.broker import MOST_RINGS, QUEUES, SEAL, SEND, SWEEP, TIDY, WORK, make_client, ring
from service.configuration import Live
from service.couriers import Couriers
from service.database import Database
from service.forwarding import BATCH
from service.gateway import Gateway
from service.pipeline import Worker
from service.pixels import Faces
from service.presence import on_record
from service.settings import Settings, load_settings
from service.states import DeliveryState, PhotographState
from service.sweeping import Sweeper
from service.tables import Delivery, Photograph, utc_now
from service.traces import start as start_traces

WORK_SECONDS: Final = 5.0


def make_app(settings: Settings) -> Celery:
    """The Celery application of this gateway; its tasks open database and model when the first one runs."""
    start_traces(settings, "celery")
    app = make_client(settings)
    bench = _Bench(settings, lambda name, *args: ring(app, name, *args))
    tasks = {WORK: bench.work, SEND: bench.send, SWEEP: bench.sweep, SEAL: bench.seal, TIDY: bench.tidy}
    for name, run in tasks.items():
        app.task(run, name=name, typing=False)  # Celery would miss the `self` of a bound method
    return app


def __getattr__(name: str) -> Any:
    """`celery --app service.tasks` finds an application for the configuration that load_settings() finds."""
    if name != "app":
        raise AttributeError(name)
    logs.configure(json=True)
    return make_app(load_settings())


def run_worker(settings: Settings, queue: str, ready: Callable[[], None]) -> None:
    """Consume one queue in this process until SIGTERM; the sweep's worker also keeps the clock (beat)."""
    beat = ["--beat"] if queue == QUEUES[SWEEP] else []
    name = f"--hostname={queue}-{os.getpid()}@%h"
    options = ["--quiet", "worker", "--pool=solo", f"--queues={queue}", name, "--loglevel=WARNING", *beat]
    worker_ready.connect(lambda **_: ready(), weak=False)
    with on_record(settings, f"celery-{queue}", settings.work.device if queue == QUEUES[WORK] else None):
        make_app(settings).worker_main(options)


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
        sweeper = Sweeper(self._gateway)
        sweeper.tidy()
        return sweeper

    @cached_property
    def _couriers(self) -> Couriers:
        database = Database(self._settings.url)
        return Couriers(Live(self._settings, database), database)

    def work(self) -> None:
        """Work what is due for a few seconds, then ring again: a solo worker is deaf to its broker meanwhile."""
        until, done = time.monotonic() + WORK_SECONDS, 0
        while (found := self._worker.work_one()) and time.monotonic() < until:
            done += 1
        if found or done:
            self._ring_couriers()
        if found:
            self._ring(WORK)

    def send(self, destination: str) -> None:
        """Send what is due; the association ends with the backlog, since nobody would look after an idle one."""
        courier = self._couriers.named(destination)
        if courier is None:
            return
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

    def tidy(self) -> None:
        self._sweeper.tidy()

    def _ring_couriers(self) -> None:
        for destination in self._gateway.settings.destinations:
            self._ring(SEND, destination.name)


def _due(session: Session, table: type[Photograph | Delivery], state: str) -> int:
    query = select(func.count()).select_from(table).where(table.state == state, table.not_before <= utc_now())
    return session.scalars(query).one()
