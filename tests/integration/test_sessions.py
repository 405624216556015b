"""What `Database` promises, on SQLite and on PostgreSQL.

Not tried: a full disk, and a server that dies during a commit.
"""

import threading
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from service import engines
from service.database import Database, insert_if_absent
from service.errors import ConfigurationError, Retry
from service.tables import AuditPending, Patient


def pending(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(AuditPending)) or 0


def write(url: str, start: int, count: int) -> None:
    database = Database(url)
    for number in range(start, start + count):
        with database.transaction() as session:
            session.add(AuditPending(entry_id=str(number)))
    database.close()


def patient(key: str = "k", pseudonym: str = "p") -> dict[str, object]:
    return {"key": key, "pseudonym": pseudonym, "date_offset_days": -1}


def test_a_transaction_commits_at_its_end(database: Database) -> None:
    """What was written is there for the next session."""
    with database.transaction() as session:
        session.add(AuditPending(entry_id="1"))
    assert pending(database) == 1


def test_an_error_rolls_everything_back(database: Database) -> None:
    """Any exception undoes the whole transaction and comes out unchanged."""
    with pytest.raises(KeyError), database.transaction() as session:
        session.add(AuditPending(entry_id="1"))
        session.flush()
        raise KeyError
    assert pending(database) == 0


def test_a_reader_cannot_write(database: Database) -> None:
    """The database itself refuses a write in a reading session."""
    with pytest.raises(DBAPIError), database.read() as session:
        session.execute(text("INSERT INTO audit_pending VALUES ('1')"))
    assert pending(database) == 0


def test_a_reader_sees_one_snapshot(database: Database) -> None:
    """What is committed during a reading session stays invisible to it."""
    with database.read() as session:
        counted = select(func.count()).select_from(AuditPending)
        assert session.scalar(counted) == 0
        with database.transaction() as writer:
            writer.add(AuditPending(entry_id="1"))
        assert session.scalar(counted) == 0
    assert pending(database) == 1


def test_threads_that_write_wait_for_one_another(database: Database) -> None:
    """Writes of many threads all arrive."""
    threads = [threading.Thread(target=write_ten, args=(database, str(n))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pending(database) == 80


def write_ten(database: Database, name: str) -> None:
    for number in range(10):
        with database.transaction() as session:
            session.add(AuditPending(entry_id=f"{name}-{number}"))


def test_processes_that_write_wait_for_one_another(database_url: str) -> None:
    """Writes of several processes all arrive, also on SQLite, which lets one write at a time."""
    with get_context("spawn").Pool(4) as pool:
        pool.starmap(write, [(database_url, n * 100, 25) for n in range(4)])
    database = Database(database_url)
    assert pending(database) == 100
    database.close()


def test_insert_if_absent_says_who_won(database: Database) -> None:
    """The first insert is told that it made the row, the second that it was there, and the row is the first's."""
    with database.transaction() as session:
        assert insert_if_absent(session, Patient, ("key",), patient(pseudonym="first"))
        assert not insert_if_absent(session, Patient, ("key",), patient(pseudonym="second"))
        assert session.scalars(select(Patient.pseudonym)).all() == ["first"]


def test_another_clash_is_not_taken_for_presence(database: Database) -> None:
    """A row that clashes in another unique column is an error, not an answer."""
    with pytest.raises(DBAPIError), database.transaction() as session:
        insert_if_absent(session, Patient, ("key",), patient("k1"))
        insert_if_absent(session, Patient, ("key",), patient("k2"))


def test_errors_quote_no_values(database: Database) -> None:
    """A database error does not carry the values that the statement held."""
    with pytest.raises(DBAPIError) as raised, database.transaction() as session:
        session.execute(text("SELECT nonsense, :name"), {"name": "Doe^Jane"})
    assert "Doe" not in str(raised.value)


def test_a_transaction_inside_another_is_a_mistake(sqlite_url: str) -> None:
    """On SQLite a thread that opens a second transaction is told so instead of waiting for itself for ever."""
    database = Database(sqlite_url)
    with database.transaction(), pytest.raises(RuntimeError, match="inside"), database.transaction():
        pass
    with database.transaction():
        pass
    database.close()


def test_sqlite_is_set_up_to_be_durable(sqlite_url: str) -> None:
    """Every SQLite connection writes ahead, syncs each commit and checks foreign keys."""
    database = Database(sqlite_url)
    with database.transaction() as session:
        values = [session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert values == ["wal", 2, 1]
    database.close()


def test_a_busy_sqlite_means_retry(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When another process keeps the write lock for too long, the work is to be retried, and nothing was written."""
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0)
    holder, waiter = Database(sqlite_url), Database(sqlite_url)
    with holder.transaction() as held:
        held.add(AuditPending(entry_id="1"))
        held.flush()
        with pytest.raises(Retry), waiter.transaction() as session:
            session.add(AuditPending(entry_id="2"))
    assert pending(waiter) == 1
    holder.close()
    waiter.close()


def test_a_mistake_in_sql_is_not_retried(sqlite_url: str) -> None:
    """A statement that can never work is an error of ours, not something that passes."""
    database = Database(sqlite_url)
    with pytest.raises(OperationalError), database.read() as session:
        session.execute(text("SELECT 1 FROM no_such_table"))
    database.close()


def test_no_server_means_retry() -> None:
    """A PostgreSQL that does not answer is to be tried again."""
    with pytest.raises(Retry):
        Database("postgresql://postgres@127.0.0.1:1/none").ping()


@pytest.mark.integration
@pytest.mark.needs("postgresql")
def test_a_lost_connection_is_replaced(postgresql_url: str) -> None:
    """After the server dropped every connection the next transaction works."""
    database, other = Database(postgresql_url), Database(postgresql_url)
    database.ping()
    with other.read() as session:
        session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid()"
            )
        )
    database.ping()
    database.close()
    other.close()


@pytest.mark.parametrize("url", ["", "veragate.sqlite", "mysql://localhost/x", "sqlite://", "sqlite:///:memory:"])
def test_other_databases_are_refused(url: str) -> None:
    """What is neither PostgreSQL nor a SQLite file is refused with a sentence that names the setting."""
    with pytest.raises(ConfigurationError, match="database_url"):
        Database(url)


def test_the_folder_of_a_new_sqlite_file_is_closed_to_others(tmp_path: Path) -> None:
    """A data folder that did not exist is made, for its owner only."""
    Database(f"sqlite:///{tmp_path / 'data' / 'veragate.sqlite'}").ping()
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0
