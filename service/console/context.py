"""What every handler of the console can reach: the gateway, and nothing that belongs to one request."""

from dataclasses import dataclass
from typing import cast

from starlette.requests import HTTPConnection

from service.console.pulse import Pulse
from service.database import Database
from service.gateway import Gateway
from service.settings import Settings


@dataclass(frozen=True)
class Console:
    """`gateway` opens once for the process; `pulse` keeps the figures of the overview fresh for all who look."""

    gateway: Gateway
    pulse: Pulse

    @property
    def settings(self) -> Settings:
        return self.gateway.settings

    @property
    def database(self) -> Database:
        return self.gateway.database


def console_of(request: HTTPConnection) -> Console:
    return cast(Console, request.app.state.console)
