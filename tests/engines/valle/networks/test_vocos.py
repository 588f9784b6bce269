"""Vocos gives the original's sound, and refuses weights that are none."""

from __future__ import annotations

import pytest
import torch

from realtime.engines.valle.codes import HOP
from realtime.engines.valle.networks.vocos import Vocos
from realtime.errors import BadRequest
from tests.support.valle_cases import load_arrays


def test_sound_is_the_original_s() -> None:
    network = Vocos.loaded(load_arrays("vocos_tiny.npz", "w."))
    reference = load_arrays("vocos_tiny.npz")
    codes = reference["in.codes"].permute(1, 0, 2)
    features = network.feature_extractor(codes)
    torch.testing.assert_close(features, reference["out.features"], atol=1e-4, rtol=0)
    lengths = torch.tensor([codes.shape[-1]])
    torch.testing.assert_close(network(codes, lengths), reference["out.audio"], atol=1e-4, rtol=0)
    other = network((codes + 1) % 1024, lengths)
    assert not torch.allclose(other, reference["out.audio"], atol=1e-2)


@pytest.mark.parametrize("frames", [1, 2, 75])
def test_a_frame_is_320_samples(frames: int) -> None:
    network = Vocos.loaded(load_arrays("vocos_tiny.npz", "w."))
    sound = network(torch.zeros(2, 8, frames, dtype=torch.long), torch.tensor([frames] * 2))
    assert sound.shape == (2, HOP * frames)
    assert sound.isfinite().all()


def test_what_lies_beyond_a_piece_s_end_changes_nothing() -> None:
    network = Vocos.loaded(load_arrays("vocos_tiny.npz", "w."))
    codes = load_arrays("vocos_tiny.npz")["in.codes"].permute(1, 0, 2)
    whole = network(codes[..., :30], torch.tensor([30]))
    longer = network(codes, torch.tensor([30]))
    torch.testing.assert_close(longer[:, : 30 * HOP], whole, atol=1e-5, rtol=0)
    assert longer.isfinite().all()


def test_encodec_s_own_weights_may_be_over_and_nothing_else() -> None:
    state = load_arrays("vocos_tiny.npz", "w.")
    Vocos.loaded({**state, "feature_extractor.encodec.encoder.model.0.bias": torch.zeros(1)})
    with pytest.raises(BadRequest, match=r"unknown \['head\.more'\]"):
        Vocos.loaded({**state, "head.more": torch.zeros(1)})
    del state["head.out.bias"]
    with pytest.raises(BadRequest, match=r"missing \['head\.out\.bias'\]"):
        Vocos.loaded(state)
    with pytest.raises(BadRequest, match="codebook_weights"):
        Vocos.loaded({})
