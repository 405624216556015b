"""What stands before every page: whom it may be asked as, how often, how much may be sent, and the headers that tell
browsers to be strict with what they get."""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.console.context import address_of, console_of
from service.console.cookies import is_encrypted
from service.settings import ConsoleSettings

_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_PROBES: Final = ("/healthz", "/readyz", "/metrics")  # asked by address, of whatever name
_LARGE: Final = ("/upload", "/api/v1/upload")
_FORM_BYTES: Final = 1_000_000


class StrictHeaders:
    """Security headers on every response; nothing but static files is kept by a browser or a proxy."""

    def __init__(self, app: ASGIApp, settings: ConsoleSettings) -> None:
        self._app = app
        self._headers = dict(_HEADERS)
        if is_encrypted(settings):
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def strict(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                headers["Cache-Control"] = _caching(scope, message["status"])
            await send(message)

        await self._app(scope, receive, strict)


class OwnRequests:
    """Refuses what is addressed to another host, what another site's page sends, and what comes too often."""

    def __init__(self, app: ASGIApp, settings: ConsoleSettings) -> None:
        self._app = app
        self._hosts = _hosts(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = HTTPConnection(scope)
            path = scope["path"]
            if "\0" in path or b"%00" in scope["query_string"]:
                raise HTTPException(400)  # no database keeps it, and nobody types it
            if path not in _PROBES and not self._is_ours(request.headers.get("Host", "")):
                raise HTTPException(400)
            if scope["method"] not in _SAFE and _is_anothers(request.headers):
                raise HTTPException(403)
            if not path.startswith("/static/"):
                console_of(request).throttle.request(address_of(request))
        await self._app(scope, receive, send)

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        return bool(name) and (self._hosts is None or name in self._hosts)


class BoundedBody:
    """Refuses bodies that are larger than what can be meant, before and while they arrive."""

    def __init__(self, app: ASGIApp, upload_bytes: int) -> None:
        self._app = app
        self._upload_bytes = upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._upload_bytes if scope["path"].startswith(_LARGE) else _FORM_BYTES
        announced = Headers(scope=scope).get("Content-Length", "0")
        if not announced.isdecimal() or int(announced) > most:
            raise HTTPException(413)
        seen = 0

        async def bounded() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise HTTPException(413)
            return message

        await self._app(scope, bounded, send)


def _caching(scope: Scope, status: int) -> str:
    if not scope["path"].startswith("/static/") or status not in (200, 206, 304):
        return "no-store"
    return "public, max-age=31536000, immutable" if scope["query_string"] else "no-cache"


def _hosts(settings: ConsoleSettings) -> frozenset[str] | None:
    """The names by which browsers ask for the console; None where it listens everywhere and nobody said which."""
    if settings.public_url:
        return frozenset({urlsplit(settings.public_url).hostname or ""})
    if settings.host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return None
    local = {"127.0.0.1", "localhost", "::1"} if settings.host in ("127.0.0.1", "localhost", "::1") else set[str]()
    return frozenset({settings.host.lower()} | local)


def _is_anothers(headers: Headers) -> bool:
    """Did a page of another site send this? Browsers say so in one header or the other; programs say nothing."""
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("Origin", "null")  # what our own pages send, since they name no referrer
    return origin != "null" and urlsplit(origin).netloc != headers.get("Host")
