"""A module in one precision on one device, beside the fp32 module that it is checked against."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from realtime.acceleration import trial_inputs
from realtime.acceleration.shapes import Tensors
from realtime.acceleration.state_changes import StateChange, find_changes, pair_with_truth
from realtime.acceleration.torch_modes import dtype_of, with_index
from realtime.errors import BadRequest

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


def disable_tf32() -> None:
    """Let fp32 mean fp32: shorten no matrix product or convolution of this process to TF32."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    # In 16 bits the sums are in full as well.
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False


class Network:
    """The module that plans run (`traced` takes and gives tensors), and the truth beside it.

    In fp32 the module itself is moved and used. In fp16 and bf16 a short copy works, and the module
    stays where it is, as the truth; under autocast the module works too and each of its operations
    chooses its precision. `state` names the buffers, or the beginnings of their names, that a call
    changes. `truth` is another module in the place of the truth, where the given one may be wrong.
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
        self._dtype = dtype_of(precision)
        self._autocast = autocast and precision != "fp32"
        self._state = tuple(state)
        self._check_state()
        # A truth with state or cases is called with tensors that are lent to it: the state, and
        # its weights on this device, which are kept here while many trials use them. Other truths
        # run on the device where they lie.
        self._truth_weights: dict[str, Tensor] | None = None
        self._lends = not self.is_exact and (bool(state) or trial_inputs.has_cases(self.given))
        if precision == "fp32" or self._autocast:
            self.module = module.to(self.device)
        else:
            self.module = self._short_copy(module)
        for other in {self.given, self.original} - {self.module}:
            self._forget_state(other)
        self._gave_one = False
        self.traced = _traced(self.module, self._dtype, self._autocast, self.device.type)

    @property
    def stateful(self) -> bool:
        return bool(self._state)

    @property
    def gives_one(self) -> bool:
        """Return whether the module gives a tensor and no tuple; known once it ran."""
        return self._gave_one or bool(self.traced.gives_one)

    @property
    def is_exact(self) -> bool:
        """Return whether the module that works is the truth itself."""
        return self.precision == "fp32" and self.original is self.given

    def run(self, inputs: Tensors) -> Tensors:
        """Run the working module as torch runs it."""
        import torch

        with torch.no_grad():
            found: Tensors = self.traced(*inputs)
        return found

    def run_exact(self, inputs: Tensors) -> Tensors:
        """Run the truth in the place of the working module; the state moves on with it."""
        import torch

        if self.is_exact:
            return self.run(inputs)
        if not self._state:
            return self._run_original(inputs)
        if self._truth_weights is None:
            self._truth_weights = self._weights_here()
        state = self._truth_state()
        found = self._run_original_with({**self._truth_weights, **state}, inputs)
        with torch.no_grad():
            for buffer, value in zip(self._state_now(), state.values(), strict=True):
                buffer.copy_(value)
        return found

    def expected(self, inputs: Tensors) -> tuple[Tensors, list[StateChange]]:
        """Return what the truth gives and what it changes; the state stays as it is.

        The truth's own state is freed after this call, and so are the weights that had to be
        copied to this device.
        """
        if self.is_exact and not self._state:
            return self.run(inputs), []
        if self.is_exact:
            with self.unchanged() as kept:
                found = self.run(inputs)
                return found, find_changes(kept, self._state_now())
        if not self._lends:
            return self.run_exact(inputs), []
        state = self._truth_state()
        weights = self._truth_weights or self._weights_here()
        found = self._run_original_with({**weights, **state}, inputs)
        return found, find_changes(self._state_now(), list(state.values()))

    @contextmanager
    def truth_on_device(self) -> Iterator[None]:
        """Keep the truth's weights on this device until the end of the block, for many trials."""
        before = self._truth_weights
        if self._lends and before is None:
            self._truth_weights = self._weights_here()
        try:
            yield
        finally:
            self._truth_weights = before

    def fill_state(self, inputs: Tensors) -> None:
        """Fill the state for a trial at these inputs, if the module says how."""
        import torch

        with torch.no_grad():
            trial_inputs.rehearse(self.module, inputs)

    def changed_since(
        self, before: list[Tensor], truth: list[StateChange]
    ) -> tuple[Tensors, Tensors]:
        """Return the state's rows that a call or its truth changed: as they are, and the truth."""
        return pair_with_truth(before, self._state_now(), truth)

    def to_device(self, inputs: Tensors) -> Tensors:
        """Return the inputs on this network's device."""
        if all(item.device == self.device for item in inputs):
            return inputs
        return tuple(item.to(self.device) for item in inputs)

    def snapshot(self) -> list[Tensor]:
        """Copy the state."""
        return [buffer.clone() for buffer in self._state_now()]

    def restore(self, kept: list[Tensor]) -> None:
        """Set the state back to a copy of it."""
        import torch

        with torch.no_grad():
            for buffer, value in zip(self._state_now(), kept, strict=True):
                buffer.copy_(value)

    @contextmanager
    def unchanged(self) -> Iterator[list[Tensor]]:
        """Set the state back at the end of the block; yield the copy of it."""
        kept = self.snapshot()
        try:
            yield kept
        finally:
            self.restore(kept)

    def synchronise(self) -> None:
        """Wait until the device has done what this thread queued."""
        import torch

        if self.device.type == "cuda":
            # Not the whole device: that would spoil another network's capture.
            torch.cuda.current_stream(self.device).synchronize()

    def _short_copy(self, module: nn.Module) -> nn.Module:
        """Copy a module in this precision to this device, with the state as it is."""
        # The state comes ready made, or `deepcopy` would make a copy of it in full first.
        ready: dict[int, Any] = {}
        for _, buffer in self._state_buffers(module):
            dtype = self._dtype if buffer.is_floating_point() else buffer.dtype
            ready[id(buffer)] = buffer.to(self.device, dtype, copy=True)
        return copy.deepcopy(module, ready).to(self.device, self._dtype)

    def _forget_state(self, module: nn.Module) -> None:
        """Free a truth's own state: whenever the truth is called, one is lent to it."""
        for name, buffer in self._state_buffers(module):
            owner, _, last = name.rpartition(".")
            setattr(module.get_submodule(owner), last, buffer.to("meta"))

    def _run_original(self, inputs: Tensors) -> Tensors:
        import torch

        there = self._original_device()
        with torch.no_grad():
            return self._on_this_device(self.original(*(item.to(there) for item in inputs)))

    def _run_original_with(self, tensors: dict[str, Tensor], inputs: Tensors) -> Tensors:
        """Run the truth with these weights and this state, which it may change."""
        import torch

        with torch.no_grad():
            found = torch.func.functional_call(self.original, tensors, inputs)
            return self._on_this_device(found)

    def _on_this_device(self, found: Any) -> Tensors:
        import torch

        self._gave_one = isinstance(found, torch.Tensor)
        return tuple(item.to(self.device) for item in as_tuple(found))

    def _weights_here(self) -> dict[str, Tensor]:
        """Return what the truth has besides its state, on this device."""
        named = [*self.original.named_parameters(), *self.original.named_buffers()]
        return {n: w.to(self.device) for n, w in named if not n.startswith(self._state)}

    def _truth_state(self) -> dict[str, Tensor]:
        """Copy the state in the truth's types."""
        pairs = zip(self._state_now(), self._state_buffers(self.original), strict=True)
        return {name: value.to(own.dtype, copy=True) for value, (name, own) in pairs}

    def _state_now(self) -> list[Tensor]:
        return [buffer for _, buffer in self._state_buffers(self.module)]

    def _state_buffers(self, module: nn.Module) -> list[tuple[str, Tensor]]:
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
    """Return a module's outputs as a tuple, also where it gives one tensor."""
    return tuple(found) if isinstance(found, tuple | list) else (found,)


def _traced(module: nn.Module, dtype: torch.dtype, autocast: bool, device: str) -> nn.Module:
    """Wrap a module: floats are shortened on the way in and become fp32 on the way out."""
    import torch
    from torch import nn

    short = dtype != torch.float32 and not autocast

    class Traced(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = module
            self.gives_one = False

        def forward(self, *inputs: Tensor) -> Tensors:
            if short:
                inputs = tuple(x.to(dtype) if x.is_floating_point() else x for x in inputs)
            if autocast:
                with torch.autocast(device, dtype):
                    given = self.inner(*inputs)
            else:
                given = self.inner(*inputs)
            one, found = isinstance(given, torch.Tensor), as_tuple(given)
            if not torch.compiler.is_compiling() and self.gives_one != one:
                self.gives_one = one
            return tuple(x.float() if x.dtype == dtype else x for x in found)

    return Traced().eval()
