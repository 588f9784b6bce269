"""The addresses of older servers of this kind: a language, a character and the text itself.

Three shapes were published; each names the recording of its text with default everything, else the
newest of that text. Nothing is spoken for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from realtime.cache import WAV, Address, folder_of, slug_of
from realtime.cache.address import FOLDERS, MODES
from realtime.errors import YamabikoError
from realtime.services import Services
from realtime.speech.request import LineRequest
from realtime.text.normalise import clean
from realtime.web.answers.recording import send_recording, unknown_recording
from realtime.web.requests.services import services_of


@dataclass(frozen=True)
class NamedRecording:
    """What an address of these shapes may mean."""

    character: str
    modes: tuple[str, ...]
    text: str


class AliasResponse(Response):
    """The recording that an address names now."""

    def __init__(self, services: Services, language: str, path: str) -> None:
        super().__init__()
        self._services = services
        self._language = language
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for named in meanings(self._path):
            address = await self._address(named)
            if address is not None:
                return await send_recording(self._services, address, WAV, scope, receive, send)
        raise unknown_recording()

    async def _address(self, named: NamedRecording) -> Address | None:
        for mode in named.modes:
            address = await self._by_default(named, mode == "long")
            if address is not None:
                return address
        return await self._newest(named)

    async def _by_default(self, named: NamedRecording, long: bool) -> Address | None:
        wish = LineRequest(named.text, named.character, self._language, longprompt=long)
        try:
            line = await self._services.speech.line(wish)
        except YamabikoError:
            return None
        address = self._services.speech.address(line)
        async with self._services.cache.listen(address, WAV) as opened:
            return address if opened is not None else None

    async def _newest(self, named: NamedRecording) -> Address | None:
        text, folder = clean(named.text), folder_of(named.character)
        shelf, cache = self._services.cache.index, self._services.cache
        for entry in shelf.find_by_slug(self._language, folder, named.modes, slug_of(text)):
            kept = await cache.find_finished(entry.address, WAV)
            if kept is not None and kept.sidecar.line.get("text") == text:
                return entry.address
        return None


def meanings(path: str) -> Iterator[NamedRecording]:
    """What may be meant by what follows the language; a text may hold slashes itself."""
    if not path.endswith(WAV):
        return
    parts = path.removesuffix(WAV).split("/")
    if len(parts) >= 3 and parts[1] in MODES:
        yield NamedRecording(parts[0], (parts[1],), "/".join(parts[2:]))
    if len(parts) >= 3 and parts[0] in MODES:
        yield NamedRecording(parts[1], (parts[0],), "/".join(parts[2:]))
    if len(parts) >= 2:
        yield NamedRecording(parts[0], MODES, "/".join(parts[1:]))


async def alias(request: Request) -> Response:
    language = request.url.path.split("/")[1]
    return AliasResponse(services_of(request), language, request.path_params["rest"])


ROUTES = [Route(f"/{language}/{{rest:path}}", alias, methods=["GET"]) for language in FOLDERS]
