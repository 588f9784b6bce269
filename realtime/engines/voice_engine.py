"""Engines that convert with voices that people trained, one voice an instance.

Shared are what a model is called and where it is placed, the version that its files give it, and
the way of a stream: window by window, where silence costs no run.
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar

import numpy as np

from realtime import blocks
from realtime.engines.contract import CancelToken, ConversionPlan, Samples
from realtime.engines.file_digest import FileDigests
from realtime.engines.placeable import (
    AUTO,
    CPU,
    CUDA,
    device_of_load,
    kind_of,
    usable_device,
)
from realtime.engines.several_models import id_of, unknown_model
from realtime.engines.sliding_window import SlidingWindow, SoundWindow, WindowShape
from realtime.engines.torch_threads import set_torch_threads
from realtime.engines.voice_change import VoiceChange
from realtime.errors import WeightsMissing
from realtime.settings import Settings
from realtime.weights import WeightFile

logger = logging.getLogger(__name__)

STEPS_A_SECOND = 50  # windows begin at a whole feature of content, each 20 ms
# A window begins well before its block, which costs as much as the block itself.
BLOCK_STEPS = {CPU: 25, CUDA: 5}


class LoadedVoice(Protocol):
    """A voice on its device."""

    device: str

    @property
    def version(self) -> str:
        """Return the version of the program that the voice was trained with."""


class VoiceStream(Protocol):
    """The state of one stream through a voice."""

    def convert(self, window: SoundWindow, check: Callable[[], None]) -> Samples: ...


Voice = TypeVar("Voice", bound=LoadedVoice)


class VoiceEngine(ABC, Generic[Voice]):
    """The engine of one voice in a folder of the models folder, or of none."""

    name: str
    block = blocks.TORCH
    may_use_cuda = True  # wherever it is placed
    revision: str  # raised when the same files sound different
    files: str  # of the voice NAME, for people
    file_block_steps: int  # of 20 ms, in a block of a recording

    def __init__(self, settings: Settings, model: str = "") -> None:
        self.model = model
        self._settings = settings
        self._folder = settings.models.path / self.name
        self._placed = ""
        self._loaded: Voice | None = None
        self._digests, self._loaded_version = FileDigests(), ""
        self.block_seconds: float | None = None

    @abstractmethod
    def find_models(self) -> list[str]: ...

    @abstractmethod
    def has_model(self, model: str) -> bool: ...

    @abstractmethod
    def _own_files(self) -> list[Path]:
        """List the files of the voice itself."""

    @abstractmethod
    def _shared_files(self) -> tuple[WeightFile, ...]:
        """List the files that voices share."""

    @abstractmethod
    def _check_voice(self) -> None:
        """Refuse a voice that is there and cannot be used, as far as a quick look tells."""

    @abstractmethod
    def _open(self) -> Voice: ...

    @abstractmethod
    def _window_shape(self, voice: Voice, change: VoiceChange) -> WindowShape:
        """Return the lengths of a stream's windows; refuse a change that the voice cannot do."""

    @abstractmethod
    def _begin(self, voice: Voice, change: VoiceChange) -> VoiceStream: ...

    @property
    def version(self) -> str:
        """Return what changes with the voice's files, so that the keys of recordings do too."""
        return self._loaded_version or self._digests.version(self.revision, self._own_files())

    def with_model(self, model: str) -> Self:
        return type(self)(self._settings, model)

    def files_of(self, model: str) -> str:
        return self.files.replace("NAME", model)

    @property
    def weights(self) -> tuple[WeightFile, ...]:
        """Return the files that it needs: the voice's own, and those that voices share."""
        names = [path.relative_to(self._folder).as_posix() for path in self._own_files()]
        return (*(WeightFile(self.name, name) for name in names), *self._shared_files())

    def check_files(self) -> None:
        """Refuse a voice that is not there or cannot be used, and a folder without any."""
        if self.model and self.has_model(self.model):
            self._check_voice()
            return
        there = self.find_models()
        if self.model or there:
            raise unknown_model(self.name, self.model, there, self.files)
        raise WeightsMissing(
            f"The engine {self.name!r} has no voice yet; looked into {self._folder}.",
            hint=f"Put {self.files}; docs/conversion.md says more.",
        )

    def load(self) -> None:
        self.check_files()
        set_torch_threads(self._settings)
        version = self.version
        self._loaded = self._open()
        self._warm_up()
        self._loaded_version = version
        found = self._loaded
        logger.info("%s is %s; it runs on %s", id_of(self), found.version, found.device)

    def unload(self) -> None:
        self._loaded, self._placed = None, ""
        self.block_seconds, self._loaded_version = None, ""

    def wanted_device(self) -> str:
        return usable_device(self._settings, id_of(self), AUTO)

    def place(self, device: str) -> None:
        self._placed = device

    def runs_on(self) -> str:
        """Return the device where the voice runs, or would."""
        if self._loaded is not None:
            return self._loaded.device
        return device_of_load(self._placed or self.wanted_device())

    def plan(self, change: VoiceChange) -> ConversionPlan:
        voice = self._voice()
        shape = self._window_shape(voice, change)
        step = shape.rate // STEPS_A_SECOND
        return ConversionPlan(
            shape.rate,
            shape.output_rate,
            step,
            step * BLOCK_STEPS[kind_of(voice.device)],
            latency=shape.latency,
            context=shape.past,
            file_block=step * self.file_block_steps,
        )

    def convert(
        self, blocks: Iterator[Samples], change: VoiceChange, cancel: CancelToken
    ) -> Iterator[Samples]:
        voice = self._voice()
        windows = SlidingWindow(self._window_shape(voice, change))
        stream = self._begin(voice, change)
        for block in blocks:
            cancel.check()
            window = windows.window(block)
            silent = window.is_silent  # it costs no run
            piece = windows.silence(window) if silent else stream.convert(window, cancel.check)
            yield np.clip(windows.join(piece), -1.0, 1.0)

    def _voice(self) -> Voice:
        assert self._loaded is not None, "only a loaded voice converts"
        return self._loaded

    def _warm_up(self) -> None:
        """Compute blocks of the real length: the first one of a stream is to take no longer.

        The second one is timed.
        """
        plan = self.plan(VoiceChange())
        quiet = np.full(plan.block, 1e-4, np.float32)  # silence would cost no run
        sounds = self.convert(iter([quiet, quiet]), VoiceChange(), CancelToken())
        next(sounds)
        started = time.perf_counter()
        next(sounds)
        self.block_seconds = time.perf_counter() - started
