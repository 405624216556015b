"""Identity providers for tests: a real small one, and one that says whatever a test wants it to say."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc import jwk, jwt
from oidc_provider_mock import User, run_server_in_thread

from service.rights import Role
from service.settings import OidcSettings

CLIENT = "veragate"
GROUPS = {"Ortho Reviewers": Role.REVIEWER, "PACS": Role.OPERATOR}


def oidc_settings(issuer: str, folder: Path, **values: Any) -> OidcSettings:
    secret = folder / "client.secret"
    secret.write_text("a client's secret\n")
    known = {"issuer": issuer, "client_id": CLIENT, "client_secret_file": secret, "roles": GROUPS}
    return OidcSettings.model_validate(known | values)


def a_user(subject: str, name: str, *groups: str) -> User:
    return User(sub=subject, claims={"preferred_username": name, "roles": list(groups)})


@contextmanager
def real_provider(*users: User) -> Iterator[str]:
    """A provider that runs until the end of the context; its issuer."""
    with run_server_in_thread(user_claims=users) as server:
        yield f"http://localhost:{server.server_port}"


def agree(url: str, subject: str) -> str:
    """What a person does at the real provider: choose themselves; the address that the browser is sent back to."""
    return httpx.post(url, data={"sub": subject}).headers["location"]


class Liar:
    """A provider whose ID tokens are `claims` over honest ones, signed with `key` by `algorithm`.

    `replace` swaps the whole answer of a path (`/token`, `/jwks`, `/.well-known/openid-configuration`).
    """

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {}
        self.replace: dict[str, tuple[int, bytes]] = {}
        self.key: Any = jwk.RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
        self.published = [self.key]
        self.algorithm = "RS256"
        self.token: str | None = None
        self.asked: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"

    def agree(self, url: str) -> dict[str, str]:
        """What the browser brings back after the person agreed at this address."""
        self.asked = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
        return {"code": "a-code", "state": self.asked["state"]}

    @contextmanager
    def running(self) -> Iterator["Liar"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()

    def id_token(self) -> str:
        now = int(time.time())
        honest = {"iss": self.issuer, "aud": CLIENT, "sub": "subject-1", "iat": now, "exp": now + 300}
        honest |= {"nonce": self.asked.get("nonce"), "preferred_username": "carla", "roles": ["PACS"]}
        said = {key: value for key, value in (honest | self.claims).items() if value is not None}
        header = {"alg": self.algorithm} | ({"kid": self.key.kid} if self.key.kid else {})
        return jwt.encode(header, said, self.key, algorithms=[self.algorithm])

    def _answer(self, path: str) -> tuple[int, bytes]:
        if path in self.replace:
            return self.replace[path]
        if path == "/jwks":
            keys = [key.as_dict(private=False) for key in self.published]
            return 200, json.dumps({"keys": keys}).encode()
        if path == "/token":
            answer = {"access_token": "x", "token_type": "Bearer", "id_token": self.token or self.id_token()}
            return 200, json.dumps(answer).encode()
        return 200, json.dumps(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            }
        ).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        liar = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, body = liar._answer(self.path)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - the names are the library's

            def log_message(self, *_: object) -> None:
                pass

        return Handler
