"""The migration of the schema by the scripts in `alembic/`, one process at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from service.engines import parse_url, postgresql_engine, sqlite_engine, unavailable_means_retry

_LOCK = 0x56455241_0001  # the advisory lock that means: the schema is being changed


def migrate(url: str) -> None:
    """Bring the schema to the newest revision; of processes that start together one does it, the others wait.

    It is one transaction on both databases: a migration that fails leaves what was there.
    Raises Retry when the database does not answer.
    """
    with unavailable_means_retry(), migration_connection(url) as connection:
        config = Config()
        config.set_main_option("script_location", str(scripts()).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def migration_connection(url: str) -> Iterator[Connection]:
    """A transaction that only one process has at a time; it commits at the end."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "postgresql":
        engine = postgresql_engine(parsed)
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            yield connection
    else:
        engine = sqlite_engine(parsed)
        with _locked_file(Path(f"{parsed.database}.migration")), engine.begin() as connection:
            yield connection
    engine.dispose()


@contextmanager
def _locked_file(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def scripts() -> Path:
    """The folder of migration scripts: inside the package in a wheel, beside it in a checkout."""
    packaged = Path(__file__).with_name("migrations")
    return packaged if packaged.is_dir() else Path(__file__).parents[1] / "alembic"
