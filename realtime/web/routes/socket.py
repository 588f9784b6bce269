"""WS /ws: messages passed between a client's WebSocket and its session."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import ExitStack, aclosing, suppress

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from realtime.cache import WAV
from realtime.errors import BadRequest, Busy, YamabikoError
from realtime.live.activity import ActivityContext
from realtime.live.messages import Close
from realtime.live.protocol import PROTOCOL
from realtime.live.session import Session
from realtime.services import Services
from realtime.web.answers.error_body import ErrorBody, Refusal
from realtime.web.answers.errors import ErrorResponse, refusal_of, send_instead
from realtime.web.answers.links import Links
from realtime.web.open_sockets import OpenSockets
from realtime.web.openapi.error_codes import LINK_ERRORS, codes
from realtime.web.openapi.operation import JSON, SPEECH, AnswerSpec, Operation, Parameter
from realtime.web.requests.field_types import TextField
from realtime.web.requests.request_id import request_id
from realtime.web.requests.services import account_of, services_of

logger = logging.getLogger(__name__)

OVERLOAD = 1013  # "Try Again Later" in the registry of close codes
FAULT = Close(1011, "Something went wrong here.")


async def serve_socket(websocket: WebSocket) -> None:
    """Refuse the upgrade, or accept it and run a session to its end."""
    services = services_of(websocket)
    sockets: OpenSockets = websocket.app.state.sockets
    with ExitStack() as held:
        held.enter_context(suppress(WebSocketDisconnect))  # of a client that is gone already
        try:
            subprotocol = choose_subprotocol(websocket.scope["subprotocols"])
            held.enter_context(account_of(websocket).hold_socket())
            session = Session(context_for(websocket, services), request_id(websocket.scope))
        except YamabikoError as error:
            answer = ErrorResponse(websocket.scope, refusal_of(error, services.guard.now_ms))
            return await send_instead(answer, websocket.scope, websocket.receive, websocket.send)
        await websocket.accept(subprotocol)
        try:
            sockets.check_room()
        except Busy as error:
            # Accepted first: a page in a browser gets the code of a close, but of a refused upgrade
            # it learns nothing.
            return await websocket.close(OVERLOAD, error.message)
        held.enter_context(sockets.holding(session))
        await run_session(websocket, session)


def choose_subprotocol(offered: Sequence[str]) -> str | None:
    """Return the subprotocol to answer with; None where the client offered none."""
    if offered and PROTOCOL not in offered:
        raise BadRequest(
            f"None of the offered subprotocols is spoken here: {', '.join(offered)[:100]}.",
            code="unknown_subprotocol",
            hint=f"Offer {PROTOCOL}, or none.",
        )
    return PROTOCOL if offered else None


def context_for(websocket: WebSocket, services: Services) -> ActivityContext:
    links = Links(services, websocket)
    return ActivityContext(
        services.speech,
        services.voice_changer,
        services.metrics,
        lambda address: links.url(address, WAV),
        account_of(websocket),
    )


async def run_session(websocket: WebSocket, session: Session) -> None:
    """Receive and send at the same time; when one of them ends, so does the other."""
    halves = [
        asyncio.create_task(receive_messages(websocket, session)),
        asyncio.create_task(send_messages(websocket, session)),
    ]
    try:
        await asyncio.wait(halves, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for half in halves:
            half.cancel()
        ended = await asyncio.gather(*halves, return_exceptions=True)
        await session.close()
    for error in ended:
        if isinstance(error, Exception) and not isinstance(error, WebSocketDisconnect):
            logger.error("the socket failed", exc_info=error)
            await websocket.close(FAULT.code, FAULT.reason)
            return


async def receive_messages(websocket: WebSocket, session: Session) -> None:
    while (message := await websocket.receive())["type"] == "websocket.receive":
        text = message.get("text")
        await session.receive(message["bytes"] if text is None else text)


async def send_messages(websocket: WebSocket, session: Session) -> None:
    async with aclosing(session.outgoing()) as outgoing:
        async for item in outgoing:
            if isinstance(item, Close):
                await websocket.close(item.code, item.reason)
            elif isinstance(item, bytes):
                await websocket.send_bytes(item)
            else:
                await websocket.send_text(item)


async def refuse_request(request: Request) -> Response:
    """Answer a request that does not ask for the upgrade."""
    refusal = Refusal(
        426,
        "upgrade_required",
        "This path opens a WebSocket, and the request does not ask for one.",
        hint="docs/protocol.md says what is spoken there.",
        headers={"Upgrade": "websocket", "Connection": "Upgrade"},
    )
    return ErrorResponse(request.scope, refusal)


ROUTES = [WebSocketRoute("/ws", serve_socket), Route("/ws", refuse_request, methods=["GET"])]
OPERATIONS = [
    Operation(
        "GET",
        "/ws",
        SPEECH,
        f"Open the live socket, {PROTOCOL}",
        (
            AnswerSpec(101, "The connection is a WebSocket from now on."),
            AnswerSpec(
                426,
                "The request does not ask for the upgrade.",
                {JSON: ErrorBody},
                headers=("Upgrade",),
            ),
        ),
        (LINK_ERRORS, codes(BadRequest, "unknown_subprotocol")),
        "Text in while it is written, sound out, stopped at any moment; a microphone in, another "
        "voice out. Its messages are in docs/protocol.md and docs/protocol.schema.json. Where a "
        "client cannot set headers, it takes the query `ticket`.",
        (
            Parameter(
                "header",
                TextField(
                    "Sec-WebSocket-Protocol",
                    f"`{PROTOCOL}`; without it the same protocol is spoken.",
                ),
                PROTOCOL,
            ),
        ),
        upgrades=True,
    )
]
