"""Whether the gateway may receive photographs: what a load balancer or a supervisor asks."""

import shutil

from service.database import Database
from service.errors import Retry
from service.settings import Settings


def obstacles(settings: Settings, database: Database) -> list[str]:
    """Why a store would be refused now, in sentences; empty when nothing stands in the way."""
    return [*_database(database), *_disk(settings)]


def _database(database: Database) -> list[str]:
    try:
        database.ping()
    except Retry:
        return ["The database does not answer."]
    return []


def _disk(settings: Settings) -> list[str]:
    try:
        free = shutil.disk_usage(settings.data_folder).free
    except OSError:
        return ["The data folder cannot be reached."]
    if free < settings.limits.min_free_disk_megabytes << 20:
        return ["Less disk is free than limits.min_free_disk_megabytes."]
    return []
