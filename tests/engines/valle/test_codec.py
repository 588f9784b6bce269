"""A clip becomes eight codes for each of its frames, whatever its length."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from realtime.engines.valle.codec import encode_clip
from realtime.errors import Unavailable, WeightsMissing
from tests.support import valle_files
from tests.support.voice_like_sound import voice


def test_a_row_for_each_begun_frame(tmp_path: Path) -> None:
    settings = valle_files.settings_in(tmp_path)
    valle_files.write_encodec(settings)
    codes = encode_clip(voice(3.001), settings)
    assert codes.shape == (226, 8) and codes.dtype == np.int64
    assert codes.min() >= 0 and codes.max() < 1024 and len(np.unique(codes)) > 8
    assert np.array_equal(codes, encode_clip(voice(3.001), settings))


def test_without_weights_it_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="encodec_24khz-d7cc33bc.th") as missing:
        encode_clip(voice(3.0), valle_files.settings_in(tmp_path))
    assert "EnCodec project" in str(missing.value.hint)


def test_other_weights_are_the_server_s_fault(tmp_path: Path) -> None:
    settings = valle_files.settings_in(tmp_path)
    save_file({"a": torch.zeros(2)}, valle_files.write_encodec(settings))
    with pytest.raises(Unavailable) as refused:
        encode_clip(voice(3.0), settings)
    assert refused.value.code == "bad_weights"
