"""The metrics by subject; docs of each are its help text."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service import tallies
from service.messages.transmissions import backlog
from service.metrics.totals import Sums
from service.overview import Overview
from service.settings import Settings
from service.states import DeliveryState
from service.tables import AuditTransmission, Delivery
from service.tallies import Sum

_COUNTERS: Final = {
    tallies.RECEIVED: ("veragate_received", "Photographs received and acknowledged", "calling_ae"),
    tallies.RELEASED: ("veragate_released", "Photographs that passed every gate", "route"),
    tallies.QUARANTINED: ("veragate_quarantined", "Photographs that were held for a person", "cause"),
    tallies.REJECTED: ("veragate_rejected", "Photographs that a person rejected", None),
    tallies.FAILED: ("veragate_failed", "Photographs whose attempts were used up", None),
    tallies.DELIVERED: ("veragate_delivered", "Releases that a destination accepted", "destination"),
}


def stages(seen: Overview) -> Iterator[Metric]:
    count = GaugeMetricFamily("veragate_photographs", "Photographs in an unfinished state", labels=["state"])
    oldest = GaugeMetricFamily(
        "veragate_photographs_oldest_seconds", "Age of the oldest photograph in that state", labels=["state"]
    )
    for state, stage in seen.stages.items():
        count.add_metric([state], stage.count)
        oldest.add_metric([state], _age(stage.oldest, seen.made_at))
    yield from (count, oldest)
    yield GaugeMetricFamily(
        "veragate_oldest_unreleased_seconds",
        "Age of the oldest photograph that was acknowledged and neither released nor held",
        _age(seen.waiting.oldest, seen.made_at),
    )


def destinations(session: Session, seen: Overview) -> Iterator[Metric]:
    waiting = GaugeMetricFamily("veragate_deliveries", "Unfinished deliveries", labels=["destination", "state"])
    oldest = GaugeMetricFamily(
        "veragate_deliveries_oldest_seconds", "Age of the oldest pending delivery", labels=["destination"]
    )
    last = GaugeMetricFamily(
        "veragate_last_delivery_timestamp_seconds", "When a destination last accepted one", labels=["destination"]
    )
    for place in seen.places:
        waiting.add_metric([place.name, "pending"], place.pending)
        waiting.add_metric([place.name, "parked"], place.parked)
        oldest.add_metric([place.name], _age(place.oldest, seen.made_at))
        delivered = (Delivery.destination == place.name, Delivery.state == DeliveryState.DELIVERED)
        newest = session.scalar(select(func.max(Delivery.changed_at)).where(*delivered))
        if newest is not None:
            last.add_metric([place.name], newest.timestamp())
    yield from (waiting, oldest, last)


def audit(session: Session, settings: Settings, seen: Overview) -> Iterator[Metric]:
    yield GaugeMetricFamily("veragate_audit_unsealed_entries", "Audit entries that wait for a seal", seen.unsealed)
    yield GaugeMetricFamily(
        "veragate_audit_seal_age_seconds", "How long the oldest of them has waited", seen.seal_age or 0.0
    )
    behind = GaugeMetricFamily(
        "veragate_repository_backlog_entries", "Sealed entries that an audit repository lacks", labels=["repository"]
    )
    failing = GaugeMetricFamily(
        "veragate_repository_failing_seconds", "How long it has not been reached", labels=["repository"]
    )
    for repository in settings.audit.repositories:
        row = session.get(AuditTransmission, repository.name)
        behind.add_metric([repository.name], backlog(session, repository.name))
        failing.add_metric([repository.name], _age(row.failing_since if row else None, seen.made_at))
    yield from (behind, failing)


def machine(seen: Overview) -> Iterator[Metric]:
    yield GaugeMetricFamily("veragate_disk_free_bytes", "Free space where photographs are kept", seen.disk_free)
    yield GaugeMetricFamily("veragate_disk_total_bytes", "All space there", seen.disk_total)
    yield GaugeMetricFamily("veragate_disk_low", "1 below the watermark, where stores are refused", seen.disk_low)
    processes = GaugeMetricFamily("veragate_processes", "Processes that give signs of life", labels=["role"])
    roles = [process.role for process in seen.processes]
    for role in sorted(set(roles)):
        processes.add_metric([role], roles.count(role))
    yield processes
    yield GaugeMetricFamily("veragate_processes_silent", "Processes that fell silent without a word", len(seen.silent))


def counters(sums: Sums) -> Iterator[Metric]:
    for name, (metric, text, label) in _COUNTERS.items():
        family = CounterMetricFamily(metric, text, labels=[label] if label else [])
        found = sorted((key[1], total.times) for key, total in sums.items() if key[0] == name)
        for value, times in found or ([] if label else [("", 0)]):
            family.add_metric([value] if label else [], times)
        yield family
    gates = CounterMetricFamily("veragate_gate_results", "Judgements by gate and result", labels=["gate", "result"])
    for name, result in ((tallies.GATE_PASSED, "passed"), (tallies.GATE_CLOSED, "closed")):
        for (counted, gate), total in sorted(sums.items()):
            if counted == name:
                gates.add_metric([gate, result], total.times)
    yield gates
    faces = sums.get((tallies.FACE, ""), Sum(0, 0.0))
    yield SummaryMetricFamily("veragate_face_seconds", "Seconds of work for each face", faces.times, faces.total)


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max((now - since).total_seconds(), 0.0)
