"""The API's own description, OpenAPI 3.1, for programs and for those who write them."""

from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.responses import JSONResponse, Response

from service import __version__
from service.console.access import PUBLIC
from service.console.problems import MEDIA_TYPE

router = APIRouter()

PROBLEMS: Final = {
    400: "The request is not one that can be meant; `errors` says where",
    401: "No token, or one that is expired, revoked or forged",
    403: "The token lacks the right",
    404: "There is no such thing",
    409: "It cannot be done now; `detail` says why",
    413: "The body is too large",
    429: "Too many requests; Retry-After says for how long",
    503: "The database does not answer; Retry-After says for how long",
}
_PROBLEM: Final = {
    "title": "Problem",
    "description": "Problem details, RFC 9457.",
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "examples": ["about:blank"]},
        "title": {"type": "string", "examples": ["Conflict"]},
        "status": {"type": "integer", "examples": [409]},
        "detail": {"type": "string", "examples": ["There is nothing to cover: draw a box, or have the faces covered."]},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["where", "what"],
                "properties": {"where": {"type": "string"}, "what": {"type": "string"}},
            },
        },
    },
}


@router.get("/openapi.json", dependencies=[PUBLIC], include_in_schema=False)
def openapi(request: Request) -> Response:
    app: FastAPI = request.app
    if app.openapi_schema is None:
        ours = [route for route in iter_route_contexts(app.routes) if (route.path or "").startswith("/api/")]
        app.openapi_schema = describe(ours)
    return JSONResponse(app.openapi_schema)


def describe(routes: Sequence[RouteContext]) -> dict[str, Any]:
    """The description of these routes, with the problems that any of them may answer with."""
    found = get_openapi(
        title="VeraGate",
        version=__version__,
        summary="A DICOM gateway that gives patients synthetic faces",
        description="Every request carries a token: `Authorization: Bearer vg_...`. Tokens are made in the console.",
        routes=routes,
    )
    found["components"].setdefault("securitySchemes", {})["token"] = {"type": "http", "scheme": "bearer"}
    found["components"]["schemas"]["Problem"] = _PROBLEM
    for name in ("HTTPValidationError", "ValidationError"):
        found["components"]["schemas"].pop(name, None)
    found["security"] = [{"token": []}]
    problem = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in found["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            for status, text in PROBLEMS.items():
                operation["responses"][str(status)] = {"description": text, "content": problem}
    return found
