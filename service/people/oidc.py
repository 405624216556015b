"""Sign-in through an identity provider: OpenID Connect Core 1.0, authorisation code with PKCE (RFC 7636).

What must survive the way to the provider and back travels in one sealed cookie: state, nonce, verifier, and the page
that was wanted. The ID token is believed when its signature is one of the provider's keys, and issuer, audience,
time and nonce are ours; then one claim names the person and another one the role.
"""

import hmac
import json
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError

from service.errors import ConfigurationError, VeraGateError
from service.people.accounts import check_name
from service.people.envelopes import Envelope
from service.people.oidc_documents import TIMEOUT, Documents, ProviderError, unreachable
from service.people.signing_in import Claims
from service.rights import Role
from service.secrets import Keys, Label
from service.settings import OidcSettings

FLOW_SECONDS: Final = 600
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_LEEWAY: Final = 60
_FLOW: Final = "flow"


class Provider:
    """One identity provider. Raises ConfigurationError when there is no client secret."""

    def __init__(self, settings: OidcSettings, keys: Keys, redirect_uri: str) -> None:
        self._settings = settings
        self._secret = _read(settings.client_secret_file)
        self._envelope = Envelope(keys, Label.OIDC_FLOW)
        self._redirect_uri = redirect_uri
        self._documents = Documents(settings.issuer)

    @property
    def origin(self) -> str:
        """Scheme, host and port of the issuer: where a browser is sent."""
        parts = urlsplit(self._settings.issuer)
        return f"{parts.scheme}://{parts.netloc}"

    def begin(self, wanted: str) -> tuple[str, str]:
        """Where to send the browser, and the cookie that it must bring back. Raises ProviderError."""
        flow = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
        challenge = urlsafe_b64encode(sha256(flow["verifier"].encode()).digest()).decode().rstrip("=")
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": " ".join(self._settings.scopes),
            "state": flow["state"],
            "nonce": flow["nonce"],
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint = self._documents.metadata()["authorization_endpoint"]
        content = json.dumps(flow | {"wanted": wanted, "until": _now() + FLOW_SECONDS})
        sealed = self._envelope.seal(content.encode(), _FLOW)
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}", sealed.hex()

    def finish(self, cookie: str, answer: Mapping[str, str]) -> tuple[Claims, str]:
        """Who came back, by the cookie and the address, and the page that was wanted. Raises ProviderError."""
        flow = self._reopen(cookie)
        if not hmac.compare_digest(answer.get("state", "").encode(), flow["state"].encode()):
            raise ProviderError("state", "This sign-in was not begun here; begin again.")
        if answer.get("iss", self._settings.issuer) != self._settings.issuer:
            raise ProviderError("issuer", "This answer came from another identity provider.")
        if "error" in answer or not answer.get("code"):
            raise ProviderError("denied", "The identity provider did not sign you in.")
        token = self._exchange(answer["code"], flow["verifier"])
        return self._read_claims(self._verified(token, flow["nonce"])), flow["wanted"]

    def _reopen(self, cookie: str) -> dict[str, Any]:
        try:
            sealed = bytes.fromhex(cookie)
        except ValueError:
            sealed = b""
        plain = self._envelope.open(sealed, _FLOW)
        flow: dict[str, Any] = json.loads(plain) if plain is not None else {"until": 0}
        if flow["until"] < _now():
            raise ProviderError("cookie", "This sign-in was not begun here, or took too long; begin again.")
        return flow

    def _exchange(self, code: str, verifier: str) -> str:
        """The ID token for a code (RFC 6749 4.1.3)."""
        metadata, settings = self._documents.metadata(), self._settings
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        form["redirect_uri"] = self._redirect_uri
        auth = httpx.BasicAuth(quote(settings.client_id, safe=""), quote(self._secret, safe=""))
        if "client_secret_basic" not in metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
            form |= {"client_id": settings.client_id, "client_secret": self._secret}
        try:
            answer = httpx.post(
                metadata["token_endpoint"],
                data=form,
                auth=None if "client_secret" in form else auth,
                headers={"Accept": "application/json"},
                timeout=TIMEOUT,
            )
            said = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise unreachable() from error
        if answer.status_code != 200 or not isinstance(said, dict):
            raise ProviderError("code", "The identity provider did not accept its own code; begin again.")
        return str(said.get("id_token", ""))

    def _verified(self, token: str, nonce: str) -> dict[str, Any]:
        offered = self._documents.metadata().get("id_token_signing_alg_values_supported", ["RS256"])
        algorithms = [name for name in _ALGORITHMS if name in offered]
        expected = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY,
            iss={"essential": True, "value": self._settings.issuer},
            aud={"essential": True, "value": self._settings.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = self._decode(token, algorithms)
            expected.validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            raise ProviderError("id token", "What the identity provider says cannot be believed.") from error
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else self._settings.client_id) != self._settings.client_id:
            raise ProviderError("id token", "What the identity provider says is not meant for this gateway.")
        return claims

    def _decode(self, token: str, algorithms: list[str]) -> dict[str, Any]:
        """The claims of a token with a good signature; the provider may have changed its keys since we last looked."""
        try:
            return jwt.decode(token, self._documents.keys(), algorithms=algorithms).claims
        except (JoseError, ValueError):
            self._documents.forget()
            return jwt.decode(token, self._documents.keys(), algorithms=algorithms).claims

    def _read_claims(self, claims: dict[str, Any]) -> Claims:
        roles = {
            self._settings.roles[value]
            for value in _texts(_at(claims, self._settings.roles_claim)) & self._settings.roles.keys()
        }
        if not roles:
            raise ProviderError(
                "no role", "The identity provider gives you no role here; ask whoever manages its groups."
            )
        if len(roles) > 1:
            names = " and ".join(sorted(Role(role).value for role in roles))
            raise ProviderError(
                "several roles", f"The identity provider gives you the roles {names}; one person has one role."
            )
        try:
            name = check_name(str(_at(claims, self._settings.name_claim) or ""))
        except VeraGateError as error:
            raise ProviderError("name", f"Your name at the identity provider cannot be used here. {error}") from error
        return Claims(self._settings.issuer, str(claims["sub"])[:200], name, roles.pop())


def _at(claims: Mapping[str, Any], path: str) -> Any:
    """The claim of that name, or, where there is none, the one that dots lead to (`realm_access.roles`)."""
    if path in claims:
        return claims[path]
    value: Any = claims
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _texts(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value}
    return {item for item in value if isinstance(item, str)} if isinstance(value, list) else set()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The identity provider's client secret {path} cannot be read.") from error


def _now() -> int:
    return int(time.time())
