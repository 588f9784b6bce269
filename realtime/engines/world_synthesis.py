"""WORLD's synthesis of a stream: pulses of a larynx and breath, both shaped by an envelope.

Pulses keep their phase from block to block, and the end of their sound is carried over. So blocks
fit without fading into each other.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from realtime.engines.world_analysis import BINS, FFT, HOP, RATE, Floats, Singles, WorldFrames

Complex = npt.NDArray[np.complex64]

RING = FFT  # samples that a pulse lasts at most


def _steady() -> Singles:
    """Make the shape that takes the constant part out of a pulse without an edge of its own."""
    shape = np.hanning(FFT // 2 + 2)[1:-1]
    return np.concatenate([shape / shape.sum(), np.zeros(FFT - shape.size)]).astype(np.float32)


STEADY = _steady()
WINDOW = (0.5 - 0.5 * np.cos(np.pi * np.arange(2 * HOP) / HOP)).astype(np.float32)
TURN = (-2 * np.pi * np.arange(BINS) / FFT).astype(np.float32)  # phase of each bin in a sample


class PulseTrain:
    """The voice of one stream: each frame gives HOP samples."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._phase = 0.0
        self._pitch = 0.0  # of the last frame
        self._pulse = np.zeros(BINS, np.complex64)  # the spectrum of the last frame's pulses
        self._noise = np.zeros(HOP, np.float32)  # the last frame's, for the window across blocks
        self._ringing = np.zeros(0, np.float32)  # the sound of earlier pulses after this block

    def feed(self, frames: WorldFrames) -> Singles:
        """Return the sound from the last frame of the block before to the last of these."""
        count = frames.pitch.size
        sound = np.zeros(count * HOP + RING, np.float32)
        sound[: self._ringing.size] = self._ringing
        if frames.silent:
            self._reset()
        else:
            shapes = _pulse_spectra(frames.envelope)
            self._add_breath(sound, shapes * frames.breath)
            self._add_pulses(sound, shapes * np.sqrt(1.0 - frames.breath**2), frames.pitch)
        self._pitch = float(frames.pitch[-1])
        rest = sound[count * HOP :]
        self._ringing = rest if rest.any() else rest[:0]
        return sound[: count * HOP]

    def _reset(self) -> None:
        """Forget pulses and noise in silence; no noise is drawn, and sound that began rings out."""
        self._phase = 0.0
        self._noise = np.zeros(HOP, np.float32)
        self._pulse = np.zeros(BINS, np.complex64)

    def _add_breath(self, sound: Singles, shapes: Complex) -> None:
        """Add noise in a window a frame, shaped by the breath's part of the envelope."""
        count = len(shapes)
        fresh = self._random.standard_normal(count * HOP, np.float32)
        noise = np.concatenate([self._noise, fresh])
        self._noise = fresh[-HOP:]
        windows = np.stack([noise[i * HOP : (i + 2) * HOP] for i in range(count)]) * WINDOW
        parts = np.fft.irfft(np.fft.rfft(windows, FFT) * shapes, FFT)
        for place, part in enumerate(parts):
            sound[place * HOP : place * HOP + FFT] += part

    def _add_pulses(self, sound: Singles, shapes: Complex, pitch: Floats) -> None:
        """Add a pulse at each place, its shape and sub-sample place interpolated."""
        shapes[pitch <= 0] = 0
        shapes = np.concatenate([self._pulse[None], shapes])
        self._pulse = shapes[-1]
        places, periods = self._pulse_places(pitch)
        if not places.size:
            return
        frame, share = np.divmod(places / HOP, 1.0)
        index, share = frame.astype(int), share.astype(np.float32)[:, None]
        whole, late = np.divmod(places, 1.0)
        gain = np.sqrt(periods).astype(np.float32)[:, None]
        mixed = shapes[index] * ((1 - share) * gain) + shapes[index + 1] * (share * gain)
        parts = np.fft.irfft(mixed * _rotations(TURN * late.astype(np.float32)[:, None]), FFT)
        parts -= parts.sum(1, keepdims=True) * STEADY
        for start, part in zip(whole.astype(int), parts, strict=True):
            sound[start : start + FFT] += part

    def _pulse_places(self, pitch: Floats) -> tuple[Floats, Floats]:
        """Find the places of pulses, in fractions of samples, and the period of each in samples."""
        track = _pitch_at_samples(np.concatenate([[self._pitch], pitch]))
        turns = self._phase + np.cumsum(track) / RATE
        passed = np.floor(turns)
        ends = np.flatnonzero(np.diff(passed, prepend=np.floor(self._phase)) > 0)
        self._phase = float(turns[-1] % 1.0)
        periods = RATE / track[ends]
        # `turns[i]` is the phase at the end of sample i.
        return ends + 1.0 - (turns[ends] - passed[ends]) * periods, periods


def _pitch_at_samples(pitch: Floats) -> Floats:
    """Give the pitch at every sample; between a voiced and an unvoiced frame it steps half-way."""
    start, end = pitch[:-1, None], pitch[1:, None]
    share = (np.arange(HOP) + 0.5) / HOP
    both = (start > 0) & (end > 0)
    straight = start + (end - start) * share
    return np.where(both, straight, np.where(share < 0.5, start, end)).ravel()


def _pulse_spectra(envelope: Singles) -> Complex:
    """Give the minimum-phase spectra of log powers: their pulses begin at once and end soonest."""
    folded = np.fft.irfft(0.5 * envelope, FFT)
    folded[:, 1 : FFT // 2] *= 2
    folded[:, FFT // 2 + 1 :] = 0
    logarithm = np.fft.rfft(folded, FFT).astype(np.complex64, copy=False)
    shapes: Complex = np.exp(logarithm.real) * _rotations(logarithm.imag)
    return shapes


def _rotations(angle: Singles) -> Complex:
    """Give e^(i·angle), faster than by a complex exponential."""
    rotations = np.empty(angle.shape, np.complex64)
    rotations.real, rotations.imag = np.cos(angle), np.sin(angle)
    return rotations
