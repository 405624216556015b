"""A PostgreSQL database of a test's own on the local server."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg

SERVER = "postgresql://postgres@127.0.0.1:5432"


@contextmanager
def fresh_database() -> Iterator[str]:
    """The URL of an empty database that is dropped at the end, whoever is still connected."""
    name = f"veragate_test_{uuid4().hex[:12]}"
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"postgresql+psycopg://postgres@127.0.0.1:5432/{name}"
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
