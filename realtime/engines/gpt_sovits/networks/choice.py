"""The choice of a semantic code, in the order of the published code, with numbers given to it.

A code is the one whose chance, divided by its random number, is largest: with exponential random
numbers that draws from the chances.
"""

from __future__ import annotations

import torch
from torch import Tensor

from realtime.engines.gpt_sovits.codes import END

INVALID = END + 1  # the code chosen where a logit is NaN or infinite: it ends its line
COLDEST = 1e-5  # the temperature under which no other is taken


def choose_codes(
    logits: Tensor, seen: Tensor, may_end: Tensor, sampling: Tensor, noise: Tensor
) -> Tensor:
    """Choose a code for each line; END or INVALID ends it.

    `seen` (lines, codes) marks the codes of the prompt and of the line so far, `sampling` is a row
    of `Sampling.as_row` for each line, `noise` has an exponential random number for each code.
    """
    top_k, top_p, temperature, penalty = sampling.unsqueeze(-1).unbind(1)
    valid = logits.amax(-1).isfinite()
    logits = logits.clone()
    logits[:, END] = logits[:, END].where(may_end, -torch.inf)
    penalised = torch.where(logits < 0, logits * penalty, logits / penalty)
    logits = torch.where(seen, penalised, logits)
    ends = logits.argmax(-1) == END
    ordered, order = logits.sort(dim=-1, descending=True)
    # The entry with which the sum passes top_p goes too; only the first always stays.
    excluded = (ordered.softmax(-1).cumsum(-1) > top_p) & (top_p < 1)
    excluded[:, 0] = False
    ordered = ordered.masked_fill(excluded, -torch.inf) / temperature.clamp(min=COLDEST)
    last = (top_k.long() - 1).clamp(0, logits.shape[-1] - 1)
    ordered = ordered.masked_fill(ordered < ordered.gather(1, last), -torch.inf)
    chances = torch.zeros_like(logits).scatter(1, order, ordered.softmax(-1))
    drawn = (chances / noise).argmax(-1)
    return torch.where(valid, drawn.masked_fill(ends, END), INVALID)
