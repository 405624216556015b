"""What the receiving and de-identifying side works with, opened once per process from the settings.

The sending side never gets one of these: it holds the release store alone (`service.forwarding`).
"""

from dataclasses import dataclass

from service.audit import check_keys
from service.blobs import Blobs
from service.database import Database
from service.identities import Identities
from service.pseudonyms import Pseudonyms
from service.secrets import Keys
from service.settings import Settings


@dataclass(frozen=True)
class Gateway:
    settings: Settings
    database: Database
    keys: Keys
    pseudonyms: Pseudonyms
    identities: Identities
    originals: Blobs
    held: Blobs
    releases: Blobs

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
            settings=settings,
            database=database,
            keys=keys,
            pseudonyms=Pseudonyms(keys, settings.project),
            identities=Identities(keys),
            originals=Blobs(settings.originals),
            held=Blobs(settings.held),
            releases=Blobs(settings.releases),
        )

    def close(self) -> None:
        self.database.close()
