"""The web application out of the services: routes, middleware, errors; it holds no handler."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware

from realtime.services import Services
from realtime.settings import Settings
from realtime.web import catalogue, pages, speech, status
from realtime.web.errors import HANDLERS
from realtime.web.limits import BodyLimit, HostLimit
from realtime.web.trace import Trace

ROUTES = [*speech.ROUTES, *catalogue.ROUTES, *status.ROUTES, *pages.ROUTES]


def create_app(services: Services) -> Starlette:
    """The application; the services start and close with it."""
    app = Starlette(
        routes=ROUTES,
        middleware=middleware(services.settings),
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )
    # A redirect would be built from the Host header, which is anybody's.
    app.router.redirect_slashes = False
    app.state.services = services
    app.state.created = int(time.time())
    return app


def middleware(settings: Settings) -> list[Middleware]:
    """In the order in which a request meets it."""
    hosts = [Middleware(HostLimit, settings.hosts)] if settings.hosts else []
    return [Middleware(Trace), *hosts, Middleware(BodyLimit, settings.limits.body_bytes)]


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    services: Services = app.state.services
    await services.start()
    try:
        yield
    finally:
        await services.close()
