"""Faster forms of BigVGAN's activation, each equal to the published one.

The signal is never stretched: samples between the given ones are a plane of their own, so that both
filters become six taps a plane and nothing is computed that is thrown away.
"""

from __future__ import annotations

import functools
import logging

import torch
from torch import Tensor
from torch.nn import functional

from realtime.acceleration.kernel_check import LARGEST_ERROR, relative_error
from realtime.acceleration.out_of_memory import is_out_of_memory
from realtime.vocoders.networks.snake import TAPS, Form, published

logger = logging.getLogger(__name__)

HALF = TAPS // 2
FEW = 8  # channels that leave most of a register empty
PROOF = 150  # samples of a form's proof: more than a tile of any kernel


def depthwise(x: Tensor, up: Tensor, down: Tensor, inner: Tensor, outer: Tensor) -> Tensor:
    """Four small convolutions; needs no compiler and suits every exporter."""
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
    """(…, samples, channels): sums of shifted rows, slow as it stands and best for compilers."""
    length, kind = rows.shape[-2], rows.dtype
    rows = rows.float() if kind.itemsize < 4 else rows  # compilers round at the end alone
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
    """What a compiler of the whole network gets: sums to fuse, or on a GPU the kernel as it is."""
    if x.is_cuda:
        made: Tensor = torch.ops.yamabiko.activation(x, up, down, inner, outer)
        return made
    return summed(_rows(x), up, down, inner, outer).transpose(1, 2).unsqueeze(2)


def compiled(x: Tensor, up: Tensor, down: Tensor, inner: Tensor, outer: Tensor) -> Tensor:
    """The sums as one compiled step for every length and width, one signal after the other.

    Few channels fill no register, and a batch of several would be compiled apart: neither is.
    """
    if x.shape[1] < FEW:
        return depthwise(x, up, down, inner, outer)
    step = _step()
    parts = [step(rows, up, down, inner, outer) for rows in _rows(x).contiguous()]
    made = parts[0].unsqueeze(0) if len(parts) == 1 else torch.stack(parts)
    return made.transpose(1, 2).unsqueeze(2)


class Fastest:
    """The fastest form there is where the signal lies; one that cannot run, or errs, gives way.

    Each is held against the published form once on each device and in each kind of number: what a
    machine makes of a kernel was never seen by whoever wrote it.
    """

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}  # by form: why it is not used
        self._proved: set[tuple[torch.device, torch.dtype]] = set()
        registered()

    def __call__(self, x: Tensor, up: Tensor, down: Tensor, inner: Tensor, outer: Tensor) -> Tensor:
        given = (x, up, down, inner, outer)
        # Before the exporters: a compiler that traces is told that it exports as well.
        if torch.compiler.is_dynamo_compiling():
            return compilable(*given)
        if torch.compiler.is_exporting() or _traced():
            return depthwise(*given)
        name, form = ("triton", on_gpu) if x.is_cuda else ("compiled", compiled)
        if name not in self.reasons:
            try:
                self._prove(form, given)
                return form(*given)
            except Exception as error:  # whatever a compiler raises
                if is_out_of_memory(error):
                    raise
                self._give_up(name, error)
        return depthwise(*given)

    def _prove(self, form: Form, given: tuple[Tensor, ...]) -> None:
        """Hold a form against the published one, on noise as wide as the signal."""
        x, where = given[0], (given[0].device, given[0].dtype)
        if where in self._proved or (x.is_cuda and torch.cuda.is_current_stream_capturing()):
            return
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn(2, x.shape[1], 1, PROOF, generator=generator).to(x.device)
        exact = published(noise, *(item.float() for item in given[1:]))
        share = relative_error(form(noise.to(x.dtype), *given[1:]), exact)
        if share > LARGEST_ERROR[x.dtype]:
            raise ValueError(f"in {x.dtype} it errs by {share:.2g} of the signal")
        self._proved.add(where)

    def _give_up(self, name: str, error: Exception) -> None:
        words = str(error).strip().partition("\n")[0][:200] or "no reason was given"
        self.reasons[name] = f"{type(error).__name__}: {words}"
        logger.warning("the %s activation cannot run: %s", name, self.reasons[name])


@functools.cache
def registered() -> Form:
    """The activation as an operation of torch that a compiler leaves as it is.

    On a GPU the kernel reads and writes once; what a compiler makes of the sums goes there and
    back several times, and takes minutes to be made. Whatever form runs, the result lies as the
    signal does: that is what the compiler was told.
    """

    @torch.library.custom_op("yamabiko::activation", mutates_args=())
    def activation(x: Tensor, up: Tensor, down: Tensor, inner: Tensor, outer: Tensor) -> Tensor:
        made = _shared()(x, up, down, inner, outer)
        return made if made.stride() == x.stride() else torch.empty_like(x).copy_(made)

    @activation.register_fake
    def _(x: Tensor, up: Tensor, down: Tensor, inner: Tensor, outer: Tensor) -> Tensor:
        return torch.empty_like(x)

    form: Form = activation
    return form


@functools.cache
def _shared() -> Fastest:
    """The one behind the operation: what a compiler keeps belongs to no network."""
    return Fastest()


def on_gpu(x: Tensor, up: Tensor, down: Tensor, inner: Tensor, outer: Tensor) -> Tensor:
    """One kernel; Triton is there only where there is a GPU."""
    from realtime.vocoders.networks.snake_triton import activated

    return activated(x, up, down, inner, outer)


def _traced() -> bool:
    traced: bool = torch._C._get_tracing_state() is not None
    return traced


@functools.cache
def _step() -> Form:
    step: Form = torch.compile(summed, dynamic=True)
    return step


def _rows(x: Tensor) -> Tensor:
    """(batch, samples, channels): of a signal channels last it is a view."""
    return x.squeeze(2).transpose(1, 2)


def _planes(even: Tensor, odd: Tensor, over: int) -> tuple[Tensor, Tensor]:
    """Both planes with the edges of the doubled signal, whose first is even and last is odd."""
    return _edged(even, even, odd, (2, 3), over), _edged(even, odd, odd, (3, 2), over)


def _edged(
    first: Tensor, middle: Tensor, last: Tensor, counts: tuple[int, int], over: int
) -> Tensor:
    """A plane between the first and the last value of others, each held so many times."""
    head, tail = first.narrow(over, 0, 1), last.narrow(over, last.shape[over] - 1, 1)
    sizes = [
        [count if axis == over % middle.dim() else -1 for axis in range(middle.dim())]
        for count in counts
    ]
    return torch.cat([head.expand(sizes[0]), middle, tail.expand(sizes[1])], over)
