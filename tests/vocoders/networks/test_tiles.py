"""A signal in tiles gives what the whole one gives; only tiles are computed."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from realtime.vocoders.networks import tiles
from realtime.vocoders.networks.base import average
from realtime.vocoders.networks.hifigan import ResBlock1
from realtime.vocoders.networks.layers import Conv
from realtime.vocoders.networks.receptive_field import Span
from realtime.vocoders.networks.tiles import can_be_cut, in_tiles
from tests.support.small_vocoders import small


def signal(batch: int, channels: int, length: int) -> Tensor:
    x = torch.randn(batch, channels, 1, length)
    return x.contiguous(memory_format=torch.channels_last)


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "TILE_BYTES", 0)  # then only the reach says how long a tile is


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("length", [1, 479, 480, 481, 1_700])  # a tile of these blocks has 960
def test_the_blocks_of_a_stage_are_the_same_in_tiles(batch: int, length: int) -> None:
    blocks = [ResBlock1(4, size, (1, 3, 5)).eval() for size in (3, 11)]
    x = signal(batch, 4, length)
    whole = (blocks[0](x) + blocks[1](x)) / 2
    with torch.inference_mode():
        found = average(blocks, x)
    assert found.shape == x.shape
    assert (found - whole).abs().max() < 1e-5


@pytest.mark.parametrize("kind", ["bigvgan", "hifigan"])
def test_a_vocoder_is_the_same_in_tiles(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made, mel = small(kind).fast(), torch.randn(2, 6, 400)
    with torch.inference_mode():
        whole = made(mel)
        monkeypatch.setattr(tiles, "TILE_BYTES", 0)
        found = made(mel)
    assert (found - whole).abs().max() < 1e-5


@pytest.mark.usefixtures("small_tiles")
def test_a_tile_is_a_few_reaches_long() -> None:
    layer = Conv(4, 4, 5)
    lengths: list[int] = []

    def work(x: Tensor) -> Tensor:
        lengths.append(x.shape[3])
        made: Tensor = layer(x)
        return made

    x = signal(1, 4, 80)
    with torch.inference_mode():
        found = in_tiles(work, x, Span(-2, 2))
        assert (found - layer(x)).abs().max() < 1e-6
    assert lengths == [34, 36, 18]


@pytest.mark.usefixtures("small_tiles")
def test_a_reach_that_is_too_short_would_be_seen() -> None:
    layer, x = Conv(4, 4, 5), signal(1, 4, 80)
    with torch.inference_mode():
        found = in_tiles(layer, x, Span(-1, 1))
        assert (found - layer(x)).abs().max() > 1e-3


def test_a_short_signal_is_one_tile() -> None:
    x = signal(2, 4, 100)
    with torch.inference_mode():
        assert in_tiles(lambda whole: whole, x, Span(-5, 5)) is x


def test_what_gradients_go_through_is_whole() -> None:
    x = signal(1, 4, 10)
    assert not can_be_cut(x)
    with torch.inference_mode():
        assert can_be_cut(x)
