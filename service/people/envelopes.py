"""Small secrets sealed with AES-256-GCM, each bound to what it belongs to."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.secrets import Keys, Label

_NONCE_BYTES = 12


class Envelope:
    """Seals for one use; what was sealed for another use, or bound to something else, does not open."""

    def __init__(self, keys: Keys, label: Label) -> None:
        self._cipher = AESGCM(keys.derive(label))

    def seal(self, plain: bytes, bound_to: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, bound_to.encode())

    def open(self, sealed: bytes, bound_to: str) -> bytes | None:
        """What was sealed; None when it was altered, cut, bound to something else, or sealed under other keys."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to.encode())
        except (InvalidTag, ValueError):
            return None
