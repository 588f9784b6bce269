"""Noise for speech at 16 kHz, and how much of it is left."""

from __future__ import annotations

import numpy as np

from realtime.audio.samples import Samples


def noise_like(speech: Samples, colour: str, decibels: float) -> Samples:
    """Make noise that is so much quieter than the speech."""
    white = np.fft.rfft(np.random.default_rng(3).standard_normal(speech.size))
    frequencies = np.fft.rfftfreq(speech.size, 1 / 16_000)
    shape = {
        "white": np.ones_like(frequencies),
        "pink": 1 / np.sqrt(np.maximum(frequencies, 50)),
        "hum": np.abs(frequencies % 100) < 0.5,
    }[colour]
    noise = np.fft.irfft(white * shape, speech.size)
    wanted = np.sqrt(np.mean(speech**2)) / 10 ** (decibels / 20)
    return (noise * wanted / np.sqrt(np.mean(noise**2))).astype(np.float32)


def ratio(heard: Samples, speech: Samples) -> float:
    """Return how much louder the speech in a sound is than the rest of it, in dB."""
    share = float(heard @ speech) / float(speech @ speech)
    rest = heard - share * speech
    return float(10 * np.log10(share**2 * (speech @ speech) / (rest @ rest)))
