"""Packed weights give what the weights give, follow them, and give way where they cannot run."""

from __future__ import annotations

import copy

import pytest
import torch

from realtime.vocoders.networks import packing
from realtime.vocoders.networks.layers import Conv, Stretch
from realtime.vocoders.networks.packing import PackedWeights

LAYERS = [
    lambda: Conv(16, 24, 7, 3),
    lambda: Conv(16, 1, 7, bias=False),
    lambda: Stretch(16, 8, 8, 4),
    lambda: Stretch(16, 8, 12, 6),
]


def signal(batch: int = 1, length: int = 50) -> torch.Tensor:
    x = torch.randn(batch, 16, 1, length)
    return x.contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("number", range(len(LAYERS)))
@pytest.mark.parametrize(("batch", "length"), [(1, 1), (1, 50), (3, 7), (1, 3_000)])
def test_the_same_for_every_length_and_batch(number: int, batch: int, length: int) -> None:
    layer, x = LAYERS[number](), signal(batch, length)
    with torch.inference_mode():
        expected = layer(x)
        found = PackedWeights(layer)(x)
        assert found is not None and found.shape == expected.shape
        assert (found - expected).abs().max() < 1e-5
        layer.packed = PackedWeights(layer)
        assert torch.equal(layer(x), found)


def test_other_weights_are_packed_anew() -> None:
    layer, x = Conv(16, 16, 3, bias=False), signal()
    layer.packed = PackedWeights(layer)
    with torch.inference_mode():
        first = layer(x)
        layer.weight.data = layer.weight.data * 2
        assert (layer(x) - 2 * first).abs().max() < 1e-5
        assert layer.to(torch.bfloat16)(x.bfloat16()).dtype == torch.bfloat16


def test_where_it_does_not_fit_it_gives_way() -> None:
    layer, x = Conv(16, 16, 3), signal()
    packed = PackedWeights(layer)
    assert packed(x) is None  # with gradients
    with torch.inference_mode():
        assert packed(x.clone(memory_format=torch.contiguous_format)) is None
        assert packed(x.double()) is None
        assert packed(x) is not None


def test_where_the_operations_are_not_it_gives_way_for_good(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    layer, x = Conv(16, 16, 3), signal()
    with torch.inference_mode():
        expected = layer(x)
        layer.packed = PackedWeights(layer)
        with monkeypatch.context() as without:
            without.setattr(packing.torch.ops, "mkldnn", object())
            assert torch.equal(layer(x), expected)
        assert torch.equal(layer(x), expected)
    assert len([record for record in caplog.records if "weights stay" in record.message]) == 1


def test_a_copy_packs_its_own() -> None:
    layer, x = Conv(16, 16, 3), signal()
    layer.packed = PackedWeights(layer)
    with torch.inference_mode():
        expected = layer(x)
        other = copy.deepcopy(layer)
        with torch.no_grad():
            other.weight.mul_(2)
        assert (other(x) - expected).abs().max() > 1e-3
        assert torch.equal(layer(x), expected)


@pytest.mark.parametrize("number", range(len(LAYERS)))
def test_a_layer_may_let_go_of_its_own_weights(number: int) -> None:
    layer, x = LAYERS[number](), signal()
    layer.packed = PackedWeights(layer)
    layer.packed.release()  # not packed yet: they stay
    assert layer.weight.untyped_storage().nbytes() == 4 * layer.weight.numel()
    with torch.inference_mode():
        expected = layer(x)
    layer.packed.release()
    assert layer.weight.untyped_storage().nbytes() == 4
    with torch.inference_mode():
        assert torch.equal(layer(x), expected)
        assert torch.equal(layer(x.clone(memory_format=torch.contiguous_format)), expected)
        with pytest.raises(RuntimeError, match="packed alone"):
            layer(x.double())
