"""Runs the migrations on the connection that `service.schema.migrate` holds, or on the configured database.

The second way is for people: `alembic current`, `alembic revision --autogenerate -m "..."`.
"""

from alembic import context
from sqlalchemy import Connection

from service import tables
from service.schema import migration_connection
from service.settings import load_settings


def render_item(kind: str, item: object, autogen_context: object) -> str | bool:
    """Write the column type UtcDateTime as what it is in the database."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, tables.UtcDateTime) else False


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=tables.Base.metadata, render_item=render_item)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with migration_connection(load_settings().url) as own:
        run(own)
