"""A converter of recordings: their mel, sounded again by a vocoder that people bring.

It changes no voice. It is for hearing what a vocoder gives, and for trying its settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import gcd

import numpy as np

from realtime import blocks
from realtime.acceleration import Accelerated
from realtime.engines.contract import CancelToken, ConversionPlan, Samples
from realtime.engines.placeable import CPU, device_of_load, usable_device, with_number
from realtime.engines.several_models import id_of, unknown_model
from realtime.engines.voice_change import VoiceChange
from realtime.errors import WeightsMissing
from realtime.settings import Settings
from realtime.vocoders.checkpoints import FILES
from realtime.vocoders.open import OpenedVocoder, open_vocoder
from realtime.weights import WeightFile, find_path, weights_missing

BLOCK_SECONDS = 0.1  # of a plan; it takes the recording as one block, however long


class VocoderEngine:
    """The engine of one vocoder in the models folder, or of none."""

    name = "vocoder"
    version = "1"
    block = blocks.TORCH

    def __init__(self, settings: Settings, model: str = "") -> None:
        self.model = model
        self._settings = settings
        self._placed = ""
        self._opened: OpenedVocoder | None = None

    def find_models(self) -> list[str]:
        """Name the vocoders all of whose files are there."""
        return [name for name, files in FILES.items() if all(map(self._is_there, files))]

    def has_model(self, model: str) -> bool:
        return model in self.find_models()

    def with_model(self, model: str) -> VocoderEngine:
        return VocoderEngine(self._settings, model)

    def files_of(self, model: str) -> str | None:
        return _names_of(model) if model in FILES else None

    @property
    def weights(self) -> tuple[WeightFile, ...]:
        """Return the files of its vocoder; without one, those of vocoders that are incomplete."""
        if self.model:
            return FILES.get(self.model, ())
        begun = [name for name in FILES if any(self._is_there(file) for file in FILES[name])]
        return tuple(file for name in begun for file in FILES[name])

    @property
    def accelerated(self) -> tuple[Accelerated, ...]:
        return () if self._opened is None else self._opened.networks

    def load(self) -> None:
        self.check_files()
        vocoder = replace(self._settings.vocoder, device=self._devices())
        self._opened = open_vocoder(self.model, replace(self._settings, vocoder=vocoder))

    def check_files(self) -> None:
        """Refuse a vocoder that is incomplete, and a folder in which none is complete."""
        for file in self.weights:
            if not self._is_there(file):
                raise weights_missing(file, self._settings)
        if self.model:
            return
        if there := self.find_models():
            raise unknown_model(self.name, "", there)
        looked, wanted = self._places()
        raise WeightsMissing(
            f"The engine {self.name!r} needs the files of a vocoder; looked at {looked}.",
            hint=f"Put {wanted}; docs/vocoders.md says more.",
        )

    def unload(self) -> None:
        opened, self._opened, self._placed = self._opened, None, ""
        if opened is not None:
            opened.close()

    def wanted_device(self) -> str:
        """Return the first of its devices: of several, sounds come to that one."""
        first = self._settings.vocoder.device.partition(",")[0].strip()
        return usable_device(self._settings, id_of(self), first)

    def place(self, device: str) -> None:
        self._placed = device

    def runs_on(self) -> str:
        if self._opened is not None:
            return with_number(self._opened.device)
        if not self.model:
            return CPU
        return device_of_load(self._placed or self.wanted_device())

    def _devices(self) -> str:
        """Return the devices to open it on: all of the setting, unless it is placed elsewhere."""
        listed = self._settings.vocoder.device
        is_first = self._placed == with_number(self.wanted_device())
        return listed if not self._placed or is_first else self._placed

    def plan(self, change: VoiceChange) -> ConversionPlan:
        opened = self._vocoder()
        rate, output_rate = opened.mel_format.sample_rate, opened.vocoder.sample_rate
        unit = rate // gcd(rate, output_rate)  # the fewest samples that make whole output samples
        block = round(BLOCK_SECONDS * rate / unit) * unit
        return ConversionPlan(rate, output_rate, step=unit, block=block, whole=True)

    def most_together(self, change: VoiceChange) -> int:
        return self._vocoder().vocoder.most_windows

    def convert(
        self, blocks: Iterator[Samples], change: VoiceChange, cancel: CancelToken
    ) -> Iterator[Samples]:
        for (sound,) in self.convert_together(([block] for block in blocks), change, cancel):
            assert sound is not None, "each block has its sound"
            yield sound

    def convert_together(
        self,
        rounds: Iterator[Sequence[Samples | None]],
        change: VoiceChange,
        cancel: CancelToken,
    ) -> Iterator[list[Samples | None]]:
        opened = self._vocoder()
        for asked in rounds:
            cancel.check()
            there = [block for block in asked if block is not None]
            sounds = iter(_resynthesise(opened, there, cancel))
            yield [None if block is None else next(sounds) for block in asked]

    def _vocoder(self) -> OpenedVocoder:
        assert self._opened is not None, "only a loaded vocoder is used"
        return self._opened

    def _is_there(self, file: WeightFile) -> bool:
        return find_path(file, self._settings) is not None

    def _places(self) -> tuple[str, str]:
        """Say where the files are looked for, and what to put where."""
        models = self._settings.models.path
        looked = ", ".join(str(file.path_in(models)) for files in FILES.values() for file in files)
        wanted = ", or ".join(f"{_names_of(name)} into {models / name}" for name in FILES)
        return looked, wanted


def _names_of(vocoder: str) -> str:
    return " and ".join(file.name for file in FILES[vocoder])


def _resynthesise(
    opened: OpenedVocoder, sounds: Sequence[Samples], cancel: CancelToken
) -> list[Samples]:
    """Return sounds that last as long; windows of all of them share runs."""
    least = opened.mel_format.fft + 1  # what a mel needs; a shorter sound is followed by silence
    mels = [opened.make_mel(np.pad(sound, (0, max(0, least - sound.size)))) for sound in sounds]
    made = opened.vocoder.render(mels, cancel.check)
    scale = (opened.vocoder.sample_rate, opened.mel_format.sample_rate)
    return [
        _fitted(samples, sound.size * scale[0] // scale[1])
        for samples, sound in zip(made, sounds, strict=True)
    ]


def _fitted(samples: Samples, count: int) -> Samples:
    """Give exactly `count` samples: a mel has no frame for the part of a hop at the end."""
    clean = np.clip(np.nan_to_num(samples[:count], nan=0.0, posinf=0.0, neginf=0.0), -1.0, 1.0)
    fitted: Samples = np.zeros(count, np.float32)
    fitted[: clean.size] = clean
    return fitted
