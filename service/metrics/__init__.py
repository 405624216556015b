"""The figures for Prometheus, read from the database when they are asked for, so that every process tells the same.

Labels are words of the configuration, states, causes and gates; nothing in them is of a patient.
"""

from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session

from service import __version__
from service.database import Database
from service.errors import VeraGateError
from service.metrics import families
from service.metrics.totals import Totals
from service.overview import overview
from service.settings import Settings

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Figures(Collector):
    """`settings` is asked at each scrape, since destinations come and go."""

    def __init__(self, settings: Callable[[], Settings], database: Database) -> None:
        self._settings = settings
        self._database = database
        self._totals = Totals()

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("veragate_build", "The running version", {"version": __version__})
        answers = GaugeMetricFamily(
            "veragate_database_up", "Whether the database answered; without it the rest is missing"
        )
        try:
            settings = self._settings()
            with self._database.read() as session:
                found = [*self._read(session, settings)]
        except VeraGateError:
            found = []
        answers.add_metric([], float(bool(found)))
        yield answers
        yield from found

    def _read(self, session: Session, settings: Settings) -> Iterator[Metric]:
        seen = overview(session, settings)
        yield from families.stages(seen)
        yield from families.destinations(session, seen)
        yield from families.audit(session, settings, seen)
        yield from families.machine(seen)
        yield from families.counters(self._totals.read(session))


def exposition(figures: Figures) -> bytes:
    """What /metrics answers, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(figures)
    return generate_latest(registry)
