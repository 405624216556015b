"""The synthetic identity of a patient: a latent vector, sealed, made once and never again.

AES-256-GCM with a random nonce; the patient's row and the generator version are authenticated with
it, so a sealed latent that was moved to another patient does not open.
"""

import secrets
from collections.abc import Callable

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.database import Database, insert_if_absent
from service.errors import VeraGateError
from service.secrets import Keys, Label
from service.tables import Identity

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
            values = {"patient_id": patient_id, "generator": generator, "sealed_latent": sealed}
            if insert_if_absent(session, Identity, ("patient_id", "generator"), values) and created is not None:
                created(session)
            kept = self.get(session, patient_id, generator)
        if kept is None:
            raise VeraGateError("An identity that was just stored cannot be read back.")
        return kept

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


def _bound_to(patient_id: str, generator: str) -> bytes:
    return f"{patient_id}\0{generator}".encode()
