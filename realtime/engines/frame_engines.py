"""The contract of engines that go through a stream frame by frame, whose state is a value."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from realtime.audio.samples import Samples
from realtime.weights import WeightFile


@runtime_checkable
class Detector(Protocol):
    """An engine that tells speech from silence, frame by frame."""

    name: str
    version: str
    sample_rate: int
    frame: int  # samples
    block: str
    weights: tuple[WeightFile, ...]

    def load(self) -> None: ...

    def unload(self) -> None: ...

    def detect(self, samples: Samples, state: Any) -> tuple[Samples, Any]:
        """Return the probability of speech in each whole frame, and the state for the next call.

        A stream begins with None as its state.
        """


@runtime_checkable
class Denoiser(Protocol):
    """An engine that takes noise out of a voice, frame by frame."""

    name: str
    version: str
    sample_rate: int
    frame: int  # samples
    latency: int  # samples by which its sound is late
    block: str
    weights: tuple[WeightFile, ...]

    def load(self) -> None: ...

    def unload(self) -> None: ...

    def clean(self, samples: Samples, state: Any) -> tuple[Samples, Any]:
        """Return as many samples as come in, whole frames of them, and the state for the next call.

        A stream begins with None as its state.
        """
