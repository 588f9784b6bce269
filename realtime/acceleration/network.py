"""A module in one precision on one device, beside the exact one it is held against."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from realtime.acceleration.shapes import Tensors
from realtime.errors import BadRequest

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


def exact_floats() -> None:
    """fp32 means fp32: no matrix product or convolution of this process is shortened to TF32."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


class Network:
    """What the plans make quick: `traced` takes and gives tensors, and keeps no other secrets.

    In fp32 the module itself is moved and used. In fp16 and bf16 a short copy works and the module
    stays where it is, as the truth; under autocast the module works too and each of its operations
    chooses. `state` names the buffers, or the beginnings of their names, that a call changes.
    `truth` is another module in the place of the truth, where the given one could itself be wrong.
    """

    def __init__(
        self,
        module: nn.Module,
        precision: str,
        device: str,
        *,
        autocast: bool = False,
        state: Sequence[str] = (),
        truth: nn.Module | None = None,
    ) -> None:
        import torch

        exact_floats()
        self.precision = precision
        self.device = _numbered(torch.device(device))
        self.given = module.eval().requires_grad_(False)
        self.original = self.given if truth is None else truth.eval().requires_grad_(False)
        kinds = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
        self._kind = kinds[precision]
        self._autocast = autocast and precision != "fp32"
        if precision == "fp32" or self._autocast:
            self.module = module.to(self.device)
        else:
            self.module = copy.deepcopy(module).to(self.device, self._kind)
        self._state = tuple(state)
        self._check_state()
        self._gave_one = False
        self.traced = _traced(self.module, self._kind, self._autocast, self.device.type)

    @property
    def stateful(self) -> bool:
        return bool(self._state)

    @property
    def gives_one(self) -> bool:
        """Whether the module gives a tensor and no tuple; seen when it ran."""
        return self._gave_one or bool(self.traced.gives_one)

    @property
    def is_exact(self) -> bool:
        """Whether the module that works is the truth itself."""
        return self.precision == "fp32" and self.original is self.given

    def run(self, inputs: Tensors) -> Tensors:
        """What the working module gives, as torch runs it."""
        import torch

        with torch.no_grad():
            found: Tensors = self.traced(*inputs)
        return found

    def exact(self, inputs: Tensors) -> Tensors:
        """What the module gives in fp32, on this device in the end; the state moves on with it."""
        import torch

        if self.is_exact:
            return self.run(inputs)
        there = self._original_device()
        with torch.no_grad():
            self._copy_state(self.module, self.original)
            found = self.original(*(item.to(there) for item in inputs))
            self._copy_state(self.original, self.module)
        self._gave_one = isinstance(found, torch.Tensor)
        return tuple(item.to(self.device) for item in as_tuple(found))

    def moved(self, inputs: Tensors) -> Tensors:
        if all(item.device == self.device for item in inputs):
            return inputs
        return tuple(item.to(self.device) for item in inputs)

    def snapshot(self) -> list[Tensor]:
        """The state as it is now."""
        return [buffer.clone() for _, buffer in self._buffers(self.module)]

    def restore(self, kept: list[Tensor]) -> None:
        import torch

        with torch.no_grad():
            for (_, buffer), value in zip(self._buffers(self.module), kept, strict=True):
                buffer.copy_(value)

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """The state is afterwards what it was before."""
        kept = self.snapshot()
        try:
            yield
        finally:
            self.restore(kept)

    def synchronise(self) -> None:
        """Wait until the device has done what it was given."""
        import torch

        if self.device.type == "cuda":
            # Not the whole device: that would spoil another network's capture.
            torch.cuda.current_stream(self.device).synchronize()

    def _buffers(self, module: nn.Module) -> list[tuple[str, Tensor]]:
        if not self._state:
            return []
        return [item for item in module.named_buffers() if item[0].startswith(self._state)]

    def _copy_state(self, source: nn.Module, target: nn.Module) -> None:
        if source is not target:
            pairs = zip(self._buffers(source), self._buffers(target), strict=True)
            for (_, value), (_, buffer) in pairs:
                buffer.copy_(value)

    def _check_state(self) -> None:
        for module in (self.module, self.original):
            names = [name for name, _ in module.named_buffers()]
            for wanted in self._state:
                if not any(name.startswith(wanted) for name in names):
                    raise BadRequest(f"The module has no buffer {wanted!r}; it has {names}.")

    def _original_device(self) -> torch.device:
        first = next(iter([*self.original.parameters(), *self.original.buffers()]), None)
        return self.device if first is None else first.device


def _numbered(device: torch.device) -> torch.device:
    """A GPU with its number: tensors name theirs so."""
    import torch

    if device.type == "cuda" and device.index is None:
        return torch.device("cuda", torch.cuda.current_device())
    return device


def as_tuple(found: Any) -> Tensors:
    return tuple(found) if isinstance(found, tuple | list) else (found,)


def _traced(module: nn.Module, kind: torch.dtype, autocast: bool, device: str) -> nn.Module:
    """The module with its floats shortened on the way in and lengthened on the way out."""
    import torch
    from torch import nn

    short = kind != torch.float32 and not autocast

    class Traced(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = module
            self.gives_one = False

        def forward(self, *inputs: Tensor) -> Tensors:
            if short:
                inputs = tuple(x.to(kind) if x.is_floating_point() else x for x in inputs)
            if autocast:
                with torch.autocast(device, kind):
                    given = self.inner(*inputs)
            else:
                given = self.inner(*inputs)
            one, found = isinstance(given, torch.Tensor), as_tuple(given)
            if not torch.compiler.is_compiling() and self.gives_one != one:
                self.gives_one = one
            return tuple(x.float() if x.dtype == kind else x for x in found)

    return Traced().eval()
