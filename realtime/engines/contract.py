"""What every engine promises; it knows no model, no thread and no web.

An engine's stream is the iterator that `speak` or `convert` returns: its state lives there and
never in a field, so two streams that take turns on one engine give what each gives alone. `load()`
is not `__init__`: making an engine costs nothing. Both run on the engine's own lane only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from realtime.acceleration import Accelerated
from realtime.audio.spoken import Word
from realtime.characters import Character
from realtime.engines.voice_change import VoiceChange
from realtime.text.language import Segment
from realtime.weights import WeightFile

Samples = npt.NDArray[np.float32]


class WorkCancelled(Exception):
    """The stream was cancelled while its engine was computing."""


class CancelToken:
    """A flag that also interrupts: what a runtime can stop registers how."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._interrupt: Callable[[], None] | None = None

    def is_set(self) -> bool:
        return self._event.is_set()

    def set(self) -> None:
        with self._lock:
            self._event.set()
            if self._interrupt is not None:
                self._interrupt()

    def interrupt_with(self, interrupt: Callable[[], None] | None) -> None:
        """Name what stops the run under way; None when it is over."""
        with self._lock:
            self._interrupt = interrupt
            if interrupt is not None and self._event.is_set():
                interrupt()

    def check(self) -> None:
        if self._event.is_set():
            raise WorkCancelled


@dataclass(eq=False)
class LineState:
    """What lies between the pieces of one line: an engine may keep there what it goes on from."""

    longprompt: bool = False  # what was just said may be the example for what follows
    pieces: int = 0  # that have been said
    kept: Any = None


@dataclass(frozen=True)
class Utterance:
    """One piece of a line, ready to be spoken by an engine."""

    segments: tuple[Segment, ...]
    character: Character
    accent: str | None = None  # whose native reads everything; None: each segment its own
    speed: float = 1.0
    seed: int = 0
    first: bool = True  # the line begins with it, and somebody waits for its sound
    line_state: LineState = field(default_factory=LineState, compare=False)
    reading: Any = field(default=None, compare=False)  # what an engine that reads made of it


@dataclass(frozen=True)
class Chunk:
    """Sound as an engine gives it: float32 mono in [-1, 1] at the engine's rate."""

    samples: Samples
    words: tuple[Word, ...] = field(default=())


@runtime_checkable
class Synthesizer(Protocol):
    """An engine that speaks."""

    name: str
    version: str
    languages: frozenset[str]
    sample_rate: int
    first_piece: float  # seconds of sound that a first piece may hold so that it starts early
    work: float  # seconds that it needs for a second of sound, on a small machine
    keeps_time: bool  # its pauses are part of what it says: none are cut or made between pieces
    weights: tuple[WeightFile, ...]  # the files it needs

    def load(self) -> None: ...

    def unload(self) -> None: ...

    def speak(self, utterance: Utterance, cancel: CancelToken) -> Iterator[Chunk]: ...


@runtime_checkable
class ReadsAhead(Protocol):
    """An engine whose lane is shared step by step: a long text must not stand in others' way.

    It reads on any thread, before the piece's turn; what it gives comes back with the utterance.
    """

    def read(self, utterance: Utterance) -> Any: ...


@runtime_checkable
class Accelerates(Protocol):
    """An engine whose networks have quick forms; empty while it is not loaded."""

    @property
    def accelerated(self) -> Sequence[Accelerated]: ...


@runtime_checkable
class MayUseCuda(Protocol):
    """An engine whose work, not only that of its accelerated networks, may run on CUDA.

    Its lane stays out of the captures of CUDA graphs: the work of another thread spoils them.
    """

    may_use_cuda: bool


@dataclass(frozen=True)
class ConversionPlan:
    """How a converter wants to be fed, and how what it gives lies to what it got.

    What goes in at `rate` comes out at `output_rate`, late by `latency`; counts are of samples
    that go in. Blocks are whole multiples of `step`, and every block gives one of the same length.
    After `latency` and `context` of silence there is silence: it may be left out of what is fed.
    """

    rate: int
    output_rate: int
    step: int
    block: int  # what it likes to be given at a time
    latency: int = 0
    context: int = 0  # of the past that a stream begun in the middle should hear first
    whole: bool = False  # it needs the whole recording as one block, so it converts files only


@runtime_checkable
class Converter(Protocol):
    """An engine that changes a voice: blocks in, blocks that last as long out."""

    name: str
    version: str
    weights: tuple[WeightFile, ...]

    def load(self) -> None: ...

    def unload(self) -> None: ...

    def plan(self, change: VoiceChange) -> ConversionPlan: ...

    def convert(
        self, blocks: Iterator[Samples], change: VoiceChange, cancel: CancelToken
    ) -> Iterator[Samples]: ...


@runtime_checkable
class Detector(Protocol):
    """An engine that tells where somebody speaks, frame by frame."""

    name: str
    version: str
    sample_rate: int
    frame: int  # samples
    weights: tuple[WeightFile, ...]

    def load(self) -> None: ...

    def unload(self) -> None: ...

    def detect(self, samples: Samples, state: Any) -> tuple[Samples, Any]:
        """How probable speech is in each of some whole frames, and the state for the next ones.

        A stream begins with None as its state.
        """


@dataclass(frozen=True)
class Transcript:
    """What was said. The text is empty when it was nothing, or in a language not spoken here."""

    text: str
    language: str  # as ISO 639-1 has it
    spoken: bool = True  # whether anybody here speaks it


@runtime_checkable
class Recogniser(Protocol):
    """An engine that understands what is said: one sentence at a time."""

    name: str
    version: str
    sample_rate: int
    pause: float  # seconds of silence that end a sentence
    weights: tuple[WeightFile, ...]

    def load(self) -> None: ...

    def unload(self) -> None: ...

    def recognise(
        self, samples: Samples, language: str | None, usual: str | None, cancel: CancelToken
    ) -> Transcript:
        """`language` is known, or None; then `usual` is what was spoken before, where it was."""


Engine = Synthesizer | Converter | Detector | Recogniser
