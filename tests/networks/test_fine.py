"""The seven passes: pieces side by side give what each gives alone."""

from __future__ import annotations

import torch

from realtime.networks.fine import Fine, FineInputs
from realtime.networks.valle import STAGES
from tests.networks.valles import PLACES, cases, read_case, refine


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
