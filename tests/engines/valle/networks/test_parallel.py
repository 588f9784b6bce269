"""The seven passes: pieces side by side give what each gives alone."""

from __future__ import annotations

import pytest
import torch

from realtime.acceleration import Axis, accelerate
from realtime.acceleration.accelerate import MAKERS
from realtime.acceleration.shapes import Sizes, Tensors
from realtime.acceleration.spec import NetworkSpec
from realtime.engines.valle.networks.checkpoint import LEVELS, STAGES
from realtime.engines.valle.networks.parallel import Fine, FineInputs
from tests.support.small_networks import AlteredBackend, fallback_reasons
from tests.support.valle_cases import PLACES, cases, read_case, refine, small


def test_pieces_side_by_side_give_what_each_gives_alone() -> None:
    read = [read_case(cases()[number]) for number in (0, 2)]
    model = read[0].model
    firsts = [read[0].codes[:50, 0], read[1].codes[:20, 0]]
    alone = [refine(model, case, first) for case, first in zip(read, firsts, strict=True)]
    inputs, fine = FineInputs(model, PLACES), Fine(model)
    wide = [
        inputs(case.text, case.languages, case.prompt, first)
        for case, first in zip(read, firsts, strict=True)
    ]
    lengths = torch.tensor([len(x) for x in wide])
    batch = torch.zeros(2, 128, wide[0].shape[1])
    for stage in range(STAGES):
        for number, x in enumerate(wide):
            batch[number, : len(x)] = x
        found, _ = fine(batch, lengths, torch.tensor([stage]))
        for number, x in enumerate(wide):
            codes = found[number, len(x) - len(firsts[number]) : len(x)]
            assert torch.equal(codes, alone[number][:, stage + 1])
            inputs.add(x, stage + 1, codes)


class WrongLast(AlteredBackend):
    """Right in all stages but the last, which it takes for the one before."""

    def run(self, sizes: Sizes, inputs: Tensors) -> Tensors:
        x, lengths, stage = inputs
        return self._network.run((x, lengths, stage.clamp(max=STAGES - 2)))


class Unmasked(AlteredBackend):
    """Right where all of the room is filled."""

    def run(self, sizes: Sizes, inputs: Tensors) -> Tensors:
        x, lengths, stage = inputs
        return self._network.run((x, lengths.new_full((1,), x.shape[1]), stage))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(
    ("form", "right"), [(AlteredBackend, True), (WrongLast, False), (Unmasked, False)]
)
def test_a_pass_with_a_mistake_is_never_used(
    form: type[AlteredBackend], right: bool, precision: str
) -> None:
    fine = Fine(small())

    def make(parts: NetworkSpec) -> AlteredBackend:
        return form(parts.network)

    found = accelerate(
        fine,
        inputs=fine.cases((128,))[0],
        plan="compile",
        precision=precision,
        axes=(Axis((128, 256), {0: 1}, {0: 1, 1: 1}),),
        makers={**MAKERS, "compile": make},
    )
    assert found.prepare() == [(128,), (256,)]
    plans = {
        bucket["plan"] for bucket in found.described()["buckets"] if bucket["state"] == "ready"
    }
    assert ("compile" in plans) == right
    assert right or fallback_reasons(found)[0].startswith("wrong output: ")


def test_nobody_reads_the_last_level() -> None:
    inputs = FineInputs(small(), PLACES)
    x = torch.zeros(4, 64)
    inputs.add(x, LEVELS - 1, torch.tensor([1, 2]))
    assert not x.any()
    inputs.add(x, LEVELS - 2, torch.tensor([1, 2]))
    assert x[2:].any() and not x[:2].any()
