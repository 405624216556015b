"""The overview page over a million photographs, beside one count of them all in the same database.

On SQLite, and on PostgreSQL where one answers at 127.0.0.1:5432. The page is asked for whole, through the
application, each time with a fresh reading of the database.
"""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg
from sqlalchemy import text
from starlette.testclient import TestClient

from benchmarks.figure import Figure
from service.console import create_app
from service.console.access import Person
from service.database import Database
from service.gateway import Gateway
from service.rights import RIGHTS, Role
from service.schema import migrate
from service.settings import parse_settings

PHOTOGRAPHS = 1_000_000
ROUNDS = 15
_OPERATOR = Person("0" * 32, "bench", Role.OPERATOR, RIGHTS[Role.OPERATOR], "")

_NUMBERS = {
    "postgresql": f"SELECT g AS n FROM generate_series(1, {PHOTOGRAPHS}) g",
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s "
    f"WHERE n < {PHOTOGRAPHS}) SELECT n FROM s",
}
_HEX = {"postgresql": "lpad(to_hex(n), 32, '0')", "sqlite": "printf('%032x', n)"}
_PAST = {
    "postgresql": "now() - n * interval '30 seconds'",
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now', '-' || (n * 30) || ' seconds')",
}
# Of a thousand one each waits, is held, failed, or is on its way; the rest was forwarded.
_STATE = (
    "CASE n % 1000 WHEN 0 THEN 'RECEIVED' WHEN 1 THEN 'QUARANTINED' WHEN 2 THEN 'FAILED' WHEN 3 THEN 'DEIDENTIFIED' "
    "ELSE 'FORWARDED' END"
)


def measure() -> Iterator[Figure]:
    with TemporaryDirectory(prefix="veragate-bench-") as folder:
        yield from _measure("SQLite", f"sqlite:///{folder}/bench.sqlite", Path(folder))
    if not _answers(5432):
        yield Figure("overview of a million photographs (needs PostgreSQL)", "ms")
        return
    with _database() as url, TemporaryDirectory(prefix="veragate-bench-") as folder:
        yield from _measure("PostgreSQL", url, Path(folder))


def _measure(name: str, url: str, folder: Path) -> Iterator[Figure]:
    place = {"name": "archive", "ae_title": "ARCHIVE", "host": "127.0.0.1", "port": 104}
    route = {"name": "all", "destinations": ["archive"]}
    settings = parse_settings(
        {"data_folder": str(folder), "database_url": url, "destinations": [place], "routes": [route]}
    )
    migrate(url)
    gateway = Gateway.open(settings)
    _fill(gateway.database)
    app = create_app(gateway, identify=lambda request: _OPERATOR)
    browser = TestClient(app)  # not entered: no thread reads in the background
    page, count = [], []
    for _ in range(ROUNDS):
        page.append(_seconds(lambda: _page(app, browser)))
        count.append(_seconds(lambda: _count(gateway.database)))
    gateway.close()
    yield Figure.of(f"overview of a million photographs, {name}", "ms", [1000 * s for s in page])
    yield Figure.of(f"one count of them all, {name}", "ms", [1000 * s for s in count])
    yield Figure.of(f"ratio, {name}", "x", [a / b for a, b in zip(page, count, strict=True)])


def _page(app: object, browser: TestClient) -> None:
    app.state.console.pulse.read()  # type: ignore[attr-defined]
    if browser.get("/").status_code != 200:
        raise RuntimeError("the overview did not come")


def _count(database: Database) -> None:
    with database.read() as session:
        session.execute(text("SELECT count(*) FROM photographs")).scalar_one()


def _fill(database: Database) -> None:
    numbers, key, past = (words[database.dialect] for words in (_NUMBERS, _HEX, _PAST))
    photographs = (
        "INSERT INTO photographs (id, state, sop_class_uid, sop_instance_uid, transfer_syntax_uid, calling_ae, "
        "called_ae, peer, blob, digest, size, received_at, changed_at, attempts, not_before) "
        f"SELECT {key}, {_STATE}, '1.2.840.10008.5.1.4.1.1.77.1.4', '1.2.3.' || n, '1.2.840.10008.1.2.4.50', "
        f"'CAMERA', 'VERAGATE', '127.0.0.1', 'a/b.dcm', {key}, 300000, {past}, {past}, 1, {past} FROM ({numbers}) s"
    )
    tallies = (
        "INSERT INTO tallies (hour, name, label, owner, count, total) "
        f"SELECT {past}, 'released', 'all', 'bench:' || n, 100, 0 FROM ({numbers}) s WHERE n % 500 = 0"
    )
    with database.transaction() as session:
        session.execute(text(photographs))
        session.execute(text(tallies))
    with database.transaction() as session:
        session.execute(text("ANALYZE"))  # as autovacuum does it in time


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def _database() -> Iterator[str]:
    name = f"veragate_bench_{uuid4().hex}"
    with psycopg.connect("postgresql://postgres@127.0.0.1:5432/postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield f"postgresql://postgres@127.0.0.1:5432/{name}"
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
