"""A clip's sound as EnCodec's codes; it knows no file but the codec's and no character."""

from __future__ import annotations

import numpy as np

from realtime.audio.samples import Samples
from realtime.engines.valle.load_networks import codec
from realtime.engines.valle.presets import Codes
from realtime.engines.valle.weights import ENCODEC, state
from realtime.settings import Settings


def encoded(samples: Samples, settings: Settings) -> Codes:
    """(T, 8): a row for each 320 samples at 24 kHz.

    The network is loaded for one clip and let go: voices are made seldom.
    """
    network = codec(state(ENCODEC, settings))
    import torch

    with torch.inference_mode():
        codes = network(torch.from_numpy(np.ascontiguousarray(samples, np.float32))[None, None])
    found: Codes = codes[0].T.numpy().astype(np.int64)
    return found
