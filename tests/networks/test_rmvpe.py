"""RMVPE gives the pitch of the published code."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from realtime.networks.rmvpe import Rmvpe, RmvpeShape, rmvpe_mel, rmvpe_pitch, rmvpe_shape_of
from tests.support.converter_fixtures import config, tensor, weights

FIXTURE = "rmvpe_tiny"


@pytest.fixture(scope="module")
def network() -> Rmvpe:
    return Rmvpe.loaded(weights(FIXTURE))


def agreement(found: torch.Tensor, expected: torch.Tensor) -> float:
    """Return the share of frames that are within 0.1 %, or unvoiced in both."""
    return float(np.mean(np.isclose(found, expected, rtol=1e-3, atol=0)))


def test_mel_and_answer_are_those_of_the_published_code(network: Rmvpe) -> None:
    with torch.inference_mode():
        mel = rmvpe_mel(tensor(FIXTURE, "in.wav")[None])
        answer = network(mel)
    for found, name in ((mel, "mel"), (answer, "salience")):
        expected = tensor(FIXTURE, f"out.{name}")
        assert found.shape == expected.shape
        assert (found - expected).abs().max() < 1e-4, name


@pytest.mark.parametrize(
    ("name", "threshold"),
    [("f0", 0.03), ("f0_all", -1.0), ("f0_thred50", 0.5), ("f0_ddsp", 0.03)],
)
def test_the_pitch_is_that_of_the_published_code(
    network: Rmvpe, name: str, threshold: float
) -> None:
    expected = tensor(FIXTURE, f"out.{name}")
    decoded = rmvpe_pitch(tensor(FIXTURE, "out.salience"), threshold)[0]
    assert agreement(decoded, expected) == 1
    with torch.inference_mode():
        whole = network.pitch(tensor(FIXTURE, "in.wav")[None], threshold)[0]
    assert whole.shape == expected.shape
    assert agreement(whole, expected) >= 0.99


@pytest.mark.parametrize("samples", [0, 1, 159, 160, 1_023, 1_024, 5_120, 6_000])
def test_there_is_a_frame_each_10_ms_of_any_sound(network: Rmvpe, samples: int) -> None:
    with torch.inference_mode():
        found = network.pitch(torch.zeros(1, samples))
    assert found.shape == (1, samples // 160 + 1)
    assert found.isfinite().all()


def test_half_precision_files_and_unused_tensors_are_read() -> None:
    state = {
        name: value.half() if value.is_floating_point() else value
        for name, value in weights(FIXTURE).items()
    }
    state["unet.tf.0.weight"] = torch.zeros(1)
    assert Rmvpe.loaded(state).cnn.weight.dtype == torch.float32


def test_nothing_may_be_missing_or_left_over() -> None:
    state = weights(FIXTURE)
    with pytest.raises(RuntimeError, match="Unexpected"):
        Rmvpe.loaded({**state, "unet.more": torch.zeros(1)})
    del state["fc.1.bias"]
    with pytest.raises(RuntimeError, match="Missing"):
        Rmvpe.loaded(state)


def test_sizes_are_read_from_the_tensors() -> None:
    sizes = config(FIXTURE)
    found = rmvpe_shape_of(weights(FIXTURE))
    assert found == RmvpeShape(
        sizes["n_blocks"],
        sizes["en_de_layers"],
        sizes["inter_layers"],
        sizes["en_out_channels"],
        recurrent=sizes["n_gru"],
    )


def test_the_published_sizes_are_the_defaults() -> None:
    with torch.device("meta"):
        network = Rmvpe()
    assert rmvpe_shape_of(network.state_dict()) == RmvpeShape()
    assert sum(each.numel() for each in network.parameters()) == pytest.approx(90.42e6, rel=1e-3)
