"""Floats are as long as they were, whatever the network around them becomes."""

from __future__ import annotations

import torch
from torch import nn

from realtime.acceleration.keep_fp32 import KeepFp32


class Kept(KeepFp32):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 2)
        self.register_buffer("table", torch.arange(3))


def kinds(module: nn.Module) -> set[torch.dtype]:
    return {tensor.dtype for tensor in module.state_dict().values()}


def test_what_is_long_is_not_shortened_and_all_else_is() -> None:
    network = nn.Sequential(nn.Linear(2, 2), Kept())
    network.to(torch.float16)
    assert kinds(network[0]) == {torch.float16}
    assert kinds(network[1]) == {torch.float32, torch.int64}
    assert kinds(network.double()) == {torch.float64, torch.int64}, "it may be lengthened"


def test_it_goes_where_the_network_goes() -> None:
    network = nn.Sequential(Kept()).to("meta", torch.bfloat16)
    assert all(tensor.is_meta for tensor in network.state_dict().values())
    assert kinds(network) == {torch.float32, torch.int64}
