"""Pitch of a voice by four methods, all with one frame for each 10 ms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from realtime.audio.samples import Samples
from realtime.engines.onnx_session import open_session
from realtime.engines.torch_file import named_faults
from realtime.engines.voice_features.shared import SharedPart, share
from realtime.engines.voice_features.weights import FCPE, RMVPE, SWIFT_F0, read_state
from realtime.errors import BadRequest
from realtime.settings import Settings
from realtime.weights import WeightFile, read_weights, verified_path

if TYPE_CHECKING:
    from realtime.networks.fcpe import Fcpe
    from realtime.networks.rmvpe import Rmvpe

RATE = 16_000  # Hz, of the sound
HOP = 160  # samples
LOWEST, HIGHEST = 50.0, 1_100.0  # Hz, of the methods that are told a range
SHORTEST = 2_048  # samples; shorter sounds are filled up with silence
# Likelihood of a voiced frame. FCPE's is published as 0.006, but white and pink noise reach 0.019;
# a voice is above 0.35 even under noise as loud as itself.
FCPE_VOICED = 0.02
RMVPE_VOICED = 0.03  # as published
SWIFT_HOP = 256  # samples of a frame of SwiftF0's
SWIFT_VOICED = 0.5  # confidence of a voiced frame, as published
# SwiftF0 hears voices in digital silence, which it was not trained with.
SWIFT_SILENT = 1e-3  # the largest sample of a frame that counts as silence


class PitchEstimator(Protocol):
    """A method that finds the pitch of a voice."""

    def load(self) -> None:
        """Load what it needs, unless it is; a file that is missing or wrong is an Unavailable."""

    def pitch(self, sound: Samples) -> Samples:
        """Turn a sound at 16 kHz into Hz, `samples // 160 + 1` of them, with 0 for unvoiced."""


class FcpePitch(SharedPart["Fcpe"]):
    """FCPE: quick, and good enough for live use on a processor."""

    weights = (FCPE,)

    def pitch(self, sound: Samples) -> Samples:
        return _run(self._network(), sound, self._device, FCPE_VOICED)

    def _open(self) -> Fcpe:
        from realtime.networks.fcpe import Fcpe

        path = verified_path(FCPE, self._settings)
        state = {name: value.float().clone() for name, value in read_state(path).items()}
        with named_faults(path):
            return Fcpe.loaded(state).to(self._device)


class RmvpePitch(SharedPart["Rmvpe"]):
    """RMVPE: the most robust, with eight times as many numbers."""

    weights = (RMVPE,)

    def pitch(self, sound: Samples) -> Samples:
        return _run(self._network(), sound, self._device, RMVPE_VOICED)

    def _open(self) -> Rmvpe:
        from realtime.networks.rmvpe import Rmvpe

        path = verified_path(RMVPE, self._settings)
        state = {name: value.clone() for name, value in read_state(path).items()}
        with named_faults(path):
            return Rmvpe.loaded(state).to(self._device)


class SwiftPitch(SharedPart[Any]):
    """SwiftF0: the smallest network, on ONNX Runtime, always on the processor."""

    weights = (SWIFT_F0,)

    def pitch(self, sound: Samples) -> Samples:
        heard = _long_enough(sound)
        inputs = {
            "audio": heard[None],
            "fmin": np.float32(LOWEST),
            "fmax": np.float32(HIGHEST),
        }
        (hertz,), (confidence,) = self._network().run(
            ["pitch", "confidence"], {name: np.asarray(value) for name, value in inputs.items()}
        )
        frames = heard[: confidence.size * SWIFT_HOP].reshape(-1, SWIFT_HOP)
        loud = np.abs(frames).max(1) >= SWIFT_SILENT
        voiced = (confidence >= SWIFT_VOICED) & loud
        return _each_10_ms(hertz, voiced, sound.size // HOP + 1)

    def _open(self) -> Any:
        # One thread: it is too small to share.
        return open_session(read_weights(SWIFT_F0, self._settings))


class WorldPitch:
    """WORLD's: no network, and nothing to load."""

    weights: tuple[WeightFile, ...] = ()

    def __init__(self, settings: Settings, device: str) -> None:
        pass

    def load(self) -> None:
        pass

    def pitch(self, sound: Samples) -> Samples:
        import pyworld

        heard = _long_enough(sound).astype(np.float64)
        rough, times = pyworld.dio(
            heard, RATE, f0_floor=LOWEST, f0_ceil=HIGHEST, frame_period=1_000 * HOP / RATE
        )
        found: npt.NDArray[np.float64] = pyworld.stonemask(heard, rough, times, RATE)
        return found[: sound.size // HOP + 1].astype(np.float32)


ESTIMATORS: Mapping[str, Any] = {
    "fcpe": FcpePitch,
    "rmvpe": RmvpePitch,
    "swift_f0": SwiftPitch,
    "world": WorldPitch,
}
METHODS = tuple(ESTIMATORS)


def share_pitch(method: str, settings: Settings, device: str) -> PitchEstimator:
    """Return the estimator of a device, which all voices there share."""
    found: PitchEstimator = share(_kind(method), settings, device)
    return found


def pitch_files(method: str) -> tuple[WeightFile, ...]:
    """Return the files that a method needs."""
    found: tuple[WeightFile, ...] = _kind(method).weights
    return found


def _kind(method: str) -> Any:
    if method not in ESTIMATORS:
        raise BadRequest(
            f"There is no pitch method {method!r}; there are: {', '.join(METHODS)}.",
            field="pitch_method",
        )
    return ESTIMATORS[method]


def _run(network: Fcpe | Rmvpe, sound: Samples, device: str, voiced: float) -> Samples:
    import torch

    with torch.inference_mode():
        found = network.pitch(torch.from_numpy(sound)[None].to(device), voiced)[0]
    hertz: Samples = found.float().cpu().numpy()
    return hertz


def _long_enough(sound: Samples) -> Samples:
    filled = np.zeros(max(sound.size, SHORTEST), np.float32)
    filled[: sound.size] = sound
    return filled


def _each_10_ms(hertz: Samples, voiced: npt.NDArray[np.bool_], count: int) -> Samples:
    """Read frames of SwiftF0 at other times: voiced as the nearest, at a pitch between two."""
    found = np.zeros(count, np.float32)
    if not voiced.any():
        return found
    places = np.arange(count) * (HOP / SWIFT_HOP)
    nearest = np.minimum(np.rint(places).astype(int), voiced.size - 1)
    known = np.flatnonzero(voiced)
    between = np.exp(np.interp(places, known, np.log(hertz[known])))
    return np.where(voiced[nearest], between, found).astype(np.float32)
