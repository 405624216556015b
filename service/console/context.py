"""What every handler of the console can reach: the gateway, and nothing that belongs to one request."""

from dataclasses import dataclass
from typing import cast

from starlette.requests import HTTPConnection

from service.console.cookies import Cookies
from service.console.pulse import Pulse
from service.console.throttle import Throttle
from service.database import Database
from service.gateway import Gateway
from service.people.credentials import Credentials
from service.people.oidc import Provider
from service.people.sign_ins import SignIns
from service.people.signing_in import SigningIn
from service.settings import ConsoleSettings, Settings

PROVIDER_RETURN = "/sign-in/provider/return"


@dataclass(frozen=True)
class Console:
    """`gateway` opens once for the process; `pulse` keeps the figures of the overview fresh for all who look; the rest
    lets people in and keeps others out."""

    gateway: Gateway
    pulse: Pulse
    sign_ins: SignIns
    signing_in: SigningIn
    credentials: Credentials
    provider: Provider | None
    cookies: Cookies
    throttle: Throttle

    @classmethod
    def on(cls, gateway: Gateway) -> "Console":
        """Raises ConfigurationError when there is no client secret for the identity provider."""
        settings, keys, database = gateway.settings.console, gateway.keys, gateway.database
        sign_ins = SignIns(database, settings)
        return_to = address(settings).rstrip("/") + PROVIDER_RETURN
        return cls(
            gateway=gateway,
            pulse=Pulse(gateway),
            sign_ins=sign_ins,
            signing_in=SigningIn(database, keys, sign_ins),
            credentials=Credentials(database, keys, sign_ins),
            provider=Provider(settings.oidc, keys, return_to) if settings.oidc is not None else None,
            cookies=Cookies(settings, keys),
            throttle=Throttle(),
        )

    @property
    def settings(self) -> Settings:
        return self.gateway.settings

    @property
    def database(self) -> Database:
        return self.gateway.database


def console_of(request: HTTPConnection) -> Console:
    return cast(Console, request.app.state.console)


def address_of(request: HTTPConnection) -> str:
    """Where the request comes from; behind a proxy what the proxy says."""
    return request.client.host if request.client else "unknown"


def address(settings: ConsoleSettings) -> str:
    """What to type into a browser."""
    if settings.public_url:
        return settings.public_url
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{'https' if settings.certificate else 'http'}://{host}:{settings.port}"
