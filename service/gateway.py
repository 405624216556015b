"""What the receiving and de-identifying side works with, opened once per process from the settings.

The sending side never gets one of these: it holds the release store alone (`service.forwarding`).
"""

from dataclasses import dataclass

from service.audit import check_keys
from service.blobs import Blobs
from service.configuration import Live
from service.database import Database
from service.identities import Identities
from service.pseudonyms import Pseudonyms
from service.secrets import Keys
from service.settings import Settings


@dataclass(frozen=True)
class Gateway:
    live: Live
    database: Database
    keys: Keys
    pseudonyms: Pseudonyms
    identities: Identities
    originals: Blobs
    held: Blobs
    releases: Blobs
    maps: Blobs

    @classmethod
    def open(cls, settings: Settings) -> "Gateway":
        """The parts, on a migrated database.

        Raises ConfigurationError when the database's URL is wrong, or the master secret is, or is not the one that
        the database was made with; Retry when the database does not answer.
        """
        keys = Keys.load(settings)
        database = Database(settings.url)
        check_keys(database, keys)
        return cls(
            live=Live(settings, database),
            database=database,
            keys=keys,
            pseudonyms=Pseudonyms(keys, settings.project),
            identities=Identities(keys),
            originals=Blobs(settings.originals),
            held=Blobs(settings.held),
            releases=Blobs(settings.releases),
            maps=Blobs(settings.maps),
        )

    @property
    def settings(self) -> Settings:
        """As they are now: ask again for each piece of work, and take one answer for all of it."""
        return self.live.current()

    def close(self) -> None:
        self.database.close()
