"""The master secret and the keys that derive from it, one label per use (HKDF-SHA256, RFC 5869)."""

import os
import secrets
from enum import StrEnum
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.durability import sync
from service.errors import ConfigurationError
from service.settings import Settings

MASTER_BYTES = 32


class Label(StrEnum):
    """What a derived key is for; a key never serves two uses."""

    UID = "uid"
    PATIENT = "patient"
    PSEUDONYM = "pseudonym"
    DATE_OFFSET = "date-offset"
    LATENT = "latent"
    AUDIT_CHECKPOINT = "audit-checkpoint"
    AUDIT_LEAF = "audit-leaf"
    BYSTANDER = "bystander"
    TOTP = "totp"
    CONSOLE_FORM = "console-form"
    OIDC_FLOW = "oidc-flow"


class Keys:
    """Keys derived from one master secret; the secret itself is neither shown nor handed out."""

    def __init__(self, master: bytes) -> None:
        if len(master) < MASTER_BYTES:
            raise ValueError(f"a master secret has at least {MASTER_BYTES} bytes")
        self._master = master

    def __repr__(self) -> str:
        return "Keys(...)"

    @classmethod
    def load(cls, settings: Settings) -> "Keys":
        """Read the master secret; embedded mode makes one on the first start.

        Raises ConfigurationError when it is absent in scaled mode, readable by others, or malformed.
        """
        path = settings.secret_file
        if settings.mode == "embedded" and not path.exists():
            _create(path)
        return cls(_read(path))

    def derive(self, label: Label, length: int = 32, context: str = "") -> bytes:
        """`length` key bytes for one use, and within it for one context such as a photograph's id."""
        info = f"veragate/1/{Label(label).value}\0{context}".encode()
        return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(self._master)


def _read(path: Path) -> bytes:
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            status = os.fstat(file.fileno())
            text = file.read().strip()
    except OSError as error:
        raise ConfigurationError(f"The master secret file {path} cannot be read: {error.strerror}.") from error
    if status.st_mode & 0o077:
        raise ConfigurationError(f"The master secret file {path} must be readable by its owner only (chmod 600).")
    try:
        master = bytes.fromhex(text)
    except ValueError:
        master = b""
    if len(master) < MASTER_BYTES:
        raise ConfigurationError(f"The master secret file {path} must hold at least {2 * MASTER_BYTES} hex digits.")
    return master


def _create(path: Path) -> None:
    """Write a new secret whole or not at all; of processes that start together the first one wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(MASTER_BYTES) + "\n")
            file.flush()
            os.fsync(descriptor)
        _link_once(draft, path)
    finally:
        draft.unlink()
    sync(path.parent)


def _link_once(draft: Path, path: Path) -> None:
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return
