"""Which peers the tests can reach, what was therefore not tested, and databases to test on.

A test says what it talks to with `@pytest.mark.needs("postgresql", "redis", "dcmtk", "orthanc", "docker-compose",
"rsyslog")`; a test marked `integration` that says nothing needs the first four. A missing peer skips the test and is
named at the end of the run; with VERAGATE_TEST_ALL=1 (continuous integration) it fails the test instead.
"""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from service.database import Database, migrate
from service.people import passwords
from tests.support.people import QUICK

_INTEGRATION_PEERS = ("postgresql", "redis", "dcmtk", "orthanc")


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _installed(*programs: str) -> bool:
    return all(shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin") for program in programs)


_PEERS: dict[str, Callable[[], bool]] = {
    "postgresql": lambda: _answers(5432),
    "redis": lambda: _answers(6379),
    "dcmtk": lambda: _installed("storescu", "storescp", "dcmdump", "dcmdjpeg"),
    "orthanc": lambda: _installed("Orthanc"),
    "docker-compose": lambda: _installed("docker-compose"),
    "promtool": lambda: _installed("promtool"),
    "chromium": lambda: _installed("chromium"),
    "rsyslog": lambda: _installed("rsyslogd") and any(Path("/usr/lib").glob("*/rsyslog/lmnsd_gtls.so")),
}


@cache
def _reachable(peer: str) -> bool:
    return _PEERS[peer]()


def _needs(item: pytest.Item) -> list[str]:
    named = [str(peer) for mark in item.iter_markers("needs") for peer in mark.args]
    if not named and item.get_closest_marker("integration"):
        return list(_INTEGRATION_PEERS)
    return named


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*peers): what the test talks to; see tests/conftest.py")


def pytest_runtest_setup(item: pytest.Item) -> None:
    missing = [peer for peer in _needs(item) if not _reachable(peer)]
    if not missing:
        return
    reason = f"not on this machine: {', '.join(missing)}"
    if os.environ.get("VERAGATE_TEST_ALL") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what this run could not show, before the closing line."""
    gaps = [f"{len(group)} tests: {reason}" for reason, group in sorted(_skips(terminalreporter).items())]
    gaps.append("the container images: no test builds them (docker-compose only checks the file)")
    if not _has_gpu():
        gaps.append("the CUDA path: no GPU here")
    terminalreporter.section("not tested on this machine")
    for gap in gaps:
        terminalreporter.line(f"- {gap}")


def _skips(terminalreporter: pytest.TerminalReporter) -> dict[str, list[pytest.TestReport]]:
    groups: dict[str, list[pytest.TestReport]] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        groups.setdefault(reason.removeprefix("Skipped: "), []).append(report)
    return groups


def _has_gpu() -> bool:
    return Path("/dev/nvidiactl").exists()


def _postgresql(database: str) -> str:
    return f"postgresql://postgres@127.0.0.1:5432/{database}"


@contextmanager
def _postgresql_database(template: str = "template1") -> Iterator[str]:
    """A database of its own name, dropped at the end whoever still holds a connection to it."""
    name = f"veragate_test_{uuid4().hex}"
    with psycopg.connect(_postgresql("postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        try:
            yield name
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="session")
def _migrated_postgresql() -> Iterator[str]:
    with _postgresql_database() as name:
        migrate(_postgresql(name))
        yield name


@pytest.fixture(scope="session")
def _migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "veragate.sqlite"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(tmp_path: Path, _migrated_sqlite: Path) -> str:
    """A SQLite database with the schema in it."""
    return f"sqlite:///{shutil.copy(_migrated_sqlite, tmp_path)}"


@pytest.fixture
def postgresql_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A PostgreSQL database with the schema in it; the test carries `needs("postgresql")`."""
    with _postgresql_database(request.getfixturevalue("_migrated_postgresql")) as name:
        yield _postgresql(name)


@pytest.fixture
def empty_postgresql_url() -> Iterator[str]:
    """A PostgreSQL database without anything in it; the test carries `needs("postgresql")`."""
    with _postgresql_database() as name:
        yield _postgresql(name)


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.integration, pytest.mark.needs("postgresql")])]
)
def database_url(request: pytest.FixtureRequest) -> str:
    """The test runs twice: on SQLite, and on PostgreSQL where there is one."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open database with the schema in it, on SQLite and on PostgreSQL."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Passwords that are hashed in no time, for tests that are not about how hard they are to guess."""
    monkeypatch.setattr(passwords, "_HASHER", QUICK)
    passwords._nobody.cache_clear()
    yield
    passwords._nobody.cache_clear()
