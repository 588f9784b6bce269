"""Weights laid out as a processor's convolutions read them: once, and not again at every call.

For short mels and wide layers the laying out is as much work as the convolution. The operations
are those that torch's own compiler uses; where they are not, convolutions run as they always do.
"""

from __future__ import annotations

import copy
import logging
from typing import Any

import torch
from torch import Tensor, nn

logger = logging.getLogger(__name__)

TYPICAL = 2_048  # samples of a signal that the layout suits; others run with it as well


class Packed:
    """One layer's weights in the processor's own layout."""

    def __init__(self, layer: nn.Conv1d | nn.ConvTranspose1d) -> None:
        self._layer = layer
        self._weight: Any = None
        self._of: tuple[int, torch.dtype] | None = None  # the weights that it was made of
        self._broken = False

    def __deepcopy__(self, memo: dict[int, Any]) -> Packed:
        return Packed(copy.deepcopy(self._layer, memo))

    def __call__(self, x: Tensor) -> Tensor | None:
        """The layer's output; None where it must be computed the usual way."""
        if self._broken or not _fits(x, self._layer.weight):
            return None
        try:
            return self._run(x)
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, AttributeError) as error:
            self._broken = True
            logger.warning("weights stay as they are: %s", str(error).partition("\n")[0][:200])
            return None

    def _run(self, x: Tensor) -> Tensor:
        layer, operations = self._layer, torch.ops.mkldnn
        pad, stride = [0, int(layer.padding[0])], [1, layer.stride[0]]
        dilation, size = [1, layer.dilation[0]], [1, x.shape[1], 1, TYPICAL]
        form = (pad, stride, dilation, 1)
        if isinstance(layer, nn.ConvTranspose1d):
            form = (pad, [0, 0], stride, dilation, 1)  # type: ignore[assignment]
            pack = operations._reorder_convolution_transpose_weight
            convolve = operations._convolution_transpose_pointwise
        else:
            pack = operations._reorder_convolution_weight
            convolve = operations._convolution_pointwise
        of = (layer.weight.data_ptr(), layer.weight.dtype)
        if self._of != of:
            self._weight = pack(layer.weight.unsqueeze(2).contiguous(), *form, size)
            self._of = of
        made: Tensor = convolve(x, self._weight, layer.bias, *form, "none", [], "")
        return made


def _fits(x: Tensor, weight: Tensor) -> bool:
    """Channels last on a processor, outside of any compiler and exporter."""
    if torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None:
        return False
    kinds = x.dtype == weight.dtype in (torch.float32, torch.bfloat16)
    lies = x.is_contiguous(memory_format=torch.channels_last)
    there: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    learns = torch.is_grad_enabled()
    return kinds and lies and there and not learns and x.device.type == "cpu" == weight.device.type
