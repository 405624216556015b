"""What a program is told when its request fails: problem details as JSON (RFC 9457), never a page or a redirect."""

from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

MEDIA_TYPE: Final = "application/problem+json"
_PATHS: Final = ("/api/", "/metrics")


def from_program(request: Request) -> bool:
    """Whether the path is one that programs ask, not browsers."""
    return request.url.path.startswith(_PATHS)


def problem(status: int, detail: str = "", **more: object) -> Response:
    """A problem without a type of its own: its title is the status'. A 401 says how to ask again."""
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    content |= {"detail": detail} if detail else {}
    return JSONResponse(content | more, status, headers, media_type=MEDIA_TYPE)
