"""DDSP-SVC: voices that people trained, for recordings and microphones.

A model is a folder with a voice. What voices share lies in folders of its own: ContentVec, a pitch
estimator, and the vocoder.
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
from realtime.engines.ddsp_svc.model import DdspModel
from realtime.engines.ddsp_svc.options import (
    FORMANTS,
    OPTIONS,
    PITCH_METHOD,
    VoiceManner,
    manner_of,
)
from realtime.engines.ddsp_svc.stream import STEPS_A_SECOND, DdspStream, window_shape
from realtime.engines.ddsp_svc.vocoder_file import VOCODER_FILES
from realtime.engines.ddsp_svc.voice_files import (
    CONFIG,
    find_voice_file,
    find_voices,
    read_config,
    says_pitch_aug,
)
from realtime.engines.file_digest import FileDigests
from realtime.engines.placeable import (
    AUTO,
    CPU,
    CUDA,
    device_in_settings,
    kind_of,
    with_number,
)
from realtime.engines.several_models import id_of, unknown_model
from realtime.engines.sliding_window import SlidingWindow
from realtime.engines.voice_change import VoiceChange
from realtime.engines.voice_features.pitch import pitch_files
from realtime.engines.voice_features.weights import content_file
from realtime.errors import WeightsMissing
from realtime.settings import Settings
from realtime.weights import WeightFile

logger = logging.getLogger(__name__)

NAME = "ddsp_svc"
REVISION = "1"  # raised when the same files sound different
FILES = "config.yaml and model_STEP.pt in models/ddsp_svc/NAME/"
# A window begins more than a second before its block, which costs as much as the block itself.
BLOCK_STEPS = {CPU: 25, CUDA: 5}  # of 20 ms
FILE_BLOCK_STEPS = 200  # 4 s: then most of what is computed is used


class DdspSvc:
    """The engine of one voice in `models/ddsp_svc`, or of none."""

    name = NAME
    block = blocks.TORCH
    may_use_cuda = True  # wherever it is placed
    options = OPTIONS

    def __init__(self, settings: Settings, model: str = "") -> None:
        self.model = model
        self._settings = settings
        self._folder = settings.models.path / NAME
        self._placed = ""
        self._loaded: DdspModel | None = None
        self._digests, self._loaded_version = FileDigests(), ""
        self.block_seconds: float | None = None

    @property
    def version(self) -> str:
        """Return what changes with the voice's files, so that the keys of recordings do too."""
        return self._loaded_version or self._digests.version(REVISION, self._own_files())

    def find_models(self) -> list[str]:
        return find_voices(self._folder)

    def has_model(self, model: str) -> bool:
        is_name = model.isprintable() and not model.startswith(".") and Path(model).name == model
        return is_name and find_voice_file(self._folder / model) is not None

    def with_model(self, model: str) -> DdspSvc:
        return DdspSvc(self._settings, model)

    def files_of(self, model: str) -> str:
        return FILES.replace("NAME", model)

    def formant_range(self) -> tuple[float, float] | None:
        """Return the range, as the voice's tensors say, or its configuration before it is loaded.

        This looks at a file, which is read again only when it was changed.
        """
        if self._loaded is not None:
            moves = self._loaded.voice.shape.pitch_aug
        else:
            moves = bool(self.model) and says_pitch_aug(self._folder / self.model / CONFIG)
        return FORMANTS if moves else None

    @property
    def weights(self) -> tuple[WeightFile, ...]:
        """Return the files that it needs: the voice's, and those that voices share."""
        shared = (
            content_file(self._settings),
            *pitch_files(PITCH_METHOD),
            *VOCODER_FILES,
        )
        if not self.model:
            return shared
        names = [path.name for path in self._own_files()]
        return (*(WeightFile(NAME, f"{self.model}/{name}") for name in names), *shared)

    def load(self) -> None:
        self.check_files()
        self._set_threads()
        version = self.version
        loaded = DdspModel(self._folder / self.model, self._settings, self.runs_on())
        self._loaded = loaded
        self._warm_up()
        self._loaded_version = version
        logger.info("%s is %s; it runs on %s", id_of(self), loaded.version, loaded.device)

    def check_files(self) -> None:
        """Refuse a voice that is not there or of another program, and a folder without any."""
        if self.model and self.has_model(self.model):
            read_config(self._folder / self.model / CONFIG)
            return
        there = self.find_models()
        if self.model or there:
            raise unknown_model(self.name, self.model, there, FILES)
        raise WeightsMissing(
            f"The engine {self.name!r} has no voice yet; looked into {self._folder}.",
            hint=f"Put {FILES}; docs/conversion.md says more.",
        )

    def unload(self) -> None:
        self._loaded, self._placed = None, ""
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
        model, manner = self._manner(change)
        shape = window_shape(model, manner)
        step = shape.rate // STEPS_A_SECOND
        return ConversionPlan(
            shape.rate,
            shape.rate,
            step,
            step * BLOCK_STEPS[kind_of(model.device)],
            latency=shape.latency,
            context=shape.past,
            file_block=step * FILE_BLOCK_STEPS,
        )

    def convert(
        self, blocks: Iterator[Samples], change: VoiceChange, cancel: CancelToken
    ) -> Iterator[Samples]:
        model, manner = self._manner(change)
        windows = SlidingWindow(window_shape(model, manner))
        stream = DdspStream(model, change, manner)
        for block in blocks:
            cancel.check()
            window = windows.window(block)
            silent = window.is_silent  # it costs no run
            piece = windows.silence(window) if silent else stream.convert(window, cancel.check)
            yield np.clip(windows.join(piece), -1.0, 1.0)

    def _own_files(self) -> list[Path]:
        if not self.model:
            return []
        folder = self._folder / self.model
        return [folder / CONFIG, find_voice_file(folder) or folder / "model_STEP.pt"]

    def _manner(self, change: VoiceChange) -> tuple[DdspModel, VoiceManner]:
        """Return the loaded voice, and what a change means for it."""
        assert self._loaded is not None, "only a loaded voice converts"
        return self._loaded, manner_of(change, self._loaded)

    def _set_threads(self) -> None:
        import torch

        if self._settings.models.threads:  # of this lane's thread alone
            torch.set_num_threads(self._settings.models.threads)

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
