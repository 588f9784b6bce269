"""The way of one stream through a voice, window by window.

Frames and samples are counted from the stream's start. Noise is drawn by place, and the phases of
both sources go on from window to window, so that overlapping windows make the same sound.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from realtime.engines.contract import Samples
from realtime.engines.ddsp_svc.features import (
    CONTENT_RATE,
    PITCH_SECONDS,
    Singles,
    content_sound,
    filled_pitch,
    frame_pitch,
    frame_volume,
    smooth_volume,
    sound_mask,
    unit_index,
)
from realtime.engines.ddsp_svc.model import DdspModel
from realtime.engines.ddsp_svc.options import VoiceManner
from realtime.engines.pitch_change import PitchChange
from realtime.engines.pitch_track import PitchTrack
from realtime.engines.positional_noise import PositionalNoise
from realtime.engines.sliding_window import SoundWindow, WindowShape
from realtime.engines.voice_change import VoiceChange
from realtime.engines.voice_engine import STEPS_A_SECOND

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

AHEAD_SECONDS = 0.02  # the newest sound is not used: its frames have nothing after them
SPECTRUM_REACH = 4  # frames that the filters' spectra and the mel look back
# The flow's layers look back 15 frames each. Three of them are heard: what lies further back
# changes the mel by less than another seed does.
FLOW_LAYERS_HEARD = 3
CONV_REACH = 2  # frames, of the two first convolutions of the network of controls


def window_shape(model: DdspModel, manner: VoiceManner) -> WindowShape:
    """Return the lengths of windows, in which the networks hear what they look back at."""
    shape = model.voice.shape
    step = shape.rate // STEPS_A_SECOND

    def whole_steps(samples: float) -> int:
        return math.ceil(samples / step) * step

    context = CONV_REACH + _layers_reach(shape.layers) + SPECTRUM_REACH
    context += flow_reach(model, manner) + model.vocoder.reach.before
    return WindowShape(
        shape.rate,
        shape.rate,
        whole_steps(context * shape.hop),
        whole_steps(max(AHEAD_SECONDS * shape.rate, shape.hop)),
        join=step,
    )


def flow_reach(model: DdspModel, manner: VoiceManner) -> int:
    """Return the frames before a frame that the flow is given with it."""
    if manner.start >= 1.0:
        return 0
    return _layers_reach(min(model.voice.shape.flow_layers, FLOW_LAYERS_HEARD))


def _layers_reach(layers: int) -> int:
    from realtime.networks.conformer import REACH

    return layers * REACH


class DdspStream:
    """The stream's state, and the way of a window."""

    def __init__(self, model: DdspModel, change: VoiceChange, manner: VoiceManner) -> None:
        self._model = model
        self._change = change
        self._manner = manner
        self._estimator = model.estimator(manner.pitch_method)
        self._sound_noise, self._flow_noise, self._source_noise = (
            PositionalNoise(change.seed, f"ddsp {purpose}")
            for purpose in ("sound", "flow", "source")
        )
        offsets = PositionalNoise(change.seed, "ddsp offsets")
        self._offsets = offsets.uniform(0, 1, max(1, model.vocoder.generator.harmonics))
        self._pitch, self._comb, self._harmonics = PitchTrack(), PitchTrack(), PitchTrack()
        self._pitch_change = PitchChange(change)
        self._held = model.config.lowest_pitch  # Hz, where a window has no pitch
        self._warned = False

    def convert(self, window: SoundWindow, check: Callable[[], None]) -> Samples:
        """Return the piece that a window asks for; `check` may raise to end the work early."""
        import torch

        with torch.inference_mode():
            sound = self._convert(window, check)
        if not np.isfinite(sound).all():
            if not self._warned:
                logger.warning("a voice of DDSP-SVC gave numbers that are none: silence for them")
            self._warned = True
            sound = np.nan_to_num(sound, nan=0.0, posinf=0.0, neginf=0.0)
        return sound

    def _convert(self, window: SoundWindow, check: Callable[[], None]) -> Samples:
        model, shape = self._model, self._model.voice.shape
        first, count = self._frames(window)
        piece = (window.first + window.start) // shape.hop  # its first frame
        content = self._content(window)
        pitch = self._settled_pitch(window, content, first, count)
        volume = self._volume(window, first, count)
        check()
        units = self._units(window, content, first, count)
        check()
        sound = self._source_sound(units, pitch, volume, first)
        mel = model.voice.mel(sound, model.vocoder.mel_format)
        reach = model.vocoder.reach.before
        begin = max(0, piece - reach - flow_reach(model, self._manner) - first)
        mel = self._refined(mel[..., begin:], first + begin, check)
        late = max(begin, piece - reach - first)
        check()
        made = self._vocoded(mel[..., late - begin :], pitch, first, late)
        made *= self._mask(volume)[late * shape.hop :]
        start = window.first + window.start - (first + late) * shape.hop
        return made[start : start + window.stop - window.start]

    def _frames(self, window: SoundWindow) -> tuple[int, int]:
        """Return the first of a window's whole frames, and how many there are."""
        hop = self._model.voice.shape.hop
        first = -(-window.first // hop)
        return first, (window.first + window.sound.size) // hop - first

    def _content(self, window: SoundWindow) -> Samples:
        """Return the window's sound at 16 kHz."""
        import torch

        sound = torch.from_numpy(window.sound)[None]
        made: Samples = content_sound(sound, self._model.voice.shape.rate)[0].numpy()
        return made

    def _units(self, window: SoundWindow, content: Samples, first: int, count: int) -> Tensor:
        """Return (1, frames, size): for each frame the unit that is nearest in the stream."""
        import torch

        shape, doubled = self._model.voice.shape, self._model.config.doubled
        units = self._model.encoder.units(content, twice=doubled)
        hop = CONTENT_RATE // STEPS_A_SECOND // (2 if doubled else 1)
        before = window.first * CONTENT_RATE // (shape.rate * hop)  # units before the window
        end = before + units.shape[1]
        index = unit_index(count, shape.hop, shape.rate, hop, end, first) - before
        return units[:, torch.from_numpy(np.maximum(index, 0)).to(units.device)]

    def _settled_pitch(
        self, window: SoundWindow, content: Samples, first: int, count: int
    ) -> Singles:
        """Return the pitch of each frame as it is to sound, the same in all windows."""
        shape, config = self._model.voice.shape, self._model.config
        found = self._estimator.pitch(content).astype(np.float64)
        self._pitch_change.learn(found, round(window.first / (shape.rate * PITCH_SECONDS)))
        start = first * shape.hop - window.first
        pitch = frame_pitch(found, count, shape.hop, shape.rate, start)
        if (pitch > 0).any():
            pitch = filled_pitch(pitch, config.lowest_pitch)
            self._held = float(pitch[-1])
        else:
            pitch = np.full(count, self._held)
        ahead = first + count - -(-(window.first + window.stop) // shape.hop)
        changed = pitch * self._pitch_change.factor()
        return self._pitch.settle(first, changed.astype(np.float32), ahead)

    def _volume(self, window: SoundWindow, first: int, count: int) -> Singles:
        shape, smooth = self._model.voice.shape, self._model.config.volume_window
        sound = window.sound[first * shape.hop - window.first :]
        if smooth is None:
            return frame_volume(sound, shape.hop)[:count]
        return smooth_volume(sound, shape.hop, shape.rate, smooth)[:count]

    def _source_sound(self, units: Tensor, pitch: Singles, volume: Singles, first: int) -> Tensor:
        """Return the voice's own sound of all frames, (1, samples)."""
        from realtime.engines.ddsp_svc.networks.comb_source import frame_turns
        from realtime.engines.ddsp_svc.networks.unit2control import FrameInputs

        shape = self._model.voice.shape
        lowered = pitch.astype(np.float64) * 2.0 ** (-self._manner.register / 12.0)
        hertz = self._tensor(lowered)
        start = self._comb.phase_at(first)
        self._keep(self._comb, first, start, frame_turns(hertz, shape.rate, shape.hop))
        inputs = FrameInputs(
            units,
            hertz,
            self._tensor(volume),
            self._tensor(np.array(self._manner.speakers, np.float32)),
            self._tensor(np.array([self._manner.formant], np.float32)),
        )
        noise = self._sound_noise.normal(first * shape.hop, pitch.size * shape.hop)[:, 0]
        return self._model.voice.sound(inputs, self._tensor(noise), start)

    def _refined(self, mel: Tensor, first: int, check: Callable[[], None]) -> Tensor:
        manner = self._manner
        noise = self._flow_noise.normal(first, mel.shape[2], mel.shape[1])
        return self._model.voice.refine(
            mel,
            self._tensor(noise.T),
            start=manner.start,
            steps=manner.steps,
            method=manner.method,
            check=check,
        )

    def _vocoded(self, mel: Tensor, pitch: Singles, first: int, late: int) -> Samples:
        """Return the sound of a mel, which begins `late` frames behind the first one."""
        from realtime.vocoders.networks.pitched_generator import LOG10

        vocoder = self._model.vocoder
        generator, hop = vocoder.generator, vocoder.generator.hop
        hertz = self._tensor(pitch)
        self._keep(self._harmonics, first, self._harmonics.phase_at(first), vocoder.turns(hertz))
        noise, offsets = None, self._tensor(self._offsets[0])
        if generator.harmonics:
            place, count = (first + late) * hop, mel.shape[2] * hop
            noise = self._tensor(self._source_noise.normal(place, count, generator.harmonics))
        start = self._harmonics.phase_at(first + late)
        source = generator.source(hertz[:, late:], noise, start, offsets)
        if self._model.config.log10:
            mel = mel * LOG10
        made: Samples = generator(mel, source=source.signal).flatten().cpu().numpy()
        return made

    def _keep(self, track: PitchTrack, first: int, start: float, turns: Tensor) -> None:
        """Keep the phase at the beginning of each frame of (1, frames - 1) turns."""
        ends = np.cumsum(turns[0].double().cpu().numpy())
        track.keep_phases(first, start + np.concatenate([[0.0], ends]))

    def _mask(self, volume: Singles) -> Singles:
        """Return factors that keep silence silent, as the published programs do."""
        widened = self._model.config.volume_window is None
        return sound_mask(volume, self._change.gate, self._model.voice.shape.hop, widened)

    def _tensor(self, numbers: Any) -> Tensor:
        """Return numbers as (1, …) on the device."""
        import torch

        found = torch.from_numpy(np.ascontiguousarray(numbers))[None]
        return found.to(self._model.device)
