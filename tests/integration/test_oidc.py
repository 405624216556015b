"""Sign-in through an identity provider: a real small one, and one that lies in every way."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwk, jwt

from service.errors import ConfigurationError
from service.people.oidc import Provider
from service.people.oidc_documents import ProviderError
from service.people.signing_in import Claims
from service.rights import Role
from tests.support.people import KEYS
from tests.support.providers import CLIENT, Liar, a_user, agree, oidc_settings, real_provider

RETURN = "http://127.0.0.1:8042/sign-in/provider/return"


@pytest.fixture(name="liar", scope="module")
def _server() -> Iterator[Liar]:
    with Liar().running() as running:
        yield running


@pytest.fixture
def provider(liar: Liar, tmp_path: Path) -> Provider:
    liar.claims, liar.replace, liar.token, liar.algorithm = {}, {}, None, "RS256"
    liar.published = [liar.key]
    return Provider(oidc_settings(liar.issuer, tmp_path), KEYS, RETURN)


def come_back(provider: Provider, liar: Liar) -> tuple[Claims, str]:
    url, cookie = provider.begin("/audit")
    return provider.finish(cookie, liar.agree(url))


def refusal(provider: Provider, liar: Liar) -> str:
    with pytest.raises(ProviderError) as refused:
        come_back(provider, liar)
    return refused.value.reason


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_real_provider_signs_people_in(tmp_path: Path) -> None:
    """Against a real provider a person comes back with a name, a role and the page they wanted."""
    with real_provider(a_user("s-1", "Carla", "PACS", "Choir")) as issuer:
        provider = Provider(oidc_settings(issuer, tmp_path), KEYS, RETURN)
        url, cookie = provider.begin("/audit?action=x")
        asked = parse_qs(urlsplit(url).query)
        assert (asked["code_challenge_method"], asked["redirect_uri"]) == (["S256"], [RETURN])
        back = urlsplit(agree(url, "s-1"))
        answer = {key: values[0] for key, values in parse_qs(back.query).items()}
        claims, wanted = provider.finish(cookie, answer)
        assert claims == Claims(issuer, "s-1", "carla", Role.OPERATOR)
        assert wanted == "/audit?action=x"
        with pytest.raises(ProviderError) as again:
            provider.finish(cookie, answer)
        assert again.value.reason == "code", "a code serves once"


def test_what_travels_in_the_cookie_is_sealed(provider: Provider, liar: Liar) -> None:
    """Neither state, nonce and verifier nor the wanted page can be read from the cookie, and none can be changed."""
    url, cookie = provider.begin("/audit")
    answer = liar.agree(url)
    content = bytes.fromhex(cookie)
    assert answer["state"].encode() not in content
    for broken in ("", "nonsense", cookie[:-2], cookie[:-1], "00" + cookie[2:], cookie + "00"):
        with pytest.raises(ProviderError, match="begin again"):
            provider.finish(broken, answer)
    assert provider.finish(cookie, answer)[1] == "/audit"


def test_a_sign_in_belongs_to_the_browser_that_began_it(provider: Provider, liar: Liar) -> None:
    """Another person's answer, planted in this browser, signs nobody in; neither does one that comes too late."""
    _, mine = provider.begin("/")
    theirs = liar.agree(provider.begin("/")[0])
    for answer in (theirs, {"code": "a-code"}, {"code": "a-code", "state": "ü"}):
        with pytest.raises(ProviderError):
            provider.finish(mine, answer)


