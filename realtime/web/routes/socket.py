"""WS /ws: bytes and text between a client's socket and its session; it knows no message."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import ExitStack, aclosing

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from realtime.cache import WAV
from realtime.errors import BadRequest, Busy, YamabikoError
from realtime.live.activity import ActivityContext
from realtime.live.messages import Close
from realtime.live.protocol import PROTOCOL
from realtime.live.session import Session
from realtime.services import Services
from realtime.web.answers.errors import ErrorResponse, deny, refusal_of
from realtime.web.answers.links import Links
from realtime.web.open_sockets import OpenSockets
from realtime.web.requests.request_id import request_id
from realtime.web.requests.services import account_of, services_of

logger = logging.getLogger(__name__)

OVERLOAD = 1013
FAULT = Close(1011, "Something went wrong here.")


async def talk(websocket: WebSocket) -> None:
    """Refused before it is a socket, or a conversation to its end."""
    services = services_of(websocket)
    sockets: OpenSockets = websocket.app.state.sockets
    with ExitStack() as held:
        try:
            subprotocol = chosen(websocket.scope["subprotocols"])
            held.enter_context(account_of(websocket).hold_socket())
            session = Session(stage_for(websocket, services))
        except YamabikoError as error:
            answer = ErrorResponse(websocket.scope, refusal_of(error, services.guard.now_ms))
            return await deny(answer, websocket.scope, websocket.receive, websocket.send)
        await websocket.accept(subprotocol)
        try:
            sockets.check_room()
        except Busy as error:
            # A browser's page learns the code of a close, and nothing of a refused upgrade.
            return await websocket.close(OVERLOAD, error.message)
        held.enter_context(sockets.holding(session))
        await converse(websocket, session)


def chosen(offered: Sequence[str]) -> str | None:
    """The subprotocol to answer with; a client that names none speaks it all the same."""
    if offered and PROTOCOL not in offered:
        raise BadRequest(
            f"None of the offered subprotocols is spoken here: {', '.join(offered)[:100]}.",
            code="unknown_subprotocol",
            hint=f"Offer {PROTOCOL}, or none.",
        )
    return PROTOCOL if offered else None


def stage_for(websocket: WebSocket, services: Services) -> ActivityContext:
    links = Links(services, websocket)
    return ActivityContext(
        services.speech,
        services.voice_changer,
        services.metrics,
        lambda address: links.to(address, WAV),
        account_of(websocket),
    )


async def converse(websocket: WebSocket, session: Session) -> None:
    """Reads and writes at once; where one ends, all ends."""
    halves = [asyncio.create_task(half(websocket, session)) for half in (read, write)]
    try:
        await asyncio.wait(halves, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for half in halves:
            half.cancel()
        ended = await asyncio.gather(*halves, return_exceptions=True)
        await session.close()
    for error in ended:
        if isinstance(error, Exception) and not isinstance(error, WebSocketDisconnect):
            number = request_id(websocket.scope)
            logger.error("socket %s failed", number, exc_info=error)
            await websocket.close(FAULT.code, FAULT.reason)
            return


async def read(websocket: WebSocket, session: Session) -> None:
    while (message := await websocket.receive())["type"] == "websocket.receive":
        text = message.get("text")
        await session.receive(message["bytes"] if text is None else text)


async def write(websocket: WebSocket, session: Session) -> None:
    async with aclosing(session.outgoing()) as outgoing:
        async for item in outgoing:
            if isinstance(item, Close):
                await websocket.close(item.code, item.reason)
            elif isinstance(item, bytes):
                await websocket.send_bytes(item)
            else:
                await websocket.send_text(item)


ROUTES = [WebSocketRoute("/ws", talk)]
