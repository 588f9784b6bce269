"""A module in one precision on one device, beside the exact one it is held against."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from realtime.acceleration import trial_inputs
from realtime.acceleration.shapes import Tensors
from realtime.acceleration.state_changes import StateChange, beside, changed
from realtime.acceleration.torch_modes import dtype_of, with_index
from realtime.errors import BadRequest

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


def disable_tf32() -> None:
    """fp32 means fp32: no matrix product or convolution of this process is shortened to TF32."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    # In 16 bits the sums are in full as well.
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False


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

        disable_tf32()
        self.precision = precision
        self.device = with_index(device)
        self.given = module.eval().requires_grad_(False)
        self.original = self.given if truth is None else truth.eval().requires_grad_(False)
        self._kind = dtype_of(precision)
        self._autocast = autocast and precision != "fp32"
        self._state = tuple(state)
        self._check_state()
        # The truth's weights on this device, while they are in use; others run where they lie.
        self._long: dict[str, Tensor] | None = None
        self._lends = not self.is_exact and (bool(state) or trial_inputs.has_cases(self.given))
        if precision == "fp32" or self._autocast:
            self.module = module.to(self.device)
        else:
            self.module = self._short(module)
        for other in {self.given, self.original} - {self.module}:
            self._forget_state(other)
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
        """What the truth gives, on this device in the end; the state moves on with it."""
        import torch

        if self.is_exact:
            return self.run(inputs)
        if not self._state:
            return self._given_by_original(inputs)
        if self._long is None:
            self._long = self._weights()
        state = self._long_state()
        found = self._given_with({**self._long, **state}, inputs)
        with torch.no_grad():
            for (_, buffer), value in zip(self._buffers(), state.values(), strict=True):
                buffer.copy_(value)
        return found

    def truth(self, inputs: Tensors) -> tuple[Tensors, list[StateChange]]:
        """What the truth gives and what it changes; the state stays as it is.

        Its own state lasts no longer than this call, and its weights leave a device that is not
        theirs.
        """
        if self.is_exact and not self._state:
            return self.run(inputs), []
        if self.is_exact:
            with self.unchanged() as kept:
                found = self.run(inputs)
                return found, changed(kept, self._values())
        if not self._lends:
            return self.exact(inputs), []
        state = self._long_state()
        found = self._given_with({**(self._long or self._weights()), **state}, inputs)
        return found, changed(self._values(), list(state.values()))

    @contextmanager
    def truth_at_hand(self) -> Iterator[None]:
        """The truth's weights are on this device until the end of the block, for many trials."""
        before = self._long
        if self._lends and before is None:
            self._long = self._weights()
        try:
            yield
        finally:
            self._long = before

    def rehearse(self, inputs: Tensors) -> None:
        """Fill the state for a trial at these inputs."""
        import torch

        with torch.no_grad():
            trial_inputs.rehearse(self.module, inputs)

    def changed_since(
        self, before: list[Tensor], truth: list[StateChange]
    ) -> tuple[Tensors, Tensors]:
        """The state's rows that a call or its truth changed: as they are, as they should be."""
        return beside(before, self._values(), truth)

    def moved(self, inputs: Tensors) -> Tensors:
        if all(item.device == self.device for item in inputs):
            return inputs
        return tuple(item.to(self.device) for item in inputs)

    def snapshot(self) -> list[Tensor]:
        """The state as it is now."""
        return [buffer.clone() for buffer in self._values()]

    def restore(self, kept: list[Tensor]) -> None:
        import torch

        with torch.no_grad():
            for buffer, value in zip(self._values(), kept, strict=True):
                buffer.copy_(value)

    @contextmanager
    def unchanged(self) -> Iterator[list[Tensor]]:
        """The state is afterwards what it was before, and that is given."""
        kept = self.snapshot()
        try:
            yield kept
        finally:
            self.restore(kept)

    def synchronise(self) -> None:
        """Wait until the device has done what it was given."""
        import torch

        if self.device.type == "cuda":
            # Not the whole device: that would spoil another network's capture.
            torch.cuda.current_stream(self.device).synchronize()

    def _short(self, module: nn.Module) -> nn.Module:
        """A short copy with the state as it is, which is not copied in full first."""
        lent: dict[int, Any] = {}
        for _, buffer in self._named(module):
            kind = self._kind if buffer.is_floating_point() else buffer.dtype
            lent[id(buffer)] = buffer.to(self.device, kind, copy=True)
        return copy.deepcopy(module, lent).to(self.device, self._kind)

    def _forget_state(self, module: nn.Module) -> None:
        """A truth's own state takes no memory: it is lent one, whenever it is called."""
        for name, buffer in self._named(module):
            owner, _, last = name.rpartition(".")
            setattr(module.get_submodule(owner), last, buffer.to("meta"))

    def _given_by_original(self, inputs: Tensors) -> Tensors:
        import torch

        there = self._original_device()
        with torch.no_grad():
            return self._as_ours(self.original(*(item.to(there) for item in inputs)))

    def _given_with(self, lent: dict[str, Tensor], inputs: Tensors) -> Tensors:
        """What the truth gives with these weights and this state, which it may change."""
        import torch

        with torch.no_grad():
            return self._as_ours(torch.func.functional_call(self.original, lent, inputs))

    def _as_ours(self, found: Any) -> Tensors:
        import torch

        self._gave_one = isinstance(found, torch.Tensor)
        return tuple(item.to(self.device) for item in as_tuple(found))

    def _weights(self) -> dict[str, Tensor]:
        """What the truth has besides its state, on this device."""
        named = [*self.original.named_parameters(), *self.original.named_buffers()]
        return {n: w.to(self.device) for n, w in named if not n.startswith(self._state)}

    def _long_state(self) -> dict[str, Tensor]:
        """The state as the truth takes it: a copy."""
        pairs = zip(self._buffers(), self._named(self.original), strict=True)
        return {name: value.to(own.dtype, copy=True) for (_, value), (name, own) in pairs}

    def _buffers(self) -> list[tuple[str, Tensor]]:
        return self._named(self.module)

    def _values(self) -> list[Tensor]:
        return [buffer for _, buffer in self._buffers()]

    def _named(self, module: nn.Module) -> list[tuple[str, Tensor]]:
        if not self._state:
            return []
        return [item for item in module.named_buffers() if item[0].startswith(self._state)]

    def _check_state(self) -> None:
        for module in (self.given, self.original):
            names = [name for name, _ in module.named_buffers()]
            for wanted in self._state:
                if not any(name.startswith(wanted) for name in names):
                    raise BadRequest(f"The module has no buffer {wanted!r}; it has {names}.")

    def _original_device(self) -> torch.device:
        first = next(iter([*self.original.parameters(), *self.original.buffers()]), None)
        return self.device if first is None else first.device


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