def test_a_cookie_has_its_time(provider: Provider, liar: Liar, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten minutes after it was begun a sign-in is over."""
    url, cookie = provider.begin("/")
    now = time.time()
    monkeypatch.setattr("service.people.oidc.time.time", lambda: now + 601)
    with pytest.raises(ProviderError, match="too long"):
        provider.finish(cookie, liar.agree(url))


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://elsewhere.example"}, "id token"),
        ({"aud": "another-client"}, "id token"),
        ({"aud": None}, "id token"),
        ({"aud": [CLIENT, "another-client"]}, "id token"),
        ({"aud": [CLIENT, "another-client"], "azp": "another-client"}, "id token"),
        ({"exp": 1}, "id token"),
        ({"exp": None}, "id token"),
        ({"exp": "soon"}, "id token"),
        ({"iat": 2**40}, "id token"),
        ({"nonce": "another"}, "id token"),
        ({"nonce": None}, "id token"),
        ({"sub": None}, "id token"),
        ({"sub": ""}, "id token"),
        ({"roles": None}, "no role"),
        ({"roles": []}, "no role"),
        ({"roles": ["pacs", 7, None]}, "no role"),
        ({"roles": {"PACS": True}}, "no role"),
        ({"roles": ["PACS", "Ortho Reviewers"]}, "several roles"),
        ({"preferred_username": None}, "name"),
        ({"preferred_username": "<b>carla</b>"}, "name"),
        ({"preferred_username": "gates"}, "name"),
        ({"preferred_username": ["carla"]}, "name"),
    ],
)
def test_claims_must_be_ours(provider: Provider, liar: Liar, claims: dict[str, Any], reason: str) -> None:
    """A token for somebody else, from somebody else, too old, of another sign-in, or without one role: refused."""
    liar.claims = claims
    assert refusal(provider, liar) == reason


def test_honest_variations_are_understood(provider: Provider, liar: Liar, tmp_path: Path) -> None:
    """One role as a plain text, an audience as a list, two groups of one role, and a claim inside another one."""
    for claims in ({"roles": "PACS"}, {"aud": [CLIENT]}, {"aud": [CLIENT, "other"], "azp": CLIENT}):
        liar.claims = claims
        assert come_back(provider, liar)[0].role == Role.OPERATOR
    liar.claims = {"realm_access": {"roles": ["offline", "PACS"]}}
    nested = Provider(oidc_settings(liar.issuer, tmp_path, roles_claim="realm_access.roles"), KEYS, RETURN)
    assert come_back(nested, liar)[0].name == "carla"


def test_signatures_must_be_the_providers(provider: Provider, liar: Liar) -> None:
    """A token that is unsigned, signed with the public key as a secret, or with another key is not believed."""
    come_back(provider, liar)
    honest = liar.id_token()
    header, body, signature = honest.split(".")
    unsigned = urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    secretly = f"{urlsafe_b64encode(json.dumps({'alg': 'HS256', 'kid': 'one'}).encode()).decode().rstrip('=')}.{body}"
    keyed = hmac.digest(liar.key.as_pem(private=False), secretly.encode(), "sha256")
    stranger = jwk.RSAKey.generate_key(2048, {"kid": "one"})
    claims = jwt.decode(honest, liar.key).claims
    for forged in (
        f"{unsigned}.{body}.",
        f"{secretly}.{urlsafe_b64encode(keyed).decode().rstrip('=')}",
        jwt.encode({"alg": "RS256", "kid": "one"}, claims, stranger),
        f"{header}.{body}.{signature[:-4]}AAAA",
        f"{header}.{body}",
        "",
        "nonsense",
    ):
        liar.token = forged or "."
        assert refusal(provider, liar) == "id token", forged


def test_the_provider_may_change_its_keys(provider: Provider, liar: Liar) -> None:
    """A token under a key that was published since we last looked is believed."""
    come_back(provider, liar)
    before = liar.key
    liar.key = jwk.RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})
    liar.published = [before, liar.key]
    assert come_back(provider, liar)[0].name == "carla"


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/.well-known/openid-configuration", (404, b"{}")),
        ("/.well-known/openid-configuration", (200, b"<html>")),
        ("/.well-known/openid-configuration", (200, b"[]")),
        ("/.well-known/openid-configuration", (200, b'{"issuer": "https://elsewhere.example"}')),
        ("/jwks", (200, b'{"keys": [{"kty": "?"}]}')),
        ("/jwks", (500, b"")),
        ("/token", (400, b'{"error": "invalid_grant"}')),
        ("/token", (500, b"oh")),
        ("/token", (200, b"oh")),
        ("/token", (200, b"[]")),
        ("/token", (200, b'{"access_token": "x", "token_type": "Bearer"}')),
    ],
)
def test_garbage_is_a_clear_refusal(provider: Provider, liar: Liar, path: str, answer: tuple[int, bytes]) -> None:
    """Whatever a provider answers instead, the person is told, and nobody is signed in."""
    liar.replace = {path: answer}
    assert refusal(provider, liar) in ("unreachable", "issuer", "code", "id token")


def test_a_provider_that_is_down_or_not_encrypted_is_not_asked(tmp_path: Path) -> None:
    """No answer, and no plain http beyond this machine."""
    for issuer in ("http://127.0.0.1:9", "http://idp.example"):
        with pytest.raises(ProviderError, match="does not answer"):
            Provider(oidc_settings(issuer, tmp_path), KEYS, RETURN).begin("/")


def test_no_secret_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    """A console whose client secret cannot be read does not start."""
    settings = oidc_settings("https://idp.example", tmp_path, client_secret_file=tmp_path / "absent")
    with pytest.raises(ConfigurationError, match="client secret"):
        Provider(settings, KEYS, RETURN)


def test_a_refusal_at_the_provider_is_told(provider: Provider, liar: Liar) -> None:
    """Whoever says no at the provider, or comes back without a code or from another issuer, is not signed in."""
    url, cookie = provider.begin("/")
    state = liar.agree(url)["state"]
    for answer in ({"error": "access_denied"}, {}, {"code": "a-code", "iss": "https://elsewhere.example"}):
        with pytest.raises(ProviderError):
            provider.finish(cookie, {"state": state} | answer)
