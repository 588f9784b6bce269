"""Streams through a voice, window by window.

Frames and samples are counted from the stream's start. Noise is drawn by place, and the phase of
the pitch goes on from window to window, so that overlapping windows make the same sound.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from realtime.engines.contract import Samples
from realtime.engines.pitch_change import PitchChange
from realtime.engines.pitch_track import PitchTrack
from realtime.engines.positional_noise import PositionalNoise
from realtime.engines.rvc.features import protect_unvoiced, repeat_frames
from realtime.engines.rvc.high_pass import high_pass
from realtime.engines.rvc.loudness import mix_loudness
from realtime.engines.rvc.model import RvcModel
from realtime.engines.rvc.options import RvcManner
from realtime.engines.rvc.voice import Floats, FrameWindow, Singles
from realtime.engines.sliding_window import SoundWindow, WindowShape
from realtime.engines.voice_change import VoiceChange

RATE = 16_000  # Hz
FRAME = 160  # samples, 10 ms
STEP = 320  # samples of a content feature: windows begin at a whole one, so that they agree
AHEAD = 480  # samples: the last features of a window have nothing after them
JOIN = 800  # samples: 40 ms fade, and a place is sought within 10 ms
SEARCHES = 100  # a second: the share of a second that is searched


def window_shape(rate: int, context: int) -> WindowShape:
    """Return the lengths of windows with so many samples of the past."""
    return WindowShape(RATE, rate, context, AHEAD, JOIN, rate // SEARCHES)


class StreamNoise:
    """The noise of a stream, by its place in one window."""

    def __init__(self, latent: PositionalNoise, source: PositionalNoise) -> None:
        self._latent, self._source = latent, source
        self._frame = self._sample = 0

    def move_to(self, frame: int, hop: int) -> None:
        """Let the window's first frame be that of a stream's frame."""
        self._frame, self._sample = frame, frame * hop

    def latent(self, first: int, count: int, width: int) -> Singles:
        return self._latent.normal(self._frame + first, count, width)

    def source(self, first: int, count: int) -> Singles:
        return self._source.normal(self._sample + first, count)


class RvcStream:
    """The stream's state, and the way of a window."""

    def __init__(self, model: RvcModel, change: VoiceChange, manner: RvcManner) -> None:
        self._model = model
        self._voice = model.voice
        self._manner = manner
        self._noise = StreamNoise(
            PositionalNoise(change.seed, "rvc latent"), PositionalNoise(change.seed, "rvc source")
        )
        self._pitch, self._pitch_change = PitchTrack(), PitchChange(change)

    def convert(self, window: SoundWindow, check: Callable[[], None]) -> Samples:
        """Return the piece that a window asks for; `check` may raise to end the work early."""
        voice, heard = self._voice, high_pass(window.sound)
        first, frames = window.first // FRAME, heard.size // FRAME
        pitch = self._settled_pitch(window, heard, first, frames) if voice.has_pitch else None
        check()
        content = self._content(heard, frames, pitch)
        check()
        shown = FrameWindow(
            content,
            pitch,
            window.start // FRAME,
            window.stop // FRAME,
            before=voice.reach,
            after=AHEAD // FRAME,
        )
        self._noise.move_to(first, voice.hop)
        phase = 0.0 if pitch is None else self._phase(first + shown.decoded.start, pitch, shown)
        sound = voice.sound(shown, self._noise, self._manner.speaker, phase, self._manner.formant)
        original = window.sound[window.start : window.stop]
        return mix_loudness(sound, voice.rate, original, RATE, self._manner.rms_mix)

    def _settled_pitch(
        self, window: SoundWindow, heard: Singles, first: int, frames: int
    ) -> Floats:
        """Return the pitch of each frame as it is to sound, the same in all windows."""
        found = self._model.estimator(self._manner.pitch_method).pitch(heard)[:frames]
        ahead = frames - window.stop // FRAME
        changed = self._pitch_change.changed(found, first)
        return self._pitch.settle(first, changed.astype(np.float32), ahead).astype(np.float64)

    def _content(self, heard: Singles, frames: int, pitch: Floats | None) -> Singles:
        """Return the content of each frame, moved towards the voice's own recordings."""
        content, index = self._model.content(heard), self._model.index
        own = repeat_frames(content, frames)
        if index is None or not self._manner.index_share:
            return own
        blended = repeat_frames(index.blend(content, self._manner.index_share), frames)
        if pitch is None:
            return blended
        return protect_unvoiced(blended, own, pitch, self._manner.protect)

    def _phase(self, frame: int, pitch: Floats, shown: FrameWindow) -> float:
        """Return the phase at the first frame that is decoded, and keep those of the later ones."""
        start = self._pitch.phase_at(frame)
        turns = np.cumsum(pitch[shown.decoded.start :] * self._voice.hop / self._voice.rate)
        self._pitch.keep_phases(frame, start + np.concatenate([[0.0], turns]))
        return start
