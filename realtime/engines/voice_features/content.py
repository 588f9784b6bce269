"""Content of a voice: ContentVec's units, which tell what is said and little of who says it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from realtime.audio.samples import Samples
from realtime.engines.torch_file import named_faults, reason_of, unusable
from realtime.engines.voice_features.shared import SharedPart
from realtime.engines.voice_features.weights import (
    CONTENT_FILES,
    PREPROCESSOR,
    content_file,
    read_state,
)
from realtime.settings import Settings
from realtime.weights import verified_path

if TYPE_CHECKING:
    from torch import Tensor

    from realtime.networks.hubert import Hubert

CONTENT_RATE = 16_000  # Hz, of the sound that it hears
FRAME = 320  # samples for which there is a unit
SHORTEST = 400  # samples that a unit is made of
WIDTH, LAYERS, PROJECTED = 768, 12, 256
TRANSFORMERS = CONTENT_FILES[2:]  # the files that a preprocessor_config.json may lie beside
MOST_JSON = 64 << 10  # bytes
TINY = 1e-7  # added to the variance, as published


class ContentEncoder(SharedPart["Hubert"]):
    """ContentVec on one device."""

    def __init__(self, settings: Settings, device: str) -> None:
        super().__init__(settings, device)
        self._normalises = False

    @property
    def projects(self) -> bool:
        """Return whether the file has the projection to 256 that RVC's first version needs."""
        return self._network().final_proj is not None

    def units(
        self, sound: Samples, layer: int = LAYERS, *, projected: bool = False, twice: bool = False
    ) -> Tensor:
        """Turn a sound at 16 kHz into (1, units, 768), behind a layer that is counted from 1.

        There is a unit for each 20 ms; with `twice`, for each 10 ms, for twice the work. With
        `projected` a unit has 256 numbers. Units depend on the whole of the sound that is given.
        """
        import torch

        network = self._network()
        heard = np.zeros(max(sound.size, SHORTEST), np.float32)
        heard[: sound.size] = sound
        if self._normalises:
            heard = (heard - heard.mean()) / np.sqrt(heard.var() + np.float32(TINY))
        with torch.inference_mode():
            batch = torch.from_numpy(heard)[None].to(self._device)
            found = network.twice_as_often(batch, layer) if twice else network(batch, layer)
            return (network.project(found) if projected else found).clone()

    def _open(self) -> Hubert:
        from realtime.networks.hubert import Hubert

        file = content_file(self._settings)
        path = verified_path(file, self._settings)
        # Copies, since the tensors may lie in the file, which people may replace.
        state = {name: value.float().clone() for name, value in read_state(path).items()}
        with named_faults(path):
            network = Hubert.loaded(state)
        _check_kind(network, path)
        self._normalises = file in TRANSFORMERS and _normalises(
            PREPROCESSOR.path_in(self._settings.models.path)
        )
        return network.to(self._device)


def _check_kind(network: Hubert, path: Path) -> None:
    """Refuse another encoder than ContentVec's kind: its units would mean nothing to a voice."""
    shape = network.shape
    found = (shape.norms_first, shape.layers, shape.width)
    if found != (False, LAYERS, WIDTH) or shape.projected not in (0, PROJECTED):
        raise unusable(
            path,
            f"it is another encoder than ContentVec: {shape.layers} layers of {shape.width}, "
            f"where {LAYERS} of {WIDTH} were expected",
        )


def _normalises(path: Path) -> bool:
    """Tell whether the configuration of transformers asks for sound of one loudness."""
    try:
        with path.open("rb") as file:
            config = json.loads(file.read(MOST_JSON))
    except FileNotFoundError:
        return False
    except (OSError, ValueError, RecursionError) as error:
        raise unusable(path, reason_of(error)) from error
    return isinstance(config, Mapping) and config.get("do_normalize") is True
