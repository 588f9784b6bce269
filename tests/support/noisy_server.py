"""A real server, run as a process, whose engine logs on its lane and in a reader's thread.

python -m tests.support.noisy_server
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from realtime.configuration import load_settings
from realtime.engines import registry
from realtime.engines.contract import CancelToken, Chunk, Converter, Synthesizer, Utterance
from realtime.engines.tone import Tone
from realtime.models.loaded import LoadedModels
from realtime.services import Services, build
from realtime.settings import Settings
from realtime.web import app
from realtime.web.server import serve
from tests.support.scripted_engines import chunk

logger = logging.getLogger("engine")

CHUNKS = 6  # of a piece
PAIR = "pair"  # a text with this word waits for another one


class Noisy(Tone):
    """An engine that says in the log what it does, and breaks at the word `break`."""

    name = "noisy"

    def load(self) -> None:
        super().load()
        self.pairs = threading.Barrier(2)
        logger.warning("loading")

    def read(self, utterance: Utterance) -> str:
        text = "".join(segment.text for segment in utterance.segments)
        logger.warning("reading <%s>", text)
        if PAIR in text:
            self.pairs.wait(20)
        return text

    def speak(self, utterance: Utterance, cancel: CancelToken) -> Iterator[Chunk]:
        for number in range(CHUNKS):
            logger.warning("speaking <%s> %d", utterance.reading, number)
            yield chunk(0.25)
            if "break" in utterance.reading:
                raise ZeroDivisionError("a model library's own error")


async def fail(request: Request) -> Response:
    raise ZeroDivisionError("a fault of the server")


def create_engine(name: str, settings: Settings) -> Synthesizer | Converter:
    return Noisy(settings) if name == Noisy.name else registry.create(name, settings)


def build_noisy(settings: Settings) -> Services:
    return build(settings, LoadedModels(settings, create_engine, (*registry.ENGINES, Noisy.name)))


if __name__ == "__main__":
    serve.build = build_noisy  # type: ignore[assignment]
    app.ROUTES.append(Route("/fault", fail))
    sys.exit(serve.serve(load_settings({})))
