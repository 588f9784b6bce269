"""FCPE gives the pitch of the published code, also with its published weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from realtime.engines.torch_file import read_torch_file
from realtime.files import packaged_path
from realtime.networks.fcpe import Fcpe, fcpe_mel
from realtime.networks.pitch_bins import weighted_pitch
from tests.support.converter_fixtures import tensor, weights


@pytest.fixture(scope="module")
def tiny() -> Fcpe:
    return Fcpe.loaded(weights("fcpe_tiny"))


@pytest.fixture(scope="module")
def published() -> Fcpe:
    path = packaged_path("torchfcpe/assets/fcpe_c_v001.pt")
    assert isinstance(path, Path), "requirements-no-deps.txt has torchfcpe"
    return Fcpe.loaded(read_torch_file(path)["model"])


def near(found: torch.Tensor, expected: torch.Tensor) -> bool:
    """Compare pitches: the same frames voiced, and all within 0.1 %."""
    same = (found > 0) == (expected > 0)
    return bool(same.all()) and np.allclose(found, expected, rtol=1e-3)


def test_the_answer_is_that_of_the_published_code(tiny: Fcpe) -> None:
    sound = tensor("fcpe_tiny", "in.wav")
    with torch.inference_mode():
        mel = fcpe_mel(sound)
        answer = tiny(mel)
    assert (mel - tensor("fcpe_tiny", "out.mel").transpose(1, 2)).abs().max() < 1e-4
    assert (answer - tensor("fcpe_tiny", "out.latent")).abs().max() < 1e-4


@pytest.mark.parametrize("threshold", [0.006, 0.05])
def test_the_pitch_is_that_of_the_published_code(tiny: Fcpe, threshold: float) -> None:
    with torch.inference_mode():
        found = tiny.pitch(tensor("fcpe_tiny", "in.wav"), threshold)
    expected = tensor("fcpe_tiny", f"out.f0_local_argmax_{threshold}")[..., 0]
    assert found.shape == expected.shape
    assert near(found, expected)


@pytest.mark.parametrize("threshold", [0.006, 0.05])
def test_the_published_weights_give_the_published_pitch(published: Fcpe, threshold: float) -> None:
    with torch.inference_mode():
        answer = published(fcpe_mel(tensor("fcpe_published", "in.wav")))
        found = weighted_pitch(answer, published.cent_table, threshold, repeats_edge=True)
    assert (answer - tensor("fcpe_published", "out.latent")).abs().max() < 1e-3
    assert near(found, tensor("fcpe_published", f"out.f0_local_argmax_{threshold}")[..., 0])


@pytest.mark.parametrize("samples", [0, 1, 159, 160, 400, 1_023, 1_024, 4_000])
def test_there_is_a_frame_each_10_ms_of_any_sound(tiny: Fcpe, samples: int) -> None:
    with torch.inference_mode():
        found = tiny.pitch(torch.zeros(1, samples))
    assert found.shape == (1, samples // 160 + 1)
    assert found.isfinite().all()


def test_nothing_may_be_missing_or_left_over() -> None:
    state = weights("fcpe_tiny")
    attention = {**state, "net.encoder_layers.0.attn.q.weight": torch.zeros(1)}
    with pytest.raises(RuntimeError, match="Unexpected"):
        Fcpe.loaded(attention)
    del state["norm.bias"]
    with pytest.raises(RuntimeError, match="Missing"):
        Fcpe.loaded(state)
