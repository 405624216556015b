"""The figures for Prometheus, and the questions of load balancers."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select, update

from service import audit, tallies
from service.audit import Action
from service.database import Database
from service.gateway import Gateway
from service.health import obstacles
from service.metrics import Figures, exposition
from service.rights import RIGHTS, Right, Role
from service.settings import Settings
from service.states import DeliveryState, PhotographState
from service.tables import AuditTransmission, Delivery, Photograph, Tally, utc_now
from tests.support.catalogued import add_release, photograph_row
from tests.support.console import client_for
from tests.support.gateways import open_gateway, settings_for

REPOSITORY = {
    "name": "hospital",
    "host": "127.0.0.1",
    "authority": "authority.pem",
    "certificate": "gateway.pem",
    "certificate_key": "gateway.key",
}


@pytest.fixture(name="settings")
def _settings(tmp_path: Path, database_url: str) -> Settings:
    audit = {"repositories": [REPOSITORY]}
    return settings_for(tmp_path, ("archive", 104, "ARCHIVE"), database_url=database_url, audit=audit)


def scrape(settings: Settings, database: Database) -> dict[tuple[str, ...], float]:
    """The samples by name and label values."""
    text = exposition(Figures(lambda: settings, database)).decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


def photograph(number: int, state: PhotographState, minutes: float) -> Photograph:
    received_at = utc_now() - timedelta(minutes=minutes)
    return photograph_row(id=f"{number:032x}", state=state, received_at=received_at)


def test_stages_have_a_count_and_an_age(database: Database, settings: Settings) -> None:
    """Each unfinished state is counted with the age of its oldest; what waits for release stands alone too."""
    with database.transaction() as session:
        session.add_all([photograph(1, PhotographState.RECEIVED, 10), photograph(2, PhotographState.QUARANTINED, 60)])
        session.add(photograph(3, PhotographState.FORWARDED, 600))

    found = scrape(settings, database)

    assert found["veragate_photographs", "RECEIVED"] == found["veragate_photographs", "QUARANTINED"] == 1
    assert ("veragate_photographs", "FORWARDED") not in found
    assert 600 <= found["veragate_oldest_unreleased_seconds",] < 700
    assert 3600 <= found["veragate_photographs_oldest_seconds", "QUARANTINED"] < 3700


def test_destinations_have_what_waits_and_when_they_last_took_something(database: Database, settings: Settings) -> None:
    """Pending and parked deliveries, the age of the oldest, and the time of the last one that arrived."""
    with database.transaction() as session:
        for number, state in enumerate((DeliveryState.PENDING, DeliveryState.PARKED, DeliveryState.DELIVERED)):
            row = photograph(number, PhotographState.DEIDENTIFIED, 1)
            session.add(row)
            release = add_release(session, row)
            session.add(Delivery(release_id=release.id, destination="archive", state=state))

    found = scrape(settings, database)

    assert found["veragate_deliveries", "archive", "pending"] == found["veragate_deliveries", "archive", "parked"] == 1
    assert found["veragate_last_delivery_timestamp_seconds", "archive"] <= utc_now().timestamp()


def test_counters_keep_what_was_counted_in_every_hour(database: Database, settings: Settings) -> None:
    """Counts of hours long past and of this one add up, over processes, and never fall."""
    with database.transaction() as session:
        tallies.count(session, tallies.RECEIVED, "CAMERA", n=3)
        tallies.count(session, tallies.GATE_CLOSED, "recognition")
        tallies.count(session, tallies.FACE, n=2, total=1.5)
    with database.transaction() as session:
        session.execute(update(Tally).values(owner="another:1"))
        old = session.scalars(select(Tally).where(Tally.name == tallies.RECEIVED)).one()
        session.add(Tally(hour=old.hour - timedelta(hours=50), name=old.name, label=old.label, owner="x", count=4))
    figures = Figures(lambda: settings, database)
    exposition(figures)
    with database.transaction() as session:
        tallies.count(session, tallies.RECEIVED, "CAMERA")

    text = exposition(figures).decode()

    assert 'veragate_received_total{calling_ae="CAMERA"} 8.0' in text
    assert 'veragate_gate_results_total{gate="recognition",result="closed"} 1.0' in text
    assert "veragate_face_seconds_count 2.0" in text
    assert "veragate_face_seconds_sum 1.5" in text


def test_a_repository_that_lags_is_seen(database: Database, settings: Settings, tmp_path: Path) -> None:
    """What an audit repository lacks is counted in entries, and for how long it was not reached in seconds."""
    with database.transaction() as session:
        audit.record(session, Action.DELIVERY_SENT, actor="sender")
        failing = utc_now() - timedelta(minutes=2)
        session.add(AuditTransmission(repository="hospital", failing_since=failing))
    assert scrape(settings, database)["veragate_audit_unsealed_entries",] == 1

    audit.seal(database, open_gateway(settings).keys, tmp_path / "checkpoints.jsonl")
    found = scrape(settings, database)

    assert found["veragate_repository_backlog_entries", "hospital"] == 1
    assert 120 <= found["veragate_repository_failing_seconds", "hospital"] < 200
    assert found["veragate_audit_unsealed_entries",] == 0


def test_a_scrape_without_a_database_says_so(tmp_path: Path) -> None:
    """A database that does not answer is a figure of its own and no error page."""
    settings = settings_for(tmp_path / "data", database_url="postgresql://nobody@127.0.0.1:1/none")
    database = Database(settings.url)
    assert scrape(settings, database)["veragate_database_up",] == 0
    assert obstacles(settings, database)[0] == "The database does not answer."
    database.close()


@pytest.fixture(name="gateway")
def _gateway(tmp_path: Path) -> Iterator[Gateway]:
    opened = open_gateway(settings_for(tmp_path / "data"))
    yield opened
    opened.close()


@pytest.mark.parametrize("role", [*Role, None])
def test_metrics_are_for_those_who_have_the_right(gateway: Gateway, role: Role | None) -> None:
    """Prometheus gets figures or a plain refusal; it is never sent to a page for signing in."""
    allowed = role is not None and Right.SEE_METRICS in RIGHTS[role]
    with client_for(gateway, role) as prometheus:
        answer = prometheus.get("/metrics")

    assert answer.status_code == (200 if allowed else 401 if role is None else 403)
    assert ("veragate_database_up 1.0" in answer.text) is allowed
    assert allowed or answer.headers["content-type"] == "application/problem+json"


def test_metrics_can_be_opened(tmp_path: Path) -> None:
    """Where the configuration says so, the figures need no token."""
    gateway = open_gateway(settings_for(tmp_path / "data", console={"open_metrics": True}))
    with client_for(gateway, None) as prometheus:
        assert prometheus.get("/metrics").status_code == 200
    gateway.close()


def test_anybody_may_ask_whether_it_lives_and_is_ready(gateway: Gateway) -> None:
    """The two questions of load balancers need no right and tell nothing else."""
    with client_for(gateway, None) as balancer:
        assert balancer.get("/healthz").json() == {"alive": True}
        assert balancer.get("/readyz").json() == {"ready": True, "obstacles": []}


def test_a_full_disk_makes_it_not_ready(tmp_path: Path) -> None:
    """Below the watermark, where stores are refused, the gateway says that it is not ready, and why."""
    gateway = open_gateway(settings_for(tmp_path / "data", limits={"min_free_disk_megabytes": 10**9}))
    with client_for(gateway, None) as balancer:
        answer = balancer.get("/readyz")
    gateway.close()

    assert answer.status_code == 503
    assert answer.json()["obstacles"] == ["Less disk is free than limits.min_free_disk_megabytes."]
