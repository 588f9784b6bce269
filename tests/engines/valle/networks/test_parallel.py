"""The seven passes: pieces side by side give what each gives alone."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
import torch

from realtime.acceleration import Axis, accelerate
from realtime.acceleration.accelerate import MAKERS
from realtime.acceleration.shapes import Sizes, Tensors
from realtime.acceleration.spec import NetworkSpec
from realtime.engines.valle.codes import LEVELS
from realtime.engines.valle.networks.checkpoint import STAGES
from realtime.engines.valle.networks.parallel import ParallelInputs, ParallelModel
from tests.support.small_networks import AlteredBackend, fallback_reasons
from tests.support.valle_cases import PLACES, load_cases, make_all_levels, read_case, small_network


def test_pieces_side_by_side_give_what_each_gives_alone() -> None:
    cases = [read_case(load_cases()[number]) for number in (0, 2)]
    network = cases[0].model
    firsts = [cases[0].codes[:50, 0], cases[1].codes[:20, 0]]
    alone = [
        make_all_levels(network, case, first) for case, first in zip(cases, firsts, strict=True)
    ]
    inputs, model = ParallelInputs(network, PLACES), ParallelModel(network)
    pieces = [
        inputs(case.text, case.languages, case.prompt, first)
        for case, first in zip(cases, firsts, strict=True)
    ]
    lengths = torch.tensor([len(x) for x in pieces])
    batch = torch.zeros(2, 128, pieces[0].shape[1])
    for stage in range(STAGES):
        for number, x in enumerate(pieces):
            batch[number, : len(x)] = x
        all_codes, _ = model(batch, lengths, torch.tensor([stage]))
        for number, x in enumerate(pieces):
            codes = all_codes[number, len(x) - len(firsts[number]) : len(x)]
            assert torch.equal(codes, alone[number][:, stage + 1])
            inputs.add(x, stage + 1, codes)


class WrongLast(AlteredBackend):
    """A pass that is right except in the last stage, which it takes for the one before."""

    def run(self, sizes: Sizes, inputs: Tensors, lease: ExitStack | None = None) -> Tensors:
        x, lengths, stage = inputs
        return self._network.run((x, lengths, stage.clamp(max=STAGES - 2)))


class Unmasked(AlteredBackend):
    """A pass that is right only where all of the length is filled."""

    def run(self, sizes: Sizes, inputs: Tensors, lease: ExitStack | None = None) -> Tensors:
        x, lengths, stage = inputs
        return self._network.run((x, lengths.new_full((1,), x.shape[1]), stage))


@pytest.mark.parametrize("precision", ["fp32", pytest.param("bf16", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("form", "right"), [(AlteredBackend, True), (WrongLast, False), (Unmasked, False)]
)
def test_a_pass_with_a_mistake_is_never_used(
    form: type[AlteredBackend], right: bool, precision: str
) -> None:
    model = ParallelModel(small_network())

    def make(parts: NetworkSpec) -> AlteredBackend:
        return form(parts.network)

    network = accelerate(
        model,
        inputs=model.cases((128,))[0],
        plan="compile",
        precision=precision,
        axes=(Axis((128, 256), {0: 1}, {0: 1, 1: 1}),),
        makers={**MAKERS, "compile": make},
    )
    assert network.prepare() == [(128,), (256,)]
    plans = {
        bucket["plan"] for bucket in network.described()["buckets"] if bucket["state"] == "ready"
    }
    assert ("compile" in plans) == right
    assert right or fallback_reasons(network)[0].startswith("wrong output: ")


def test_nobody_reads_the_last_level() -> None:
    inputs = ParallelInputs(small_network(), PLACES)
    x = torch.zeros(4, 64)
    inputs.add(x, LEVELS - 1, torch.tensor([1, 2]))
    assert not x.any()
    inputs.add(x, LEVELS - 2, torch.tensor([1, 2]))
    assert x[2:].any() and not x[:2].any()
