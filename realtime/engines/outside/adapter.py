"""The interface of adapters: what a host needs of the engine that it runs."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import Any, Callable, Optional

from realtime.engines.outside.protocol import Samples, Speak, SpokenWord

PACKAGE = "realtime.engines.outside.adapters"
Chunk = tuple[Samples, Sequence[SpokenWord]]  # float32 mono in [-1, 1], and the words in it
ReportProgress = Callable[[float, str], None]  # the part that is done, and what is done now


class AdapterError(Exception):
    """An error for people; `kind` is the class of `realtime.errors` that the server raises."""

    def __init__(
        self,
        message: str,
        kind: str = "Unavailable",
        code: str = "",
        hint: Optional[str] = None,
        field: Optional[str] = None,
        retry_after: Optional[float] = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.code = code
        self.hint = hint
        self.field = field
        self.retry_after = retry_after


class CancelFlag:
    """A flag that a request is not wanted any more; it can also interrupt a run under way."""

    def __init__(self) -> None:
        self._set = False
        self._interrupt: Optional[Callable[[], None]] = None

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True
        interrupt = self._interrupt
        if interrupt is not None:
            interrupt()

    def interrupt_with(self, interrupt: Callable[[], None]) -> None:
        """Register the function that stops the run under way."""
        self._interrupt = interrupt
        if self._set:
            interrupt()


class Adapter:
    """An engine as a host runs it. A subclass implements `speak` or `convert`, and most `load`.

    A stream's state lives in its iterator: between two of its chunks another stream may have its
    turn. All work runs on the main thread, unless `streams` is more than 1: then each stream keeps
    to one of so many threads.
    """

    name = ""
    version = ""
    languages: Sequence[str] = ()
    sample_rate = 0
    streams = 1  # that are computed at once

    def check(self, options: dict[str, Any]) -> list[str]:
        """List what is missing, each with where it comes from, before anything is imported."""
        return []

    def load(self, options: dict[str, Any], progress: ReportProgress) -> dict[str, Any]:
        """Load the model; return facts for the proxy that are known only now."""
        return {}

    def unload(self) -> None:
        """Free what the end of the process would not free."""

    def speak(self, request: Speak, cancel: CancelFlag) -> Iterator[Chunk]:
        """Yield the sound of a piece; stop soon after `cancel` is set, where that is possible."""
        raise AdapterError(f"{self.name} does not speak.")

    def convert(
        self, blocks: Iterator[Samples], change: dict[str, Any], cancel: CancelFlag
    ) -> Iterator[Samples]:
        """Yield a sound for each block."""
        raise AdapterError(f"{self.name} changes no voice.")

    def ask(self, name: str, arguments: dict[str, Any]) -> Any:
        """Answer a question of the proxy; called while streams run."""
        raise AdapterError(f"{self.name} has no answer to {name!r}.")


def find_adapter(name: str) -> Adapter:
    """Make the adapter of a name: a module of `adapters/`, or with dots a module of its own."""
    module = importlib.import_module(name if "." in name else f"{PACKAGE}.{name}")
    for found in vars(module).values():
        if isinstance(found, type) and issubclass(found, Adapter) and found is not Adapter:
            made: Adapter = found()
            return made
    raise LookupError(f"{module.__name__} has no adapter")
