"""The adapter of our own engines: a host in our interpreter runs one of the registry."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from realtime.engines.outside.adapter import (
    Adapter,
    AdapterError,
    CancelFlag,
    Chunk,
    ReportProgress,
)
from realtime.engines.outside.protocol import Samples, Speak, SpokenWord

MOST_LINES = 1_024  # whose state is kept; a line under way is never that old


class OurAdapter(Adapter):
    """The adapter; the engine's own modules are imported when it loads."""

    name = "ours"
    version = "1"

    def __init__(self) -> None:
        self._engine: Any = None
        self._characters: Any = None
        self._lines: OrderedDict[int, Any] = OrderedDict()

    def load(self, options: dict[str, Any], progress: ReportProgress) -> dict[str, Any]:
        from realtime.characters import Characters
        from realtime.configuration import settings_from_plain
        from realtime.engines.registry import create_inside
        from realtime.model_id import split_id

        settings = settings_from_plain(options["settings"])
        name, model = split_id(options["id"])
        progress(0.0, f"making {options['id']}")
        engine: Any = create_inside(name, settings)
        if model:
            engine = engine.with_model(model)
        if options["device"]:
            engine.place(options["device"])
        self._characters = Characters(settings.presets.path, settings.default_characters)
        with _told():
            engine.load()
        self._engine = engine
        return {}

    def unload(self) -> None:
        if self._engine is not None:
            self._engine.unload()

    def speak(self, request: Speak, cancel: CancelFlag) -> Iterator[Chunk]:
        from realtime.engines.contract import CancelToken

        token = CancelToken()
        cancel.interrupt_with(token.set)
        with _told():
            for chunk in self._engine.speak(self._utterance(request), token):
                words = [SpokenWord(word.text, word.start, word.end) for word in chunk.words]
                yield chunk.samples, words

    def convert(
        self, blocks: Iterator[Samples], change: dict[str, Any], cancel: CancelFlag
    ) -> Iterator[Samples]:
        from realtime.engines.contract import CancelToken

        token = CancelToken()
        cancel.interrupt_with(token.set)
        with _told():
            yield from self._engine.convert(blocks, _change(change), token)

    def ask(self, name: str, arguments: dict[str, Any]) -> Any:
        if name != "plan":
            return super().ask(name, arguments)
        with _told():
            return asdict(self._engine.plan(_change(arguments["change"])))

    def _utterance(self, request: Speak) -> Any:
        from realtime.engines.contract import Utterance
        from realtime.text.language import Segment

        return Utterance(
            tuple(Segment(part.text, part.language) for part in request.segments),
            self._character(request),
            accent=request.accent,
            speed=request.speed,
            seed=request.seed,
            first=request.first,
            options=tuple(sorted(request.options.items())),
            line_state=self._line_state(request),
        )

    def _character(self, request: Speak) -> Any:
        """Find the character; the server may have seen a change of its files before this side."""
        found = self._characters.get(request.character)
        if found.digest != request.digest:
            self._characters.refresh()
            found = self._characters.get(request.character)
        if found.digest != request.digest:
            raise AdapterError(
                f"The files of the character {request.character!r} have changed.",
                "Busy",
                hint="Ask again.",
                retry_after=1,
            )
        return found

    def _line_state(self, request: Speak) -> Any:
        from realtime.engines.contract import LineState

        state = self._lines.pop(request.line, None) or LineState(request.longprompt)
        self._lines[request.line] = state
        while len(self._lines) > MOST_LINES:
            self._lines.popitem(last=False)
        return state


def _change(fields: dict[str, Any]) -> Any:
    from realtime.engines.voice_change import VoiceChange

    options = tuple((name, value) for name, value in fields["options"])
    return VoiceChange(**{**fields, "options": options})


class _told:
    """A block whose errors for people are told to the server as such."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        from realtime.errors import YamabikoError

        if isinstance(error, YamabikoError):
            raise AdapterError(
                error.message,
                type(error).__name__,
                error.code,
                error.hint,
                error.field,
                error.retry_after,
            ) from error
