"""EnCodec's codes of a clip of sound."""

from __future__ import annotations

import numpy as np

from realtime.audio.samples import Samples
from realtime.engines.valle.codes import Codes
from realtime.engines.valle.load_networks import build_codec
from realtime.engines.valle.weights import ENCODEC, load_state
from realtime.settings import Settings


def encode_clip(samples: Samples, settings: Settings) -> Codes:
    """Return codes (T, 8) of sound at 24 kHz: a row for each 320 samples.

    The network is loaded for one clip and let go, as voices are made seldom.
    """
    network = build_codec(load_state(ENCODEC, settings))
    import torch

    with torch.inference_mode():
        codes = network(torch.from_numpy(np.ascontiguousarray(samples, np.float32))[None, None])
    rows: Codes = codes[0].T.numpy().astype(np.int64)
    return rows
