"""What an identity provider publishes about itself: its endpoints and its keys (OpenID Connect Discovery 1.0)."""

import threading
import time
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from joserfc import jwk
from joserfc.errors import JoseError

from service.errors import VeraGateError

TIMEOUT: Final = 10
_KEEP_SECONDS: Final = 3600
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class ProviderError(VeraGateError):
    """The provider or what came from it cannot be believed; `reason` is for the audit, in a word or two."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Documents:
    """Read when they are first needed, and again each hour. Both methods that read raise ProviderError."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._lock = threading.Lock()
        self._read: tuple[float, dict[str, Any], jwk.KeySet] | None = None

    def metadata(self) -> dict[str, Any]:
        return self._fresh()[1]

    def keys(self) -> jwk.KeySet:
        return self._fresh()[2]

    def forget(self) -> None:
        """Read them anew: the provider may have changed its keys."""
        self._read = None

    def _fresh(self) -> tuple[float, dict[str, Any], jwk.KeySet]:
        with self._lock:
            read = self._read
            if read is None or time.monotonic() - read[0] > _KEEP_SECONDS:
                read = self._read = time.monotonic(), *self._fetch()
            return read

    def _fetch(self) -> tuple[dict[str, Any], jwk.KeySet]:
        try:
            with httpx.Client(timeout=TIMEOUT) as client:
                metadata = _get(client, f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
                if metadata.get("issuer") != self._issuer:
                    raise ProviderError("issuer", f"The identity provider does not call itself '{self._issuer}'.")
                for name in _ENDPOINTS:
                    _check_encrypted(metadata[name])
                return metadata, jwk.KeySet.import_key_set(_get(client, metadata["jwks_uri"]))  # type: ignore[arg-type]
        except (httpx.HTTPError, httpx.InvalidURL, JoseError, LookupError, TypeError, ValueError) as error:
            raise unreachable() from error


def unreachable() -> ProviderError:
    return ProviderError("unreachable", "The identity provider does not answer as it should; try again later.")


def _get(client: httpx.Client, url: str) -> dict[str, Any]:
    _check_encrypted(url)
    found = client.get(url).raise_for_status().json()
    if not isinstance(found, dict):
        raise TypeError("a document of a provider is an object")
    return found


def _check_encrypted(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError("an identity provider is asked over https")
