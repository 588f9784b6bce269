"""The running server: its socket, its log and uvicorn."""

from __future__ import annotations

import logging
import os
import platform
import socket
from collections import Counter

import uvicorn
from starlette.applications import Starlette

from realtime import VERSION, log
from realtime.access.keys import others_may_read
from realtime.listener import bound_socket, check_host
from realtime.live.protocol import MOST_MESSAGE_BYTES
from realtime.services import Services, build
from realtime.settings import MEMORY, Settings
from realtime.web.app import create_app
from realtime.web.server.memory_shortcut import protocol_for
from realtime.web.server.uvicorn_limits import BoundedSocket

logger = logging.getLogger("yamabiko")

PING_SECONDS = 20.0  # between pings; a peer that answers none for as long is closed


def serve(settings: Settings) -> int:
    """Listen until a signal stops the server."""
    log.configure(settings.log)
    services = build(settings)
    check_host(settings.host, bool(services.guard.keys))
    with bound_socket(settings.host, settings.port) as listener:
        log_start(services, listener)
        Server(services).run(sockets=[listener])
    return 0


class Server(uvicorn.Server):
    """uvicorn's server; when it stops, open sockets end their speech first."""

    def __init__(self, services: Services) -> None:
        self._app = create_app(services)
        self._drain_seconds = services.settings.shutdown_seconds
        super().__init__(config_for(self._app, services))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await self._app.state.sockets.drain(self._drain_seconds)
        await super().shutdown(sockets)


def config_for(app: Starlette, services: Services) -> uvicorn.Config:
    settings = services.settings
    debugging = settings.log.level == "DEBUG"
    return uvicorn.Config(
        app,
        http=protocol_for(services),
        ws=BoundedSocket,
        ws_max_size=MOST_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        log_config=None,
        log_level="debug" if debugging else "warning",
        access_log=debugging,
        timeout_graceful_shutdown=round(settings.shutdown_seconds),
        server_header=False,
        forwarded_allow_ips=list(settings.proxies),
        lifespan="on",
    )


def log_start(services: Services, listener: socket.socket) -> None:
    """Log the versions, the characters, the keys and the address to open."""
    characters = services.characters.all()
    natives = Counter(character.language for character in characters)
    spoken = ", ".join(f"{count} {language}" for language, count in sorted(natives.items()))
    host, port = listener.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    logger.info(
        "Yamabiko %s, Python %s, %s cores", VERSION, platform.python_version(), os.cpu_count()
    )
    logger.info("%d characters (%s)", len(characters), spoken)
    for name, reason in list(services.characters.broken.items())[:3]:
        logger.warning("character file %s cannot be used: %s", name, reason)
    log_keys(services)
    logger.info("open %s", address)


def log_keys(services: Services) -> None:
    """Log the ids of the keys, and warn where others may read their file."""
    ids = services.guard.keys.ids
    if not ids:
        logger.info("no keys are configured: open to this machine only")
        return
    logger.info("%d keys: %s", len(ids), ", ".join(ids[:12]))
    path = services.settings.auth.keys_path
    if others_may_read(path):
        logger.warning("others may read %s: chmod 600 %s", path, path)
    if services.settings.limits.storage != MEMORY:
        logger.info("limits are counted in %s", services.settings.limits.storage.rpartition("@")[2])
