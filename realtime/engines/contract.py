"""The contract of engines: their kinds, and what they are given and give back.

An engine's stream is the iterator that `speak` or `convert` returns. Its state lives there and
never in a field of the engine, so two streams that take turns give what each gives alone. Making an
engine costs nothing: `load` does the work. `load` and streams run on the engine's own lane only.
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
from realtime.engines.frame_engines import Denoiser, Detector
from realtime.engines.options import EngineOption, Options
from realtime.engines.voice_change import VoiceChange
from realtime.text.language import Segment
from realtime.weights import WeightFile

Samples = npt.NDArray[np.float32]


class WorkCancelled(Exception):
    """The error of a stream that was cancelled while its engine was computing."""


class CancelToken:
    """A flag for a stream that is not wanted any more; it can also interrupt a run under way."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._interrupt: Callable[[], None] | None = None

    def is_set(self) -> bool:
        return self._event.is_set()

    def set(self) -> None:
        """Cancel, and interrupt the run under way where its runtime can do that."""
        with self._lock:
            self._event.set()
            if self._interrupt is not None:
                self._interrupt()

    def interrupt_with(self, interrupt: Callable[[], None] | None) -> None:
        """Register the function that stops the run under way, or None when the run is over."""
        with self._lock:
            self._interrupt = interrupt
            if interrupt is not None and self._event.is_set():
                interrupt()

    def check(self) -> None:
        """Raise `WorkCancelled` if the token is set."""
        if self._event.is_set():
            raise WorkCancelled


@dataclass(eq=False)
class LineState:
    """State that the pieces of one line share; an engine keeps there what the next piece needs."""

    longprompt: bool = False  # whether the last piece may be the voice example of the next one
    pieces: int = 0  # that have been spoken
    kept: Any = None


@dataclass(frozen=True)
class Utterance:
    """A piece of a line, ready to be spoken by an engine."""

    segments: tuple[Segment, ...]
    character: Character
    accent: str | None = None  # the language whose native reads all; None: each segment its own
    speed: float = 1.0
    seed: int = 0
    first: bool = True  # whether the line begins with it: then a listener waits for its sound
    options: Options = ()  # those that the engine takes, as `TakesOptions` reads them
    line_state: LineState = field(default_factory=LineState, compare=False)
    reading: Any = field(default=None, compare=False)  # the result of `ReadsAhead.read`


@dataclass(frozen=True)
class Chunk:
    """Sound as an engine gives it: float32 mono in [-1, 1] at the engine's rate."""

    samples: Samples
    words: tuple[Word, ...] = field(default=())  # timed from its start; below 0: said earlier


@runtime_checkable
class Synthesizer(Protocol):
    """An engine that speaks."""

    name: str
    version: str
    languages: frozenset[str]
    sample_rate: int
    first_piece: float  # seconds of sound in a line's first piece: few, so that it starts early
    work: float  # seconds of computing for a second of sound, on a small machine
    keeps_time: bool  # its pauses are part of the sound: none is cut or made between pieces
    block: str  # of requirements.txt, with its libraries (`realtime.blocks`); "": the core
    weights: tuple[WeightFile, ...]  # the files that it needs

    def load(self) -> None: ...

    def unload(self) -> None: ...

    def speak(self, utterance: Utterance, cancel: CancelToken) -> Iterator[Chunk]: ...


@runtime_checkable
class ReadsAhead(Protocol):
    """An engine that reads a text before its turn, so that a long text does not hold up the lane.

    It reads on any thread; the result comes back to it as the utterance's `reading`.
    """

    def read(self, utterance: Utterance) -> Any: ...


@runtime_checkable
class TakesOptions(Protocol):
    """An engine that a request may tell how to speak, beyond speed and seed."""

    options: Sequence[EngineOption]


@runtime_checkable
class MovesFormants(Protocol):
    """A converter that can move formants, where its voice was trained for that."""

    def formant_range(self) -> tuple[float, float] | None:
        """Return the least and the most of `formant`; None where the voice has its own alone."""


@runtime_checkable
class PreparesFiles(Protocol):
    """An engine that loads a file which is made once, of its weights, with much work and memory.

    A process of its own makes it, so that the server goes on meanwhile. An engine whose file is
    missing all the same makes it when it loads.
    """

    def can_prepare(self) -> bool:
        """Tell whether the file is missing, and can be made."""

    def prepare(self) -> None: ...


