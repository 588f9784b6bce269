"""Faster forms of BigVGAN's activation, each equal to the published one.

The signal is never stretched to twice the rate. The doubled signal's even and odd samples are two
planes, so that each filter has six taps a plane and no result is thrown away.
"""

from __future__ import annotations

import functools
import logging

import torch
from torch import Tensor
from torch.nn import functional

from realtime.acceleration.kernel_check import LARGEST_ERROR, relative_error
from realtime.acceleration.out_of_memory import is_out_of_memory
from realtime.vocoders.networks.snake import TAPS, ActivationFunction, published

logger = logging.getLogger(__name__)

HALF = TAPS // 2  # taps on one plane
FEW = 8  # channels, below which most of a vector register stays empty
CHECK_SAMPLES = 150  # of the signal that a form is checked with: more than a tile of any kernel


def depthwise(x: Tensor, up: Tensor, down: Tensor, inner: Tensor, outer: Tensor) -> Tensor:
    """Compute by four small convolutions, which need no compiler and suit every exporter."""
    channels, kind = x.shape[1], x.dtype
    inner, outer = (scale.view(1, channels, 1, 1) for scale in (inner, outer))
    up, down = up.to(kind), down.to(kind)

    def filtered(plane: Tensor, taps: Tensor) -> Tensor:
        weight = taps.reshape(1, 1, 1, HALF).expand(channels, 1, 1, HALF)
        return functional.conv2d(plane, weight.contiguous(), groups=channels)

    wide = _edged(x, x, x, (3, 3), -1)
    up = 2 * up.flatten().flip(0)
    even = filtered(wide[..., :-1], up[0::2])
    odd = filtered(wide[..., 1:], up[1::2])
    even = (even + outer * torch.sin(even * inner).square()).to(kind)
    odd = (odd + outer * torch.sin(odd * inner).square()).to(kind)
    evens, odds = _planes(even, odd, -1)
    down = down.flatten()
    return filtered(evens, down[1::2]) + filtered(odds, down[0::2])


def summed(rows: Tensor, up: Tensor, down: Tensor, inner: Tensor, outer: Tensor) -> Tensor:
    """Compute (…, samples, channels) by sums of shifted rows: slow, unless it is compiled."""
    length, kind = rows.shape[-2], rows.dtype
    rows = rows.float() if kind.itemsize < 4 else rows  # a compiler then rounds only at the end
    up, down = 2 * up.flatten(), down.flatten()
    place = torch.arange(length, device=rows.device)

    def at(shift: int) -> Tensor:
        return rows[..., (place + shift).clamp(0, length - 1), :]

    even, odd = up[1] * at(2), up[0] * at(3)
    for tap in range(1, HALF):
        even = even + up[2 * tap + 1] * at(2 - tap)
        odd = odd + up[2 * tap] * at(3 - tap)
    even = even + outer * torch.sin(even * inner).square()
    odd = odd + outer * torch.sin(odd * inner).square()
    evens, odds = _planes(even, odd, -2)
    total = down[1] * evens[..., :length, :] + down[0] * odds[..., :length, :]
    for tap in range(1, HALF):
        total = total + down[2 * tap + 1] * evens[..., tap : tap + length, :]
        total = total + down[2 * tap] * odds[..., tap : tap + length, :]
    return total.to(kind)


def compilable(x: Tensor, up: Tensor, down: Tensor, inner: Tensor, outer: Tensor) -> Tensor:
    """Give a compiler of the whole network sums to fuse, or on a GPU the kernel as it is."""
    if x.is_cuda:
        output: Tensor = torch.ops.yamabiko.activation(x, up, down, inner, outer)
        return output
    return summed(_rows(x), up, down, inner, outer).transpose(1, 2).unsqueeze(2)


def compiled(x: Tensor, up: Tensor, down: Tensor, inner: Tensor, outer: Tensor) -> Tensor:
    """Compute the sums in one compiled step for every length and width, signal by signal.

    Signals of few channels are not compiled, because they fill no register. A batch is not run as a
    whole, because torch compiles for one signal and for several separately.
    """
    if x.shape[1] < FEW:
        return depthwise(x, up, down, inner, outer)
    step = _step()
    parts = [step(rows, up, down, inner, outer) for rows in _rows(x).contiguous()]
    output = parts[0].unsqueeze(0) if len(parts) == 1 else torch.stack(parts)
    return output.transpose(1, 2).unsqueeze(2)


