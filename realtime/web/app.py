"""The web application: routes, middleware and error handlers around the services."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from realtime.log import Troubles
from realtime.metrics import Metrics
from realtime.services import Services
from realtime.settings import Settings
from realtime.web.answers.errors import EXCEPTION_HANDLERS
from realtime.web.compat.gpt_sovits import routes as gpt_sovits
from realtime.web.compat.gpt_sovits.errors import ContractRefusal, answer_contract_refusal
from realtime.web.compat.gpt_sovits.state import GptSovitsState
from realtime.web.entry.authentication import Authentication
from realtime.web.entry.body_limit import BodyLimit
from realtime.web.entry.fault_answer import FaultAnswer
from realtime.web.entry.hosts_and_origins import HostLimit, Hosts
from realtime.web.open_sockets import OpenSockets
from realtime.web.openapi.headers import READ_BY_PAGES
from realtime.web.requests.request_id import RequestIdHeader
from realtime.web.routes import (
    acceleration,
    catalogue,
    clone,
    events,
    generate,
    health,
    lines,
    login,
    memory,
    models,
    old_addresses,
    openai_speech,
    openapi,
    page,
    prefetch,
    process,
    recordings,
    socket,
    status,
    tasks,
)

ROUTES = [
    *openai_speech.ROUTES,
    *lines.ROUTES,
    *prefetch.ROUTES,
    *generate.ROUTES,
    *gpt_sovits.ROUTES,
    *process.ROUTES,
    *clone.ROUTES,
    *catalogue.ROUTES,
    *health.ROUTES,
    *acceleration.ROUTES,
    *models.ROUTES,
    *memory.ROUTES,
    *events.ROUTES,
    *tasks.ROUTES,
    *status.ROUTES,
    *login.ROUTES,
    *socket.ROUTES,
    *page.ROUTES,
    *openapi.ROUTES,
    *old_addresses.ROUTES,
]
OPERATIONS = [
    *openai_speech.OPERATIONS,
    *generate.OPERATIONS,
    *gpt_sovits.OPERATIONS,
    *socket.OPERATIONS,
    *lines.OPERATIONS,
    *recordings.OPERATIONS,
    *prefetch.OPERATIONS,
    *old_addresses.OPERATIONS,
    *process.OPERATIONS,
    *catalogue.OPERATIONS,
    *clone.OPERATIONS,
    *models.OPERATIONS,
    *memory.OPERATIONS,
    *events.OPERATIONS,
    *tasks.OPERATIONS,
    *acceleration.OPERATIONS,
    *health.OPERATIONS,
    *status.OPERATIONS,
    *login.OPERATIONS,
    *page.OPERATIONS,
    *openapi.OPERATIONS,
]

LAG_EVERY_SECONDS = 0.05


def create_app(services: Services) -> Starlette:
    """Return the application; the services start and close with it."""
    app = Starlette(
        routes=ROUTES,
        middleware=middleware(services),
        exception_handlers={**EXCEPTION_HANDLERS, ContractRefusal: answer_contract_refusal},
        lifespan=lifespan,
    )
    # A redirect would be built from the Host header, which the client chooses.
    app.router.redirect_slashes = False
    app.state.services = services
    app.state.sockets = OpenSockets(services.settings.limits.all_sockets, services.metrics)
    app.state.created = int(time.time())
    app.state.gpt_sovits = GptSovitsState()
    app.state.troubles = Troubles()
    app.state.document = openapi.ApiDocument(OPERATIONS)
    return app


def middleware(services: Services) -> list[Middleware]:
    """Return the middleware in the order in which a request passes it."""
    settings = services.settings
    return [
        Middleware(RequestIdHeader),
        Middleware(HostLimit, Hosts(settings, bool(services.guard.keys))),
        *_cors(settings),
        Middleware(FaultAnswer),
        Middleware(BodyLimit, settings.limits),
        Middleware(Authentication, services),
        Middleware(recordings.RecordingRoute, services),
    ]


def _cors(settings: Settings) -> list[Middleware]:
    """Allow pages from elsewhere, such as games in a browser, where a setting lists them."""
    if not settings.cors.origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors.origins),
            allow_methods=["GET", "HEAD", "POST", "PUT", "DELETE"],
            allow_headers=["*"],
            expose_headers=READ_BY_PAGES,
            max_age=86_400,
        )
    ]


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Start the services, and close them when the server stops."""
    services: Services = app.state.services
    await services.start()
    gc.freeze()  # the objects that exist now stay: collections need not look at them again
    gc.set_threshold(20_000, 20, 50)  # a request makes hundreds of objects and no cycles
    lag = asyncio.create_task(measure_lag(services.metrics))
    try:
        with app.state.troubles.watching():
            yield
    finally:
        lag.cancel()
        await services.close()


async def measure_lag(metrics: Metrics) -> None:
    """Measure how late the loop comes to a timer: every request waits that much besides."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_EVERY_SECONDS
        await asyncio.sleep(LAG_EVERY_SECONDS)
        metrics.observe_lag(max(0.0, loop.time() - due))
