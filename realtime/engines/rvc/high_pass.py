"""The high-pass filter before RVC's networks: Butterworth, order 5, 48 Hz, forwards and backwards.

Both passes are products of spectra: the exact response is known in closed form, and a loop over
samples would cost more than a network. What is left of the sound goes on for ever with its first
value, as in a filter that has settled, so the result is that of the published one.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

Singles = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

RATE = 16_000
CUTOFF = 48.0  # Hz
ORDER = 5
EXTENDED = 18  # samples by which the ends are mirrored, about a point, as published
SETTLED = 8_192  # samples after which the filter has forgotten: its slowest part falls by 1e-20


def high_pass(sound: Singles) -> Singles:
    """Return a sound at 16 kHz without what is below the voice, not delayed."""
    more = min(EXTENDED, sound.size - 1)
    if more < 1:
        return np.zeros_like(sound)
    whole = sound.astype(np.float64)
    start = 2 * whole[0] - whole[more:0:-1]
    end = 2 * whole[-1] - whole[-2 : -more - 2 : -1]
    extended = np.concatenate([start, whole, end])
    once = _filtered(extended)
    twice = _filtered(once[::-1])[::-1]
    return twice[more : more + sound.size].astype(np.float32)


def _filtered(sound: Floats) -> Floats:
    """Filter a sound whose past is its first value: that constant gives nothing."""
    count = 1 << (sound.size + SETTLED - 1).bit_length()
    spectrum = np.fft.rfft(sound - sound[0], count)
    filtered: Floats = np.fft.irfft(spectrum * _response(count), count)[: sound.size]
    return filtered


@functools.lru_cache(maxsize=8)
def _response(count: int) -> npt.NDArray[np.complex128]:
    """Return the filter's response at the frequencies of a spectrum."""
    warped = 2 * RATE * np.tan(np.pi * CUTOFF / RATE)
    angles = np.pi * (2 * np.arange(ORDER) + ORDER + 1) / (2 * ORDER)
    # Poles of the low-pass, turned into those of the high-pass, then brought to the unit circle.
    poles = warped / np.exp(1j * angles)
    poles = (2 * RATE + poles) / (2 * RATE - poles)
    turns = np.exp(2j * np.pi * np.arange(count // 2 + 1) / count)[:, None]
    gain = np.prod((-1 - poles) / -2).real  # 1 at half the rate
    response: npt.NDArray[np.complex128] = gain * np.prod((turns - 1) / (turns - poles), axis=1)
    return response