class FastestSnake:
    """The fastest form for a signal's device; a form that cannot run, or errs, is given up.

    Each form is compared with the published one once on each device and in each number type: how a
    machine compiles a kernel cannot be known before it did.
    """

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}  # by form: why it is not used
        self._checked: set[tuple[torch.device, torch.dtype]] = set()
        register_operation()

    def __call__(self, x: Tensor, up: Tensor, down: Tensor, inner: Tensor, outer: Tensor) -> Tensor:
        inputs = (x, up, down, inner, outer)
        # Asked before the exporters: while a compiler traces, `is_exporting` is true as well.
        if torch.compiler.is_dynamo_compiling():
            return compilable(*inputs)
        if torch.compiler.is_exporting() or _traced():
            return depthwise(*inputs)
        name, form = ("triton", on_gpu) if x.is_cuda else ("compiled", compiled)
        if name not in self.reasons:
            try:
                self._check(form, inputs)
                return form(*inputs)
            except Exception as error:  # whatever a compiler raises
                if is_out_of_memory(error):
                    raise
                self._give_up(name, error)
        return depthwise(*inputs)

    def _check(self, form: ActivationFunction, inputs: tuple[Tensor, ...]) -> None:
        """Compare a form with the published one, on noise with the signal's channels."""
        x, where = inputs[0], (inputs[0].device, inputs[0].dtype)
        if where in self._checked or (x.is_cuda and torch.cuda.is_current_stream_capturing()):
            return
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn(2, x.shape[1], 1, CHECK_SAMPLES, generator=generator).to(x.device)
        exact = published(noise, *(item.float() for item in inputs[1:]))
        share = relative_error(form(noise.to(x.dtype), *inputs[1:]), exact)
        if share > LARGEST_ERROR[x.dtype]:
            raise ValueError(f"in {x.dtype} it errs by {share:.2g} of the signal")
        self._checked.add(where)

    def _give_up(self, name: str, error: Exception) -> None:
        words = str(error).strip().partition("\n")[0][:200] or "no reason was given"
        self.reasons[name] = f"{type(error).__name__}: {words}"
        logger.warning("the %s activation cannot run: %s", name, self.reasons[name])


@functools.cache
def register_operation() -> ActivationFunction:
    """Register the activation as an operation of torch, which a compiler leaves as it is.

    On a GPU the kernel reads and writes the signal once; a compiler's version of the sums does so
    several times and takes minutes to be made. The result has the signal's memory order whatever
    form runs, because that is the order that the compiler was told.
    """

    @torch.library.custom_op("yamabiko::activation", mutates_args=())
    def activation(x: Tensor, up: Tensor, down: Tensor, inner: Tensor, outer: Tensor) -> Tensor:
        output = _shared()(x, up, down, inner, outer)
        return output if output.stride() == x.stride() else torch.empty_like(x).copy_(output)

    @activation.register_fake
    def _(x: Tensor, up: Tensor, down: Tensor, inner: Tensor, outer: Tensor) -> Tensor:
        return torch.empty_like(x)

    function: ActivationFunction = activation
    return function


@functools.cache
def _shared() -> FastestSnake:
    """Give the instance behind the operation: compiled code may outlive its network."""
    return FastestSnake()


def on_gpu(x: Tensor, up: Tensor, down: Tensor, inner: Tensor, outer: Tensor) -> Tensor:
    """Compute in one Triton kernel."""
    # Triton is installed only where there is a GPU.
    from realtime.vocoders.networks.snake_triton import snake_on_gpu

    return snake_on_gpu(x, up, down, inner, outer)


def _traced() -> bool:
    traced: bool = torch._C._get_tracing_state() is not None
    return traced


@functools.cache
def _step() -> ActivationFunction:
    step: ActivationFunction = torch.compile(summed, dynamic=True)
    return step


def _rows(x: Tensor) -> Tensor:
    """Give (batch, samples, channels); of a signal that lies channels last it is a view."""
    return x.squeeze(2).transpose(1, 2)


def _planes(even: Tensor, odd: Tensor, over: int) -> tuple[Tensor, Tensor]:
    """Extend both planes by the doubled signal's edges: its first sample is even, its last odd."""
    return _edged(even, even, odd, (2, 3), over), _edged(even, odd, odd, (3, 2), over)


def _edged(
    first: Tensor, middle: Tensor, last: Tensor, counts: tuple[int, int], over: int
) -> Tensor:
    """Extend a plane by the first value of one and the last of another, repeated `counts` times."""
    head, tail = first.narrow(over, 0, 1), last.narrow(over, last.shape[over] - 1, 1)
    sizes = [
        [count if axis == over % middle.dim() else -1 for axis in range(middle.dim())]
        for count in counts
    ]
    return torch.cat([head.expand(sizes[0]), middle, tail.expand(sizes[1])], over)
