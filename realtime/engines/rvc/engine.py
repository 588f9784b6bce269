"""RVC: voices that people trained, for recordings and microphones.

A model is a voice file, with the index beside it if there is one. What voices share lies in folders
of its own: ContentVec, and a pitch estimator.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from realtime import blocks
from realtime.acceleration.cuda_driver import has_usable_gpu
from realtime.engines.contract import CancelToken, ConversionPlan, Samples
from realtime.engines.file_digest import FileDigests
from realtime.engines.placeable import AUTO, CPU, CUDA, device_in_settings, kind_of, with_number
from realtime.engines.rvc.model import RvcModel
from realtime.engines.rvc.options import OPTIONS, PITCH_METHOD, manner_of
from realtime.engines.rvc.stream import STEP, RvcStream, window_shape
from realtime.engines.rvc.voice_files import VoicePaths, find_voice, find_voices
from realtime.engines.several_models import id_of, unknown_model
from realtime.engines.sliding_window import SlidingWindow, WindowShape
from realtime.engines.voice_change import RANGES, VoiceChange
from realtime.engines.voice_features.pitch import pitch_files
from realtime.engines.voice_features.weights import content_file
from realtime.errors import WeightsMissing
from realtime.settings import Settings
from realtime.weights import WeightFile, find_parts, weights_missing

logger = logging.getLogger(__name__)

NAME = "rvc"
REVISION = "1"  # raised when the same files sound different
FILES = "NAME.pth in models/rvc/, and its added_….index beside it if there is one"
# A GPU hears as much of the past as the published program; on processors that costs too much.
CONTEXT_STEPS = {CPU: 25, CUDA: 100}  # of 20 ms
BLOCK_STEPS = {CPU: 25, CUDA: 5}
FILE_BLOCK_STEPS = 400  # 8 s: then nearly all of what is computed is used


class Rvc:
    """The engine of one voice in `models/rvc`, or of none."""

    name = NAME
    block = blocks.TORCH
    may_use_cuda = True  # wherever it is placed
    options = OPTIONS

    def __init__(self, settings: Settings, model: str = "") -> None:
        self.model = model
        self._settings = settings
        self._folder = settings.models.path / NAME
        self._placed = ""
        self._found: VoicePaths | None = None
        self._loaded: RvcModel | None = None
        self._digests, self._loaded_version = FileDigests(), ""
        self.block_seconds: float | None = None

    @property
    def version(self) -> str:
        """Return what changes with the voice's files, so that the keys of recordings do too."""
        return self._loaded_version or self._digests.version(REVISION, self._own_files())

    def find_models(self) -> list[str]:
        return find_voices(self._folder)

    def has_model(self, model: str) -> bool:
        return find_voice(self._folder, model) is not None

    def with_model(self, model: str) -> Rvc:
        return Rvc(self._settings, model)

    def files_of(self, model: str) -> str:
        return FILES.replace("NAME", model)

    def formant_range(self) -> tuple[float, float] | None:
        return RANGES["formant"]

    @property
    def weights(self) -> tuple[WeightFile, ...]:
        """Return the files that it needs: the voice's own, and those that voices share."""
        shared = (content_file(self._settings), *pitch_files(PITCH_METHOD))
        paths = self._paths()
        if paths is None:
            return shared
        names = [path.relative_to(self._folder).as_posix() for path in self._own_files()]
        return (*(WeightFile(NAME, name) for name in names), *shared)

    def load(self) -> None:
        self.check_files()
        paths = self._paths()
        assert paths is not None, "check_files refuses it"
        version = self.version
        self._set_threads()
        self._loaded = RvcModel(paths, self._settings, self.runs_on())
        self._warm_up()
        self._loaded_version = version
        voice = self._loaded.voice
        logger.info("%s is %s; it runs on %s", id_of(self), voice.version, self._loaded.device)

    def check_files(self) -> None:
        """Refuse a voice that is not there, and a folder without any."""
        if self._paths() is None:
            there = self.find_models()
            if self.model or there:
                raise unknown_model(self.name, self.model, there, FILES)
            raise WeightsMissing(
                f"The engine {self.name!r} has no voice yet; looked into {self._folder}.",
                hint=f"Put {FILES}; docs/conversion.md says more.",
            )
        for file in self.weights:
            if not find_parts(file, self._settings):
                raise weights_missing(file, self._settings)

    def unload(self) -> None:
        self._loaded, self._found, self._placed = None, None, ""
        self.block_seconds, self._loaded_version = None, ""

    def wanted_device(self) -> str:
        own = AUTO if has_usable_gpu() else CPU
        return device_in_settings(self._settings, id_of(self), own)

    def place(self, device: str) -> None:
        self._placed = device

    def runs_on(self) -> str:
        """Return the device where the voice runs, or would."""
        if self._loaded is not None:
            return self._loaded.device
        wanted = self._placed or self.wanted_device()
        return with_number(CUDA if wanted == AUTO else wanted)

    def plan(self, change: VoiceChange) -> ConversionPlan:
        model, shape = self._shape()
        manner_of(change, model.voice.speakers)
        return ConversionPlan(
            shape.rate,
            shape.output_rate,
            STEP,
            STEP * BLOCK_STEPS[kind_of(model.device)],
            latency=shape.latency,
            context=shape.past,
            file_block=STEP * FILE_BLOCK_STEPS,
        )

    def convert(
        self, blocks: Iterator[Samples], change: VoiceChange, cancel: CancelToken
    ) -> Iterator[Samples]:
        model, shape = self._shape()
        windows = SlidingWindow(shape)
        stream = RvcStream(model, change, manner_of(change, model.voice.speakers))
        for block in blocks:
            cancel.check()
            window = windows.window(block)
            silent = window.is_silent  # it costs no run
            piece = windows.silence(window) if silent else stream.convert(window, cancel.check)
            yield np.clip(windows.join(piece), -1.0, 1.0)

    def _shape(self) -> tuple[RvcModel, WindowShape]:
        assert self._loaded is not None, "only a loaded voice converts"
        context = STEP * CONTEXT_STEPS[kind_of(self._loaded.device)]
        return self._loaded, window_shape(self._loaded.voice.rate, context)

    def _set_threads(self) -> None:
        import torch

        if self._settings.models.threads:  # of this lane's thread alone
            torch.set_num_threads(self._settings.models.threads)

    def _own_files(self) -> list[Path]:
        paths = self._paths()
        if paths is None:
            return []
        return [paths.voice] if paths.index is None else [paths.voice, paths.index]

    def _paths(self) -> VoicePaths | None:
        """Find the model's files: again only where they are gone, and never while it is loaded."""
        if self._loaded is None and (self._found is None or not self._found.are_there):
            self._found = find_voice(self._folder, self.model) if self.model else None
        return self._found

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
        assert self._loaded is not None, "only a loaded voice converts"
        self._loaded.voice.release_packed()
