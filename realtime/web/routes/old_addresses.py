"""GET /en/… and the like: paths that hold a text, as older servers of this kind had them.

Three forms were published. Each means the recording of its text with the defaults for everything
else, or the newest recording of that text. No speech is made for them.
"""

from __future__ import annotations

import re
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
from realtime.web.answers.recording import recording_not_found, send_recording
from realtime.web.openapi.operation import RECORDINGS, Operation, Parameter
from realtime.web.requests.field_types import TextField
from realtime.web.requests.services import services_of
from realtime.web.routes.recordings import FILE_ANSWERS, FILE_ERRORS, FILE_PARAMETERS


@dataclass(frozen=True)
class NamedRecording:
    """A character and a text that such a path may mean."""

    character: str
    modes: tuple[str, ...]
    text: str


class OldAddressResponse(Response):
    """The recording that such a path means now."""

    def __init__(self, services: Services, language: str, path: str) -> None:
        super().__init__()
        self._services = services
        self._language = language
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for meaning in parse_old_path(self._path):
            address = await self._find(meaning)
            if address is not None:
                return await send_recording(self._services, address, WAV, scope, receive, send)
        raise recording_not_found()

    async def _find(self, meaning: NamedRecording) -> Address | None:
        for mode in meaning.modes:
            address = await self._find_default(meaning, longprompt=mode == "long")
            if address is not None:
                return address
        return await self._find_newest(meaning)

    async def _find_default(self, meaning: NamedRecording, longprompt: bool) -> Address | None:
        line_request = LineRequest(
            meaning.text, meaning.character, self._language, longprompt=longprompt
        )
        try:
            line = await self._services.speech.line(line_request)
        except YamabikoError:
            return None
        address = self._services.speech.address(line)
        async with self._services.cache.listen(address, WAV) as opened:
            return address if opened is not None else None

    async def _find_newest(self, meaning: NamedRecording) -> Address | None:
        cache = self._services.cache
        text, folder = clean(meaning.text), folder_of(meaning.character)
        for entry in cache.index.find_by_slug(self._language, folder, meaning.modes, slug_of(text)):
            finished = await cache.find_finished(entry.address, WAV)
            if finished is not None and finished.sidecar.line.get("text") == text:
                return entry.address
        return None


def parse_old_path(path: str) -> Iterator[NamedRecording]:
    """Yield what the path after the language may mean; a text may hold slashes itself."""
    if not path.endswith(WAV):
        return
    parts = path.removesuffix(WAV).split("/")
    if len(parts) >= 3 and parts[1] in MODES:
        yield NamedRecording(parts[0], (parts[1],), "/".join(parts[2:]))
    if len(parts) >= 3 and parts[0] in MODES:
        yield NamedRecording(parts[1], (parts[0],), "/".join(parts[2:]))
    if len(parts) >= 2:
        yield NamedRecording(parts[0], MODES, "/".join(parts[1:]))


async def old_address(request: Request) -> Response:
    language = request.url.path.split("/")[1]
    return OldAddressResponse(services_of(request), language, request.path_params["rest"])


class OldAddressRoute(Route):
    """A route whose path may have line breaks: a text may have them."""

    def __init__(self, language: str) -> None:
        super().__init__(f"/{language}/{{rest:path}}", old_address, methods=["GET"])
        self.path_regex = re.compile(self.path_regex.pattern, re.DOTALL)


ROUTES = [OldAddressRoute(language) for language in FOLDERS]
REST = TextField(
    "rest",
    "`{character}/{text}.wav`, `{character}/{short|long}/{text}.wav` or "
    "`{short|long}/{character}/{text}.wav`; the text may have slashes.",
)
OPERATIONS = [
    Operation(
        "GET",
        f"/{language}/{{rest}}",
        RECORDINGS,
        f"Get a recording by its text ({language}), as older servers had it",
        FILE_ANSWERS,
        FILE_ERRORS,
        "The recording of that text with the defaults for everything else, or the newest one. "
        "Nothing is spoken for it.",
        (Parameter("path", REST, "af_heart/Hello.wav"), *FILE_PARAMETERS),
    )
    for language in FOLDERS
]
