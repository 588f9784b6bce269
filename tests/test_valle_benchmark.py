"""The benchmark of VALL-E X: the floor of a step, forced lengths, and the sizes it prepares."""

from __future__ import annotations

import torch

from benchmarks import valle as benchmark
from realtime.engines.valle.codes import END
from realtime.engines.valle.load_networks import build_network
from realtime.engines.valle.networks.autoregressive import AutoregressiveModel
from realtime.engines.valle.networks.checkpoint import ValleNetwork, ValleShape
from tests.support.valle_cases import whole_logits


def test_the_floor_of_a_step_is_what_it_reads_of_its_weights() -> None:
    with torch.device("meta"):
        state = ValleNetwork().state_dict()
    read = benchmark.step_bytes(state, "fp32")
    assert 0.99 < read / (4 * 152.2e6) < 1.01
    assert benchmark.step_bytes(state, "bf16") == read // 2


def test_the_benchmark_s_model_says_as_many_codes_as_are_forced() -> None:
    network = build_network(benchmark.make_weights(ValleShape(64, 16, 2)))
    model = AutoregressiveModel(network, slots=1, places=16)
    text = torch.tensor([20, 30])
    logits = whole_logits(model, text, torch.zeros_like(text), torch.tensor([1, 2, 3]))
    assert float(logits.softmax(-1)[:, END].max()) < 1e-30


def test_only_what_the_agreed_line_comes_to_is_prepared() -> None:
    sizes = benchmark.needed_sizes((300, 75), (512, 1024, 2048))
    assert sizes == {"spans": (512, 1024), "lengths": (512, 768), "frames": (150, 600)}
    assert benchmark.needed_sizes((10,), (2048,))["spans"] == (2048,)
