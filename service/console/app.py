"""The console as an ASGI application: routes, and what stands before them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Final

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from service import __version__
from service.console.api.routes import router as api
from service.console.context import Console
from service.console.failures import Unbroken, handle_failures
from service.console.hardening import BoundedBody, OwnRequests, StrictHeaders
from service.console.identifying import Identify, Identifying, identify
from service.console.routes import (
    accounts,
    audit,
    configuration,
    configuring,
    observing,
    overview,
    photographs,
    pictures,
    review,
    signing_in,
    upload,
    you,
)
from service.gateway import Gateway
from service.metrics import Figures

ROUTERS: Final = (
    overview.router,
    observing.router,
    signing_in.router,
    you.router,
    accounts.router,
    api,
    photographs.router,
    pictures.router,
    review.router,
    audit.router,
    configuration.router,
    configuring.router,
    upload.router,
)


def create_app(gateway: Gateway, identify: Identify = identify) -> FastAPI:
    """The application on an open gateway; `identify` says who a request comes from."""
    settings = gateway.settings
    app = FastAPI(
        title="VeraGate", version=__version__, openapi_url=None, docs_url=None, redoc_url=None, lifespan=_lifespan
    )
    app.state.console = Console.on(gateway)
    app.state.figures = Figures(lambda: gateway.settings, gateway.database)
    app.mount("/static", StaticFiles(directory=str(files("service.console") / "static")), name="static")
    for router in ROUTERS:
        app.include_router(router)
    handle_failures(app)
    app.add_middleware(Identifying, identify=identify)  # the last one added is the first one to see a request
    app.add_middleware(BoundedBody, upload_bytes=settings.limits.max_object_megabytes << 20)
    app.add_middleware(OwnRequests, settings=settings.console)
    app.add_middleware(Unbroken)
    app.add_middleware(StrictHeaders, settings=settings.console)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    console: Console = app.state.console
    console.pulse.start()
    yield
    console.pulse.stop()
