"""The synthetic identity of a patient: a latent vector, sealed, and the same for good once anything shows it.

    latent = identities.get_or_create(database, patient_id, generator, propose)
    identities.settle(session, patient_id, generator, latent)    # with whatever lets an object leave that shows it

Until it is settled it may be chosen again, `AGAIN` times. Both write the identity's own row and look at what it holds:
an object can only leave with the identity that is stored, and that cannot be replaced once an object can leave.

AES-256-GCM with a random nonce; the patient's row and the generator version are authenticated with
it, so a sealed latent that was moved to another patient does not open.
"""

import secrets
from collections.abc import Callable
from typing import Final

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from service.database import Database, insert_if_absent
from service.errors import VeraGateError
from service.secrets import Keys, Label
from service.tables import Identity

AGAIN: Final = 2  # how often an identity may be chosen again, as long as nobody has seen it

Latent = NDArray[np.float32]
_NONCE_BYTES = 12


class Identities:
    """Reads and makes identities under the master secret."""

    def __init__(self, keys: Keys) -> None:
        self._cipher = AESGCM(keys.derive(Label.LATENT))

    def get(self, session: Session, patient_id: str, generator: str) -> Latent | None:
        """The latent of a patient (the row's id) for a generator version, float32 [n]; None when there is none.

        Raises VeraGateError when the row was altered or sealed under another master secret.
        """
        query = select(Identity.sealed_latent).where(Identity.patient_id == patient_id, Identity.generator == generator)
        sealed = session.scalar(query)
        return None if sealed is None else self._open(sealed, patient_id, generator)

    def get_or_create(
        self,
        database: Database,
        patient_id: str,
        generator: str,
        propose: Callable[[], Latent],
        created: Callable[[Session], None] | None = None,
    ) -> Latent:
        """The patient's one latent, float32 [n]; `propose` is asked for a candidate when there is none yet.

        Workers may propose at the same time: one proposal is kept and all of them get that one.
        `propose` runs outside any transaction, since it may take seconds; `created` runs inside the
        transaction that made the row (for its audit entry), and not at all in the workers that lost.
        """
        with database.read() as session:
            known = self.get(session, patient_id, generator)
        if known is not None:
            return known
        sealed = self._seal(propose(), patient_id, generator)
        with database.transaction() as session:
            values = {"patient_id": patient_id, "generator": generator, "sealed_latent": sealed, "choices_left": AGAIN}
            if insert_if_absent(session, Identity, ("patient_id", "generator"), values) and created is not None:
                created(session)
            kept = self.get(session, patient_id, generator)
        if kept is None:
            raise VeraGateError("An identity that was just stored cannot be read back.")
        return kept

    def settle(self, session: Session, patient_id: str, generator: str, latent: Latent) -> bool:
        """Keep `latent` for good, in the transaction of what may leave; False where another one took its place."""
        row = self._locked(session, patient_id, generator)
        if not self._holds(row, latent):
            return False
        row.choices_left = 0
        return True

    def choose_again(
        self,
        database: Database,
        patient_id: str,
        generator: str,
        failed: Latent,
        propose: Callable[[], Latent],
        replaced: Callable[[Session], None],
    ) -> bool:
        """Put another identity in the place of `failed`; whether the patient has another one now, whoever chose it.

        False where the one that failed was settled, or no choice is left. `propose` runs outside any transaction and
        only where it can help; `replaced` runs in the transaction that changes the row.
        """
        with database.read() as session:
            row = session.scalars(_row(patient_id, generator)).one()
        if not self._holds(row, failed):
            return True
        if not row.choices_left:
            return False
        sealed = self._seal(propose(), patient_id, generator)
        with database.transaction() as session:
            row = self._locked(session, patient_id, generator)
            if not self._holds(row, failed):
                return True
            if not row.choices_left:
                return False
            row.sealed_latent, row.choices_left = sealed, row.choices_left - 1
            replaced(session)
        return True

    def _locked(self, session: Session, patient_id: str, generator: str) -> Identity:
        """As the last transaction left it that held it; nobody else changes it before this one ends."""
        return session.scalars(_row(patient_id, generator).with_for_update()).one()

    def _holds(self, row: Identity, latent: Latent) -> bool:
        return np.array_equal(self._open(row.sealed_latent, row.patient_id, row.generator), latent)

    def _seal(self, latent: Latent, patient_id: str, generator: str) -> bytes:
        if latent.ndim != 1 or latent.size == 0 or not np.isfinite(latent).all():
            raise ValueError("a latent is one row of finite numbers")
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, latent.astype("<f4").tobytes(), _bound_to(patient_id, generator))

    def _open(self, sealed: bytes, patient_id: str, generator: str) -> Latent:
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            plain = self._cipher.decrypt(nonce, ciphertext, _bound_to(patient_id, generator))
        except (InvalidTag, ValueError) as error:
            raise VeraGateError("A stored identity was altered, or belongs to another master secret.") from error
        return np.frombuffer(plain, "<f4").astype(np.float32)


def _row(patient_id: str, generator: str) -> Select[Identity]:
    return select(Identity).where(Identity.patient_id == patient_id, Identity.generator == generator)


def _bound_to(patient_id: str, generator: str) -> bytes:
    return f"{patient_id}\0{generator}".encode()
