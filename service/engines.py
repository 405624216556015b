"""SQLAlchemy engines whose connections are durable, patient with rivals, and silent about row values."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from service.errors import ConfigurationError, Retry

BUSY_SECONDS = 30
CONNECT_SECONDS = 5
_NOT_PASSING = ("SQLITE_ERROR", "SQLITE_READONLY")


def parse_url(url: str) -> URL:
    """The URL with the driver that we ship; ConfigurationError for any other kind of database."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError("database_url is not a database URL.") from error
    backend = parsed.get_backend_name()
    if backend == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed.set(drivername="sqlite+pysqlite")
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    raise ConfigurationError("database_url must name a PostgreSQL database or a SQLite file.")


def sqlite_engine(url: URL, read_only: bool = False) -> Engine:
    """An engine on a SQLite file: WAL, an fsync per commit, foreign keys, waiting up to BUSY_SECONDS.

    Writers take the write lock at BEGIN: a transaction that reads first and writes later would
    otherwise fail, without waiting, when another process wrote in between.
    """
    Path(url.database or "").parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    pool = {} if read_only else {"pool_size": 1, "max_overflow": 0}
    engine = create_engine(url, hide_parameters=True, **pool)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None  # BEGIN is ours, below
        for pragma in (
            f"busy_timeout = {BUSY_SECONDS * 1000}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            f"query_only = {'ON' if read_only else 'OFF'}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def postgresql_engine(url: URL) -> Engine:
    return create_engine(
        url, hide_parameters=True, pool_pre_ping=True, connect_args={"connect_timeout": CONNECT_SECONDS}
    )


@contextmanager
def unavailable_means_retry() -> Iterator[None]:
    """Raise Retry for what passes by itself: no connection, a busy or full database, a deadlock."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        cause = error.orig if isinstance(error, DBAPIError) else None
        if str(getattr(cause, "sqlite_errorname", "")).startswith(_NOT_PASSING):
            raise
        raise Retry(f"The database does not answer or is too busy ({type(cause or error).__name__}).") from error
