"""What the receiving and de-identifying side works with, opened once per process from the settings.

The sending side never gets one of these: it holds the release store alone (`service.forwarding`).
"""

from dataclasses import dataclass

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
        """Raises ConfigurationError when the master secret or the database's URL is wrong."""
        keys = Keys.load(settings)
        return cls(
            settings=settings,
            database=Database(settings.url),
            keys=keys,
            pseudonyms=Pseudonyms(keys, settings.project),
            identities=Identities(keys),
            originals=Blobs(settings.originals),
            held=Blobs(settings.held),
            releases=Blobs(settings.releases),
        )

    def close(self) -> None:
        self.database.close()
