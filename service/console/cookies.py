"""The console's cookies: who is signed in, a browser before anybody is, and a sign-in on its way to a provider.

Under https their names begin with __Host-, which browsers accept from this very host over https alone. None can be
read by scripts. They come along when a link leads here, which is how people come back from a provider.
"""

import hmac
import secrets
from hashlib import sha256
from typing import Final

from starlette.requests import HTTPConnection
from starlette.responses import Response

from service.secrets import Keys, Label
from service.settings import ConsoleSettings

SIGN_IN: Final = "veragate"
VISIT: Final = "veragate-visit"
FLOW: Final = "veragate-flow"


class Cookies:
    def __init__(self, settings: ConsoleSettings, keys: Keys) -> None:
        self.secure = is_encrypted(settings)
        self._key = keys.derive(Label.CONSOLE_FORM)

    def read(self, request: HTTPConnection, name: str) -> str | None:
        return request.cookies.get(self._named(name))

    def put(self, response: Response, name: str, value: str, seconds: int | None = None) -> None:
        """Set a cookie, without `seconds` until the browser is closed."""
        response.set_cookie(
            self._named(name), value, max_age=seconds, path="/", secure=self.secure, httponly=True, samesite="lax"
        )

    def drop(self, response: Response, name: str) -> None:
        response.delete_cookie(self._named(name), path="/", secure=self.secure, httponly=True, samesite="lax")

    def visit_token(self, visit: str | None) -> str:
        """The CSRF token of a browser that nobody is signed in with; empty without its cookie."""
        return hmac.new(self._key, visit.encode(), sha256).hexdigest() if visit else ""

    def _named(self, name: str) -> str:
        return f"__Host-{name}" if self.secure else name


def new_visit() -> str:
    return secrets.token_urlsafe(32)


def is_encrypted(settings: ConsoleSettings) -> bool:
    """Do browsers reach the console over https, its own or a proxy's?"""
    return settings.certificate is not None or (settings.public_url or "").startswith("https://")
