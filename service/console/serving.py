"""Running the console: uvicorn on the configured address, with TLS where certificates are configured."""

import threading
from collections.abc import Callable
from typing import Any

import uvicorn

from service.console.app import create_app
from service.console.context import address
from service.errors import ConfigurationError
from service.gateway import Gateway
from service.people.set_up import make_set_up_link
from service.presence import on_record
from service.settings import ConsoleSettings, Settings

__all__ = ["address", "serve"]

HEADERS_SECONDS = 15


def serve(settings: Settings, stop: threading.Event, ready: Callable[[], None], show: Callable[[str], None]) -> None:
    """Serve until `stop`; while there is no account, `show` gets the link that makes the first one.

    Raises ConfigurationError when the address or the certificate cannot be used.
    """
    console = settings.console
    gateway = Gateway.open(settings)

    def opened() -> None:
        ready()
        if link := make_set_up_link(gateway.database, address(console)):
            show(link)

    server = _Server(uvicorn.Config(create_app(gateway), **_options(console)), opened)
    threading.Thread(target=server.stop_after, args=(stop,), daemon=True, name="stop").start()
    try:
        with on_record(settings, "console"):
            server.run()
    except (OSError, SystemExit) as error:
        raise ConfigurationError(f"The console cannot use {console.host}:{console.port}.") from error
    finally:
        gateway.close()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    def stop_after(self, stop: threading.Event) -> None:
        stop.wait()
        self.config.app.state.console.pulse.stop()  # type: ignore[union-attr]
        self.should_exit = True


def _options(console: ConsoleSettings) -> dict[str, Any]:
    proxied = console.public_url is not None
    return {
        "host": console.host,
        "port": console.port,
        "ssl_certfile": console.certificate,
        "ssl_keyfile": console.certificate_key,
        "log_config": None,
        "access_log": False,  # addresses of pages hold search terms
        "server_header": False,
        "proxy_headers": proxied,
        "forwarded_allow_ips": list(console.proxies) if proxied else None,
        "timeout_graceful_shutdown": 5,
        "timeout_keep_alive": HEADERS_SECONDS,
        "h11_max_incomplete_event_size": 32_768,
    }
