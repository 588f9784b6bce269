"""Numbers of VALL-E X's codes, on which its text side, its networks and its files must agree.

A frame of sound is one code of each level. The networks, EnCodec and Vocos were trained with these
numbers, so none of them is a setting.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from realtime.engines.decoding.line import END as END

Codes = npt.NDArray[np.int64]  # (T, LEVELS): a row for each frame

SAMPLE_RATE = 24_000
HOP = 320  # samples a frame: 75 frames are a second
LEVELS = 8  # codes a frame, each level from a codebook of its own
CODES = 1024  # of each codebook
BEGIN = 1025  # the code before the first
