"""Sessions on SQLite or PostgreSQL with the same promises.

`read()` sees one consistent snapshot and cannot write. `transaction()` commits as a whole or not at all;
on SQLite it is an immediate transaction and one thread of the process writes at a time, because
writers that wait for one another inside SQLite starve.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from service.engines import parse_url, postgresql_engine, sqlite_engine, unavailable_means_retry
from service.schema import migrate
from service.tables import Base

__all__ = ["Database", "insert_if_absent", "migrate"]


class Database:
    """One database, opened once per process and shared by its threads; never carry it over a fork."""

    def __init__(self, url: str) -> None:
        parsed = parse_url(url)
        self.dialect = parsed.get_backend_name()
        self._turn: AbstractContextManager[None] = nullcontext()
        if self.dialect == "sqlite":
            self._writer = sqlite_engine(parsed)
            self._reader = sqlite_engine(parsed, read_only=True)
            self._turn = _Turn()
        else:
            self._writer = postgresql_engine(parsed)
            self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session on one snapshot of the database; what it changes is refused or forgotten.

        Raises Retry when the database does not answer.
        """
        with unavailable_means_retry(), Session(self._reader, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits at the end and rolls back on any error.

        Raises Retry when the database does not answer, stays busy, or ends a deadlock at our cost. Nothing was
        kept then, unless the connection broke during the commit itself: repeat only what may be repeated.
        """
        with (
            self._turn,
            unavailable_means_retry(),
            Session(self._writer, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    def ping(self) -> None:
        """Raise Retry unless the database answers."""
        with self.read() as session:
            session.execute(text("SELECT 1"))

    def close(self) -> None:
        self._reader.dispose()
        self._writer.dispose()


class _Turn(AbstractContextManager[None]):
    """One thread at a time; a thread that would wait for itself is told so instead."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: int | None = None

    def __enter__(self) -> None:
        if self._owner == threading.get_ident():
            raise RuntimeError("a transaction cannot be opened inside another one")
        self._lock.acquire()
        self._owner = threading.get_ident()

    def __exit__(self, *_: object) -> None:
        self._owner = None
        self._lock.release()


def insert_if_absent(session: Session, table: type[Base], unique: tuple[str, ...], values: dict[str, Any]) -> bool:
    """Insert a row unless one with the same `unique` columns is there; say whether this call made it.

    Waits for the end of a rival's transaction that inserts the same; if the rival won, its row can be read then.
    """
    connection = session.connection()
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table).values(**values).on_conflict_do_nothing(index_elements=unique)
    return connection.execute(statement.returning(*table.__table__.primary_key)).first() is not None
