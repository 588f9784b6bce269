"""The receptive field: how far back and ahead a sample depends on its input, layer by layer.

A span is the first and the last index of a signal that are needed, both included. Each function
goes from what is needed of a layer's output to what is needed of its input.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from torch import nn


class Span(NamedTuple):
    first: int
    last: int


def input_span(layer: nn.Conv1d | nn.ConvTranspose1d, needed: Span) -> Span:
    """Give the input that a convolution, plain or transposed, needs for a span of its output."""
    size, stride = layer.kernel_size[0], layer.stride[0]
    pad, dilation = int(layer.padding[0]), layer.dilation[0]
    width = (size - 1) * dilation
    if isinstance(layer, nn.ConvTranspose1d):
        return Span(-((width - needed.first - pad) // stride), (needed.last + pad) // stride)
    return Span(needed.first * stride - pad, needed.last * stride - pad + width)


def union(spans: Iterable[Span]) -> Span:
    """Give the span that covers the spans of all branches."""
    firsts, lasts = zip(*spans, strict=True)
    return Span(min(firsts), max(lasts))