@runtime_checkable
class SpeaksSome(Protocol):
    """An engine that speaks only characters with a voice of its own kind."""

    def can_speak(self, character: Character) -> bool: ...


@runtime_checkable
class Accelerates(Protocol):
    """An engine with accelerated networks; it has none while it is not loaded."""

    @property
    def accelerated(self) -> Sequence[Accelerated]: ...


@runtime_checkable
class MayUseCuda(Protocol):
    """An engine whose work, not only that of its accelerated networks, may run on CUDA.

    Its lane stays out of the captures of CUDA graphs: the work of another thread spoils them.
    """

    may_use_cuda: bool


@runtime_checkable
class ChecksFiles(Protocol):
    """An engine that can tell, without loading anything, that a file is wrong."""

    def check_files(self) -> None:
        """Raise the error with which loading would end for the files as they are."""


@runtime_checkable
class TellsDevice(Protocol):
    """An engine that may run elsewhere than on the processor.

    It may look at files and at the driver for the answer, so it is asked off the loop.
    """

    def runs_on(self) -> str:
        """Return its device, `cpu` or `cuda:0`; of one that is not loaded, where it would run."""


@dataclass(frozen=True)
class ConversionPlan:
    """The blocks that a converter takes, and the delay of its output.

    Sound goes in at `rate` and comes out at `output_rate`, late by `latency`. All counts are of
    input samples. A block is a whole multiple of `step` and gives a block that lasts as long. After
    `latency` plus `context` of silence the output is silent: more silence need not be fed.
    """

    rate: int
    output_rate: int
    step: int
    block: int  # the length that suits it best
    latency: int = 0
    context: int = 0  # of the past, which a stream that begins in the middle should get first
    whole: bool = False  # it needs the whole recording as one block, so it converts files only
    file_block: int = 0  # the length that suits it best where nobody waits; 0: that of `block`


@runtime_checkable
class Converter(Protocol):
    """An engine that changes a voice: it takes blocks and gives blocks that last as long."""

    name: str
    version: str
    block: str
    weights: tuple[WeightFile, ...]

    def load(self) -> None: ...

    def unload(self) -> None: ...

    def plan(self, change: VoiceChange) -> ConversionPlan: ...

    def convert(
        self, blocks: Iterator[Samples], change: VoiceChange, cancel: CancelToken
    ) -> Iterator[Samples]: ...


@runtime_checkable
class TimesItself(Protocol):
    """A converter that timed a block when it was loaded, since many machines are too slow for it.

    The time is in seconds, of a block as long as its plan's; None before it is known.
    """

    block_seconds: float | None


@runtime_checkable
class ConvertsTogether(Protocol):
    """A converter that computes blocks of several recordings in one call.

    Each recording gets what it would get alone. The changes of all have the same plan.
    """

    def most_together(self, change: VoiceChange) -> int:
        """Return how many recordings one call takes at most."""

    def convert_together(
        self,
        rounds: Iterator[Sequence[Samples | None]],
        change: VoiceChange,
        cancel: CancelToken,
    ) -> Iterator[Sequence[Samples | Exception | None]]:
        """Yield for each round the sounds of its blocks, or the errors of their recordings.

        A round has a place for each recording, with its next block or None if it has none.
        """


@dataclass(frozen=True)
class Transcript:
    """The text of a sentence: empty for no words, and for a language not spoken here."""

    text: str
    language: str  # as ISO 639-1 has it
    spoken: bool = True  # whether this server has the language


@runtime_checkable
class Recogniser(Protocol):
    """An engine that writes down what is said, one sentence at a time."""

    name: str
    version: str
    sample_rate: int
    pause: float  # seconds of silence that end a sentence
    block: str
    weights: tuple[WeightFile, ...]

    def load(self) -> None: ...

    def unload(self) -> None: ...

    def recognise(
        self, samples: Samples, language: str | None, usual: str | None, cancel: CancelToken
    ) -> Transcript:
        """Write down a sentence.

        `language` is None where it must be found; then `usual`, the language of the sentence
        before, is preferred where the sound leaves it open.
        """


Engine = Synthesizer | Converter | Detector | Denoiser | Recogniser
