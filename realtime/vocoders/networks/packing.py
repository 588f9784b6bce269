"""Weights in the layout that a processor's convolutions read, laid out once and not at every call.

For short mels and wide layers the layout takes as long as the convolution. The operations are those
that torch's own compiler uses; where torch lacks them, convolutions run the usual way.
"""

from __future__ import annotations

import copy
import logging
from typing import Any

import torch
from torch import Tensor, nn

logger = logging.getLogger(__name__)

TYPICAL = 2_048  # samples of a signal that the layout suits; other lengths run with it as well


class PackedWeights:
    """The weights of one layer in the processor's own layout."""

    def __init__(self, layer: nn.Conv1d | nn.ConvTranspose1d) -> None:
        self._layer = layer
        self._packed: Any = None
        self._packed_from: tuple[int, torch.dtype] | None = None  # address and type of the weights
        self._broken = False
        self._released = False

    def release(self) -> None:
        """Free the layer's own weights, where they are packed: the layer runs packed alone then.

        It can be neither moved nor copied any more.
        """
        if self._packed is None or self._broken or self._released:
            return
        weight = self._layer.weight
        # One number in the shape of all: it tells shape, type and device as before.
        weight.data = weight.data.new_zeros(1).expand(weight.shape)
        self._packed_from = (weight.data_ptr(), weight.dtype)
        self._released = True

    def __deepcopy__(self, memo: dict[int, Any]) -> PackedWeights:
        return PackedWeights(copy.deepcopy(self._layer, memo))

    def __call__(self, x: Tensor) -> Tensor | None:
        """Return the layer's output, or None where it must be computed the usual way."""
        if self._released:
            x = x.contiguous(memory_format=torch.channels_last)
        if self._broken or not _can_run(x, self._layer.weight):
            if self._released:
                raise RuntimeError("a layer whose weights are packed alone cannot run otherwise")
            return None
        try:
            return self._run(x)
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, AttributeError) as error:
            if self._released:
                raise
            self._broken = True
            logger.warning("weights stay as they are: %s", str(error).partition("\n")[0][:200])
            return None

    def _run(self, x: Tensor) -> Tensor:
        layer, operations = self._layer, torch.ops.mkldnn
        pad, stride = [0, int(layer.padding[0])], [1, layer.stride[0]]
        dilation, size = [1, layer.dilation[0]], [1, x.shape[1], 1, TYPICAL]
        options = (pad, stride, dilation, 1)
        if isinstance(layer, nn.ConvTranspose1d):
            options = (pad, [0, 0], stride, dilation, 1)  # type: ignore[assignment]
            pack = operations._reorder_convolution_transpose_weight
            convolve = operations._convolution_transpose_pointwise
        else:
            pack = operations._reorder_convolution_weight
            convolve = operations._convolution_pointwise
        packed_from = (layer.weight.data_ptr(), layer.weight.dtype)
        if self._packed_from != packed_from:  # the network was moved or shortened meanwhile
            self._packed = pack(layer.weight.unsqueeze(2).contiguous(), *options, size)
            self._packed_from = packed_from
        output: Tensor = convolve(x, self._packed, layer.bias, *options, "none", [], "")
        return output


def _can_run(x: Tensor, weight: Tensor) -> bool:
    """Tell whether the operations take this signal: channels last, on a processor, not traced."""
    if torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None:
        return False
    if x.device.type != "cpu" or weight.device.type != "cpu" or torch.is_grad_enabled():
        return False
    if x.dtype != weight.dtype or x.dtype not in (torch.float32, torch.bfloat16):
        return False
    available: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return available and x.is_contiguous(memory_format=torch.channels_last)
