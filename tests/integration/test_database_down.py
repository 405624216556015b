"""PostgreSQL goes away and comes back while photographs arrive."""

from pathlib import Path

import psycopg
import pytest

from service.listener import Listener
from service.tables import Photograph
from tests.support import photographs
from tests.support.gateways import open_gateway, rows, settings_for, store
from tests.support.postgresql import SERVER, fresh_database

pytestmark = [pytest.mark.integration, pytest.mark.needs("postgresql")]


def test_without_its_database_the_listener_is_out_of_resources(tmp_path: Path) -> None:
    """A700 while the database is away, nothing acknowledged, and the resend afterwards is on record once."""
    with fresh_database() as url:
        gateway = open_gateway(settings_for(tmp_path, database_url=url))
        listener = Listener(gateway, lambda: None)
        listener.start()
        first, second = (photographs.photograph(photographs.teeth(n), photographs.INTRAORAL) for n in range(2))
        try:
            assert store(gateway.settings, first) == [0x0000]
            _take_away(url)
            assert store(gateway.settings, second) == [0xA700]
            _bring_back(url)
            assert store(gateway.settings, second, first) == [0x0000, 0x0000]
        finally:
            listener.stop()

        assert len(rows(gateway.database, Photograph)) == 2
        gateway.close()


def _take_away(url: str) -> None:
    name = url.rpartition("/")[2]
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))


def _bring_back(url: str) -> None:
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{url.rpartition("/")[2]}" ALLOW_CONNECTIONS true')
