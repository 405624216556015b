"""One-time codes from a person's phone (TOTP, RFC 6238): six digits, a new code every 30 seconds.

The secret is stored sealed and bound to its account. While somebody sets it up it lives nowhere but, sealed too,
in the form that the person is filling in: nothing is stored that was never confirmed.
"""

import base64
import hmac
import time
from binascii import Error as NotBase64
from typing import Final

import pyotp
import segno

from service.errors import VeraGateError
from service.people.envelopes import Envelope
from service.secrets import Keys, Label

STEP_SECONDS: Final = 30
_ISSUER: Final = "VeraGate"
_TOLERANCE: Final = 1  # steps that a phone's clock may be early or late


class Totp:
    def __init__(self, keys: Keys) -> None:
        self._envelope = Envelope(keys, Label.TOTP)

    def propose(self, account_id: str) -> tuple[str, str]:
        """A new secret, in base 32 for the person and sealed for the form."""
        secret = pyotp.random_base32()
        sealed = self._envelope.seal(secret.encode(), f"proposed\0{account_id}")
        return secret, base64.urlsafe_b64encode(sealed).decode()

    def accept(self, account_id: str, proposed: str) -> str:
        """The secret that was proposed to this account. Raises VeraGateError for anything else."""
        try:
            sealed = base64.urlsafe_b64decode(proposed.encode())
        except (NotBase64, ValueError):
            sealed = b""
        secret = self._envelope.open(sealed, f"proposed\0{account_id}")
        if secret is None:
            raise VeraGateError("This form is out of date; begin again.")
        return secret.decode()

    def seal(self, account_id: str, secret: str) -> bytes:
        return self._envelope.seal(secret.encode(), account_id)

    def open(self, account_id: str, sealed: bytes) -> str:
        """The stored secret. Raises VeraGateError when it is not this account's, or not under this master secret."""
        secret = self._envelope.open(sealed, account_id)
        if secret is None:
            raise VeraGateError("A stored one-time code secret was altered, or belongs to another master secret.")
        return secret.decode()


def matching_step(secret: str, code: str, after: int | None, now: float | None = None) -> int | None:
    """The time step of a code, if it is right and later than `after`, the last one that was used."""
    digits = "".join(code.split())
    current = int((time.time() if now is None else now) // STEP_SECONDS)
    expected = pyotp.TOTP(secret)
    found = None
    for step in range(current - _TOLERANCE, current + _TOLERANCE + 1):
        right = hmac.compare_digest(expected.generate_otp(step).encode(), digits.encode())
        if right and (after is None or step > after):
            found = step
    return found


def uri(secret: str, name: str) -> str:
    """What an authenticator reads from the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=_ISSUER)


def qr_code(secret: str, name: str) -> str:
    """The QR code as an SVG element without styles: dark on white with its quiet zone, whatever the page's colours."""
    code = segno.make(uri(secret, name), error="m", micro=False)
    return code.svg_inline(border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None)
