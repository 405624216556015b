"""The migrations make the schema that `service.tables` describes, in the checkout and in the wheel."""

import subprocess
import sys
import zipfile
from multiprocessing import get_context
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.command import downgrade, upgrade
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from service.database import Database, migrate
from service.schema import migration_connection, scripts
from service.tables import Base

ROOT = Path(__file__).parents[2]
on_both = pytest.mark.parametrize(
    "empty_url",
    ["sqlite", pytest.param("postgresql", marks=[pytest.mark.integration, pytest.mark.needs("postgresql")])],
    indirect=True,
)


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'data' / 'empty.sqlite'}"
    return str(request.getfixturevalue("empty_postgresql_url"))


def tables(url: str) -> set[str]:
    with migration_connection(url) as connection:
        return set(inspect(connection).get_table_names())


@pytest.mark.filterwarnings("ignore:autogenerate skipping:UserWarning")  # SQLite's indexes on expressions
def test_the_migrated_schema_is_the_described_one(database_url: str) -> None:
    """After all migrations the database has exactly the tables, columns, types and indexes of `service.tables`."""
    with migration_connection(database_url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


@on_both
def test_migrating_again_changes_nothing(empty_url: str) -> None:
    """A second migration finds nothing to do and keeps what is there."""
    migrate(empty_url)
    database = Database(empty_url)
    with database.transaction() as session:
        session.execute(text("INSERT INTO audit_pending VALUES ('1')"))
    migrate(empty_url)
    with database.read() as session:
        assert session.scalar(text("SELECT entry_id FROM audit_pending")) == "1"
    database.close()


@on_both
def test_processes_that_migrate_together_wait_for_one_another(empty_url: str) -> None:
    """Of four processes that migrate an empty database at once all succeed."""
    with get_context("spawn").Pool(4) as pool:
        pool.map(migrate, [empty_url] * 4)
    assert set(Base.metadata.tables) <= tables(empty_url)


@on_both
def test_a_migration_that_fails_leaves_nothing(empty_url: str) -> None:
    """When a migration breaks off, the database is as it was before."""
    with pytest.raises(DBAPIError), migration_connection(empty_url) as connection:
        connection.execute(text("CREATE TABLE halfway (id INTEGER)"))
        connection.execute(text("CREATE TABLE halfway (id INTEGER)"))
    assert tables(empty_url) == set()


def configured(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts()))
    config.attributes["connection"] = connection
    return config


@on_both
def test_the_first_migration_can_be_undone(empty_url: str) -> None:
    """Down and up again ends with the same tables."""
    migrate(empty_url)
    before = tables(empty_url)
    with migration_connection(empty_url) as connection:
        downgrade(configured(connection), "base")
    assert tables(empty_url) == {"alembic_version"}
    migrate(empty_url)
    assert tables(empty_url) == before


@on_both
def test_identities_from_before_they_could_be_chosen_again_stay(empty_url: str) -> None:
    """An identity that the second schema holds may have been seen, and has no choice left under the newest."""
    with migration_connection(empty_url) as connection:
        upgrade(configured(connection), "0002")
        connection.execute(text("INSERT INTO patients VALUES ('1', 'key', 'ABC', -1, CURRENT_TIMESTAMP)"))
        connection.execute(text("INSERT INTO identities VALUES ('1', '1', 'linear-prior-1', '', CURRENT_TIMESTAMP)"))

    migrate(empty_url)

    with migration_connection(empty_url) as connection:
        assert connection.scalar(text("SELECT choices_left FROM identities")) == 0


@pytest.mark.parametrize("table", ["audit_entries", "audit_leaves", "audit_checkpoints"])
@pytest.mark.parametrize("change", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
def test_the_database_refuses_to_change_the_audit(database: Database, table: str, change: str) -> None:
    """Neither updates nor deletions of audit rows get past the database."""
    columns = {"audit_entries": "actor", "audit_leaves": "batch", "audit_checkpoints": "size"}
    with database.transaction() as session:
        session.execute(
            text("INSERT INTO audit_entries VALUES ('1', CURRENT_TIMESTAMP, 'a', 'success', 'x', NULL, '{}')")
        )
        session.execute(text("INSERT INTO audit_leaves VALUES (0, '1', 'h', 'm', 0)"))
        session.execute(text("INSERT INTO audit_checkpoints VALUES (0, 0, 1, 'r', 'c', 's', CURRENT_TIMESTAMP)"))
    statement = change.format(table, columns[table], columns[table])
    with pytest.raises(DBAPIError, match="append-only"), database.transaction() as session:
        session.execute(text(statement))


@pytest.mark.integration
@pytest.mark.needs("postgresql")
@pytest.mark.parametrize("table", ["audit_entries", "audit_leaves", "audit_checkpoints"])
def test_postgresql_refuses_to_empty_the_audit(postgresql_url: str, table: str) -> None:
    """TRUNCATE does not get past PostgreSQL either."""
    database = Database(postgresql_url)
    with pytest.raises(DBAPIError, match="append-only"), database.transaction() as session:
        session.execute(text(f"TRUNCATE {table}"))
    database.close()


def test_the_wheel_migrates_far_from_the_checkout(tmp_path: Path) -> None:
    """The built wheel holds the migrations and runs them from another folder."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    url = f"sqlite:///{tmp_path / 'veragate.sqlite'}"
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from service import schema; assert schema.__file__.startswith(sys.argv[1])\n"
        "schema.migrate(sys.argv[2])"
    )
    command = [sys.executable, "-P", "-c", program, str(tmp_path / "installed"), url]
    subprocess.run(command, cwd="/", check=True, capture_output=True)
    assert set(Base.metadata.tables) <= tables(url)
