"""Frames into sound, without a seam: pulses of a larynx and breath, both shaped by an envelope.

It knows no analysis and no change. Pulses go on from block to block where they are, and what rings
on is carried over, so that blocks need no fading into each other.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from realtime.engines.world_analysis import BINS, FFT, HOP, RATE, Floats, Singles, WorldFrames

Complex = npt.NDArray[np.complex64]

RING = FFT  # how long a pulse may be heard


def _steady() -> Singles:
    """What takes the constant part out of a pulse without an edge of its own."""
    shape = np.hanning(FFT // 2 + 2)[1:-1]
    return np.concatenate([shape / shape.sum(), np.zeros(FFT - shape.size)]).astype(np.float32)


STEADY = _steady()
WINDOW = (0.5 - 0.5 * np.cos(np.pi * np.arange(2 * HOP) / HOP)).astype(np.float32)
TURN = (-2 * np.pi * np.arange(BINS) / FFT).astype(np.float32)  # of each bin, in one sample


class PulseTrain:
    """One stream's voice: after n frames it has given n·HOP samples."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._phase = 0.0
        self._pitch = 0.0  # of the last frame
        self._pulse = np.zeros(BINS, np.complex64)
        self._noise = np.zeros(HOP, np.float32)
        self._ringing = np.zeros(0, np.float32)

    def feed(self, frames: WorldFrames) -> Singles:
        """The sound from the last frame of before to the last one of these."""
        count = frames.pitch.size
        sound = np.zeros(count * HOP + RING, np.float32)
        sound[: self._ringing.size] = self._ringing
        if frames.silent:
            self._rest()
        else:
            shapes = _shapes(frames.envelope)
            self._breathe(sound, shapes * frames.breath)
            self._pulses(sound, shapes * np.sqrt(1.0 - frames.breath**2), frames.pitch)
        self._pitch = float(frames.pitch[-1])
        rest = sound[count * HOP :]
        self._ringing = rest if rest.any() else rest[:0]
        return sound[: count * HOP]

    def _rest(self) -> None:
        """Nothing is said: no noise is drawn, and what began rings out."""
        self._phase = 0.0
        self._noise = np.zeros(HOP, np.float32)
        self._pulse = np.zeros(BINS, np.complex64)

    def _breathe(self, sound: Singles, shapes: Complex) -> None:
        """Noise, a window a frame, shaped by what of the envelope is breath."""
        count = len(shapes)
        fresh = self._random.standard_normal(count * HOP, np.float32)
        noise = np.concatenate([self._noise, fresh])
        self._noise = fresh[-HOP:]
        windows = np.stack([noise[i * HOP : (i + 2) * HOP] for i in range(count)]) * WINDOW
        heard = np.fft.irfft(np.fft.rfft(windows, FFT) * shapes, FFT)
        for place, part in enumerate(heard):
            sound[place * HOP : place * HOP + FFT] += part

    def _pulses(self, sound: Singles, shapes: Complex, pitch: Floats) -> None:
        shapes[pitch <= 0] = 0
        shapes = np.concatenate([self._pulse[None], shapes])
        self._pulse = shapes[-1]
        places, periods = self._places(pitch)
        if not places.size:
            return
        frame, share = np.divmod(places / HOP, 1.0)
        index, share = frame.astype(int), share.astype(np.float32)[:, None]
        whole, late = np.divmod(places, 1.0)
        gain = np.sqrt(periods).astype(np.float32)[:, None]
        mixed = shapes[index] * ((1 - share) * gain) + shapes[index + 1] * (share * gain)
        heard = np.fft.irfft(mixed * _turned(TURN * late.astype(np.float32)[:, None]), FFT)
        heard -= heard.sum(1, keepdims=True) * STEADY
        for start, part in zip(whole.astype(int), heard, strict=True):
            sound[start : start + FFT] += part

    def _places(self, pitch: Floats) -> tuple[Floats, Floats]:
        """Where the next pulses lie, between samples too, and how many samples each is alone."""
        track = _track(np.concatenate([[self._pitch], pitch]))
        turns = self._phase + np.cumsum(track) / RATE
        passed = np.floor(turns)
        ends = np.flatnonzero(np.diff(passed, prepend=np.floor(self._phase)) > 0)
        self._phase = float(turns[-1] % 1.0)
        periods = RATE / track[ends]
        # `turns[i]` is the phase at the end of sample i.
        return ends + 1.0 - (turns[ends] - passed[ends]) * periods, periods


def _track(pitch: Floats) -> Floats:
    """The pitch at every sample; from voiced to unvoiced it holds half of the way."""
    start, end = pitch[:-1, None], pitch[1:, None]
    share = (np.arange(HOP) + 0.5) / HOP
    both = (start > 0) & (end > 0)
    straight = start + (end - start) * share
    return np.where(both, straight, np.where(share < 0.5, start, end)).ravel()


def _shapes(envelope: Singles) -> Complex:
    """The spectra of those powers whose sound begins at once and is over soonest."""
    folded = np.fft.irfft(0.5 * envelope, FFT)
    folded[:, 1 : FFT // 2] *= 2
    folded[:, FFT // 2 + 1 :] = 0
    logarithm = np.fft.rfft(folded, FFT).astype(np.complex64, copy=False)
    shapes: Complex = np.exp(logarithm.real) * _turned(logarithm.imag)
    return shapes


def _turned(angle: Singles) -> Complex:
    """A number of length 1 at each angle; faster than the exponential of a complex number."""
    turned = np.empty(angle.shape, np.complex64)
    turned.real, turned.imag = np.cos(angle), np.sin(angle)
    return turned
