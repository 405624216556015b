"""Whose face a file gets: a stored subject's, one from a seed, or a new one for each file."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from service import audit
from service.audit import Action
from service.gateway import Gateway
from service.pixels import Faces, Latent, Picture
from service.pseudonyms import Pseudonyms, find_or_create_patient
from service.schema import migrate
from service.secrets import MASTER_BYTES, Keys
from service.settings import Region, Settings
from service.tables import Patient


@dataclass(frozen=True)
class Person:
    """What stands for a person in a cleaned header."""

    pseudonym: str
    date_offset_days: int


class Subjects(Protocol):
    """Gives each file its identity; `pseudonyms` replaces the UIDs of DICOM files."""

    @property
    def pseudonyms(self) -> Pseudonyms: ...
    def person(self) -> Person | Patient: ...
    def latent(self, faces: Faces, picture: Picture, preserve: frozenset[Region]) -> Latent: ...


class OwnSubjects:
    """Every file is a subject of its own, under a key that is forgotten when the program ends."""

    def __init__(self) -> None:
        self.pseudonyms = Pseudonyms(Keys(secrets.token_bytes(MASTER_BYTES)), "files")

    def person(self) -> Person:
        key = self.pseudonyms.patient_key(secrets.token_hex(16))
        return Person(self.pseudonyms.pseudonym(key), self.pseudonyms.date_offset_days(key))

    def latent(self, faces: Faces, picture: Picture, preserve: frozenset[Region]) -> Latent:
        return faces.propose(picture, preserve)


class SeededSubject(OwnSubjects):
    """One face for all files, the same whenever the seed and the generator are the same.

    The number is the whole secret, and pseudonyms and UIDs are not drawn from it.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed
        self._person = super().person()

    def person(self) -> Person:
        return self._person

    def latent(self, faces: Faces, picture: Picture, preserve: frozenset[Region]) -> Latent:
        return faces.draw(np.random.default_rng(self._seed))


class StoredSubject:
    """The lasting identity of one subject in the gateway's own database."""

    def __init__(self, gateway: Gateway, key: str) -> None:
        self._gateway = gateway
        self.pseudonyms = gateway.pseudonyms
        with gateway.database.transaction() as session:
            self._patient = find_or_create_patient(session, gateway.pseudonyms, key)
            session.expunge(self._patient)

    def person(self) -> Patient:
        return self._patient

    def latent(self, faces: Faces, picture: Picture, preserve: frozenset[Region]) -> Latent:
        """A file leaves as soon as it is written, so the identity is settled first."""
        while True:
            latent = self._stored(faces, picture, preserve)
            with self._gateway.database.transaction() as session:
                if self._gateway.identities.settle(session, self._patient.id, faces.version, latent):
                    return latent

    def _stored(self, faces: Faces, picture: Picture, preserve: frozenset[Region]) -> Latent:
        return self._gateway.identities.get_or_create(
            self._gateway.database,
            self._patient.id,
            faces.version,
            lambda: faces.propose(picture, preserve),
            lambda session: audit.record(
                session, Action.IDENTITY_CREATED, actor="anonymize", details={"generator": faces.version}
            ),
        )


@contextmanager
def stored(settings: Settings, key: str) -> Iterator[StoredSubject]:
    """The subject that is called `key` in the gateway of these settings, made when there is none."""
    settings.data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    migrate(settings.url)
    gateway = Gateway.open(settings)
    try:
        yield StoredSubject(gateway, key)
    finally:
        gateway.close()
